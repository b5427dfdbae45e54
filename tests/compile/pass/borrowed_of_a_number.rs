#![deny(unsafe_op_in_unsafe_fn)]

use pmem2::{linux::Linux, platform::{Borrowed, Platform}};

fn main() {
    // SAFETY: from_raw wants a number that is not opened meanwhile, as nothing opens this one.
    let fd = unsafe { Borrowed::from_raw(Linux, -1) };
    let _ = Linux::describe(fd);
}
