#![forbid(unsafe_code)]

use pmem2::{badblocks::ClearBy, linux::Linux, platform::BadBlocks};

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let source = pmem2::Source::new(&file).unwrap();
    let fd = pmem2::platform::Borrowed::from(&file);
    let facts = source.facts();
    if let Ok(mut list) = Linux::list_bad(fd, facts) {
        let _ = Linux::next_bad(fd, facts, &mut list, 0);
    }
    let _ = Linux::clear_bad(fd, facts, 0..512, ClearBy::Allocation);
}
