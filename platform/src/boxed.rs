//! Boxes whose allocation may fail.

use alloc::{alloc::alloc, boxed::Box};
use core::alloc::Layout;

/// Moves `value` into a box, or returns it where there is no memory. (`Box::try_new` is not
/// stable.)
pub fn try_box<T>(value: T) -> Result<Box<T>, T> {
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(value));
    }
    // SAFETY: `alloc` requires a layout whose size is not 0, as here.
    let memory = unsafe { alloc(layout) }.cast::<T>();
    if memory.is_null() {
        return Err(value);
    }
    // SAFETY: `memory` was allocated with T's layout, so it is valid for a write of T and aligned
    // for it. Nobody else has it.
    unsafe { memory.write(value) };
    // SAFETY: memory from the global allocator with T's layout that holds a T may become a Box<T>
    // ("Memory layout" in std::boxed). It does so once.
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
