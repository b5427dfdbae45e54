#![forbid(unsafe_code)]

use pmem2::{linux::Linux, platform::Platform};

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let source = pmem2::Source::new(&file).unwrap();
    let fd = pmem2::platform::Borrowed::from(&file);
    let facts = source.facts();
    Linux::describe(fd).unwrap();
    Linux::size(fd, facts).unwrap();
    let _ = Linux::alignment(fd, facts);
    Linux::allocated(fd, facts).unwrap();
    Linux::file_system(fd, facts).unwrap();
}
