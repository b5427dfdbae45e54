//! The cost of mapping and unmapping.

use std::{
    fs::File,
    hint::{self, black_box},
    os::fd::AsRawFd,
    ptr::null_mut,
    sync::atomic::{
        AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
    thread,
    time::Duration,
};

use pmem2::{Granularity, Kind, MapConfig, Source};
use rustix::{
    mm::{MapFlags, ProtFlags, mmap, munmap},
    thread::{CpuSet, sched_setaffinity},
};

use crate::{
    peer::{PAGE, Peer},
    race::{Ratio, named, race},
    raw,
};

/// The calls that a mapping needs: MAP_SYNC is tried where the source is a file, and left where it
/// is refused.
fn by_hand(file: &File, length: usize, kind: Kind) {
    if kind == Kind::RegularFile {
        assert_eq!(raw::fstat(black_box(file.as_raw_fd())), 0);
    }
    let map = |flags| {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: without MAP_FIXED the kernel takes addresses that nobody has.
        unsafe { mmap(null_mut(), black_box(length), protection, flags, file, 0) }
    };
    let synchronous = MapFlags::SHARED_VALIDATE | MapFlags::SYNC;
    let at = match kind {
        Kind::RegularFile => map(synchronous).or_else(|_| map(MapFlags::SHARED)),
        _ => map(MapFlags::SHARED),
    };
    // SAFETY: it was mapped just now, and nobody uses it.
    unsafe { munmap(black_box(at.expect("a mapping")), length) }.expect("the end of a mapping");
}

fn ours(source: &Source<&File>, config: &MapConfig<'_>) {
    let map = source.by_reference().map(black_box(config));
    assert!(black_box(&map).is_ok());
}

/// A whole file, over libpmem2 and over the bare calls.
pub(crate) fn whole(name: &str, file: &File, peer: &Peer, limit: Duration) -> [Ratio; 2] {
    let source = Source::new(file).expect("a source");
    let length = usize::try_from(source.size().expect("a size")).expect("a length");
    let config = MapConfig::new(Granularity::Page);
    let recipe = peer.recipe(file.as_raw_fd(), PAGE);
    let ratios = race(
        name,
        limit,
        2,
        &[
            named("pmem2", 2000.0, &|| ours(&source, &config)),
            named("libpmem2", 6000.0, &|| peer.unmap(peer.map(black_box(recipe)))),
            named("raw", 2000.0, &|| by_hand(file, length, Kind::RegularFile)),
        ],
    );
    ratios.try_into().ok().expect("two")
}

/// A barrier for two threads, without calls of the system: to wake one up takes as long as several
/// mappings.
#[derive(Default)]
struct Meeting {
    there: AtomicUsize,
    number: AtomicUsize,
}

impl Meeting {
    fn wait(&self) {
        let number = self.number.load(Acquire);
        if self.there.fetch_add(1, AcqRel) == 1 {
            self.there.store(0, Relaxed);
            self.number.store(number + 1, Release);
            return;
        }
        for turn in 0_u32.. {
            if self.number.load(Acquire) != number {
                return;
            }
            if turn < 10_000 { hint::spin_loop() } else { thread::yield_now() }
        }
    }
}

/// Two threads at once, each on a processor of its own, over the bare calls.
pub(crate) fn two_threads(file: &File, limit: Duration, other: usize) -> Ratio {
    /// Calls of each thread in a sample: few, so that there are many in which neither has to wait
    /// for its processor.
    const CALLS: usize = 64;
    const STOP: usize = 2;
    let source = Source::new(file).expect("a source");
    let length = usize::try_from(source.size().expect("a size")).expect("a length");
    let config = MapConfig::new(Granularity::Page);
    let run = |which: usize| {
        for _ in 0..CALLS {
            match which {
                0 => ours(&source, &config),
                _ => by_hand(file, length, Kind::RegularFile),
            }
        }
    };
    let (which, meeting) = (AtomicUsize::new(0), Meeting::default());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut set = CpuSet::new();
            set.set(other);
            sched_setaffinity(None, &set).expect("a processor that is allowed");
            loop {
                meeting.wait();
                match which.load(Relaxed) {
                    STOP => break,
                    which => run(which),
                }
                meeting.wait();
            }
        });
        let both = |index: usize| {
            which.store(index, Relaxed);
            meeting.wait();
            run(index);
            meeting.wait();
        };
        let ratios = race(
            "two threads",
            limit,
            0,
            &[named("pmem2", f64::MAX, &|| both(0)), named("raw", f64::MAX, &|| both(1))],
        );
        which.store(STOP, Relaxed);
        meeting.wait();
        ratios[0]
    })
}

/// A file or device DAX of one's own, whose place is known: over the bare calls. Beside it without
/// the place, and libpmem2.
pub(crate) fn at_place(file: &File, kind: Kind, peer: &Peer, limit: Duration) -> Ratio {
    let source = Source::new(file).expect("a source");
    let length = usize::try_from(source.size().expect("a size")).expect("a length");
    let place = source.place().expect("a place");
    let asked = MapConfig::new(Granularity::Page);
    let known = asked.at_place(&place);
    let map = source.by_reference().map(&known).expect("a mapping");
    println!("{kind:?} of {length} bytes: {:?}", map.granularity());
    drop(map);
    let recipe = peer.recipe(file.as_raw_fd(), PAGE);
    let ratios = race(
        "at place",
        limit,
        2,
        &[
            named("pmem2", 1e5, &|| ours(&source, &known)),
            named("raw", 1e5, &|| by_hand(file, length, kind)),
            named("pmem2_asks", 1e6, &|| ours(&source, &asked)),
            named("libpmem2", 1e6, &|| peer.unmap(peer.map(black_box(recipe)))),
        ],
    );
    ratios[0]
}
