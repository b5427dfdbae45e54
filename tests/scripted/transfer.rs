//! Reading and writing: what is admitted, what the platform is asked, what comes back.

use std::mem::MaybeUninit;

use pmem2::{
    Access, Anonymous, Error, Handle, Kind, Source,
    error::{Errno, HandleFault, WriteFault},
    platform::{Borrowed, Transfer},
    transfer::{Reader, TransferError, Writer},
};

use crate::script::{Call, READ_WRITE, Script};

const SIZE: u64 = 0x1_0000;

/// The ways to read and to write: each gives how many bytes, and with what result.
pub(crate) type Way = (&'static str, fn(&Script, u64, &mut [u8]) -> Result<(), TransferError>);

pub(crate) const READS: [Way; 6] = [
    ("read_at", |script, offset, buffer| {
        Source::new(script.object()).unwrap().read_at(offset, buffer)
    }),
    ("read_into", |script, offset, buffer| {
        Source::new(script.object()).unwrap().read_into(offset, buffer.into())
    }),
    ("Reader", |script, offset, buffer| {
        Reader::new(Source::new(script.object()).unwrap())?.read_at(offset, buffer)
    }),
    ("Reader::read_into", |script, offset, buffer| {
        Reader::with_guard(Source::new(script.object()).unwrap(), 7)?
            .read_into(offset, buffer.into())
    }),
    ("Writer", |script, offset, buffer| {
        Writer::new(Source::new(script.object()).unwrap())?.read_at(offset, buffer)
    }),
    ("Writer::read_into", |script, offset, buffer| {
        Writer::with_guard(Source::new(script.object()).unwrap(), 7)?
            .read_into(offset, buffer.into())
    }),
];

pub(crate) const WRITES: [Way; 4] = [
    ("write_at", |script, offset, bytes| {
        Source::new(script.object()).unwrap().write_at(offset, bytes)
    }),
    ("write_from", |script, offset, bytes| {
        Source::new(script.object()).unwrap().write_from(offset, (&*bytes).into())
    }),
    ("Writer::write_at", |script, offset, bytes| {
        Writer::new(Source::new(script.object()).unwrap())?.write_at(offset, bytes)
    }),
    ("Writer::write_from", |script, offset, bytes| {
        Writer::with_guard(Source::new(script.object()).unwrap(), 7)?
            .write_from(offset, (&*bytes).into())
    }),
];

/// The calls of the platform that transfer or prepare.
fn transfers(script: &Script) -> Vec<Call> {
    let is_transfer =
        |call: &Call| matches!(call, Call::Channel(..) | Call::Read(..) | Call::Write(..));
    script.calls().into_iter().filter(is_transfer).collect()
}

/// Offset and length, and where the source ends: what of it is a range of the source.
#[test]
fn ranges() {
    let beyond = |end| Err(Error::LengthOutOfRange { end, size: SIZE });
    let wraps = Err(Error::LengthOutOfRange { end: u64::MAX, size: SIZE });
    let rows = [
        (0, 0, Ok(())),
        (0, 1, Ok(())),
        (0, SIZE, Ok(())),
        (0, SIZE + 1, beyond(SIZE + 1)),
        (1, SIZE - 1, Ok(())),
        (1, SIZE, beyond(SIZE + 1)),
        (SIZE - 1, 1, Ok(())),
        (SIZE - 1, 2, beyond(SIZE + 1)),
        (SIZE, 0, Ok(())),
        (SIZE, 1, beyond(SIZE + 1)),
        // libpmem2 subtracts here, and wraps (its defect 13).
        (SIZE + 1, 0, beyond(SIZE + 1)),
        (SIZE + 1, 1, beyond(SIZE + 2)),
        (1 << 63, 1, beyond((1 << 63) + 1)),
        (u64::MAX - 1, 1, beyond(u64::MAX)),
        (u64::MAX, 0, beyond(u64::MAX)),
        (u64::MAX, 1, wraps),
        (u64::MAX - 7, 8, wraps),
        (u64::MAX - 8, 8, beyond(u64::MAX)),
        (u64::MAX, SIZE + 1, wraps),
    ];
    for kind in [Kind::RegularFile, Kind::DeviceDax, Kind::Region] {
        for (name, way) in READS.iter().chain(&WRITES) {
            for (offset, length, expected) in rows {
                let script = Script::with(kind, READ_WRITE);
                let mut buffer = vec![0xA5; length as usize];
                let result = way(&script, offset, &mut buffer);
                let row = format!("{name}, {kind:?}, {length} bytes at {offset}");
                assert_eq!(
                    result.map_err(|error| (error.done(), error.error())),
                    expected.map_err(|e| (0, e)),
                    "{row}"
                );
                let moved = transfers(&script)
                    .iter()
                    .filter(|call| !matches!(call, Call::Channel(..)))
                    .count();
                assert_eq!(moved, usize::from(expected.is_ok() && length > 0), "{row}");
                if let Err(error) = expected {
                    assert!(
                        buffer.iter().all(|byte| *byte == 0xA5),
                        "{row}: the buffer is untouched"
                    );
                    assert_eq!(
                        *script.medium.bytes.borrow(),
                        *Script::new().medium.bytes.borrow(),
                        "{row}"
                    );
                    assert_eq!(error.code(), -100_030);
                }
            }
        }
    }
}

/// An empty source has no byte to transfer, and nothing is something it can do.
#[test]
fn an_empty_source() {
    for (name, way) in READS.iter().chain(&WRITES) {
        let empty = Script::new().sized(0);
        assert_eq!(way(&empty, 0, &mut []), Ok(()), "{name}");
        let error = way(&empty, 0, &mut [1]).unwrap_err();
        assert_eq!(error.error(), Error::LengthOutOfRange { end: 1, size: 0 }, "{name}");
    }
}

#[test]
fn the_bytes_come_and_go() {
    for (name, way) in READS {
        let script = Script::new();
        for (offset, length) in [(0, 1), (255, 3), (4093, 4099), (0, SIZE as usize), (SIZE - 5, 5)]
        {
            let mut buffer = vec![0; length];
            assert_eq!(way(&script, offset, &mut buffer), Ok(()), "{name}");
            assert_eq!(buffer, script.medium.bytes.borrow()[offset as usize..][..length], "{name}");
        }
    }
    for (name, way) in WRITES {
        let script = Script::new();
        assert_eq!(way(&script, 4093, &mut [1, 2, 3, 4, 5]), Ok(()), "{name}");
        let mut expected = Script::new().medium.bytes.take().into_owned();
        expected[4093..4098].copy_from_slice(&[1, 2, 3, 4, 5]);
        assert_eq!(*script.medium.bytes.borrow(), expected, "{name}");
    }
}

/// Memory that was never written to may be read into.
#[test]
fn uninitialized_memory() {
    let script = Script::new();
    let source = Source::new(script.object()).unwrap();
    let mut room = [MaybeUninit::<u8>::uninit(); 3];
    assert_eq!(source.read_into(0x1234, room.as_mut_slice().into()), Ok(()));
    // SAFETY: read_into succeeded, and has written all of them.
    let bytes = room.map(|byte| unsafe { byte.assume_init() });
    assert_eq!(bytes, [0x34 ^ 0x12, 0x35 ^ 0x12, 0x36 ^ 0x12]);
}

/// The calls of the platform, in their order: a channel of exactly these bytes for one transfer,
/// of the whole source for many.
#[test]
fn what_the_platform_is_asked() {
    let script = Script::new();
    let source = Source::new(script.object()).unwrap();
    script.calls();
    source.read_at(16, &mut [0; 4]).unwrap();
    assert_eq!(
        script.calls(),
        [Call::Size, Call::Channel(None, (16, 20), false), Call::Read(16, 4)]
    );
    source.write_at(16, &[0; 4]).unwrap();
    assert_eq!(
        script.calls(),
        [Call::Size, Call::Channel(None, (16, 20), true), Call::Write(16, 4)]
    );
    assert_eq!(script.medium.closed.borrow().len(), 2, "each gives its channel back");
    source.read_at(SIZE, &mut []).unwrap();
    source.write_at(SIZE, &[]).unwrap();
    assert_eq!(script.calls(), [Call::Size, Call::Size], "for nothing nothing is prepared");
    source.sync().unwrap();
    assert_eq!(script.calls(), [Call::Sync]);

    for (kind, anew) in [(Kind::RegularFile, true), (Kind::DeviceDax, false), (Kind::Region, false)]
    {
        let size = if anew { vec![Call::Size] } else { vec![] };
        for via in [None, Some(9)] {
            let script = Script::with(kind, READ_WRITE);
            let source = || Source::new(script.object()).unwrap();
            let reader = match via {
                None => Reader::new(source()),
                Some(via) => Reader::with_guard(source(), via),
            };
            let reader = reader.unwrap();
            assert_eq!(
                script.calls(),
                [Call::Describe, Call::Size, Call::Channel(via, (0, SIZE), false)]
            );
            for offset in [3, 5] {
                reader.read_at(offset, &mut [0; 4]).unwrap();
                assert_eq!(
                    script.calls(),
                    [size.clone(), vec![Call::Read(offset, 4)]].concat(),
                    "{kind:?}"
                );
            }
            assert_eq!(reader.source().kind(), kind);
            let writer = match via {
                None => Writer::new(source()),
                Some(via) => Writer::with_guard(source(), via),
            };
            let writer = writer.unwrap();
            assert_eq!(
                script.calls(),
                [Call::Describe, Call::Size, Call::Channel(via, (0, SIZE), true)]
            );
            writer.write_at(3, &[0; 4]).unwrap();
            assert_eq!(
                script.calls(),
                [size.clone(), vec![Call::Write(3, 4)]].concat(),
                "{kind:?}"
            );
            writer.read_at(3, &mut [0; 4]).unwrap();
            assert_eq!(script.calls(), [size.clone(), vec![Call::Read(3, 4)]].concat(), "{kind:?}");
            writer.read_at(SIZE, &mut []).and(writer.write_at(SIZE, &[])).unwrap();
            assert_eq!(
                script.calls(),
                [size.clone(), size.clone()].concat(),
                "nothing is not asked for"
            );
            assert_eq!(writer.source().kind(), kind);
        }
    }
}

/// A file may shrink and grow while somebody keeps a reader of it; a device does not.
#[test]
fn a_reader_looks_at_the_size_anew() {
    for (kind, fixed) in [(Kind::RegularFile, false), (Kind::DeviceDax, true), (Kind::Region, true)]
    {
        let script = Script::with(kind, READ_WRITE).sized(8);
        let reader = Reader::new(Source::new(script.object()).unwrap()).unwrap();
        let read = |offset| reader.read_at(offset, &mut [0; 4]).map_err(Error::from);
        let beyond = |end, size| Err(Error::LengthOutOfRange { end, size });
        assert_eq!((read(4), read(5)), (Ok(()), beyond(9, 8)), "{kind:?}");
        script.size_now.set(Some(4));
        assert_eq!(read(4), if fixed { Ok(()) } else { beyond(8, 4) }, "{kind:?}");
        script.size_now.set(Some(16));
        assert_eq!(read(12), if fixed { beyond(16, 8) } else { Ok(()) }, "{kind:?}");
    }
}

/// Before the handle is closed, the channel that may need it is given back.
#[test]
fn the_channel_is_dropped_first() {
    let script = Script::new();
    drop(Reader::new(Source::new(script.object()).unwrap()).unwrap());
    assert_eq!((script.medium.closed.take(), script.dropped.get()), (vec![0], 1));
    drop(Writer::new(Source::new(script.object()).unwrap()).unwrap());
    assert_eq!((script.medium.closed.take(), script.dropped.get()), (vec![1], 2));
}

/// The source comes back with its handle, and what was kept for transfers is gone by then.
#[test]
fn readers_and_writers_give_their_source_back() {
    let script = Script::new();
    let source = Reader::new(Source::new(script.object()).unwrap()).unwrap().into_source();
    assert_eq!((script.medium.closed.take(), script.dropped.get()), (vec![0], 0));
    let source = Writer::new(source).unwrap().into_source();
    assert_eq!((script.medium.closed.take(), script.dropped.get()), (vec![0], 0));
    assert_eq!(source.size(), Source::new(script.object()).unwrap().size());
    script.calls();
    drop(source.into_inner());
    assert_eq!((script.calls(), script.dropped.get()), (vec![], 2));
}

/// A writer makes durable what it wrote, as its source does.
#[test]
fn a_writer_syncs() {
    let script = Script::new();
    let writer = Writer::new(Source::new(script.object()).unwrap()).unwrap();
    script.calls();
    assert_eq!((writer.sync(), script.calls()), (Ok(()), vec![Call::Sync]));
    let mut script = Script::new();
    script.medium.sync = Err(pmem2::platform::Fail::NotSynced);
    let writer = Writer::new(Source::new(script.object()).unwrap()).unwrap();
    assert_eq!(writer.sync(), Err(Error::NotSynced));
}

/// A reader shows its source, and nothing of what it keeps.
#[test]
fn readers_and_writers_are_shown() {
    let script = Script::new();
    let (reader, writer) = (
        Reader::new(Source::new(script.object()).unwrap()).unwrap(),
        Writer::new(Source::new(script.object()).unwrap()).unwrap(),
    );
    let shown = [format!("{reader:?}"), format!("{writer:?}")];
    for (shown, name) in shown.iter().zip(["Reader", "Writer"]) {
        assert!(shown.starts_with(&format!("{name} {{ source: Source {{ handle: ")), "{name}");
    }
}

/// Who may read, who may write: the access with the kind, for each way. The rest is refused before
/// anything is asked.
#[test]
fn access_and_kind() {
    for kind in [Kind::RegularFile, Kind::DeviceDax, Kind::Region] {
        for access in
            [Access::READ, Access::READ | Access::APPEND, READ_WRITE, READ_WRITE | Access::APPEND]
        {
            let appends = access.contains(Access::APPEND) && kind == Kind::RegularFile;
            let fault = match access.contains(Access::WRITE) {
                false => Some(WriteFault::ReadOnly),
                // Memory has no end to write at.
                true => appends.then_some(WriteFault::Append),
            };
            for (name, way) in READS {
                let script = Script::with(kind, access);
                let expected = if name.starts_with("Writer") { fault } else { None };
                let expected = expected.map_or(Ok(()), |fault| Err(Error::NotWritable(fault)));
                let result = way(&script, 0, &mut [0]).map_err(Error::from);
                assert_eq!(result, expected, "{name}, {kind:?}, {access:?}");
            }
            for (name, way) in WRITES {
                let script = Script::with(kind, access);
                let expected = fault.map_or(Ok(()), |fault| Err(Error::NotWritable(fault)));
                let result = way(&script, 0, &mut [0]).map_err(Error::from);
                assert_eq!(result, expected, "{name}, {kind:?}, {access:?}");
                if let Err(error) = result {
                    assert_eq!((error.code(), error.errno()), (-100_032, Errno::EINVAL));
                    assert_eq!(script.calls(), [Call::Describe], "{name}: nothing is asked");
                }
            }
            let script = Script::with(kind, access);
            assert_eq!(Source::new(script.object()).unwrap().sync(), Ok(()), "a sync harms nobody");
        }
    }
}

#[test]
fn an_anonymous_source_has_nothing_to_read() {
    let script = Script::new();
    let source = || Source::new(Anonymous::on(&script, 4096)).unwrap();
    let refused = Error::SourceTypeNotSupported;
    assert_eq!(source().read_at(0, &mut [0]), Err(refused.into()));
    assert_eq!(source().read_at(0, &mut []), Err(refused.into()));
    assert_eq!(source().write_at(0, &[0]), Err(refused.into()));
    assert_eq!(source().sync(), Err(refused));
    assert_eq!(Reader::new(source()).err(), Some(refused));
    assert_eq!(Writer::new(source()).err(), Some(refused));
    assert_eq!(refused.code(), -100_036);
    // On a platform that would transfer it is no different.
    for access in [Access::READ, READ_WRITE | Access::APPEND] {
        for (name, way) in READS.iter().chain(&WRITES) {
            let script = Script::with(Kind::Anonymous, access);
            assert_eq!(way(&script, 0, &mut [0]), Err(refused.into()), "{name}");
            assert_eq!(script.calls(), [Call::Describe]);
        }
    }
}

/// As on Windows: a handle that cannot be read makes a source, from which nothing can be
/// transferred.
#[test]
fn an_unreadable_source() {
    #[derive(Clone, Copy)]
    struct Lenient(Access);
    impl pmem2::platform::Platform for Lenient {
        type Raw = ();
        type Id = pmem2::platform::NoId;
        const REQUIRES_READ: bool = false;
        fn describe(
            handle: Borrowed<'_, Self>,
        ) -> Result<pmem2::platform::Facts<pmem2::platform::NoId>, pmem2::platform::Fail> {
            Ok(pmem2::platform::Facts::new(
                pmem2::platform::NoId,
                Kind::RegularFile,
                handle.platform().0,
                None,
            ))
        }
        fn size(
            _: Borrowed<'_, Self>,
            _: &pmem2::platform::Facts<pmem2::platform::NoId>,
        ) -> Result<u64, pmem2::platform::Fail> {
            Ok(8)
        }
    }
    impl Transfer for Lenient {
        type Guard = ();
        type Channel = ();
        fn channel(
            _: Borrowed<'_, Self>,
            _: &pmem2::platform::Facts<pmem2::platform::NoId>,
            _: Option<()>,
            _: std::ops::Range<u64>,
            _: bool,
        ) -> Result<(), pmem2::platform::Fail> {
            Ok(())
        }
        fn read_at(
            _: Borrowed<'_, Self>,
            (): &(),
            _: u64,
            _: pmem2::transfer::ReadBuffer<'_>,
        ) -> Result<(), pmem2::transfer::Partial> {
            Ok(())
        }
        fn write_at(
            _: Borrowed<'_, Self>,
            (): &(),
            _: u64,
            _: pmem2::transfer::WriteBuffer<'_>,
        ) -> Result<(), pmem2::transfer::Partial> {
            Ok(())
        }
        fn sync(
            _: Borrowed<'_, Self>,
            _: &pmem2::platform::Facts<pmem2::platform::NoId>,
        ) -> Result<(), pmem2::platform::Fail> {
            Ok(())
        }
    }
    // SAFETY: there is one object.
    unsafe impl pmem2::Handle for Lenient {
        type P = Self;
        fn platform(&self) -> Self {
            *self
        }
        fn raw(&self) {}
    }
    for (access, reads, writes) in [
        (
            Access::empty(),
            Err(HandleFault::NoAccess),
            Err(Error::InvalidFileHandle(HandleFault::NoAccess)),
        ),
        (
            Access::WRITE,
            Err(HandleFault::WriteOnly),
            Err(Error::InvalidFileHandle(HandleFault::WriteOnly)),
        ),
        (Access::READ, Ok(()), Err(Error::NotWritable(WriteFault::ReadOnly))),
        (READ_WRITE, Ok(()), Ok(())),
    ] {
        let source = || Source::new(Lenient(access)).unwrap();
        let reads = reads.map_err(Error::InvalidFileHandle);
        assert_eq!(source().read_at(0, &mut [0]).map_err(Error::from), reads);
        assert_eq!(Reader::new(source()).map(drop), reads);
        assert_eq!(source().sync(), reads);
        assert_eq!(source().write_at(0, &[0]).map_err(Error::from), writes);
        assert_eq!(Writer::new(source()).map(drop), writes);
    }
}
