//! How much of its stack a thread uses in a call: the stack below is painted, and afterwards one
//! looks how far the paint is gone.

use std::{hint::black_box, thread};

/// How much is painted: more than anything here may use.
const PAINTED: usize = 64 * 1024;

/// The painter paints nothing of what is next to its caller, where its own frame lies: what is used
/// is known no finer.
const OWN: usize = 256;

/// A word that no call leaves behind by chance.
const PAINT: u64 = 0x7a3c_91e6_5db8_204f;

/// An address in the frame of the caller, or just below it.
#[inline(always)]
fn here() -> usize {
    let local = 0_u8;
    black_box(&raw const local).expose_provenance() & !7
}

/// The words from `PAINTED` to `OWN` bytes below the address, from the lowest on.
fn words(top: usize) -> impl Iterator<Item = *mut u64> {
    (top - PAINTED..top - OWN).step_by(size_of::<u64>()).map(std::ptr::with_exposed_provenance_mut)
}

#[inline(never)]
fn paint(top: usize) {
    assert!(top - here() < OWN, "the painter would paint its own frame");
    for word in words(top) {
        // SAFETY: the thread's stack has room for it (`high_water`), and no frame is that far down:
        // ours is above it.
        unsafe { word.write_volatile(PAINT) };
    }
}

#[inline(never)]
fn lowest_used(top: usize) -> usize {
    // SAFETY: the words were written by `paint`, and are memory of this thread's stack.
    let used = words(top).find(|word| unsafe { word.read_volatile() } != PAINT);
    used.map_or(top - OWN, |word| word.addr())
}

/// Never inlined, and told nothing of the call: its frame would have the call's memory in it, above
/// what is painted.
#[inline(never)]
fn measured(call: &mut dyn FnMut()) -> usize {
    let top = here();
    paint(top);
    call();
    top - lowest_used(top)
}

/// How many bytes of stack `call` uses, its own frame included; at least 256, since less cannot be
/// told. It runs in a thread of its own, once to settle what happens only the first time (lazy
/// binding), and then once to measure.
pub fn high_water(mut call: impl FnMut() + Send) -> usize {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(8 * PAINTED);
        let used = thread.spawn_scoped(scope, || {
            measured(black_box(&mut call));
            measured(black_box(&mut call))
        });
        used.expect("a thread").join().expect("the call panicked")
    })
}
