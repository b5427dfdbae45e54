#![forbid(unsafe_code)]

use pmem2::map::plain;

plain! {
    /// A number stays the same wherever it is mapped, and an address does not.
    struct Link {
        next: &'static u64,
    }
}

fn main() {
    assert_eq!(Link { next: &7 }.next, &7);
}
