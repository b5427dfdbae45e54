#![forbid(unsafe_code)]

use std::{fs::File, io::Write};

use pmem2::{linux::Linux, platform::{Borrowed, Transfer, Platform}};

/// What this program opened itself, overwritten.
fn main() {
    let mut file: File = tempfile::tempfile().unwrap();
    file.write_all(&[1; 8]).unwrap();
    for file in [&file] {
        let fd = Borrowed::from(file);
        if let Ok(facts) = Linux::describe(fd) {
            let channel = Linux::channel(fd, &facts, None, 0..8, true).unwrap();
            Linux::write_at(fd, &channel, 0, [0; 8].as_slice().into()).unwrap();
        }
    }
}
