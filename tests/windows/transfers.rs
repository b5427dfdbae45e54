//! Reading and writing at an offset, of handles of each sort.

use std::{
    fs::{File, OpenOptions},
    io::{Seek, SeekFrom},
    os::windows::{fs::OpenOptionsExt, io::AsRawHandle},
    path::Path,
    ptr::null_mut,
};

use pmem2::{
    Error, Source, WinHandle,
    badblocks::ClearBy,
    error::{Errno, HandleFault, Subject, WriteFault},
    transfer::{ReadBuffer, Reader, WriteBuffer, Writer},
};
use windows_sys::Win32::{
    Foundation::WAIT_TIMEOUT,
    Storage::FileSystem::{
        FILE_APPEND_DATA, FILE_FLAG_NO_BUFFERING, FILE_FLAG_OVERLAPPED, FILE_FLAG_WRITE_THROUGH,
        FILE_READ_ATTRIBUTES, FILE_READ_DATA, SYNCHRONIZE,
    },
    System::IO::{CreateIoCompletionPort, GetQueuedCompletionStatus},
};

use crate::made::*;

const SIZE: u64 = 100_000;

/// Bytes that tell where they are.
fn pattern() -> Vec<u8> {
    (0..SIZE).map(|at| (at % 251) as u8).collect()
}

fn filled(directory: &Directory) -> std::path::PathBuf {
    let path = directory.path().join("filled");
    std::fs::write(&path, pattern()).expect("a file");
    path
}

fn opened(path: &Path, flags: u32) -> File {
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).expect("a file")
}

/// Handles that wait and handles that do not behave alike.
const FLAGS: [u32; 4] = [
    0,
    FILE_FLAG_OVERLAPPED,
    FILE_FLAG_WRITE_THROUGH,
    FILE_FLAG_OVERLAPPED | FILE_FLAG_WRITE_THROUGH,
];

#[test]
fn bytes_come_and_go() {
    for flags in FLAGS {
        let directory = Directory::new();
        let path = filled(&directory);
        let file = opened(&path, flags);
        let source = Source::new(&file).expect("a source");
        let mut expected = pattern();
        for (offset, length) in
            [(0, 1), (511, 3), (0, SIZE as usize), (SIZE - 1, 1), (SIZE, 0), (70_000, 20_000)]
        {
            let mut buffer = vec![0xEE; length];
            assert_eq!(
                source.read_at(offset, &mut buffer),
                Ok(()),
                "{flags:#x}: {length} at {offset}"
            );
            assert_eq!(buffer, expected[offset as usize..][..length]);
        }
        assert_eq!(source.write_at(65_530, &[7; 20]), Ok(()));
        expected[65_530..65_550].fill(7);
        let writer = Writer::new(source).expect("a writer");
        assert_eq!(writer.write_at(0, b"pmem2"), Ok(()));
        expected[..5].copy_from_slice(b"pmem2");
        let mut head = [0; 5];
        assert_eq!(writer.read_at(0, &mut head), Ok(()));
        assert_eq!((&head, writer.source().sync()), (b"pmem2", Ok(())));
        assert!(std::fs::read(&path).expect("the file") == expected, "{flags:#x}");
    }
}

#[test]
fn beyond_the_end() {
    for flags in FLAGS {
        let directory = Directory::new();
        let path = filled(&directory);
        let file = opened(&path, flags);
        let source = Source::new(&file).expect("a source");
        for (offset, length, end) in [
            (SIZE, 1, SIZE + 1),
            (SIZE - 1, 2, SIZE + 1),
            (SIZE + 1, 0, SIZE + 1),
            (u64::MAX, 1, u64::MAX),
        ] {
            let beyond = Error::LengthOutOfRange { end, size: SIZE };
            assert_eq!(
                source.read_at(offset, &mut vec![0; length]).map_err(Error::from),
                Err(beyond)
            );
            assert_eq!(source.write_at(offset, &vec![0; length]).map_err(Error::from), Err(beyond));
        }
        assert_eq!(source.size(), Ok(SIZE), "it does not grow");
        // A reader looks anew.
        file.set_len(10).expect("the size");
        let reader = Reader::new(source).expect("a reader");
        let beyond = Error::LengthOutOfRange { end: 11, size: 10 };
        assert_eq!(reader.read_at(10, &mut [0]).map_err(Error::from), Err(beyond));
        file.set_len(11).expect("the size");
        assert_eq!(reader.read_at(10, &mut [0]), Ok(()));
    }
}

#[test]
fn who_may_read_and_write() {
    let directory = Directory::new();
    let path = filled(&directory);
    let to_append = FILE_READ_DATA | FILE_READ_ATTRIBUTES | FILE_APPEND_DATA | SYNCHRONIZE;
    let unreadable = |fault| Error::InvalidFileHandle(fault);
    for (file, reads, writes) in [
        (File::open(&path).expect("a file"), Ok(()), Err(Error::NotWritable(WriteFault::ReadOnly))),
        (with_access(&path, to_append), Ok(()), Err(Error::NotWritable(WriteFault::Append))),
        (
            OpenOptions::new().write(true).open(&path).expect("a file"),
            Err(unreadable(HandleFault::WriteOnly)),
            Err(unreadable(HandleFault::WriteOnly)),
        ),
        (
            to_look(&path),
            Err(unreadable(HandleFault::NoAccess)),
            Err(unreadable(HandleFault::NoAccess)),
        ),
    ] {
        let source = Source::new(&file).expect("a source");
        assert_eq!(source.read_at(0, &mut [0; 4]).map_err(Error::from), reads);
        assert_eq!(source.write_at(0, &[0; 4]).map_err(Error::from), writes);
        assert_eq!(Writer::new(source).map(drop), writes);
    }
    assert!(std::fs::read(&path).expect("the file") == pattern(), "nothing was written");
}

/// The bad memory is the caller's, not the file's.
#[test]
fn a_buffer_that_is_not_there() {
    for flags in FLAGS {
        let directory = Directory::new();
        let path = filled(&directory);
        let file = opened(&path, flags);
        let source = Source::new(&file).expect("a source");
        let fault = Error::Os { subject: Subject::Buffer, errno: Errno::EFAULT };
        let nowhere = std::ptr::without_provenance_mut(0x10);
        // SAFETY: from_raw_parts wants no object of Rust's there, and there is none.
        let (to, from) = unsafe {
            (ReadBuffer::from_raw_parts(nowhere, 64), WriteBuffer::from_raw_parts(nowhere, 64))
        };
        assert_eq!(
            source.read_into(0, to).map_err(|error| (error.done(), error.error())),
            Err((0, fault)),
            "{flags:#x}"
        );
        assert_eq!(
            source.write_from(0, from).map_err(|error| (error.done(), error.error())),
            Err((0, fault))
        );
        assert!(std::fs::read(&path).expect("the file") == pattern());
    }
}

/// Whole sectors to and from memory that is aligned like them.
#[test]
fn past_the_cache() {
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    let directory = Directory::new();
    let path = filled(&directory);
    let file = opened(&path, FILE_FLAG_NO_BUFFERING);
    let source = Source::new(&file).expect("a source");
    let mut page = Page([0; 4096]);
    assert_eq!(source.read_at(8192, &mut page.0), Ok(()));
    assert_eq!(page.0, pattern()[8192..12288]);
}

/// The program's own completion port hears nothing of what it did not begin.
#[test]
fn a_completion_port_is_not_told() {
    let directory = Directory::new();
    let path = filled(&directory);
    let (file, port) = (opened(&path, FILE_FLAG_OVERLAPPED), completion_port());
    // SAFETY: both handles are open.
    let bound = unsafe { CreateIoCompletionPort(file.as_raw_handle(), port.as_raw_handle(), 7, 0) };
    assert_eq!(bound, port.as_raw_handle(), "{}", std::io::Error::last_os_error());
    let source = Source::new(&file).expect("a source");
    assert_eq!(source.read_at(3, &mut [0; 5]), Ok(()));
    assert_eq!(source.write_at(3, &[0; 5]), Ok(()));
    let (mut moved, mut key, mut overlapped) = (0, 0, null_mut());
    // SAFETY: the port is open, and the call writes what it is given.
    let told = unsafe {
        GetQueuedCompletionStatus(
            port.as_raw_handle(),
            &raw mut moved,
            &raw mut key,
            &raw mut overlapped,
            0,
        )
    };
    let error = std::io::Error::last_os_error();
    assert_eq!((told, error.raw_os_error()), (0, Some(WAIT_TIMEOUT as i32)), "key {key}");
}

/// Many threads over one reader, each with its own bytes.
#[test]
fn threads_share_a_reader() {
    for flags in FLAGS {
        let directory = Directory::new();
        let path = filled(&directory);
        let file = opened(&path, flags);
        let reader = Reader::new(Source::new(&file).expect("a source")).expect("a reader");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let reader = &reader;
                scope.spawn(move || {
                    for round in 0..50_u64 {
                        let offset = (thread * 7919 + round * 1237) % (SIZE - 100);
                        let mut buffer = [0; 100];
                        assert_eq!(reader.read_at(offset, &mut buffer), Ok(()));
                        assert_eq!(buffer[..], pattern()[offset as usize..][..100], "{flags:#x}");
                    }
                });
            }
        });
    }
}

/// A handle that waits has a position, which every transfer moves, as the documentation says; one
/// that does not has none.
#[test]
fn the_position_of_a_handle() {
    let directory = Directory::new();
    let path = filled(&directory);
    let mut file = opened(&path, 0);
    file.seek(SeekFrom::Start(9)).expect("a position");
    Source::new(&file).expect("a source").read_at(100, &mut [0; 5]).expect("bytes");
    assert_eq!(file.stream_position().expect("a position"), 105);
}

#[test]
fn a_handle_that_was_closed() {
    let directory = Directory::new();
    let path = filled(&directory);
    let file = opened(&path, 0);
    let handle: WinHandle<'static> = borrowed(file.as_raw_handle());
    let source = Source::new(handle).expect("a source");
    drop(file);
    // Or, where another test has got its number meanwhile, one of another file: nothing is read or
    // written there either.
    for result in
        [source.read_at(0, &mut [0]), source.write_at(0, &[0]), source.sync().map_err(Into::into)]
    {
        assert_eq!(
            result.map_err(|error| (error.done(), error.error().code())),
            Err((0, -100_004))
        );
    }
}

/// Windows has no list, and says so; never that nothing is bad.
#[test]
fn bad_blocks_are_not_known() {
    let directory = Directory::new();
    let path = filled(&directory);
    let file = opened(&path, 0);
    let source = Source::new(&file).expect("a source");
    let unsupported = Error::Unsupported(Subject::BadBlocks);
    assert_eq!(source.bad_blocks().err(), Some(unsupported));
    assert_eq!(unsupported.code(), -100_001);
    for by in [ClearBy::Allocation, ClearBy::LossyAllocation, ClearBy::DeviceCommand] {
        assert_eq!(
            source.clear_bad_blocks(0..512, by),
            Err(unsupported),
            "that is the cause, whichever way was asked for"
        );
    }
    assert!(std::fs::read(&path).expect("the file") == pattern());
}
