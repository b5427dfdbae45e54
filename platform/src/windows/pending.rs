//! Waiting for the end of a transfer that goes on after its call has returned.

use super::errors::Code;

/// A transfer that was begun. Until it has ended the system uses its memory: the buffer and the
/// `OVERLAPPED`.
pub(super) trait Pending {
    /// Whether it goes on.
    fn is_pending(&self) -> bool;
    /// GetOverlappedResult: waits if it goes on. Of one that has ended, what came of it: how many
    /// bytes were transferred.
    fn result(&self) -> Result<usize, Code>;
    /// CancelIoEx. Nothing of the kind may be possible, and it goes on until it is done.
    fn cancel(&self);
    /// Lets some time pass.
    fn pause(&self);
}

/// What comes of a transfer, when it has ended.
///
/// Waiting may fail, or end too early, where something else of the program closes or sets a handle
/// that is not its own: then the event is not this transfer's any more. Whatever happens, this goes
/// on until the system has done with the memory, without a bound, since the caller gets the memory
/// back: what would be written to it then is somebody else's.
pub(super) fn end(transfer: &impl Pending) -> Result<usize, Code> {
    while transfer.is_pending() {
        let waited = transfer.result();
        if !transfer.is_pending() {
            break;
        }
        // Nobody will be told of its end: the sooner it comes, the better.
        if waited.is_err() {
            transfer.cancel();
        }
        transfer.pause();
    }
    // Not what came of the waiting.
    transfer.result()
}
