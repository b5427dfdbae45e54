//! What AArch64 and RISC-V have in common (asm-generic/unistd.h): both came late enough to get the
//! same numbers.

pub(in super::super) const PREAD64: usize = 67;
pub(in super::super) const PWRITE64: usize = 68;
pub(in super::super) const RT_SIGACTION: usize = 134;
pub(in super::super) const RT_SIGPROCMASK: usize = 135;
pub(in super::super) const GETPID: usize = 172;
pub(in super::super) const GETTID: usize = 178;
pub(in super::super) const RT_TGSIGQUEUEINFO: usize = 240;
