#![forbid(unsafe_code)]

use std::{fs::File, io::Write};

use pmem2::{linux::Linux, platform::{Borrowed, Transfer, Platform}};

/// Overwrites what this program opened itself.
fn main() {
    let path = std::env::temp_dir().join(format!("pmem2-compile-{}", std::process::id()));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file.write_all(&[1; 8]).unwrap();
    for file in [&file] {
        let fd = Borrowed::from(file);
        if let Ok(facts) = Linux::describe(fd) {
            let channel = Linux::channel(fd, &facts, None, 0..8, true).unwrap();
            Linux::write_at(fd, &channel, 0, [0; 8].as_slice().into()).unwrap();
        }
    }
}
