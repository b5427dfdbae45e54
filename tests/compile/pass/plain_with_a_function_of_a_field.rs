#![forbid(unsafe_code)]

use pmem2::map::plain;

/// A type that depends on a number.
trait Pick {
    type Out: Copy + 'static;
}

struct Number<const N: usize>;

impl Pick for Number<1> {
    type Out = &'static str;
}

impl Pick for Number<2> {
    type Out = [u64; 2];
}

const fn size<T>() -> usize {
    1
}

plain! {
    /// The second field's type calls a function with the name of the first one.
    struct Forged {
        size: u64,
        text: <Number<{ size::<[u8; 2]>() + 1 }> as Pick>::Out,
    }
}

fn main() {
    let forged = Forged { size: 1, text: [1, 2] };
    assert_eq!(forged.text.len(), 2);
}
