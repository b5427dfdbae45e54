//! Accesses to memory that others may change meanwhile: loads and stores of one instruction each,
//! and the copies that are made of them.
//!
//! They are instructions, and where none is written down here atomics: neither the compiler nor
//! the language's rules for races see more than that.

#[cfg(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "riscv64",
    target_arch = "riscv32",
    target_arch = "arm",
    target_arch = "s390x"
))]
use core::arch::asm;

/// Makes a load and a store of one type of their instructions.
#[allow(unused_macros, reason = "not every processor's instructions are written down")]
macro_rules! instructions {
    ($($load:ident $store:ident $type:ty, $register:ident as $in:ty, $address:ident,
        $from:literal, $to:literal;)*) => {$(
        /// # Safety
        ///
        /// The bytes are mapped for loads.
        #[inline]
        unsafe fn $load(from: *const $type) -> $type {
            let value: $in;
            // SAFETY: the caller has them mapped; a load changes nothing but the register.
            unsafe {
                asm!($from, v = out($register) value, a = in($address) from,
                    options(nostack, preserves_flags, readonly));
            }
            #[allow(clippy::as_conversions, clippy::unnecessary_cast, trivial_numeric_casts,
                reason = "the register may be wider than the value")]
            { value as $type }
        }

        /// # Safety
        ///
        /// The bytes are mapped for stores.
        #[inline]
        unsafe fn $store(to: *mut $type, value: $type) {
            // SAFETY: the caller has them mapped; a store changes them alone.
            unsafe {
                #[allow(clippy::as_conversions, clippy::unnecessary_cast, clippy::cast_lossless,
                    trivial_numeric_casts, reason = "the register may be wider than the value")]
                {
                    asm!($to, v = in($register) value as $in, a = in($address) to,
                        options(nostack, preserves_flags));
                }
            }
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
instructions! {
    load_1 store_1 u8, reg_byte as u8, reg, "mov {v}, byte ptr [{a}]", "mov byte ptr [{a}], {v}";
    load_2 store_2 u16, reg as u16, reg, "mov {v:x}, word ptr [{a}]", "mov word ptr [{a}], {v:x}";
    load_4 store_4 u32, reg as u32, reg, "mov {v:e}, dword ptr [{a}]", "mov dword ptr [{a}], {v:e}";
    load_8 store_8 u64, reg as u64, reg, "mov {v}, qword ptr [{a}]", "mov qword ptr [{a}], {v}";
}

#[cfg(target_arch = "x86")]
instructions! {
    load_1 store_1 u8, reg_byte as u8, reg, "mov {v}, byte ptr [{a}]", "mov byte ptr [{a}], {v}";
    load_2 store_2 u16, reg as u16, reg, "mov {v:x}, word ptr [{a}]", "mov word ptr [{a}], {v:x}";
    load_4 store_4 u32, reg as u32, reg, "mov {v:e}, dword ptr [{a}]", "mov dword ptr [{a}], {v:e}";
}

#[cfg(target_arch = "aarch64")]
instructions! {
    load_1 store_1 u8, reg as u32, reg, "ldrb {v:w}, [{a}]", "strb {v:w}, [{a}]";
    load_2 store_2 u16, reg as u32, reg, "ldrh {v:w}, [{a}]", "strh {v:w}, [{a}]";
    load_4 store_4 u32, reg as u32, reg, "ldr {v:w}, [{a}]", "str {v:w}, [{a}]";
    load_8 store_8 u64, reg as u64, reg, "ldr {v}, [{a}]", "str {v}, [{a}]";
}

#[cfg(target_arch = "arm")]
instructions! {
    load_1 store_1 u8, reg as u32, reg, "ldrb {v}, [{a}]", "strb {v}, [{a}]";
    load_2 store_2 u16, reg as u32, reg, "ldrh {v}, [{a}]", "strh {v}, [{a}]";
    load_4 store_4 u32, reg as u32, reg, "ldr {v}, [{a}]", "str {v}, [{a}]";
}

#[cfg(any(target_arch = "riscv64", target_arch = "riscv32"))]
instructions! {
    load_1 store_1 u8, reg as usize, reg, "lbu {v}, 0({a})", "sb {v}, 0({a})";
    load_2 store_2 u16, reg as usize, reg, "lhu {v}, 0({a})", "sh {v}, 0({a})";
    load_4 store_4 u32, reg as usize, reg, "lw {v}, 0({a})", "sw {v}, 0({a})";
}

#[cfg(target_arch = "riscv64")]
instructions! {
    load_8 store_8 u64, reg as u64, reg, "ld {v}, 0({a})", "sd {v}, 0({a})";
}

#[cfg(target_arch = "s390x")]
instructions! {
    load_1 store_1 u8, reg as u64, reg_addr, "llgc {v}, 0({a})", "stc {v}, 0({a})";
    load_2 store_2 u16, reg as u64, reg_addr, "llgh {v}, 0({a})", "sth {v}, 0({a})";
    load_4 store_4 u32, reg as u64, reg_addr, "llgf {v}, 0({a})", "st {v}, 0({a})";
    load_8 store_8 u64, reg as u64, reg_addr, "lg {v}, 0({a})", "stg {v}, 0({a})";
}

/// Makes a load and a store of one type of an atomic.
#[allow(unused_macros, reason = "most processors have instructions for all")]
macro_rules! atomics {
    ($($load:ident $store:ident $type:ty, $atomic:ident;)*) => {$(
        /// # Safety
        ///
        /// The bytes are mapped for loads, at a multiple of their number.
        #[inline]
        unsafe fn $load(from: *const $type) -> $type {
            use core::sync::atomic::{$atomic, Ordering::Relaxed};
            // SAFETY: the caller has them mapped, and aligned.
            unsafe { $atomic::from_ptr(from.cast_mut()) }.load(Relaxed)
        }

        /// # Safety
        ///
        /// The bytes are mapped for stores, at a multiple of their number.
        #[inline]
        unsafe fn $store(to: *mut $type, value: $type) {
            use core::sync::atomic::{$atomic, Ordering::Relaxed};
            // SAFETY: the caller has them mapped, and aligned.
            unsafe { $atomic::from_ptr(to) }.store(value, Relaxed);
        }
    )*};
}

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "riscv64",
    target_arch = "riscv32",
    target_arch = "arm",
    target_arch = "s390x"
)))]
atomics! {
    load_1 store_1 u8, AtomicU8;
    load_2 store_2 u16, AtomicU16;
    load_4 store_4 u32, AtomicU32;
}

#[cfg(all(
    target_has_atomic = "64",
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "s390x"
    ))
))]
atomics! { load_8 store_8 u64, AtomicU64; }

/// Two accesses, where the processor has none of 8 bytes.
#[cfg(not(any(target_has_atomic = "64", target_arch = "riscv64", target_arch = "s390x")))]
mod halves {
    use super::{load_4, store_4};

    /// # Safety
    ///
    /// The bytes are mapped for loads.
    pub(super) unsafe fn load_8(from: *const u64) -> u64 {
        let from = from.cast::<u32>();
        // SAFETY: the caller's.
        let halves = unsafe { [load_4(from), load_4(from.wrapping_add(1))] };
        // SAFETY: transmute requires equal sizes, and that the value is one: any 8 bytes are.
        unsafe { core::mem::transmute::<[u32; 2], u64>(halves) }
    }

    /// # Safety
    ///
    /// The bytes are mapped for stores.
    pub(super) unsafe fn store_8(to: *mut u64, value: u64) {
        // SAFETY: as above.
        let [first, second] = unsafe { core::mem::transmute::<u64, [u32; 2]>(value) };
        let to = to.cast::<u32>();
        // SAFETY: the caller's.
        unsafe {
            store_4(to, first);
            store_4(to.wrapping_add(1), second);
        }
    }
}
#[cfg(not(any(target_has_atomic = "64", target_arch = "riscv64", target_arch = "s390x")))]
use halves::{load_8, store_8};

/// # Safety
///
/// 8 bytes are mapped for loads, at a multiple of 8.
#[inline]
pub(crate) unsafe fn load_word(from: *const u64) -> u64 {
    // SAFETY: the caller's.
    unsafe { load_8(from) }
}

/// # Safety
///
/// 8 bytes are mapped for stores, at a multiple of 8.
#[inline]
pub(crate) unsafe fn store_word(to: *mut u64, word: u64) {
    // SAFETY: the caller's.
    unsafe { store_8(to, word) }
}

/// Returns the size of the next piece of a range: the largest of 8, 4, 2 and 1 that divides the
/// address and is no more than what is left, which is not 0.
#[inline]
fn piece(address: usize, left: usize) -> usize {
    let largest = 1_usize.wrapping_shl(left.ilog2().min(3));
    (address | largest) & (address | largest).wrapping_neg()
}

/// Loads and stores of a piece of 8, 4, 2 or 1 bytes, as the low bytes of a number are laid out.
#[derive(Clone, Copy)]
union Piece {
    eight: u64,
    four: u32,
    two: u16,
    one: u8,
}

impl Piece {
    /// Reads private memory.
    ///
    /// # Safety
    ///
    /// The `size` bytes can be read, and nobody changes them.
    #[inline]
    unsafe fn read(from: *const u8, size: usize) -> Self {
        // SAFETY: the caller's, at any address.
        unsafe {
            match size {
                8 => Self { eight: from.cast::<u64>().read_unaligned() },
                4 => Self { four: from.cast::<u32>().read_unaligned() },
                2 => Self { two: from.cast::<u16>().read_unaligned() },
                _ => Self { one: from.read() },
            }
        }
    }

    /// Writes private memory.
    ///
    /// # Safety
    ///
    /// The piece was read or loaded with this size, and the bytes can be written to.
    #[inline]
    unsafe fn write(self, to: *mut u8, size: usize) {
        // SAFETY: the caller's, at any address; any bytes are a number.
        unsafe {
            match size {
                8 => to.cast::<u64>().write_unaligned(self.eight),
                4 => to.cast::<u32>().write_unaligned(self.four),
                2 => to.cast::<u16>().write_unaligned(self.two),
                _ => to.write(self.one),
            }
        }
    }

    /// Loads mapped memory.
    ///
    /// # Safety
    ///
    /// The `size` bytes are mapped for loads, at a multiple of `size`.
    #[inline]
    unsafe fn load(from: *const u8, size: usize) -> Self {
        // SAFETY: the caller's.
        unsafe {
            match size {
                8 => Self { eight: load_8(from.cast()) },
                4 => Self { four: load_4(from.cast()) },
                2 => Self { two: load_2(from.cast()) },
                _ => Self { one: load_1(from) },
            }
        }
    }

    /// Stores to mapped memory.
    ///
    /// # Safety
    ///
    /// The piece was read or loaded with this size, and the bytes are mapped for stores, at a
    /// multiple of `size`.
    #[inline]
    unsafe fn store(self, to: *mut u8, size: usize) {
        // SAFETY: the caller's; any bytes are a number.
        unsafe {
            match size {
                8 => store_8(to.cast(), self.eight),
                4 => store_4(to.cast(), self.four),
                2 => store_2(to.cast(), self.two),
                _ => store_1(to, self.one),
            }
        }
    }
}

/// Calls `each` with the offset and the size of every piece of `length` bytes at `address`, from
/// the first to the last.
#[inline]
pub(super) fn pieces(address: usize, length: usize, mut each: impl FnMut(usize, usize)) {
    let mut done = 0_usize;
    while done < length {
        let size = piece(address.wrapping_add(done), length.wrapping_sub(done));
        if size < 8 {
            each(done, size);
            done = done.wrapping_add(size);
        }
        // Whole words, in a loop without other branches.
        let words = if size < 8 { 0 } else { length.wrapping_sub(done) / 8 };
        for _ in 0..words {
            each(done, 8);
            done = done.wrapping_add(8);
        }
    }
}

/// Copies private memory to mapped memory.
///
/// # Safety
///
/// The rules of `Steps::store`.
#[inline]
pub(crate) unsafe fn store(to: *mut u8, from: *const u8, length: usize) {
    pieces(to.addr(), length, |done, size| {
        // SAFETY: the caller can read `length` bytes at `from`, and has as many mapped at `to`. The
        // piece is within them, and its size divides its address.
        unsafe { Piece::read(from.wrapping_add(done), size).store(to.wrapping_add(done), size) };
    });
}

/// Copies mapped memory to private memory.
///
/// # Safety
///
/// The rules of `Steps::load`.
#[inline]
pub(crate) unsafe fn load(to: *mut u8, from: *const u8, length: usize) {
    pieces(from.addr(), length, |done, size| {
        // SAFETY: the caller has `length` bytes mapped at `from`, and can write as many at `to`.
        // The piece is within them, and its size divides its address.
        unsafe { Piece::load(from.wrapping_add(done), size).write(to.wrapping_add(done), size) };
    });
}

/// Fills mapped memory.
///
/// # Safety
///
/// The rules of `Steps::fill`.
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, length: usize) {
    let piece = Piece { eight: u64::from_ne_bytes([byte; 8]) };
    pieces(to.addr(), length, |done, size| {
        // SAFETY: the caller has `length` bytes mapped at `to`. The piece is within them, and its
        // size divides its address. All of its 8 bytes are set.
        unsafe { piece.store(to.wrapping_add(done), size) };
    });
}

/// Copies mapped memory to mapped memory. The loads of a piece come before its store, and the
/// pieces in the direction in which none is overwritten before it was loaded.
///
/// # Safety
///
/// The rules of `Steps::move_within`.
pub(crate) unsafe fn move_within(to: *mut u8, from: *const u8, length: usize) {
    let backwards = to.addr().wrapping_sub(from.addr()) < length;
    let mut left = length;
    while left > 0 {
        let start = if backwards { 0 } else { length.wrapping_sub(left) };
        let edge = to.addr().wrapping_add(if backwards { left } else { start });
        // An end is aligned as an address is.
        let size = piece(edge, left);
        let start = if backwards { left.wrapping_sub(size) } else { start };
        let mut bytes = [0; 8];
        // SAFETY: the caller has `length` bytes mapped at `from`, and at `to`. The piece is within
        // them, and its size divides its address at `to`; 8 bytes have room for it.
        unsafe {
            load(bytes.as_mut_ptr(), from.wrapping_add(start), size);
            Piece::read(bytes.as_ptr(), size).store(to.wrapping_add(start), size);
        }
        left = left.wrapping_sub(size);
    }
}
