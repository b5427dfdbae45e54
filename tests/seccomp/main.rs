//! The system calls of each function: those that its documentation lists, each of them, and no
//! other. And what becomes of a call that a filter refuses.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;

mod budget;
mod cases;
mod documents;
mod functions;
mod mapping;
mod subjects;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use cases::{CASES, Case, XFS_ONLY};
use common::{
    child::{Ended, in_child},
    device_dax::with_sysfs,
    filter::{failing, only},
};
use functions::{
    ALIGNMENT, ALLOCATED, Answer, CHECK_RANGE, DEVICE_ID, DEVICE_USC, FILE_SYSTEM, Function,
    GRANULARITY, NEW, NUMA_NODE, PLACE, READ, SIZE, SYNC, WRITE,
};
use pmem2::{
    Error,
    error::{Errno, Subject},
};
use seccompiler::{BpfProgram, apply_filter};
use subjects::{On, Subjects, Target, World};

/// The name of a call, without what it is called with.
pub(crate) fn name(call: &'static str) -> &'static str {
    call.split('(').next().unwrap_or(call)
}

fn under(filter: &BpfProgram, run: Function, subject: &Target) -> Ended<Answer> {
    in_child(|| {
        apply_filter(filter).expect("seccomp");
        run(subject)
    })
}

#[test]
fn each_function_needs_the_calls_of_its_documentation_and_no_other() {
    needs_root!();
    let (mut tried, mut have_dax) = (BTreeMap::new(), false);
    for world in [World::Region, World::Volume, World::Mixed, World::Unlisted, World::Gone] {
        with_sysfs(|sysfs| {
            let subjects = Subjects::new(sysfs, world);
            have_dax = subjects.have_dax();
            let here =
                |case: &&Case| case.world == world && case.dax.is_none_or(|dax| dax == have_dax);
            for case in CASES.iter().filter(here) {
                let here = |call: &&str| subjects.is_xfs() || *call != XFS_ONLY;
                let calls: BTreeSet<_> =
                    case.calls.iter().copied().filter(here).map(name).collect();
                let (subject, calls) = (subjects.get(case.on), Vec::from_iter(calls));
                let name = format!("{} of {:?}, {world:?}", case.function, case.on);
                // In a process of its own, since some calls are made the first time only.
                let answer = in_child(|| (case.run)(&subject));
                assert!(matches!(answer, Ended::With(_)), "{name}: {answer:?}");
                let filtered = under(&only(&calls), case.run, &subject);
                assert_eq!(filtered, answer, "{name} with {calls:?}");
                for without in &calls {
                    let fewer: Vec<_> =
                        calls.iter().filter(|call| *call != without).copied().collect();
                    let ended = under(&only(&fewer), case.run, &subject);
                    assert_eq!(ended, Ended::Killed(libc::SIGSYS), "{name} without {without}");
                }
                *tried.entry(case.function).or_insert(0) += 1;
            }
        });
    }
    let functions: BTreeSet<_> = CASES.iter().map(|case| case.function).collect();
    assert_eq!(tried.keys().copied().collect::<BTreeSet<_>>(), functions, "each on something");
    let left_out = CASES.len() - tried.values().sum::<usize>();
    let not_here = CASES.iter().filter(|case| case.dax.is_some_and(|dax| dax != have_dax));
    assert_eq!(left_out, not_here.count(), "only what the disk has no, or only, DAX for");
}

#[test]
fn a_call_that_a_filter_refuses_gives_its_errno() {
    needs_root!();
    let table: &[(Function, On, &str, Subject)] = &[
        (NEW, On::File, "fcntl", Subject::Handle),
        (NEW, On::File, "fstat", Subject::Handle),
        (NEW, On::HugePages, "fstatfs", Subject::FileSystem),
        (NEW, On::DeviceDax, "readlinkat", Subject::Subsystem),
        (NEW, On::Character, "readlinkat", Subject::Subsystem),
        (NEW, On::Terminal, "readlinkat", Subject::Subsystem),
        (NEW, On::Terminal, "faccessat", Subject::Sysfs),
        (SIZE, On::File, "fstat", Subject::Handle),
        (SIZE, On::DeviceDax, "fstat", Subject::Handle),
        (SIZE, On::DeviceDax, "openat", Subject::Size),
        (SIZE, On::DeviceDax, "read", Subject::Size),
        (ALIGNMENT, On::DeviceDax, "fstat", Subject::Handle),
        (ALIGNMENT, On::DeviceDax, "openat", Subject::Alignment),
        (ALIGNMENT, On::DeviceDax, "read", Subject::Alignment),
        (ALLOCATED, On::File, "fstat", Subject::Handle),
        (FILE_SYSTEM, On::File, "fstat", Subject::Handle),
        (FILE_SYSTEM, On::File, "fstatfs", Subject::FileSystem),
        (CHECK_RANGE, On::File, "fstat", Subject::Handle),
        (CHECK_RANGE, On::DeviceDax, "openat", Subject::Size),
        (NEW, On::DeviceDax, "newfstatat", Subject::Device),
        (SIZE, On::DeviceDax, "newfstatat", Subject::Device),
        (PLACE, On::File, "fstat", Subject::Handle),
        (PLACE, On::File, "readlinkat", Subject::Device),
        (PLACE, On::File, "openat", Subject::NumaNode),
        (PLACE, On::File, "read", Subject::NumaNode),
        (PLACE, On::File, "newfstatat", Subject::Device),
        (PLACE, On::HugePages, "fstatfs", Subject::FileSystem),
        (NUMA_NODE, On::File, "readlinkat", Subject::Device),
        (NUMA_NODE, On::File, "openat", Subject::NumaNode),
        (NUMA_NODE, On::File, "newfstatat", Subject::Device),
        (DEVICE_ID, On::File, "openat", Subject::Dimm),
        (DEVICE_ID, On::File, "newfstatat", Subject::Device),
        (DEVICE_USC, On::File, "read", Subject::Dimm),
        (GRANULARITY, On::File, "mmap", Subject::Mapping),
        (GRANULARITY, On::DeviceDax, "readlinkat", Subject::Device),
        (READ, On::File, "fstat", Subject::Handle),
        (READ, On::Mapped, "mmap", Subject::Mapping),
        (WRITE, On::Mapped, "openat", Subject::Size),
        (SYNC, On::File, "fdatasync", Subject::Sync),
    ];
    with_sysfs(|sysfs| {
        let subjects = Subjects::new(sysfs, World::Region);
        for &(run, on, call, what) in table {
            for errno in [Errno::EPERM, Errno::EIO, Errno::ENOSYS, Errno::EACCES] {
                let subject = subjects.get(on);
                let error = match (what, errno) {
                    (Subject::Sync, Errno::EIO) => Error::NotSynced,
                    _ => Error::Os { subject: what, errno },
                };
                assert_eq!(
                    under(&failing(call, errno.raw()), run, &subject),
                    Ended::With(Err(error)),
                    "{call}, {errno:?}"
                );
                assert!(error.code() == -errno.raw() || error == Error::NotSynced);
            }
        }
    });
    let sentence = Error::Os { subject: Subject::Subsystem, errno: Errno::EPERM }.to_string();
    assert!(sentence.contains("seccomp"), "{sentence}");
}
