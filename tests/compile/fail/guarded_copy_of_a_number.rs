#![forbid(unsafe_code)]

use pmem2_platform::{GuardedCopy, SigbusHandler};

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let fd = &std::os::fd::AsRawFd::as_raw_fd(&file);
    GuardedCopy::new(SigbusHandler::install().unwrap(), fd, 0, 8, false).unwrap();
}
