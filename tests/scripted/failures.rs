//! Every failure in every call.

use std::mem::MaybeUninit;

use pmem2::{
    Anonymous, Error, Kind, Pool, Source,
    error::{Errno, HandleFault, Memory, Subject},
    platform::{Alignment, Borrowed, Facts, Fail, NoId, Platform, Unsupported},
    report::Report,
};

use crate::script::{Call, READ_WRITE, Script, WHATS, fails};

/// The error that a failure has to become where `asked` was asked for: the table of issue 2.
pub(crate) fn expected(fail: Fail, asked: Subject) -> Error {
    let absent = |what| Error::Os { subject: what, errno: Errno::ENOENT };
    match fail {
        Fail::Unsupported => Error::Unsupported(asked),
        Fail::Replaced => Error::InvalidFileHandle(HandleFault::Replaced),
        Fail::NotSynced => Error::NotSynced,
        Fail::Os(what, errno) => Error::Os { subject: what, errno },
        Fail::OsCode(what, code) => Error::OsCode { subject: what, code },
        Fail::NotBad => Error::NotBad,
        Fail::Absent(Subject::Mapping) => Error::MappingNotFound,
        Fail::Absent(Subject::Handle) => Error::InvalidFileHandle(HandleFault::NotOpen),
        Fail::Absent(what) => absent(what),
        Fail::Malformed(Subject::Size) => Error::InvalidSizeFormat,
        Fail::Malformed(Subject::Allocated) => Error::InvalidSizeFormat,
        Fail::Malformed(Subject::Alignment) => Error::InvalidAlignmentFormat,
        Fail::Malformed(Subject::PageSize) => Error::InvalidAlignmentFormat,
        Fail::Malformed(Subject::Region) => Error::InvalidRegionFormat,
        Fail::Malformed(Subject::NumaNode) => Error::InvalidRegionFormat,
        Fail::Malformed(Subject::PersistenceDomain) => Error::InvalidRegionFormat,
        Fail::Malformed(Subject::Device) => Error::InvalidDevFormat,
        Fail::Malformed(Subject::Volume) => Error::InvalidDevFormat,
        Fail::Malformed(Subject::Dimm) => Error::InvalidDevFormat,
        Fail::Malformed(Subject::DeviceId) => Error::InvalidDevFormat,
        Fail::Malformed(Subject::UnsafeShutdowns) => Error::InvalidDevFormat,
        Fail::Malformed(Subject::BadBlocks) => Error::CannotReadBounds,
        Fail::Malformed(Subject::Extents) => Error::CannotReadBounds,
        Fail::Malformed(what) => Error::Unknown(what),
        Fail::DeviceReplaced => Error::InvalidFileHandle(HandleFault::DeviceReplaced),
        Fail::TooLarge(what) => Error::TooLarge(what),
        other => panic!("a failure that this table does not have: {other:?}"),
    }
}

#[test]
fn the_codes_of_failures() {
    let code =
        |fail| Source::new(Script::failing(Call::Describe, fail).object()).unwrap_err().code();
    let codes = |fail: fn(Subject) -> Fail| WHATS.map(|what| code(fail(what)));
    // ENOENT, except for a handle and a mapping.
    let absent = |what| match what {
        Subject::Handle => -100_004,
        Subject::Mapping => -100_016,
        _ => -2,
    };
    assert_eq!(codes(Fail::Absent), WHATS.map(absent));
    const UNKNOWN: i32 = -100_000;
    const ALIGNMENT: i32 = -100_012;
    const SIZE: i32 = -100_014;
    const REGION: i32 = -100_025;
    const DEVICE: i32 = -100_027;
    const BOUNDS: i32 = -100_028;
    // In the order of WHATS.
    let of_sources = [UNKNOWN, UNKNOWN, UNKNOWN, SIZE, ALIGNMENT, SIZE, UNKNOWN, ALIGNMENT];
    // Device, volume; region, node, domain; DIMM, id, count; DAX, MAP_SYNC.
    let of_places =
        [DEVICE, DEVICE, REGION, REGION, REGION, DEVICE, DEVICE, DEVICE, UNKNOWN, UNKNOWN];
    // Reading, writing, buffer, sync; mapping (twice), handler; bad blocks, extents, clearing,
    // writing back, a spare file; unmapping, allocation (twice), size, loading, deep flush; path.
    let of_health = [
        UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, BOUNDS, BOUNDS, UNKNOWN,
        UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
    ];
    let malformed = [of_sources.as_slice(), of_places.as_slice(), of_health.as_slice()].concat();
    assert_eq!(codes(Fail::Malformed).to_vec(), malformed);
    // EOVERFLOW.
    assert_eq!(codes(Fail::TooLarge), [-Errno::EOVERFLOW.raw(); WHATS.len()]);
    assert_eq!(code(Fail::Unsupported), -100_001);
    assert_eq!([Fail::NotBad, Fail::NotSynced].map(code), [-100_029, -100_037]);
    assert_eq!([Fail::Replaced, Fail::DeviceReplaced].map(code), [-100_004; 2]);
    for errno in 1..=133 {
        assert_eq!(codes_of_os(errno), [-errno; WHATS.len()]);
    }
}

fn codes_of_os(errno: i32) -> [i32; WHATS.len()] {
    WHATS.map(|what| {
        let script = Script::failing(Call::Describe, Fail::Os(what, Errno::from_raw(errno)));
        Source::new(script.object()).unwrap_err().code()
    })
}

#[test]
fn every_constructor_gives_the_error_and_drops_the_handle() {
    for fail in fails() {
        let script = Script::failing(Call::Describe, fail);
        let error = expected(fail, Subject::Handle);
        assert_eq!(Source::new(script.object()).unwrap_err(), error);
        assert_eq!(script.dropped.get(), 1);
        assert_eq!(Source::boxed(script.object()).unwrap_err(), error);
        assert_eq!(script.dropped.get(), 2);
        assert_eq!(Report::new(&script.object()).verdict(), Err(error));
        assert_eq!(Report::new_unopened(&script.object()).verdict(), Err(error));
        assert_eq!(script.dropped.get(), 4);
        let (handle, given) = Source::try_from_handle(script.object()).unwrap_err();
        assert_eq!((given, script.dropped.get()), (error, 4), "this one gives the handle back");
        drop(handle);
        assert_eq!(script.calls(), [Call::Describe; 5], "and nothing else is asked");
    }
}

#[test]
fn memory_of_the_caller_is_untouched_by_a_failure() {
    let (before, good) = (Script::new(), Script::new());
    for fail in fails() {
        let script = Script::failing(Call::Describe, fail);
        let mut place = MaybeUninit::new(Source::new(before.object()).unwrap());
        let error = Source::new_in(&mut place, script.object()).unwrap_err();
        assert_eq!((error, script.dropped.get()), (expected(fail, Subject::Handle), 1));
        // SAFETY: it was made with a value, and what a failure must not touch is that value. It is
        // dropped once.
        let source = unsafe { place.assume_init() };
        assert!(std::ptr::eq(source.handle().script(), &before));
        assert_eq!(source.size(), Ok(0x1_0000));
    }
    let mut place = MaybeUninit::uninit();
    let source = Source::new_in(&mut place, good.object()).unwrap();
    assert_eq!(source.size(), Ok(0x1_0000));
    let lies = std::ptr::from_ref(source).addr();
    assert_eq!(lies, place.as_ptr().addr(), "in the caller's memory");
    assert_eq!(good.dropped.get(), 0);
    // SAFETY: new_in succeeded, so a source lies there; it is dropped once.
    unsafe { place.assume_init_drop() };
    assert_eq!(good.dropped.get(), 1);
}

#[test]
fn no_failure_costs_a_slot() {
    let good = Script::new();
    let object = good.object();
    // What a pool's sources come from has to be there as long as the pool.
    let scripts: Vec<_> =
        fails().into_iter().map(|fail| (fail, Script::failing(Call::Describe, fail))).collect();
    let pool = Pool::<&Script, 3>::new();
    for (fail, script) in &scripts {
        let (fail, bad) = (*fail, script.object());
        let held = pool.source(&object).unwrap();
        assert_eq!(pool.source(&bad).unwrap_err(), expected(fail, Subject::Handle));
        assert_eq!(pool.len(), 1);
        let others = [pool.source(&object).unwrap(), pool.source(&object).unwrap()];
        assert_eq!(pool.source(&object).unwrap_err(), Error::OutOfMemory(Memory::Pool(3)));
        assert_eq!(
            pool.source(&bad).unwrap_err(),
            expected(fail, Subject::Handle),
            "the handle is looked at first"
        );
        assert_eq!(pool.len(), 3);
        drop((held, others));
        assert_eq!(pool.len(), 0);
    }
    assert_eq!(good.dropped.get(), 0, "what was borrowed is not dropped");
}

#[test]
fn every_question_gives_the_error() {
    for fail in fails() {
        let failing = |call| Script::failing(call, fail);
        let script = failing(Call::Size);
        let source = Source::new(script.object()).unwrap();
        script.calls();
        assert_eq!(source.size(), Err(expected(fail, Subject::Size)));
        assert_eq!(script.calls(), [Call::Size]);
        assert_eq!(source.check_range(0, 0), Err(expected(fail, Subject::Size)));
        assert_eq!(script.calls(), [Call::Size], "a range is not looked at further");
        assert_eq!((source.alignment(), source.allocated()), (Ok(4096), Ok(0x8000)));

        let script = failing(Call::Alignment);
        let source = Source::new(script.object()).unwrap();
        script.calls();
        assert_eq!(source.alignment(), Err(expected(fail, Subject::Alignment)));
        assert_eq!(script.calls(), [Call::Alignment]);
        assert_eq!(source.check_range(0, 0), Err(expected(fail, Subject::Alignment)));
        assert_eq!(script.calls(), [Call::Size, Call::Alignment]);

        let script = failing(Call::Allocated);
        let source = Source::new(script.object()).unwrap();
        script.calls();
        assert_eq!(source.allocated(), Err(expected(fail, Subject::Allocated)));
        assert_eq!(script.calls(), [Call::Allocated]);
        assert_eq!(source.check_range(0, 0), Ok(0..0x1_0000));

        let script = failing(Call::FileSystem);
        let source = Source::new(script.object()).unwrap();
        script.calls();
        assert_eq!(source.file_system(), Err(expected(fail, Subject::FileSystem)));
        assert_eq!(script.calls(), [Call::FileSystem]);

        let script = failing(Call::PageSize);
        let refused = Source::new(Anonymous::on(&script, 1)).unwrap_err();
        assert_eq!(refused, expected(fail, Subject::Handle));
        assert_eq!(script.calls(), [Call::PageSize]);
        assert_eq!(
            Source::new(script.object()).unwrap().alignment(),
            Ok(4096),
            "files do not need it"
        );
    }
}

#[test]
fn every_answer_comes_through() {
    let script = Script::new();
    let source = Source::new(script.object()).unwrap();
    assert_eq!(script.calls(), [Call::Describe]);
    assert_eq!((source.kind(), source.access(), source.id()), {
        let facts = script.facts.unwrap();
        (facts.kind, facts.access, facts.id)
    });
    assert_eq!(Ok(*source.facts()), script.facts);
    assert_eq!(script.calls(), [], "what was described is kept");
    assert_eq!(source.file_system().map(|system| system.magic()), Ok(0x5846_5342));
    assert_eq!((source.size(), source.size()), (Ok(0x1_0000), Ok(0x1_0000)));
    assert_eq!(
        script.calls(),
        [Call::FileSystem, Call::Size, Call::Size],
        "the size is asked for anew each time"
    );
    assert!(format!("{source:?}").starts_with("Source { handle: Object"));
    drop(source.into_inner());
    assert_eq!(script.dropped.get(), 1);
    for size in [0, 1, i64::MAX as u64, u64::MAX] {
        let mut script = Script::new();
        (script.size, script.allocated) = (Ok(size), Ok(size));
        let source = Source::new(script.object()).unwrap();
        assert_eq!((source.size(), source.allocated()), (Ok(size), Ok(size)));
    }
}

#[test]
fn an_alignment_is_a_power_of_two() {
    let answer = |bytes| {
        let mut script = Script::new();
        script.alignment = Ok(bytes);
        let source = Source::new(script.object()).unwrap();
        let report = source.report();
        assert_eq!(report.alignment(), Some(source.alignment()));
        (source.alignment(), source.check_range(0, 0))
    };
    for shift in 0..64 {
        assert_eq!(answer(1 << shift).0, Ok(1 << shift));
    }
    for bytes in [0, 3, 5, 4095, 4097, 3 << 20, (1 << 63) + 1, u64::MAX] {
        let error = Error::InvalidAlignmentValue(bytes);
        assert_eq!(answer(bytes), (Err(error), Err(error)));
        assert_eq!((error.code(), error.errno()), (-100_013, Errno::EINVAL));
    }
}

#[test]
fn an_alignment_that_is_known_is_not_asked_for() {
    let mut script = Script::failing(Call::Alignment, Fail::Replaced);
    if let Ok(facts) = &mut script.facts {
        facts.alignment = Alignment::new(0x2000);
    }
    let source = Source::new(script.object()).unwrap();
    assert_eq!(source.alignment(), Ok(0x2000));
    assert_eq!(source.report().alignment(), Some(Ok(0x2000)));
    assert_eq!(source.check_range(0x2000, 0x2000), Ok(0x2000..0x4000));
    assert_eq!(
        source.check_range(0x1000, 0),
        Err(Error::OffsetUnaligned { offset: 0x1000, alignment: 0x2000 })
    );
    assert!(!script.calls().contains(&Call::Alignment));
}

#[test]
fn an_anonymous_source_is_its_size() {
    let script = Script::new();
    for size in [0, 1, 4096, u64::MAX] {
        let source = Source::new(Anonymous::on(&script, size)).unwrap();
        assert_eq!(script.calls(), [Call::PageSize]);
        assert_eq!(
            (source.size(), source.alignment(), source.kind()),
            (Ok(size), Ok(0x4000), Kind::Anonymous)
        );
        assert_eq!(source.allocated(), Err(Error::Unsupported(Subject::Allocated)));
        assert_eq!(source.file_system(), Err(Error::Unsupported(Subject::FileSystem)));
        assert_eq!(source.id().to_string(), "none");
        assert_eq!(source.handle().size(), size);
        assert_eq!(script.calls(), [], "no system is asked");
    }
}

#[test]
fn a_system_without_a_backend_has_no_answer() {
    let facts = Facts::new(NoId, Kind::RegularFile, READ_WRITE, None);
    // SAFETY: from_raw wants a raw value that keeps its meaning: here no value has one.
    let handle = unsafe { Borrowed::from_raw(Unsupported, 0) };
    assert_eq!(Unsupported::describe(handle), Err(Fail::Unsupported));
    assert_eq!(Unsupported::size(handle, &facts), Err(Fail::Unsupported));
    assert_eq!(Unsupported::alignment(handle, &facts), Err(Fail::Unsupported));
    assert_eq!(Unsupported::allocated(handle, &facts), Err(Fail::Unsupported));
    assert_eq!(Unsupported::file_system(handle, &facts), Err(Fail::Unsupported));
    assert_eq!(Unsupported.page_size(), Err(Fail::Unsupported));
    let refused = Source::new(Anonymous::on(Unsupported, 1)).unwrap_err();
    assert_eq!(refused, Error::Unsupported(Subject::Handle));
}
