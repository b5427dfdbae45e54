//! Waiting for the end of an overlapped transfer.

use super::errors::Code;

/// A transfer that was begun. Until it has ended the system uses its memory: the buffer and the
/// `OVERLAPPED`.
pub(super) trait Pending {
    /// Tells whether it goes on.
    fn is_pending(&self) -> bool;
    /// Calls GetOverlappedResult: waits for the end, and returns the number of bytes transferred.
    fn result(&self) -> Result<usize, Code>;
    /// Calls CancelIoEx, which may not be able to cancel the transfer.
    fn cancel(&self);
    /// Lets some time pass.
    fn pause(&self);
}

/// Waits for the end of a transfer, and returns its result.
///
/// Waiting may fail, or end too early, where another part of the program closes or sets a handle
/// that is not its own: then the event does not belong to this transfer any more. Whatever happens,
/// this waits without a bound until the system has done with the memory: the caller gets the memory
/// back, and later writes to it would hit somebody else's data.
pub(super) fn end(transfer: &impl Pending) -> Result<usize, Code> {
    while transfer.is_pending() {
        let waited = transfer.result();
        if !transfer.is_pending() {
            break;
        }
        // Its end will not be signalled: the sooner it comes, the better.
        if waited.is_err() {
            transfer.cancel();
        }
        transfer.pause();
    }
    // Not the result of the waiting.
    transfer.result()
}
