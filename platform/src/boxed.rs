//! A box that is made, or not, but never aborts.

use alloc::{alloc::alloc, boxed::Box};
use core::alloc::Layout;

/// Moves `value` into a box. `Err` gives it back where there is no memory: `Box::try_new` is not
/// stable yet.
pub fn try_box<T>(value: T) -> Result<Box<T>, T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value));
    }
    // SAFETY: `alloc` wants a layout of a size other than 0, which this one has.
    let memory = unsafe { alloc(layout) }.cast::<T>();
    if memory.is_null() {
        return Err(value);
    }
    // SAFETY: `memory` is valid for a write of T and aligned for it, since it was allocated with
    // T's layout; nobody else has it.
    unsafe { memory.write(value) };
    // SAFETY: Box documents that memory which the global allocator gave for T's layout, and which
    // holds a T, may become a Box<T> ("Memory layout" in std::boxed); it does so once.
    Ok(unsafe { Box::from_raw(memory) })
}

#[cfg(test)]
mod tests {
    use super::try_box;
    use std::string::String;

    #[test]
    fn boxes_values_of_every_size() {
        assert_eq!(*try_box(String::from("kept")).unwrap(), "kept");
        assert_eq!(*try_box([7_u64; 100]).unwrap(), [7; 100]);
        try_box(()).unwrap();
    }
}
