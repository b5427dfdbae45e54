//! Filters on system calls (seccomp(2)).

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// From linux/fs.h: 'f', 11, for reading and writing, of 32 bytes.
const FS_IOC_FIEMAP: i32 = 0xC020_660B_u32.cast_signed();

/// From linux/fs.h: 'X', 31, for reading, of 28 bytes.
const FS_IOC_FSGETXATTR: i32 = 0x801C_581F_u32.cast_signed();

const PRIVATE: i32 = libc::FUTEX_PRIVATE_FLAG;

/// The calls that pmem2 is documented to make, by name: the number, and the arguments that are
/// documented with it, of which it has one.
fn call(name: &str) -> (i64, &'static [(u8, i32)]) {
    const HERE: &[(u8, i32)] = &[(0, libc::AT_FDCWD)];
    match name {
        "fcntl" => (libc::SYS_fcntl, &[(1, libc::F_GETFL)]),
        "fstat" => (libc::SYS_fstat, &[]),
        "fstatfs" => (libc::SYS_fstatfs, &[]),
        "readlinkat" => (libc::SYS_readlinkat, HERE),
        "faccessat" => (libc::SYS_faccessat, HERE),
        "openat" => (libc::SYS_openat, HERE),
        "newfstatat" => (libc::SYS_newfstatat, HERE),
        "getdents64" => (libc::SYS_getdents64, &[]),
        "statx" => (libc::SYS_statx, &[(2, libc::AT_EMPTY_PATH)]),
        "mmap" => (
            libc::SYS_mmap,
            &[
                (3, libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC),
                (3, libc::MAP_SHARED | libc::MAP_NORESERVE),
                (3, libc::MAP_SHARED),
                (3, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS),
                (3, libc::MAP_PRIVATE),
                (3, libc::MAP_PRIVATE | libc::MAP_NORESERVE | libc::MAP_ANONYMOUS),
            ],
        ),
        "madvise" => (
            libc::SYS_madvise,
            &[
                (2, libc::MADV_WIPEONFORK),
                (2, libc::MADV_POPULATE_READ),
                (2, libc::MADV_POPULATE_WRITE),
            ],
        ),
        "msync" => (libc::SYS_msync, &[(2, libc::MS_SYNC)]),
        "ftruncate" => (libc::SYS_ftruncate, &[]),
        "write" => (libc::SYS_write, &[]),
        "futex" => {
            (libc::SYS_futex, &[(1, libc::FUTEX_WAIT | PRIVATE), (1, libc::FUTEX_WAKE | PRIVATE)])
        }
        "rt_sigaction" => (libc::SYS_rt_sigaction, &[(0, libc::SIGBUS)]),
        "munmap" => (libc::SYS_munmap, &[]),
        "pread64" => (libc::SYS_pread64, &[]),
        "pwrite64" => (libc::SYS_pwrite64, &[]),
        "ioctl" => (libc::SYS_ioctl, &[(1, FS_IOC_FIEMAP), (1, FS_IOC_FSGETXATTR)]),
        "fallocate" => (libc::SYS_fallocate, &[]),
        "fchown" => (libc::SYS_fchown, &[]),
        "fsync" => (libc::SYS_fsync, &[]),
        "lseek" => (libc::SYS_lseek, &[]),
        "fdatasync" => (libc::SYS_fdatasync, &[]),
        "read" => (libc::SYS_read, &[]),
        "close" => (libc::SYS_close, &[]),
        other => panic!("{other} is no system call that pmem2 is documented to make"),
    }
}

fn rules(name: &str) -> (i64, Vec<SeccompRule>) {
    let (number, arguments) = call(name);
    let rules = arguments.iter().map(|&(index, value)| {
        let value = u64::from(value.cast_unsigned());
        let condition =
            SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
        SeccompRule::new(vec![condition.expect("an argument")]).expect("a rule")
    });
    (number, rules.collect())
}

fn compiled(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    matched: SeccompAction,
    other: SeccompAction,
) -> BpfProgram {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .expect("an architecture that seccompiler knows");
    SeccompFilter::new(rules, other, matched, arch)
        .and_then(BpfProgram::try_from)
        .expect("a filter")
}

/// Kills at any call but these and exit_group.
pub(crate) fn only(calls: &[&str]) -> BpfProgram {
    let exit = (libc::SYS_exit_group, Vec::new());
    let rules = calls.iter().map(|name| rules(name)).chain([exit]).collect();
    compiled(rules, SeccompAction::Allow, SeccompAction::KillProcess)
}

/// Kills at any call but these and exit_group, and at an mmap with other flags than one of these.
pub(crate) fn only_mapping(calls: &[&str], flags: &[i32]) -> BpfProgram {
    let exit = (libc::SYS_exit_group, Vec::new());
    let mmap = flags.iter().map(|flags| {
        let value = u64::from(flags.cast_unsigned());
        let condition = SeccompCondition::new(3, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
        SeccompRule::new(vec![condition.expect("an argument")]).expect("a rule")
    });
    // No rule at all would be one for every call.
    let mmap = Some((libc::SYS_mmap, mmap.collect())).filter(|_| !flags.is_empty());
    let rules = calls.iter().map(|name| rules(name)).chain([exit]).chain(mmap).collect();
    compiled(rules, SeccompAction::Allow, SeccompAction::KillProcess)
}

/// Lets everything pass but makes this one fail.
pub(crate) fn failing(call: &str, errno: i32) -> BpfProgram {
    let action = SeccompAction::Errno(errno.cast_unsigned());
    compiled([rules(call)].into(), action, SeccompAction::Allow)
}
