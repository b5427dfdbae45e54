//! Refusals, with nothing done.

use std::{fs::File, io::Read, os::fd::AsRawFd, os::unix::fs::FileExt};

use pmem2::{
    Error, Source,
    error::{Errno, HandleFault, Subject, WriteFault},
    transfer::{Reader, Writer},
};
use rustix::fs::{MemfdFlags, OFlags, SealFlags, fcntl_add_seals};

use crate::{
    all_of, bytes,
    common::{fd, made, thread::with_own_descriptors},
    memory, on_disk, stopped,
};

const SIZE: u64 = 10_000;

#[test]
fn ranges_that_are_not_in_the_source() {
    for file in [memory(SIZE as usize), on_disk(SIZE as usize, OFlags::RDWR)] {
        let source = Source::new(&file).expect("a source");
        let (reader, writer) =
            (Reader::new(source).expect("a reader"), Writer::new(source).expect("a writer"));
        for (offset, length) in [
            (0, SIZE as usize + 1),
            (SIZE, 1),
            (SIZE - 1, 2),
            (SIZE + 1, 0),
            (u64::MAX, 0),
            (u64::MAX, 1),
            (u64::MAX - 9, 11),
            (u64::MAX - 10, 10),
            (i64::MAX as u64, 1),
            (1 << 63, 4096),
        ] {
            let end = offset.saturating_add(length as u64);
            let expected = Err((0, Error::LengthOutOfRange { end, size: SIZE }));
            let mut buffer = vec![0xEE; length];
            let name = format!("{length} at {offset}");
            assert_eq!(stopped(source.read_at(offset, &mut buffer)), expected, "{name}");
            assert_eq!(stopped(reader.read_at(offset, &mut buffer)), expected, "{name}");
            assert_eq!(stopped(writer.read_at(offset, &mut buffer)), expected, "{name}");
            assert!(buffer.iter().all(|&byte| byte == 0xEE), "{name}: nothing was read");
            assert_eq!(stopped(source.write_at(offset, &buffer)), expected, "{name}");
            assert_eq!(stopped(writer.write_at(offset, &buffer)), expected, "{name}");
        }
        assert_eq!(file.metadata().expect("its length").len(), SIZE, "it did not grow");
        assert!(all_of(&source) == bytes(SIZE as usize));
    }
}

#[test]
fn what_was_opened_for_something_else() {
    let read_only = on_disk(SIZE as usize, OFlags::RDONLY);
    let to_append = on_disk(SIZE as usize, OFlags::RDWR | OFlags::APPEND);
    for (file, fault) in [(read_only, WriteFault::ReadOnly), (to_append, WriteFault::Append)] {
        let source = Source::new(&file).expect("a source");
        let refused = Error::NotWritable(fault);
        assert_eq!(stopped(source.write_at(0, &[1])), Err((0, refused)));
        assert_eq!(
            stopped(source.write_at(0, &[])),
            Err((0, refused)),
            "nothing is too much as well"
        );
        assert_eq!(Writer::new(source).err(), Some(refused));
        assert!(all_of(&source) == bytes(SIZE as usize), "nothing was written, here or at the end");
        assert_eq!(source.sync(), Ok(()), "what others wrote");
        assert!(Reader::new(source).is_ok());
    }
    let write_only = on_disk(1, OFlags::WRONLY);
    assert_eq!(
        Source::new(&write_only).err(),
        Some(Error::InvalidFileHandle(HandleFault::WriteOnly))
    );
}

#[test]
fn an_anonymous_source() {
    let source = Source::from_anon(SIZE).expect("a source");
    let refused = Error::SourceTypeNotSupported;
    assert_eq!(stopped(source.read_at(0, &mut [0])), Err((0, refused)));
    assert_eq!(stopped(source.write_at(0, &[0])), Err((0, refused)));
    assert_eq!(
        (Reader::new(source).err(), Writer::new(source).err()),
        (Some(refused), Some(refused))
    );
    assert_eq!(source.sync(), Err(refused));
}

/// The prohibitions of a memfd's seals.
#[test]
fn sealed() {
    let file = File::from(made::memfd(MemfdFlags::ALLOW_SEALING, SIZE).expect("a memfd"));
    let source = Source::new(&file).expect("a source");
    fcntl_add_seals(&file, SealFlags::GROW | SealFlags::SHRINK).expect("seals");
    assert_eq!(source.write_at(SIZE - 1, &[1]), Ok(()), "it is neither longer nor shorter then");
    fcntl_add_seals(&file, SealFlags::WRITE).expect("another seal");
    let refused = Error::Os { subject: Subject::Write, errno: Errno::EPERM };
    assert_eq!(stopped(source.write_at(0, &[1])), Err((0, refused)));
    let mut found = [0; 2];
    assert_eq!(source.read_at(SIZE - 2, &mut found), Ok(()));
    assert_eq!(found, [0, 1]);
}

/// A number that is another file's now, or nobody's.
#[test]
fn a_descriptor_that_was_closed() {
    with_own_descriptors(|| {
        let (file, other) = (memory(SIZE as usize), memory(SIZE as usize));
        let source = Source::new(fd(file.as_raw_fd())).expect("a source");
        let (reader, writer) =
            (Reader::new(source).expect("a reader"), Writer::new(source).expect("a writer"));
        for fault in [HandleFault::Replaced, HandleFault::NotOpen] {
            match fault {
                HandleFault::Replaced => {
                    // SAFETY: the number is closed and open again at once: who owns it notices
                    // nothing.
                    assert!(unsafe { libc::dup2(other.as_raw_fd(), file.as_raw_fd()) } >= 0)
                }
                // SAFETY: nobody uses it on this thread any more; its owner finds it closed.
                _ => assert_eq!(unsafe { libc::close(file.as_raw_fd()) }, 0),
            }
            let expected = Err((0, Error::InvalidFileHandle(fault)));
            assert_eq!(stopped(source.read_at(0, &mut [0])), expected);
            assert_eq!(stopped(reader.read_at(0, &mut [0])), expected);
            assert_eq!(stopped(source.write_at(0, &[9])), expected);
            assert_eq!(stopped(writer.write_at(0, &[9])), expected);
            assert_eq!(source.sync(), Err(Error::InvalidFileHandle(fault)));
        }
        std::mem::forget(file);
        let mut found = vec![];
        other.read_exact_at(&mut [0; 1], 0).expect("a byte");
        (&other).read_to_end(&mut found).expect("its bytes");
        assert!(other.metadata().expect("its length").len() == SIZE);
        let mut first = [0; 1];
        other.read_exact_at(&mut first, 0).expect("a byte");
        assert_eq!(first, [bytes(1)[0]], "nothing was written to the other file");
    });
}
