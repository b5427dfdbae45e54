//! QEMU's services for a program without a device for them: Arm's semihosting specification 3.

use core::{cell::UnsafeCell, slice};

use super::machine::host;

const SYS_GET_CMDLINE: usize = 0x15;
const SYS_EXIT: usize = 0x18;
/// The program ended by itself, with a status.
const ADP_STOPPED_APPLICATION_EXIT: usize = 0x20026;

/// The longest command line.
const LINE: usize = 1024;

struct Line(UnsafeCell<[u8; LINE]>);

// SAFETY: there is one processor, and `command_line` is called once.
unsafe impl Sync for Line {}

static LINE_BYTES: Line = Line(UnsafeCell::new([0; LINE]));

/// Returns the options of `-append`, which follow the kernel's name. To be called once.
pub(super) fn command_line() -> &'static str {
    let bytes = LINE_BYTES.0.get().cast::<u8>();
    let mut block = [bytes.expose_provenance(), LINE];
    // SAFETY: the block has a buffer and its length, which QEMU replaces by the length of the text
    // without its zero.
    if unsafe { host(SYS_GET_CMDLINE, block.as_mut_ptr()) } != 0 {
        return "";
    }
    let [_, length] = block;
    // SAFETY: the buffer has LINE bytes, and nobody writes to it any more.
    let line = unsafe { slice::from_raw_parts(bytes.cast_const(), length.min(LINE)) };
    str::from_utf8(line).unwrap_or_default()
}

/// Ends QEMU with this status.
pub(crate) fn exit(status: u8) -> ! {
    let mut block = [ADP_STOPPED_APPLICATION_EXIT, status.into()];
    loop {
        // SAFETY: the block has a reason and a status. QEMU does not return.
        unsafe { host(SYS_EXIT, block.as_mut_ptr()) };
    }
}
