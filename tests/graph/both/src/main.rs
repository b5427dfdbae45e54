//! pmem2 as it is when another library of the same program asked for `std`.

use std::{fs::File, os::fd::AsRawFd};

fn main() -> std::io::Result<()> {
    let path = std::env::current_exe()?;
    let file = File::open(&path)?;
    let directory = File::open("/")?;
    let length = file.metadata()?.len();
    plain::exercise(file.as_raw_fd(), directory.as_raw_fd(), length);
    assert_eq!(rich::sizes(&path)?, [length; 6]);
    assert_eq!(
        plain::size_of_any(&file).ok(),
        Some(length),
        "std's handles go into plain's generic functions"
    );
    println!("plain and rich: ok");
    Ok(())
}
