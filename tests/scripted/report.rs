//! The lines of a report.

use std::fmt::Write;

use pmem2::{
    Access, Anonymous, Error, Kind, Source,
    error::{Errno, HandleFault, Subject},
    place::FileSystem,
    platform::{Alignment, Facts, Fail},
    report::{Key, Report},
};

use crate::script::{Call, Id, READ_WRITE, Script};

/// A report of a script with this change.
fn report(change: impl FnOnce(&mut Script)) -> Report<Id> {
    let mut script = Script::new();
    change(&mut script);
    Report::new(&script.object())
}

#[track_caller]
fn lines(report: &Report<Id>, expected: &[&str]) {
    assert_eq!(report.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn of_a_file() {
    lines(
        &report(|script| script.allocated = Ok(0x1_0000)),
        &[
            "persistent: not known: the platform does not tell",
            "kind             regular file",
            "access           read and write",
            "identity         object a",
            "file system      xfs",
            "size             65536 bytes",
            "allocated        65536 bytes",
            "alignment        4096 bytes",
        ],
    );
}

#[test]
fn of_a_sparse_file() {
    let allocated = |bytes| {
        let report = report(|script| script.allocated = Ok(bytes)).to_string();
        report
            .lines()
            .find_map(|line| line.strip_prefix("allocated        ").map(String::from))
            .unwrap()
    };
    assert_eq!(allocated(0x1_0000), "65536 bytes");
    assert_eq!(allocated(0x2_0000), "131072 bytes", "allocated ahead");
    assert_eq!(
        allocated(0xffff),
        "65535 bytes (less than the size: a store to a hole needs free space)"
    );
    assert_eq!(allocated(0), "0 bytes (less than the size: a store to a hole needs free space)");
}

#[test]
fn what_cannot_be_had_is_left_out() {
    let report = report(|script| {
        *script = Script::with(Kind::DeviceDax, Access::READ);
        script.allocated = Err(Fail::Unsupported);
        script.file_system = Err(Fail::Unsupported);
    });
    lines(
        &report,
        &[
            "persistent: not known: the platform does not tell",
            "kind             device DAX",
            "access           read-only",
            "identity         object a",
            "size             65536 bytes",
            "alignment        4096 bytes",
        ],
    );
    assert_eq!(
        report.allocated(),
        Some(Err(Error::Unsupported(Subject::Allocated))),
        "left out, not forgotten"
    );
    assert_eq!(report.file_system(), Some(Err(Error::Unsupported(Subject::FileSystem))));
}

#[test]
fn what_failed_is_said_in_its_line() {
    lines(
        &report(|script| {
            script.allocated = Err(Fail::Os(Subject::Handle, Errno::EINTR));
            script.file_system = Err(Fail::Os(Subject::FileSystem, Errno::EIO));
        }),
        &[
            "persistent: not known: the platform does not tell",
            "kind             regular file",
            "access           read and write",
            "identity         object a",
            "file system      unknown: the system failed when it was asked for the type of the \
             file system: input/output error \
             (EIO)",
            "size             65536 bytes",
            "allocated        unknown: the system failed when it was asked for the handle: \
             interrupted by a signal (EINTR)",
            "alignment        4096 bytes",
        ],
    );
}

/// No range of it can be mapped then.
#[test]
fn without_size_or_alignment_it_is_refused() {
    let verdict = |change: fn(&mut Script)| report(change).verdict();
    assert_eq!(
        verdict(|script| script.size = Err(Fail::Malformed(Subject::Size))),
        Err(Error::InvalidSizeFormat)
    );
    assert_eq!(
        verdict(|script| script.size = Err(Fail::Unsupported)),
        Ok(()),
        "a platform that never knows"
    );
    assert_eq!(verdict(|script| script.size = Ok(0)), Ok(()), "it may be given a size");
    assert_eq!(verdict(|script| script.alignment = Ok(12)), Err(Error::InvalidAlignmentValue(12)));
    assert_eq!(verdict(|script| script.alignment = Err(Fail::Unsupported)), Ok(()));
    let refused = verdict(|script| {
        *script = Script::with(Kind::RegularFile, Access::WRITE);
        script.size = Err(Fail::Malformed(Subject::Size));
    });
    assert_eq!(
        refused,
        Err(Error::InvalidFileHandle(HandleFault::WriteOnly)),
        "what Source::new says comes first"
    );
    lines(
        &report(|script| {
            script.size = Err(Fail::Malformed(Subject::Size));
            script.alignment = Ok(12);
        }),
        &[
            "refused: the system's answer about the source's size is not a size; its driver or \
             the file system is at fault",
            "code             PMEM2_E_INVALID_SIZE_FORMAT",
            "kind             regular file",
            "access           read and write",
            "identity         object a",
            "file system      xfs",
            "size             unknown",
            "allocated        32768 bytes",
            "alignment        unknown: the alignment is 12 bytes, which is not a power of \
             two; where the system says so, its driver, or its table, is at fault (else \
             MapConfig::aligned_to)",
        ],
    );
}

/// A source whose handle was closed, or closed and reused.
#[test]
fn what_is_there_now_is_not_asked_about() {
    let replaced = Error::InvalidFileHandle(HandleFault::Replaced);
    let other = Script::new()
        .facts
        .map(|facts| Facts::new(Id('b'), facts.kind, facts.access, facts.alignment));
    let gone = Err(Fail::Absent(Subject::Handle));
    for (now, error) in [(other, replaced), (gone, Error::InvalidFileHandle(HandleFault::NotOpen))]
    {
        let script = Script::new();
        let source = Source::new(script.object()).unwrap();
        script.facts_now.set(Some(now));
        script.calls();
        let report = source.report();
        assert_eq!(script.calls(), [Call::Describe]);
        assert_eq!(
            (report.verdict(), report.id()),
            (Err(error), Some(Id('a'))),
            "what the source was made of"
        );
        assert_eq!((report.size(), report.allocated()), (None, None));
        assert_eq!((report.alignment(), report.file_system()), (None, None));
    }
    // The same object, but the handle was changed (fcntl(F_SETFL) can set and clear O_APPEND).
    let script = Script::new();
    let source = Source::new(script.object()).unwrap();
    let now = script
        .facts
        .map(|facts| Facts::new(facts.id, facts.kind, facts.access | Access::APPEND, None));
    script.facts_now.set(Some(now));
    assert_eq!(source.report().access(), Some(READ_WRITE | Access::APPEND));
    assert_eq!(source.report().verdict(), Ok(()));
}

/// An id of a device says less where there is no /sys: whether it is another device, the platform
/// knows, by what it is asked about it.
#[test]
fn a_device_whose_id_says_more_or_less() {
    let replaced = Err(Error::InvalidFileHandle(HandleFault::Replaced));
    let absent = Fail::Os(Subject::Size, Errno::ENOENT);
    for (size, verdict) in [
        (Ok(4096), Ok(())),
        (Err(absent), Err(Error::Os { subject: Subject::Size, errno: Errno::ENOENT })),
        (Err(Fail::DeviceReplaced), replaced),
        (Err(Fail::Replaced), replaced),
    ] {
        let mut script = Script::with(Kind::DeviceDax, READ_WRITE);
        script.size = size;
        let now = script.facts.map(|facts| Facts::new(Id('b'), facts.kind, facts.access, None));
        let source = Source::new(script.object()).expect("a source");
        script.facts_now.set(Some(now));
        assert_eq!(source.report().verdict(), verdict, "{size:?}");
    }
}

/// A file that cannot be mapped is refused; one that cannot be mapped for writing is not.
#[test]
fn of_what_cannot_be_mapped() {
    for (what, errno, refused) in [
        (Subject::Mapping, Errno::ENODEV, true),
        (Subject::Mapping, Errno::ENOMEM, true),
        (Subject::WritableMapping, Errno::EPERM, false),
        (Subject::MapSync, Errno::EPERM, false),
    ] {
        let error = Error::Os { subject: what, errno };
        let report = report(|script| script.land.synchronous = Err(Fail::Os(what, errno)));
        assert_eq!(report.verdict(), if refused { Err(error) } else { Ok(()) });
        assert_eq!(report.granularity(), Some(Err(error)));
        let (first, reason) = match what {
            Subject::Mapping => (format!("refused: {error}"), None),
            Subject::WritableMapping => {
                ("persistent: not known: it can be mapped for reading only".to_owned(), Some(error))
            }
            _ => ("persistent: not known: the system failed to tell".to_owned(), Some(error)),
        };
        let lines = report.to_string();
        let reason = reason.map(|error| format!("reason           {error}"));
        assert_eq!(lines.lines().next(), Some(&*first));
        assert_eq!(lines.lines().find(|line| line.starts_with("reason ")), reason.as_deref());
        let none = if what == Subject::MapSync { "unknown" } else { "none" };
        let last = format!("granularity      {none}");
        assert_eq!(lines.lines().last(), Some(&*last), "the reason is said once");
    }
}

// Windows has other words for some: tests/windows.
#[cfg(target_os = "linux")]
#[test]
fn of_what_is_refused() {
    let directory = report(|script| *script = Script::with(Kind::Directory, Access::READ));
    lines(
        &directory,
        &[
            "refused: a directory cannot be mapped: open a file in it",
            "code             PMEM2_E_INVALID_FILE_TYPE",
            "kind             directory",
            "access           read-only",
            "identity         object a",
            "file system      xfs",
        ],
    );
    assert_eq!(
        (directory.size(), directory.allocated(), directory.alignment()),
        (None, None, None)
    );
    assert_eq!(directory.verdict(), Err(Error::InvalidFileType(Kind::Directory)));
    lines(
        &report(|script| {
            *script = Script::with(Kind::RegularFile, Access::WRITE | Access::APPEND);
            script.alignment = Err(Fail::Unsupported);
        }),
        &[
            "refused: opened write-only, but a mapping has to read: open it O_RDWR, or O_RDONLY \
             to write nothing",
            "code             PMEM2_E_INVALID_FILE_HANDLE",
            "kind             regular file",
            "access           write-only, append",
            "identity         object a",
            "file system      xfs",
            "size             65536 bytes",
            "allocated        32768 bytes (less than the size: a store to a hole needs free space)",
        ],
    );
    lines(
        &report(|script| script.facts = Err(Fail::Absent(Subject::Handle))),
        &[
            "refused: not an open file descriptor or handle: it is negative, closed or beyond \
             the table",
            "code             PMEM2_E_INVALID_FILE_HANDLE",
        ],
    );
    lines(
        &report(|script| script.facts = Err(Fail::Os(Subject::Subsystem, Errno::EACCES))),
        &[
            "refused: the system failed when it was asked for the device's subsystem in \
             /sys/dev/char: permission denied \
             (EACCES); more rights are needed, or a filter (seccomp) that allows the call",
            "code             EACCES",
        ],
    );
    lines(
        &report(|script| script.facts = Err(Fail::Os(Subject::Handle, Errno::from_raw(4000)))),
        &["refused: the system failed when it was asked for the handle: error number 4000"],
    );
}

#[test]
fn of_what_was_only_looked_at() {
    let script = Script::with(Kind::RegularFile, Access::PATH);
    let report = Report::new_unopened(&script.object());
    assert_eq!(report.verdict(), Ok(()));
    assert_eq!(
        (report.kind(), report.access(), report.id()),
        (Some(Kind::RegularFile), Some(Access::PATH), Some(Id('a')))
    );
    assert_eq!(report.to_string().lines().nth(2), Some("access           none (O_PATH)"));
    let error = Error::Os { subject: Subject::Open, errno: Errno::EACCES };
    let denied = report.with_error(error);
    assert_eq!(denied.verdict(), Err(error));
    assert_eq!(
        denied.to_string().lines().take(3).collect::<Vec<_>>(),
        [
            "refused: cannot be opened for reading: permission denied (EACCES); more rights are \
             needed",
            "code             EACCES",
            "kind             regular file",
        ]
    );
    assert_eq!(denied.size(), Some(Ok(0x1_0000)), "what is known stays");

    let nothing = Report::<Id>::refused(error);
    assert_eq!((nothing.kind(), nothing.access(), nothing.id()), (None, None, None));
    assert_eq!((nothing.size(), nothing.allocated(), nothing.alignment()), (None, None, None));
    assert_eq!((nothing.file_system(), nothing.verdict()), (None, Err(error)));
    assert_eq!(nothing.to_string().lines().count(), 2);
}

#[test]
fn the_words_for_each_access() {
    let words = |access| {
        let script = Script::with(Kind::RegularFile, access);
        let report = Report::new_unopened(&script.object()).to_string();
        report
            .lines()
            .find_map(|line| line.strip_prefix("access           ").map(String::from))
            .unwrap()
    };
    assert_eq!(words(Access::READ), "read-only");
    assert_eq!(words(Access::WRITE), "write-only");
    assert_eq!(words(READ_WRITE), "read and write");
    assert_eq!(words(Access::empty()), "none");
    assert_eq!(words(Access::PATH), "none (O_PATH)");
    assert_eq!(words(Access::READ | Access::APPEND), "read-only, append");
    assert_eq!(words(READ_WRITE | Access::APPEND), "read and write, append");
}

#[test]
fn a_report_asks_each_question_once() {
    let script = Script::new();
    let source = Source::new(script.object()).unwrap();
    script.calls();
    let report = source.report();
    let mut calls = script.calls();
    assert_eq!(calls.remove(0), Call::Describe);
    for call in [Call::Size, Call::Allocated, Call::Alignment, Call::FileSystem] {
        assert_eq!(calls.iter().filter(|made| **made == call).count(), 1, "{call:?}");
    }
    // Neither where it lies nor how it can be mapped is known here.
    for call in [Call::Locate, Call::MapSync] {
        assert_eq!(calls.iter().filter(|made| **made == call).count(), 1, "{call:?}");
    }
    assert_eq!(calls.len(), 6);
    assert_eq!((report.size(), report.allocated()), (Some(Ok(0x1_0000)), Some(Ok(0x8000))));
    assert_eq!((report.alignment(), report.verdict()), (Some(Ok(4096)), Ok(())));
    assert_eq!(report.file_system(), Some(Ok(FileSystem::from_magic(0x5846_5342))));
    let _ = format!("{report} {report:?}");
    assert_eq!(script.calls(), [], "to print it asks nothing");

    let directory = Script::with(Kind::Directory, Access::READ);
    let _ = Report::new(&directory.object());
    assert_eq!(
        directory.calls(),
        [Call::Describe, Call::FileSystem],
        "the size of a directory says nothing"
    );
}

#[test]
fn of_anonymous_memory() {
    let mut script = Script::new();
    script.page_size = Ok(Alignment::new(4096).unwrap());
    let source = Source::new(Anonymous::on(&script, 1 << 20)).unwrap();
    assert_eq!(
        source.report().to_string().lines().collect::<Vec<_>>(),
        [
            "persistent: no: anonymous memory",
            "reason           nothing of anonymous memory is kept",
            "kind             anonymous memory",
            "access           read and write",
            "size             1048576 bytes",
            "alignment        4096 bytes",
            "granularity      BYTE",
        ]
    );
}

#[test]
fn printing_stops_at_the_first_error() {
    let report = report(|_| ());
    let all = report.to_string().lines().count();
    for stop in 0..all {
        let mut seen = Vec::new();
        let result = report.facts(|fact| {
            if seen.len() == stop {
                return Err(stop);
            }
            seen.push(fact.key);
            Ok(())
        });
        assert_eq!((result, seen.len()), (Err(stop), stop));
    }
    let mut keys = Vec::new();
    let result: Result<(), ()> = report.facts(|fact| {
        keys.push(fact.key);
        Ok(())
    });
    assert_eq!(result, Ok(()));
    assert_eq!(
        keys,
        [
            Key::Persistent,
            Key::Kind,
            Key::Access,
            Key::Identity,
            Key::FileSystem,
            Key::Size,
            Key::Allocated,
            Key::Alignment,
        ]
    );

    /// Takes so many bytes and no more.
    struct Short(usize);
    impl Write for Short {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(std::fmt::Error)?;
            Ok(())
        }
    }
    let length = report.to_string().len();
    for room in 0..length {
        assert!(write!(Short(room), "{report}").is_err(), "{room} bytes");
    }
    assert!(write!(Short(length), "{report}").is_ok());
    let replaced = Error::InvalidFileHandle(HandleFault::Replaced);
    assert!(write!(Short(10), "{replaced}").is_err());
}
