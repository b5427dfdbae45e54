//! The copy and the signal frame of each processor, by the kernel's own headers (asm/ucontext.h,
//! asm/sigcontext.h).

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
pub(super) mod native;

pub(super) mod landing;
pub(super) mod routine;

#[cfg(test)]
pub(super) use {landing::*, native::*, routine::*};
