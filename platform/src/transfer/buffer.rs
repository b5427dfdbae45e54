//! The caller's memory, as reading and writing take it.

use core::{marker::PhantomData, mem::MaybeUninit};

macro_rules! buffer {
    ($(#[$of:meta])* $name:ident, $pointer:ty, $kept:ty) => {
        $(#[$of])*
        #[derive(Debug)]
        pub struct $name<'b> {
            at: $pointer,
            length: usize,
            kept: PhantomData<$kept>,
        }

        // SAFETY: it stands for a slice of bytes, which may be sent as well.
        unsafe impl Send for $name<'_> {}
        // SAFETY: a reference to it gives a pointer and a number only.
        unsafe impl Sync for $name<'_> {}

        impl $name<'_> {
            /// Takes memory that may be anything, as C names it: it need not be mapped, and may
            /// vanish or be bad.
            ///
            /// # Safety
            ///
            /// While this buffer is used, the `length` bytes at `at` are no object of Rust's that
            /// anybody else uses in a way that would not be allowed beside a slice of them; they
            /// need not be there. Where there is no operating system ([`Bare`](crate::Bare)), they
            /// have to be, since nothing takes the fault for an error there.
            #[must_use]
            pub const unsafe fn from_raw_parts(at: $pointer, length: usize) -> Self {
                Self { at, length, kept: PhantomData }
            }

            /// Returns the number of bytes.
            #[must_use]
            pub const fn len(&self) -> usize {
                self.length
            }

            /// Returns whether there are none.
            #[must_use]
            pub const fn is_empty(&self) -> bool {
                self.length == 0
            }

            /// Returns a pointer to the first byte, for an implementation of
            /// [`Transfer`](crate::Transfer).
            #[must_use]
            pub const fn as_ptr(&self) -> $pointer {
                self.at
            }

            /// Returns the bytes from `start` on, at most `length`.
            #[must_use]
            pub fn part(&mut self, start: usize, length: usize) -> $name<'_> {
                let start = start.min(self.length);
                $name {
                    at: self.at.wrapping_add(start),
                    length: self.length.saturating_sub(start).min(length),
                    kept: PhantomData,
                }
            }
        }
    };
}

buffer! {
    /// Memory that bytes are read into. It may be uninitialized.
    ReadBuffer, *mut u8, &'b mut [MaybeUninit<u8>]
}

buffer! {
    /// Memory whose bytes are written.
    WriteBuffer, *const u8, &'b [u8]
}

impl<'b> From<&'b mut [u8]> for ReadBuffer<'b> {
    fn from(bytes: &'b mut [u8]) -> Self {
        Self { at: bytes.as_mut_ptr(), length: bytes.len(), kept: PhantomData }
    }
}

impl<'b> From<&'b mut [MaybeUninit<u8>]> for ReadBuffer<'b> {
    fn from(bytes: &'b mut [MaybeUninit<u8>]) -> Self {
        Self { at: bytes.as_mut_ptr().cast(), length: bytes.len(), kept: PhantomData }
    }
}

impl<'b> From<&'b [u8]> for WriteBuffer<'b> {
    fn from(bytes: &'b [u8]) -> Self {
        Self { at: bytes.as_ptr(), length: bytes.len(), kept: PhantomData }
    }
}
