//! Types whose values mapped bytes can be.

/// Types without padding whose values any bytes are: a value of one can be read from mapped memory
/// and written to it.
///
/// Numbers and arrays of them are. [`plain!`](crate::plain) makes a struct one, without `unsafe` in
/// the program.
///
/// # Safety
///
/// Any bytes are a value, and no byte of a value is uninitialized (padding).
#[diagnostic::on_unimplemented(
    note = "numbers, arrays of them, and structs declared by `pmem2::map::plain!` are `Plain`"
)]
pub unsafe trait Plain: Copy + 'static {}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        // SAFETY: any bytes are a number, and all of its bytes are.
        unsafe impl Plain for $number {}
    )*};
}
numbers! { u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize isize f32 f64 }

// SAFETY: an array has the bytes of its elements, and no others.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Types that mapped memory can be looked at as, in place, while others change it: atomics, arrays
/// of them, and structs that [`shared!`](crate::shared) makes of them.
///
/// # Safety
///
/// All bytes of a value are bytes of atomics, and any bytes are a value.
#[diagnostic::on_unimplemented(
    note = "atomics, arrays of them, and structs declared by `pmem2::map::shared!` are `Shared`"
)]
pub unsafe trait Shared: Sync + 'static {}

macro_rules! atomics {
    ($($atomic:ident if $has:meta;)*) => {$(
        // SAFETY: any bytes are a value of the atomic, and all of its bytes are.
        #[cfg($has)]
        unsafe impl Shared for core::sync::atomic::$atomic {}
    )*};
}
// Some of these processors have loads and stores alone, and the types for them.
atomics! {
    AtomicU8 if any(target_has_atomic = "8", target_arch = "arm", target_arch = "riscv32");
    AtomicI8 if any(target_has_atomic = "8", target_arch = "arm", target_arch = "riscv32");
    AtomicU16 if any(target_has_atomic = "16", target_arch = "arm", target_arch = "riscv32");
    AtomicI16 if any(target_has_atomic = "16", target_arch = "arm", target_arch = "riscv32");
    AtomicU32 if any(target_has_atomic = "32", target_arch = "arm", target_arch = "riscv32");
    AtomicI32 if any(target_has_atomic = "32", target_arch = "arm", target_arch = "riscv32");
    AtomicU64 if target_has_atomic = "64";
    AtomicI64 if target_has_atomic = "64";
    AtomicUsize if any(target_has_atomic = "ptr", target_arch = "arm", target_arch = "riscv32");
    AtomicIsize if any(target_has_atomic = "ptr", target_arch = "arm", target_arch = "riscv32");
}

// SAFETY: an array has the bytes of its elements, and no others.
unsafe impl<T: Shared, const N: usize> Shared for [T; N] {}

/// Returns the size of a field, which has to be plain. For [`plain!`](crate::plain).
#[doc(hidden)]
#[must_use]
pub const fn plain_field<S, T: Plain>(_: fn(&S) -> &T) -> usize {
    size_of::<T>()
}

/// Returns the size of a field, which has to be of atomics. For [`shared!`](crate::shared).
#[doc(hidden)]
#[must_use]
pub const fn shared_field<S, T: Shared>(_: fn(&S) -> &T) -> usize {
    size_of::<T>()
}

/// Does not compile for a struct that has more bytes than its fields together.
#[doc(hidden)]
pub const fn no_padding<S>(mut fields: &[usize]) {
    let mut rest = size_of::<S>();
    while let [size, others @ ..] = fields {
        rest = rest.saturating_sub(*size);
        fields = others;
    }
    assert!(rest == 0, "there must be no padding: order the fields by size, or add fields for it");
}

/// Declares structs whose fields are [`Plain`](crate::Plain), and which are then themselves. They
/// become `repr(C)`, `Copy` and `Clone`.
///
/// ```
/// # mod pmem2 { pub mod map { pub use pmem2_platform::plain; } }
/// # fn main() {
/// use pmem2::map::plain;
///
/// plain! {
///     /// The first bytes of a log.
///     #[derive(Debug, PartialEq)]
///     pub struct Header { magic: u64, pub version: u32, reserved: u32 }
/// }
/// # }
/// ```
///
/// A struct with padding does not compile, nor one with a field that is not plain. Fields have
/// names. The structs have no parameters, and no attributes except documentation and, after it,
/// `derive`, which does not name `Clone` and `Copy`: they are there already.
#[macro_export]
macro_rules! plain {
    ($(
        $(#[doc = $doc:expr])* $(#[derive($($derive:path),* $(,)?)])*
        $visible:vis struct $name:ident {
            $($(#[doc = $on_field:expr])* $field_visible:vis $field:ident: $type:ty),* $(,)?
        }
    )*) => {$(
        $(#[doc = $doc])*
        $(#[derive($($derive),*)])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $visible struct $name { $($(#[doc = $on_field])* $field_visible $field: $type),* }

        // SAFETY: the fields are plain, and together as large as the struct: there is no padding.
        unsafe impl $crate::Plain for $name {}
        // Only `$crate` is sure to be what it seems, and only the struct itself has its fields:
        // the program may have names and macros of its own.
        const _: () = {
            let _: fn(&$name) = |$name { $($field: _),* }| ();
            $crate::no_padding::<$name>(&[
                $($crate::plain_field(|it: &$name| &it.$field)),*
            ])
        };
    )*};
}

/// Declares structs whose fields are [`Shared`](crate::Shared), and which are then themselves. They
/// become `repr(C)`.
///
/// ```
/// # mod pmem2 { pub mod map { pub use pmem2_platform::shared; } }
/// # fn main() {
/// use pmem2::map::shared;
/// use std::sync::atomic::AtomicU32;
///
/// shared! {
///     /// Positions of a ring that processes share.
///     pub struct Positions { head: AtomicU32, tail: AtomicU32 }
/// }
/// # }
/// ```
///
/// A struct with padding does not compile, nor one with a field that is not of atomics. Fields have
/// names. The structs have no parameters, and no attributes except documentation and, after it,
/// `derive`.
#[macro_export]
macro_rules! shared {
    ($(
        $(#[doc = $doc:expr])* $(#[derive($($derive:path),* $(,)?)])*
        $visible:vis struct $name:ident {
            $($(#[doc = $on_field:expr])* $field_visible:vis $field:ident: $type:ty),* $(,)?
        }
    )*) => {$(
        $(#[doc = $doc])*
        $(#[derive($($derive),*)])*
        #[repr(C)]
        $visible struct $name { $($(#[doc = $on_field])* $field_visible $field: $type),* }

        // SAFETY: the fields are of atomics, and together as large as the struct: there is no
        // padding.
        unsafe impl $crate::Shared for $name {}
        // Only `$crate` is sure to be what it seems, and only the struct itself has its fields:
        // the program may have names and macros of its own.
        const _: () = {
            let _: fn(&$name) = |$name { $($field: _),* }| ();
            $crate::no_padding::<$name>(&[
                $($crate::shared_field(|it: &$name| &it.$field)),*
            ])
        };
    )*};
}
