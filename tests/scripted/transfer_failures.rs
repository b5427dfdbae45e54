//! Partial transfers.

use pmem2::{
    Error, Kind, Source,
    error::{Errno, Subject},
    platform::Fail,
    transfer::{Partial, Reader, TransferError, Writer},
};

use crate::{
    failures::expected,
    script::{Call, READ_WRITE, Script, fails},
    transfer::{READS, WRITES},
};

/// The error of a transfer of 64 bytes at `offset` that ended so, each way the same.
fn halted(offset: u64, halted: Partial) -> [TransferError; 2] {
    [READS.as_slice(), &WRITES].map(|ways| {
        let mut errors = ways.iter().map(|(_, way)| {
            let script = Script::with(Kind::DeviceDax, READ_WRITE);
            script.medium.halted.set(Some(halted));
            way(&script, offset, &mut [0; 64]).unwrap_err()
        });
        let first = errors.next().expect("there are some");
        assert!(errors.all(|error| error == first), "they agree");
        first
    })
}

/// From the byte behind the last good one to the end of the naturally aligned unit that it is in.
#[test]
fn the_first_bad_byte() {
    let top = 1 << 63;
    let rows = [
        // offset, done, unit; offset and length of what is bad.
        (0, 0, 512, (0, 512)),
        (0, 1, 512, (1, 511)),
        (500, 11, 512, (511, 1)),
        (500, 12, 512, (512, 512)),
        (500, 13, 512, (513, 511)),
        (4096, 63, 4096, (4159, 4033)),
        (100, 7, 1, (107, 1)),
        (101, 7, 2, (108, 2)),
        (100, 7, 2, (107, 1)),
        // A unit that is none stands for the byte.
        (100, 7, 0, (107, 1)),
        (0, 0, top, (0, top)),
        (100, 7, top, (107, top - 107)),
    ];
    for (offset, done, unit, (at, length)) in rows {
        for error in halted(offset, Partial { done, fail: Fail::bad_memory(unit) }) {
            let bad = Error::IoFail { offset: at, length };
            assert_eq!((error.done(), error.error()), (done, bad), "{done} at {offset}, of {unit}");
            assert_eq!((error.error().code(), error.error().errno()), (-100_037, Errno::EINVAL));
        }
    }
    // Every place in a unit.
    for unit in [1, 2, 64, 512] {
        for offset in (0..1100).chain([0xFFC0]) {
            for error in halted(offset, Partial { done: 5, fail: Fail::bad_memory(unit) }) {
                let (at, length) = match error.error() {
                    Error::IoFail { offset, length } => (offset, length),
                    other => panic!("{other}"),
                };
                assert_eq!((at, (at + length) % unit), (offset + 5, 0));
                assert!((1..=unit).contains(&length), "{length} of {unit}");
            }
        }
    }
}

#[test]
fn the_source_ends_and_the_buffer_is_bad() {
    for (offset, done) in [(0, 0), (0, 63), (512, 1), (0xFFC0, 8)] {
        for error in halted(offset, Partial { done, fail: Fail::Ended }) {
            let shrank = Error::SourceShrank { size: offset + done as u64 };
            assert_eq!(
                (error.done(), error.error(), error.error().code()),
                (done, shrank, -100_030)
            );
        }
        for error in halted(offset, Partial { done, fail: Fail::BUFFER }) {
            let fault = Error::Os { subject: Subject::Buffer, errno: Errno::EFAULT };
            assert_eq!(
                (error.done(), error.error(), error.error().code()),
                (done, fault, -Errno::EFAULT.raw())
            );
        }
    }
}

/// The bytes that were transferred before are there, and the rest is untouched.
#[test]
fn what_was_done_is_done() {
    let script = Script::new();
    script.medium.halted.set(Some(Partial { done: 3, fail: Fail::bad_memory(1) }));
    let source = Source::new(script.object()).unwrap();
    let mut buffer = [0xA5; 6];
    assert_eq!(source.read_at(0x100, &mut buffer).unwrap_err().done(), 3);
    assert_eq!(buffer, [1, 0, 3, 0xA5, 0xA5, 0xA5]);
    assert_eq!(source.write_at(0x100, &[7; 6]).unwrap_err().done(), 3);
    assert_eq!(script.medium.bytes.borrow()[0x100..0x106], [7, 7, 7, 2, 5, 4]);
}

#[test]
fn every_failure_of_a_transfer() {
    for fail in fails() {
        for done in [0, 9] {
            let [read, write] = halted(16, Partial { done, fail });
            assert_eq!((read.done(), read.error()), (done, expected(fail, Subject::Read)));
            assert_eq!((write.done(), write.error()), (done, expected(fail, Subject::Write)));
        }
    }
}

/// Each call before the transfer fails with each failure: nothing is transferred then.
#[test]
fn every_failure_before_a_transfer() {
    for fail in fails() {
        for call in [Call::Size, Call::Channel(None, (0, 0), false)] {
            for (name, way) in READS.iter().chain(&WRITES) {
                let what = match (call, *name) {
                    (Call::Size, _) => Subject::Size,
                    (_, "read_at" | "read_into" | "Reader" | "Reader::read_into") => Subject::Read,
                    _ => Subject::Write,
                };
                let script = Script::failing(call, fail);
                let error = way(&script, 8, &mut [0; 8]).unwrap_err();
                assert_eq!(
                    (error.done(), error.error()),
                    (0, expected(fail, what)),
                    "{name}, {call:?}"
                );
                let moved = script
                    .calls()
                    .iter()
                    .any(|call| matches!(call, Call::Read(..) | Call::Write(..)));
                assert!(!moved, "{name}, {call:?}");
                assert_eq!(script.dropped.get(), 1, "the handle is dropped once");
                assert_eq!(script.medium.closed.borrow().len(), 0);
            }
        }
        let script = Script::failing(Call::Sync, fail);
        assert_eq!(
            Source::new(script.object()).unwrap().sync(),
            Err(expected(fail, Subject::Sync))
        );
        let script = Script::failing(Call::Size, fail);
        assert_eq!(
            Reader::new(Source::new(script.object()).unwrap()).err(),
            Some(expected(fail, Subject::Size))
        );
        assert_eq!(
            Writer::new(Source::new(script.object()).unwrap()).err(),
            Some(expected(fail, Subject::Size))
        );
    }
}

/// The error of a transfer says how far it came, and becomes the others.
#[test]
fn an_error_of_a_transfer_in_words() {
    let bad = Error::IoFail { offset: 5, length: 3 };
    let [error, _] = halted(0, Partial { done: 5, fail: Fail::bad_memory(8) });
    assert_eq!(error.to_string(), format!("after 5 bytes: {bad}"));
    let [none, _] = halted(5, Partial { done: 0, fail: Fail::bad_memory(8) });
    assert_eq!(none.to_string(), bad.to_string());
    assert_eq!((Error::from(error), Error::from(none)), (bad, bad));
    assert_eq!(TransferError::from(bad), none);
    let source = std::error::Error::source(&error).expect("it has one");
    assert_eq!(source.downcast_ref::<Error>(), Some(&bad));
    let io = std::io::Error::from(error);
    assert_eq!(io.kind(), std::io::Error::from(bad).kind());
    assert_eq!(io.downcast::<TransferError>().ok(), Some(error), "nothing is lost");
    let io = std::io::Error::from(
        halted(0, Partial { done: 0, fail: Fail::Os(Subject::Read, Errno::EACCES) })[0],
    );
    assert_eq!(io.kind(), std::io::ErrorKind::PermissionDenied);
}
