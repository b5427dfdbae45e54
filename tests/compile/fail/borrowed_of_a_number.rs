#![forbid(unsafe_code)]

use pmem2::{linux::Linux, platform::{Borrowed, Platform}};

fn main() {
    let fd = Borrowed::from_raw(Linux, 3);
    let _ = Linux::describe(fd);
}
