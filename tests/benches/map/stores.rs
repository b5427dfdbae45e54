//! The cost of making stores durable, on memory of which both libraries are told that its cache
//! lines have to be flushed.

use std::{
    cell::Cell,
    env::{remove_var, set_var},
    fs::File,
    hint::black_box,
    os::fd::AsRawFd,
    time::Duration,
};

use pmem2::{Granularity, MapConfig, Mapping, Source};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::{
    peer::{CACHE_LINE, Memcpy, Peer, Persist},
    race::{Ratio, named, race},
};

/// The length of the memory.
const LENGTH: usize = 64 << 20;

/// How many places are used in turn where all are to be in the nearest cache.
const HOT: usize = 8;

const PAGE: usize = 4096;

/// The same memory, mapped by both.
pub(crate) struct Memory {
    map: Mapping<File>,
    base: *mut u8,
    persist: Persist,
    memcpy: Memcpy,
}

/// Places that have turns: a few of them, or all that there are.
struct Places {
    stride: usize,
    count: usize,
    next: Cell<usize>,
}

impl Places {
    fn new(length: usize, hot: bool) -> Self {
        let stride = (length + 127) & !63;
        let next = Cell::new(0);
        if !hot {
            return Self { stride, count: (LENGTH - 64) / stride, next };
        }
        // In pages of their own: how long a flush takes depends on the page, too.
        let count = if length < 1 << 20 { HOT } else { 1 };
        Self { stride: stride + PAGE, count, next }
    }

    /// The offset of the next one, after the first line.
    fn next(&self) -> usize {
        let place = self.next.get();
        self.next.set(if place + 1 < self.count { place + 1 } else { 0 });
        64 + place * self.stride
    }

    /// The calls that bring all of them into the cache, where they fit.
    fn again(&self) -> u32 {
        if self.count <= HOT { self.count as u32 } else { 0 }
    }
}

/// Stores to a word of each line, as a program does that has a pointer.
#[inline(always)]
fn touch(at: *mut u8, length: usize) {
    for line in (0..length).step_by(64) {
        // SAFETY: the caller has the bytes mapped, at a multiple of 8.
        unsafe { at.add(line).cast::<usize>().write_volatile(line) };
    }
}

impl Memory {
    /// Maps it twice, while the program has one thread.
    pub(crate) fn new(peer: &Peer) -> Self {
        let file: File = memfd_create(c"bench", MemfdFlags::CLOEXEC).expect("a memfd").into();
        file.set_len(LENGTH as u64).expect("its length");
        let recipe = peer.recipe(file.as_raw_fd(), CACHE_LINE);
        // SAFETY: the program has one thread.
        unsafe { set_var("PMEM2_FORCE_GRANULARITY", "CACHE_LINE") };
        let (base, persist, memcpy) = peer.functions(peer.map(recipe));
        // SAFETY: as above.
        unsafe { remove_var("PMEM2_FORCE_GRANULARITY") };
        let config = MapConfig::new(Granularity::CacheLine).forced(Some(Granularity::CacheLine));
        let map = Source::new(file).expect("a source").map(&config).expect("a mapping");
        for at in [base, map.as_ptr()] {
            // SAFETY: both have the length, and nobody else uses them.
            unsafe { at.write_bytes(1, LENGTH) };
        }
        Self { map, base, persist, memcpy }
    }

    /// A store to each line of `length` bytes, and persist.
    pub(crate) fn persist(&self, name: &str, length: usize, hot: bool, limit: Duration) -> Ratio {
        let places = Places::new(length, hot);
        let ours = || {
            let at = places.next();
            touch(self.map.as_ptr().wrapping_add(at), length);
            assert!(self.map.persist(at..at + black_box(length)).is_ok());
        };
        let theirs = || {
            let at = self.base.wrapping_add(places.next());
            touch(at, length);
            // SAFETY: the bytes are mapped.
            unsafe { (self.persist)(at.cast(), black_box(length)) };
        };
        let (each, again) = (200.0 + length as f64 / 8.0, places.again());
        let ratios = race(
            name,
            limit,
            again,
            &[named("pmem2", each, &ours), named("libpmem2", each, &theirs)],
        );
        ratios[0]
    }

    /// A word that is committed, over the instructions alone. There is nothing to compare with
    /// where the processor has no CLWB.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn commit(&self, limit: Duration) -> Option<Ratio> {
        use std::arch::{asm, x86_64::__cpuid_count};
        let clwb = __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).ebx & (1 << 24) != 0;
        if !clwb {
            return None;
        }
        let places = Places::new(8, true);
        let ours = || assert!(self.map.commit(places.next(), black_box(7)).is_ok());
        let by_hand = || {
            let at = self.map.as_ptr().wrapping_add(places.next());
            // SAFETY: the word is mapped; the processor has the instruction.
            unsafe {
                asm!("mov qword ptr [{at}], {word}", "clwb [{at}]", "sfence",
                    at = in(reg) at, word = in(reg) black_box(7_u64), options(nostack));
            }
        };
        let contenders = [named("pmem2", 200.0, &ours), named("raw", 200.0, &by_hand)];
        Some(race("commit", limit, places.again(), &contenders)[0])
    }

    /// A record of 100 bytes, and then its number in the first word: both durable.
    pub(crate) fn append(&self, name: &str, hot: bool, limit: Duration) -> Ratio {
        let (record, number) = ([0x5a_u8; 100], Cell::new(0_u64));
        let places = Places::new(record.len(), hot);
        let next = || {
            number.set(number.get() + 1);
            (places.next(), number.get())
        };
        let ours = || {
            let (at, number) = next();
            assert!(self.map.write(at, black_box(&record)).is_ok());
            assert!(self.map.commit(0, number).is_ok());
        };
        let theirs = || {
            let (at, number) = next();
            let at = self.base.wrapping_add(at).cast();
            // SAFETY: the bytes are mapped, and nobody else uses them.
            unsafe {
                (self.memcpy)(at, black_box(&record).as_ptr().cast(), record.len(), 0);
                (self.memcpy)(self.base.cast(), (&raw const number).cast(), size_of::<u64>(), 0);
            }
        };
        let contenders = [named("pmem2", 400.0, &ours), named("libpmem2", 400.0, &theirs)];
        race(name, limit, places.again(), &contenders)[0]
    }
}

/// One page of a file of 1 GiB was stored to, and all of it is to be durable: over msync.
pub(crate) fn sync(name: &str, file: File, cost: f64, limit: Duration) -> Ratio {
    const GIB: usize = 1 << 30;
    file.set_len(GIB as u64).expect("its length");
    let config = MapConfig::new(Granularity::Page);
    let map = Source::new(file).expect("a source").map(&config).expect("a mapping");
    let at = map.as_ptr();
    let dirty = || touch(at.wrapping_add(GIB / 2), 64);
    let ours = || {
        dirty();
        assert!(map.sync(..).is_ok());
    };
    let by_hand = || {
        dirty();
        // SAFETY: the bytes are mapped.
        let done = unsafe {
            rustix::mm::msync(black_box(at).cast(), black_box(GIB), rustix::mm::MsyncFlags::SYNC)
        };
        assert!(done.is_ok());
    };
    race(name, limit, 1, &[named("pmem2", cost, &ours), named("raw", cost, &by_hand)])[0]
}
