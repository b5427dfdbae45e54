//! pmem2 as it is without `std`, or with the features that this program was told to add. What
//! `plain` means must not change.

use std::{fs::File, os::fd::AsRawFd};

fn main() -> std::io::Result<()> {
    let path = std::env::current_exe()?;
    let file = File::open(&path)?;
    let directory = File::open("/")?;
    plain::exercise(file.as_raw_fd(), directory.as_raw_fd(), file.metadata()?.len());
    plain::own::exercise(&plain::own::Opened(file.try_clone()?), file.metadata()?.len());
    #[cfg(feature = "rustix-std")]
    {
        // rustix's descriptors are std's: the feature took effect.
        let opened: std::os::fd::OwnedFd =
            rustix::fs::open(&path, rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty())?;
        plain::exercise(opened.as_raw_fd(), directory.as_raw_fd(), file.metadata()?.len());
    }
    println!("plain alone: ok");
    Ok(())
}
