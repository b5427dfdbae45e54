#![forbid(unsafe_code)]

use pmem2::map::plain;

/// Checks nothing.
#[allow(unused_macros)]
macro_rules! assert {
    ($($anything:tt)*) => {};
}

plain! {
    /// A number, and a flag of its size.
    struct Entry {
        number: u64,
        flag: u64,
    }
}

fn main() {
    let entry = Entry { number: 1, flag: 0 };
    assert_eq!(u64::from(entry.flag) + entry.number, 1);
}
