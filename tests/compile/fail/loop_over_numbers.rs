#![forbid(unsafe_code)]

use pmem2::{linux::Linux, platform::{Transfer, Platform}};

/// Whatever is open in this process, overwritten.
fn main() {
    for fd in 3..64 {
        if let Ok(facts) = Linux::describe(fd) {
            let channel = Linux::channel(fd, &facts, None, 0..8, true).unwrap();
            Linux::write_at(fd, &channel, 0, [0; 8].as_slice().into()).unwrap();
        }
    }
}
