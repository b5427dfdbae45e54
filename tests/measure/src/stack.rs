//! Measures the stack that a call uses: the stack below is painted before the call, and the paint
//! is looked at after it.

use std::{hint::black_box, thread};

/// The painted bytes: more than any call here may use.
const PAINTED: usize = 64 * 1024;

/// The bytes next to the caller that are not painted, since the painter's own frame is there. Less
/// use than that cannot be seen.
const OWN: usize = 256;

/// A word that no call leaves by chance.
const PAINT: u64 = 0x7a3c_91e6_5db8_204f;

/// Returns an address in the frame of the caller, or just below it.
#[inline(always)]
fn here() -> usize {
    let local = 0_u8;
    black_box(&raw const local).expose_provenance() & !7
}

/// Returns the words from `PAINTED` to `OWN` bytes below the address, the lowest first.
fn words(top: usize) -> impl Iterator<Item = *mut u64> {
    (top - PAINTED..top - OWN).step_by(size_of::<u64>()).map(std::ptr::with_exposed_provenance_mut)
}

#[inline(never)]
fn paint(top: usize) {
    assert!(top - here() < OWN, "the painter would paint its own frame");
    for word in words(top) {
        // SAFETY: the thread's stack has room for it (`high_water`), and no frame is there: ours is
        // above.
        unsafe { word.write_volatile(PAINT) };
    }
}

#[inline(never)]
fn lowest_used(top: usize) -> usize {
    // SAFETY: `paint` wrote the words, which are in this thread's stack.
    let used = words(top).find(|word| unsafe { word.read_volatile() } != PAINT);
    used.map_or(top - OWN, |word| word.addr())
}

/// Measures one call. It is not inlined and does not know the call, whose memory would otherwise be
/// in this frame, above the paint.
#[inline(never)]
fn measured(call: &mut dyn FnMut()) -> usize {
    let top = here();
    paint(top);
    call();
    top - lowest_used(top)
}

/// Returns the bytes of stack that `call` uses with its own frame, at least 256: less cannot be
/// seen.
///
/// It runs twice in a thread of its own, since lazy binding happens the first time.
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
