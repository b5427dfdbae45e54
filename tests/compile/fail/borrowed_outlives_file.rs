#![forbid(unsafe_code)]

use pmem2::{linux::Linux, platform::{Borrowed, Platform}};

fn main() {
    let fd = {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        Borrowed::from(&file)
    };
    Linux::describe(fd).unwrap();
}
