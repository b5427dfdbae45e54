//! Copies that survive bad memory ("machine check safe"): a routine of a few instructions, and a
//! handler of SIGBUS that knows the routine.
//!
//! A system call that copies from a bad page may bring the kernel down, where a program gets a
//! SIGBUS. The handler knows the addresses of the routine's instructions, and finds the guarded
//! mapping in two of its registers. It ends the routine through an exit. So there is no table of
//! copies, no state per thread, and no jump over frames of Rust.
//!
//! See sigaction(2) and <https://www.kernel.org/doc/Documentation/vm/hwpoison.rst>.

pub(in crate::linux) mod mapping;
#[cfg_attr(
    not(all(
        any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"),
        target_pointer_width = "64"
    )),
    path = "none.rs"
)]
pub(super) mod native;
