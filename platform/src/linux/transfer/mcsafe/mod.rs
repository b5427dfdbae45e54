//! Copies from memory that may be bad ("machine check safe"): a routine of a few instructions, and
//! a handler of SIGBUS that knows it.
//!
//! A system call that copies from a bad page may bring the kernel down, where a program gets a
//! SIGBUS. The copy has an exit, and its registers hold all that the handler wants to know: where
//! its instructions are is known, and which mapping is guarded is in two of them. So there is no
//! table of copies, nothing per thread, and nothing is jumped over.
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
