//! Disks with faults: what a program meets on them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pmem2::{
    Error, Granularity, MapConfig, Source,
    badblocks::ClearBy,
    error::{Errno, Subject},
    place::Warning,
    transfer::{Reader, Writer},
};
use pmem2_crash::{Disk, Run};

const LINES: Granularity = Granularity::CacheLine;

/// Runs a program, which stores nothing that is looked at.
fn on(run: Run, program: impl FnOnce(Disk<'_>)) {
    run.record::<(), _>(|disk, _| program(disk));
}

/// Returns what a program says that ends as by SIGBUS.
fn killed(access: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(access)).expect_err("it is bad");
    panic
        .downcast_ref::<String>()
        .map_or_else(|| (*panic.downcast_ref::<&str>().expect("words")).to_owned(), String::clone)
}

#[test]
fn bad_blocks() {
    on(Run::new(vec![7; 8192], LINES).bad(1000..1001).bad(4096..5000), |disk| {
        let source = Source::new(disk).unwrap();
        let bad: Vec<_> =
            source.bad_blocks().unwrap().map(|range| range.map(|r| (r.start, r.end))).collect();
        assert_eq!(bad, [Ok((512, 1024)), Ok((4096, 5120))]);

        let map = disk.map().unwrap();
        assert_eq!(map.get::<u8>(511), Ok(7));
        let said = killed(|| _ = map.get::<u8>(600));
        assert_eq!(said, "SIGBUS: bad memory at byte 600");
        assert!(killed(|| _ = map.write(500, &[1; 20])).contains("at byte 512"));

        let reader = Reader::new(source).unwrap();
        let mut bytes = [0; 1024];
        let partial = reader.read_at(0, &mut bytes).unwrap_err();
        assert_eq!((partial.done(), bytes[511], bytes[512]), (512, 7, 0));
        assert!(matches!(partial.error(), Error::IoFail { offset: 512, length: 512 }));

        source.clear_bad_blocks(512..1024, ClearBy::Allocation).unwrap();
        assert_eq!(reader.read_at(0, &mut bytes), Ok(()));
        assert_eq!((bytes[511], bytes[512], map.get::<u8>(1023)), (7, 0, Ok(0)));
        assert!(source.clear_bad_blocks(512..1024, ClearBy::Allocation).is_err());
    });
}

#[test]
fn a_full_file_system() {
    on(Run::new(vec![7; 4096], LINES).room(1 << 16).full_at(8192), |disk| {
        let config = MapConfig::new(LINES).room(1 << 16);
        let map = Source::new(disk).unwrap().map(&config).unwrap();
        map.grow(8192).unwrap();
        let full = Error::Os { subject: Subject::Allocation, errno: Errno::ENOSPC };
        assert_eq!(map.grow(8193), Err(full));
        assert_eq!((map.length(), map.get::<u8>(8191)), (8192, Ok(0)));
    });
}

#[test]
fn a_region_that_is_not_armed() {
    on(Run::new(vec![7; 4096], Granularity::Byte).unarmed(), |disk| {
        let map = disk.map().unwrap();
        assert_eq!(map.granularity(), LINES, "its caches are not kept either");
        assert!(map.warnings().unwrap().any(|warning| matches!(warning, Warning::Unarmed { .. })));
    });
}

#[test]
fn a_region_that_goes_away() {
    on(Run::new(vec![7; 4096], LINES).gone_after(2), |disk| {
        let source = Source::new(disk).unwrap();
        // The first is the question for its size.
        let map = source.by_reference().map(&MapConfig::new(LINES)).unwrap();
        assert_eq!(map.get::<u8>(0), Ok(7));
        assert_eq!(killed(|| _ = map.get::<u8>(0)), "SIGBUS: the region is gone");
        let gone = Error::Os { subject: Subject::Size, errno: Errno::ENXIO };
        assert_eq!(source.size(), Err(gone));
    });
}

#[test]
fn transfers_are_recorded() {
    let run = Run::new(vec![7; 4096], Granularity::Page).fail_sync(1);
    let trace = run.record::<(), _>(|disk, _| {
        let writer = Writer::new(Source::new(disk).unwrap()).unwrap();
        writer.write_at(100, &[1; 10]).unwrap();
        assert_eq!(writer.source().sync(), Ok(()));
        assert_eq!(writer.source().sync(), Err(Error::NotSynced));
    });
    assert!(trace.events().len() >= 3, "{:?}", trace.events());
}
