//! The processor's instructions that make a store durable: the flush of cache lines, and fences.

pub(crate) mod access;
// CPUID is forbidden in an enclave (SGX).
#[cfg_attr(
    any(target_arch = "x86", all(target_arch = "x86_64", not(target_env = "sgx"))),
    path = "x86.rs"
)]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(any(target_arch = "riscv32", target_arch = "riscv64"), path = "riscv.rs")]
#[cfg_attr(target_arch = "arm", path = "cortex_m.rs")]
#[cfg_attr(
    not(any(
        target_arch = "x86",
        all(target_arch = "x86_64", not(target_env = "sgx")),
        target_arch = "aarch64",
        target_arch = "riscv32",
        target_arch = "riscv64",
        target_arch = "arm"
    )),
    path = "other.rs"
)]
mod arch;
#[cfg(any(target_arch = "arm", test))]
mod dccmvac;
pub(crate) mod instruction;
pub(crate) mod processor;
pub(crate) mod steps;
#[cfg(test)]
pub(crate) mod tests;

pub use instruction::Instruction;
pub use processor::{Cpu, write_flush_hint};
