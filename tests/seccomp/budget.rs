//! How many system calls a question takes, one by one: the cost does not grow with the machine.

use pmem2::{Granularity, MapConfig, Source};
use rustix::fs::OFlags;

use crate::common::{
    device_dax::{dev_null, with_sysfs},
    fd,
    made::{self, Made},
    nd::{self, Bus, partition, volume},
    trace::traced,
};

/// A file on the disk, as a source.
fn file() -> (Made, Source<pmem2::Fd<'static>>) {
    let made = made::file(OFlags::RDWR).expect("a file");
    let source = Source::from_fd(fd(made.raw())).expect("a source");
    (made, source)
}

/// How often: numa_node, device_id, device_usc.
fn counts(source: &Source<pmem2::Fd<'static>>) -> [usize; 3] {
    [
        traced(|| assert!(source.numa_node().is_ok())).len(),
        traced(|| assert!(source.device_id().is_ok())).len(),
        traced(|| assert!(source.device_usc().is_ok())).len(),
    ]
}

#[test]
fn one_by_one() {
    needs_root!();
    with_sysfs(|sysfs| {
        let bus = Bus::new(sysfs);
        bus.dimm(0, "8680-1", "1");
        bus.region(0, &[0]).fsdax("pmem0", nd::disk());
        let (made, source) = file();
        let attribute = ["openat", "read", "close"];
        let numa = traced(|| assert_eq!(source.numa_node(), Ok(Some(1))));
        let found = found();
        assert_eq!(numa, [&found[..], &attribute, &["newfstatat"]].concat());
        let id = traced(|| assert!(source.device_id().is_ok()));
        let expected = [&found[..], &attribute, &attribute, &["openat", "newfstatat"]].concat();
        assert_eq!(id, expected);
        assert_eq!(traced(|| assert_eq!(source.device_usc(), Ok(1))), expected);
        assert_eq!(traced(|| assert!(Source::from_fd(fd(made.raw())).is_ok())), ["fcntl", "fstat"]);
        assert_eq!(traced(|| ()), [""; 0]);
    });
}

/// The calls that tell where a file on the disk lies: on XFS also a flag of the file.
fn found() -> Vec<&'static str> {
    let xfs = file().1.file_system().map(|system| system.name()) == Ok(Some("xfs"));
    let asked: &[_] = if xfs { &["fstatfs", "ioctl"] } else { &["fstatfs"] };
    [&["fstat"], asked, &["readlinkat"]].concat()
}

/// At most 6; at most 4 and 6 for each DIMM; of a file what its file system is asked more; however
/// many regions and DIMMs the machine has.
#[test]
fn within_the_budget() {
    needs_root!();
    for dimms in [0, 1, 2, 6, 16] {
        for others in [0, 40] {
            with_sysfs(|sysfs| {
                let bus = Bus::new(sysfs);
                let all: Vec<u32> = (0..dimms).collect();
                for number in 0..dimms + others {
                    bus.dimm(number, "8680-1", "1");
                }
                for number in 1..others {
                    bus.region(number, &[dimms + number]).namespace(0);
                }
                bus.region(0, &all).fsdax("pmem0", nd::disk());
                let each = 4 + 6 * dimms as usize;
                let more = found().len() - 2;
                let of_file = [6, each, each].map(|calls| calls + more);
                assert_eq!(counts(&file().1), of_file, "{dimms} DIMMs beside {others}");
                bus.region(0, &all).devdax();
                let null = dev_null();
                let source =
                    Source::from_fd(fd(std::os::fd::AsRawFd::as_raw_fd(&null))).expect("a source");
                assert_eq!(counts(&source), [6, each, each], "device DAX, {dimms} DIMMs");
            });
        }
    }
}

/// At most 6 more for each level of partition or volume.
#[test]
fn each_level_costs_six_at_most() {
    needs_root!();
    with_sysfs(|sysfs| {
        let bus = Bus::new(sysfs);
        bus.dimm(0, "8680-1", "1");
        let number = |minor: u32| (259, 7000 + minor);
        let disk = bus.region(0, &[0]).fsdax("pmem0", number(0));
        partition(&disk, "pmem0p1", nd::disk());
        let base = counts(&file().1);
        let more = found().len() - 2;
        assert_eq!(base, [6, 10, 10].map(|calls| calls + more), "a partition costs nothing");
        let mut below = partition(&disk, "pmem0p2", number(1));
        for level in 1..8 {
            let volume = volume(&format!("dm-{level}"), nd::disk(), &[&below]);
            let now = counts(&file().1);
            for (now, base) in now.into_iter().zip(base) {
                assert!(
                    now > base && now <= base + 6 * level,
                    "{now} calls, {base} without the {level} levels"
                );
            }
            below = volume;
        }
    });
}

/// The calls that a mapping takes of a file without DAX: no other, no lock, no list.
#[test]
fn of_a_mapping() {
    const ANY: MapConfig<'static> = MapConfig::new(Granularity::Page);
    let memory = made::memfd(rustix::fs::MemfdFlags::empty(), 4097).expect("a file in memory");
    let source = Source::from_fd(fd(std::os::fd::AsRawFd::as_raw_fd(&memory))).expect("a source");
    let place = source.place().expect("its place");
    let calls = |config: &MapConfig<'_>| traced(|| drop(source.map(config).expect("a mapping")));
    assert_eq!(calls(&ANY), ["fstat", "mmap", "mmap", "munmap"]);
    assert_eq!(calls(&ANY.by_call()), ["fstat", "mmap", "munmap"]);
    assert_eq!(calls(&ANY.at_place(&place)), ["fstat", "mmap", "munmap"]);
    let map = source.map(&ANY.room(8192)).expect("a mapping");
    assert_eq!(traced(|| map.write(10, b"kept").expect("stored")), ["msync"]);
    assert_eq!(traced(|| map.commit(8, 1).expect("stored")), ["msync"]);
    assert_eq!(traced(|| map.sync(..).expect("synced")), ["msync"]);
    let batch = || {
        let stores = map.batch(|stores| {
            stores.write(0, b"first")?;
            stores.write(4000, b"last")
        });
        stores.expect("stored");
    };
    assert_eq!(traced(batch), ["msync"]);
    assert_eq!(traced(|| map.grow(8192).expect("room")), ["fstat", "fallocate"]);
    assert_eq!(traced(|| map.populate(.., false).expect("pages")), ["madvise"]);
    // The child has made the file longer, and this process does not know.
    let caught_up = || assert!(map.catch_up().is_ok());
    assert_eq!(traced(caught_up), ["fstat", "lseek"]);
    caught_up();
    assert_eq!(traced(caught_up), ["fstat"]);
    assert_eq!(traced(|| map.grow(8192).expect("room")), ["fstat"]);
    let map = source.by_reference();
    let shrunk = |to| {
        let mut map = map.map(&ANY).expect("a mapping");
        map.shrink(to).expect("less");
    };
    let calls = ["fstat", "mmap", "mmap", "fstat", "ftruncate", "fdatasync", "munmap"];
    // Also to the length that it has: others may have made the file longer.
    for to in [8192, 4096] {
        assert_eq!(traced(|| shrunk(to)), calls);
    }
}
