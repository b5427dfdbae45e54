#![forbid(unsafe_code)]

use pmem2::{linux::Linux, platform::Locate};

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let source = pmem2::Source::new(&file).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
    let facts = source.facts();
    let _ = Linux::locate(fd, facts);
    let _ = Linux::synchronous(fd, facts);
    let _ = Linux::direct(fd, facts);
}
