#![forbid(unsafe_code)]

use pmem2::{linux::Linux, platform::Transfer};

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let source = pmem2::Source::new(&file).unwrap();
    let fd = pmem2::platform::Borrowed::from(&file);
    let facts = source.facts();
    let channel = Linux::channel(fd, facts, None, 0..8, false).unwrap();
    Linux::read_at(fd, &channel, 0, [0; 8].as_mut_slice().into()).unwrap();
    let _ = Linux::write_at(fd, &channel, 0, [0; 8].as_slice().into());
    let _ = Linux::sync(fd, facts);
}
