//! The emulator's services: Arm's semihosting specification 3.

use core::{
    arch::asm,
    fmt::{self, Arguments, Write},
    str,
};

use crate::End;

const SYS_WRITEC: usize = 0x03;
const SYS_GET_CMDLINE: usize = 0x15;
const SYS_EXIT_EXTENDED: usize = 0x20;
/// The program ended by itself, with a status.
const ADP_STOPPED_APPLICATION_EXIT: usize = 0x20026;

/// # Safety
///
/// `operation` and `argument` are as in the specification.
unsafe fn call(operation: usize, argument: *mut ()) -> usize {
    let result;
    // SAFETY: on M-profile processors this breakpoint is a call of the host, with the arguments in
    // r0 and r1 and the result in r0. The caller answers for the arguments.
    unsafe {
        asm!("bkpt #0xab", inlateout("r0") operation => result, in("r1") argument, options(nostack))
    };
    result
}

struct Output;

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for mut byte in text.bytes() {
            // SAFETY: WRITEC reads one byte.
            unsafe { call(SYS_WRITEC, (&raw mut byte).cast()) };
        }
        Ok(())
    }
}

pub fn line(text: Arguments<'_>) {
    // The host's output does not fail; if it did, there would be no way to report it.
    let (Ok(()) | Err(fmt::Error)) = Output.write_fmt(text).and_then(|()| Output.write_str("\n"));
}

/// Returns the arguments of `-semihosting-config arg=`, in `buffer`.
pub fn command_line(buffer: &mut [u8]) -> &str {
    let mut block = [buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: the block has a buffer and its length, which the host replaces by the text's length.
    if unsafe { call(SYS_GET_CMDLINE, block.as_mut_ptr().cast()) } != 0 {
        return "";
    }
    let [_, length] = block;
    buffer.get(..length).and_then(|line| str::from_utf8(line).ok()).unwrap_or_default()
}

/// Ends the emulator.
pub fn exit(end: End) -> ! {
    let mut block = [ADP_STOPPED_APPLICATION_EXIT, end as usize];
    loop {
        // SAFETY: the block has a reason and a status.
        unsafe { call(SYS_EXIT_EXTENDED, block.as_mut_ptr().cast()) };
    }
}
