//! Accesses, against a loop over bytes. On either side of the memory is a page that may not be
//! touched.

use std::{
    ops::Range,
    ptr::{self, NonNull, null_mut},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use pmem2::{
    Anonymous, Granularity, Handle, MapConfig, Source,
    map::{Map, Memory, Protection},
};
use pmem2_platform::{Cpu, MemoryFault};
use proptest::prelude::*;

use crate::file_in;

const PAGE: usize = 4096;
const BOTH: Protection = Protection::READ.union(Protection::WRITE);

/// Two pages between two that may not be touched.
struct Guarded {
    start: *mut u8,
    memory: Memory<Anonymous>,
    steps: Cpu,
}

impl Guarded {
    fn new(protection: Protection) -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a mapping at an address of the kernel's choice touches no memory that anybody
        // has.
        let start = unsafe { libc::mmap(null_mut(), 4 * PAGE, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED, "four pages");
        let start: *mut u8 = start.cast();
        // SAFETY: two pages follow the first.
        let at = unsafe { start.add(PAGE) };
        let both = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the pages are this value's.
        assert_eq!(unsafe { libc::mprotect(at.cast(), 2 * PAGE, both) }, 0);
        let handle = *Source::from_anon(2 * PAGE as u64).expect("a source").handle();
        let at = NonNull::new(at).expect("an address");
        let steps = handle.platform().steps(true).or_else(|_| handle.platform().steps(false));
        // SAFETY: the pages are mapped for loads and stores, which is at least the protection, as
        // long as this value lives; nobody makes a reference to them.
        let memory = unsafe { Memory::from_raw(handle, at, 2 * PAGE, protection) };
        Self { start, memory, steps: steps.expect("steps") }
    }

    /// Gives each byte a value that its neighbours have not.
    fn filled() -> (Self, Vec<u8>) {
        let guarded = Self::new(BOTH);
        let bytes: Vec<u8> = (0..2 * PAGE).map(|at| (at * 7 + at / 251) as u8).collect();
        guarded.memory.write(guarded.steps, 0, &bytes).expect("stores");
        (guarded, bytes)
    }

    fn all(&self) -> &[u8] {
        // SAFETY: nobody changes this memory but the one thread of the test, between two looks.
        unsafe { self.memory.slice(0..2 * PAGE) }.expect("loads")
    }

    #[track_caller]
    fn is(&self, expected: &[u8]) {
        let all = self.all();
        if all != expected {
            let differs = all.iter().zip(expected).position(|(found, byte)| found != byte);
            panic!("byte {differs:?} differs");
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the four pages are this value's, and nobody has a reference to them.
        unsafe { libc::munmap(self.start.cast(), 4 * PAGE) };
    }
}

/// The lengths of all edges, and of whole pages.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=300).chain([4088, 4095, 4096, 4097, 8191, 8192])
}

/// The offsets of a length: at the beginning, near a page's end in the middle, and at the end.
fn offsets(length: usize) -> impl Iterator<Item = usize> {
    let last = 2 * PAGE - length;
    let all = (0..8).chain(PAGE - 9..PAGE + 1).chain(last.saturating_sub(8)..=last);
    all.filter(move |&offset| offset <= last)
}

#[test]
fn read_and_write() {
    let (guarded, mut expected) = Guarded::filled();
    let own: Vec<u8> = (0..2 * PAGE + 8).map(|at| (at * 11 + at / 253) as u8).collect();
    let mut buffer = vec![0; 2 * PAGE + 16];
    for length in lengths() {
        for (turn, offset) in offsets(length).enumerate() {
            let shift = (turn + length / 8) % 8;
            let range = offset..offset + length;
            buffer.fill(0xEE);
            let into = &mut buffer[shift..shift + length];
            guarded.memory.read(guarded.steps, offset, into).expect("loads");
            assert_eq!(*into, expected[range.clone()], "{length} at {offset}, {shift}");
            assert!(buffer[..shift].iter().all(|&byte| byte == 0xEE));
            assert!(buffer[shift + length..].iter().all(|&byte| byte == 0xEE));
            let from = &own[shift..shift + length];
            guarded.memory.write(guarded.steps, offset, from).expect("stores");
            expected[range].copy_from_slice(from);
            guarded.is(&expected);
        }
    }
}

#[test]
fn fill() {
    let (guarded, mut expected) = Guarded::filled();
    for length in lengths() {
        for (turn, offset) in offsets(length).enumerate() {
            let range = offset..offset + length;
            let byte = (length + turn * 3) as u8;
            guarded.memory.fill(guarded.steps, range.clone(), byte).expect("stores");
            expected[range].fill(byte);
            guarded.is(&expected);
        }
    }
}

fn moved(guarded: &Guarded, expected: &mut [u8], from: Range<usize>, to: usize) {
    guarded.memory.move_within(guarded.steps, from.clone(), to).expect("accesses");
    expected.copy_within(from.clone(), to);
    guarded.is(expected);
}

#[test]
fn move_within() {
    let (guarded, mut expected) = Guarded::filled();
    for length in lengths().filter(|length| *length < 41 || length % 37 < 2 || *length > 4000) {
        for offset in offsets(length) {
            for distance in [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 63, 64, 300, PAGE] {
                if let Some(to) = offset.checked_sub(distance) {
                    moved(&guarded, &mut expected, offset..offset + length, to);
                }
                if offset + distance + length <= 2 * PAGE {
                    moved(&guarded, &mut expected, offset..offset + length, offset + distance);
                }
            }
        }
    }
}

#[test]
fn values_and_words() {
    let (guarded, mut expected) = Guarded::filled();
    let (memory, steps) = (&guarded.memory, guarded.steps);
    for offset in offsets(16) {
        let range = offset..offset + 16;
        let value: [u8; 16] = expected[range.clone()].try_into().expect("16");
        assert_eq!(memory.get::<u128>(steps, offset), Ok(u128::from_ne_bytes(value)));
        assert_eq!(memory.get::<[u32; 4]>(steps, offset).map(|v| v[3].to_ne_bytes()), {
            Ok(value[12..].try_into().expect("4"))
        });
        let number = !u128::from_ne_bytes(value) ^ offset as u128;
        memory.put(steps, offset, &number).expect("stores");
        expected[range].copy_from_slice(&number.to_ne_bytes());
        guarded.is(&expected);
    }
    for offset in offsets(8) {
        let aligned = offset % 8 == 0;
        let word = u64::from_ne_bytes(expected[offset..offset + 8].try_into().expect("8"));
        let unaligned = Err(MemoryFault::Unaligned(8));
        let loaded = if aligned { Ok(word) } else { unaligned };
        assert_eq!(memory.load(steps, offset), loaded, "{offset}");
        assert_eq!(memory.check_word(offset), loaded.map(drop));
        assert_eq!(memory.store(steps, offset, !word), loaded.map(drop));
        if aligned {
            expected[offset..offset + 8].copy_from_slice(&(!word).to_ne_bytes());
        }
        guarded.is(&expected);
    }
}

#[test]
fn flushes_touch_nothing_outside() {
    let (guarded, expected) = Guarded::filled();
    for length in lengths() {
        for offset in offsets(length) {
            guarded.memory.flush(guarded.steps, offset..offset + length).expect("a flush");
        }
    }
    guarded.is(&expected);
}

/// One access of any kind.
#[derive(Clone, Debug)]
enum Access {
    Write(usize, Vec<u8>),
    Fill(usize, usize, u8),
    Move(usize, usize, usize),
    Put(usize, u64),
    Store(usize, u64),
}

fn access() -> impl Strategy<Value = Access> {
    let (at, length) = (0..2 * PAGE + 20, 0..600_usize);
    prop_oneof![
        (at.clone(), prop::collection::vec(any::<u8>(), 0..600))
            .prop_map(|(at, bytes)| Access::Write(at, bytes)),
        (at.clone(), length.clone(), any::<u8>()).prop_map(|(a, l, b)| Access::Fill(a, l, b)),
        (at.clone(), length, at.clone()).prop_map(|(a, l, to)| Access::Move(a, l, to)),
        (at.clone(), any::<u64>()).prop_map(|(at, value)| Access::Put(at, value)),
        (at, any::<u64>()).prop_map(|(at, value)| Access::Store(at, value)),
    ]
}

proptest! {
    /// Whatever comes after what, and wherever it is: right, or refused without a change.
    #[test]
    fn any_accesses(accesses in prop::collection::vec(access(), 0..20)) {
        let (guarded, mut expected) = Guarded::filled();
        let (memory, steps) = (&guarded.memory, guarded.steps);
        let whole = 2 * PAGE;
        for access in accesses {
            let (done, ends) = match &access {
                Access::Write(at, bytes) => (memory.write(steps, *at, bytes), at + bytes.len()),
                Access::Fill(at, length, byte) => {
                    (memory.fill(steps, *at..at + length, *byte), at + length)
                }
                Access::Move(at, length, to) => {
                    (memory.move_within(steps, *at..at + length, *to), at.max(to) + length)
                }
                Access::Put(at, value) => (memory.put(steps, *at, value), at + 8),
                Access::Store(at, value) => (memory.store(steps, *at, *value), at + 8),
            };
            if ends > whole {
                prop_assert_eq!(done, Err(MemoryFault::Outside));
            } else if let Access::Store(at, _) = &access && at % 8 != 0 {
                prop_assert_eq!(done, Err(MemoryFault::Unaligned(8)));
            } else {
                prop_assert_eq!(done, Ok(()));
                match access {
                    Access::Write(at, bytes) => {
                        expected[at..at + bytes.len()].copy_from_slice(&bytes);
                    }
                    Access::Fill(at, length, byte) => expected[at..at + length].fill(byte),
                    Access::Move(at, length, to) => expected.copy_within(at..at + length, to),
                    Access::Put(at, value) | Access::Store(at, value) => {
                        expected[at..at + 8].copy_from_slice(&value.to_ne_bytes());
                    }
                }
            }
            prop_assert!(guarded.all() == expected, "{:?}", done);
        }
    }
}

/// While words change as a whole, by each way to store them, a second thread never sees a part of
/// one.
#[test]
fn no_word_is_ever_torn() {
    const WORDS: usize = 64;
    const BYTES: usize = WORDS * 8;
    let file = file_in("/dev/shm", PAGE as u64);
    let map = Source::new(&file).unwrap().map(&MapConfig::new(Granularity::Page)).unwrap();
    let stores = |value: u8, way: usize| {
        let stores = map.unflushed();
        // The source is not aligned as the words are.
        let own = [value; BYTES + 3];
        match way {
            0 => stores.write(0, &own[3..]),
            1 => stores.fill(..BYTES, value),
            2 => stores.put(0, &[u64::from_ne_bytes([value; 8]); WORDS]),
            3 => (0..WORDS)
                .try_for_each(|word| stores.store(8 * word, u64::from_ne_bytes([value; 8]))),
            // From where the bytes are not aligned, down and up.
            4 => {
                stores.fill(2048 + 5..2048 + 5 + BYTES, value)?;
                stores.move_within(2048 + 5..2048 + 5 + BYTES, 0)
            }
            _ => {
                stores.fill(..BYTES, value)?;
                stores.move_within(..BYTES - 8, 8)
            }
        }
    };
    let done = AtomicBool::new(false);
    let seen = thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let (mut buffer, mut seen) = ([0; BYTES + 1], [0_usize; 2]);
            while !done.load(Ordering::Relaxed) {
                for word in 0..WORDS {
                    let word = map.word(8 * word).unwrap().load().unwrap();
                    assert!(word == 0 || word == u64::MAX, "{word:#x}");
                    seen[usize::from(word != 0)] += 1;
                }
                // Into a buffer that is not aligned as the words are.
                map.read(0, &mut buffer[1..]).unwrap();
                for word in buffer[1..].chunks(8) {
                    assert!(word == [0; 8] || word == [0xFF; 8], "{word:x?}");
                }
            }
            seen
        });
        for round in 0..60_000 {
            stores(if round % 2 == 0 { 0xFF } else { 0 }, round / 2 % 6).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

/// Threads that write to the same bytes leave bytes of each, and nothing else.
#[test]
fn racing_writers() {
    let file = file_in("/dev/shm", PAGE as u64);
    let map = Source::new(&file).unwrap().map(&MapConfig::new(Granularity::Page)).unwrap();
    thread::scope(|threads| {
        for writer in 1..=3_u8 {
            let map = &map;
            threads.spawn(move || {
                for round in 0..2000 {
                    map.write(64 + round % 7, &[writer; 1001]).unwrap();
                    map.fill(64..1064, writer + 3).unwrap();
                    map.put(64, &[writer; 100]).unwrap();
                }
            });
        }
        for _ in 0..2000 {
            let mut bytes = [0; PAGE];
            map.read(0, &mut bytes).unwrap();
            assert!(bytes[64..1064].iter().all(|&byte| byte <= 6));
            assert!(bytes[..64].iter().chain(&bytes[1071..]).all(|&byte| byte == 0));
        }
    });
}

/// Parts are for threads, each of which cannot reach the others' bytes.
#[test]
fn parts_for_threads() {
    let file = file_in("/dev/shm", 8 * PAGE as u64);
    let map = Source::new(&file).unwrap().map(&MapConfig::new(Granularity::Page)).unwrap();
    thread::scope(|threads| {
        let mut rest = map.part(..).unwrap();
        assert_eq!(rest.as_ptr(), map.as_ptr());
        for number in 0..8 {
            let part = map.part(number * PAGE..(number + 1) * PAGE).unwrap();
            assert_eq!((part.length(), part.room()), (PAGE, PAGE));
            assert_eq!(part.offset(), (number * PAGE) as u64);
            threads.spawn(move || {
                for round in 0..100 {
                    part.fill(.., number as u8 + round % 2 * 100).unwrap();
                    assert!(part.write(PAGE - 1, &[1, 2]).is_err());
                    assert!(part.fill(1..PAGE + 1, 9).is_err());
                }
                part.put(8, &(number as u64)).unwrap();
            });
        }
        // A part is the beginning of a mapping like any other.
        rest = {
            let (_, right) = map.split_at(3).unwrap();
            drop(rest);
            right
        };
        assert_eq!(rest.length(), 8 * PAGE - 3);
        let again = rest.part(5..).unwrap().as_ptr();
        assert_eq!(again.addr(), map.as_ptr().addr() + 8);
    });
    for number in 0..8 {
        let at = number * PAGE;
        assert_eq!(map.word(at + 8).unwrap().load(), Ok(number as u64));
        assert_eq!(map.get::<u8>(at + PAGE - 1), Ok(number as u8 + 100));
    }
    let (left, right) = map.split_at(8 * PAGE).unwrap();
    assert_eq!((left.length(), right.length()), (8 * PAGE, 0));
    assert_eq!(right.read(0, &mut []), Ok(()));
    assert!(map.split_at(8 * PAGE + 1).is_err());
}

/// A view is the bytes themselves.
#[test]
fn views() {
    use std::sync::atomic::{AtomicU16, AtomicU64};
    pmem2::map::shared! {
        /// Two counters and flags.
        struct Counters {
            first: AtomicU64,
            second: AtomicU64,
            flags: [AtomicU16; 4],
        }
    }
    let file = file_in("/dev/shm", PAGE as u64);
    let map = Source::new(&file).unwrap().map(&MapConfig::new(Granularity::Page)).unwrap();
    let view: &Counters = map.view(64).unwrap();
    assert!(ptr::addr_eq(view, map.as_ptr().wrapping_add(64)));
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..10_000 {
                    map.view::<Counters>(64).unwrap().first.fetch_add(1, Ordering::Relaxed);
                    view.flags[3].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    view.second.store(7, Ordering::Release);
    map.persist(64..64 + size_of::<Counters>()).unwrap();
    assert_eq!(map.get::<[u64; 2]>(64), Ok([40_000, 7]));
    assert_eq!(map.get::<[u16; 4]>(80), Ok([0, 0, 0, 40_000]));
    map.commit(64, 1).unwrap();
    assert_eq!(view.first.load(Ordering::Acquire), 1);
}

/// The code of the unoptimized program, instruction by instruction.
#[cfg(target_arch = "x86_64")]
mod instructions {
    use std::ops::Range;

    use pmem2::{Anonymous, Granularity, MapConfig, Source};

    use super::PAGE;
    use crate::instructions::{Access, accesses};

    /// Fails unless the accesses are each byte of each range, once, in naturally aligned pieces,
    /// with every aligned word as one; in any order.
    fn check(found: &[Access], expected: &[(bool, Range<usize>)]) {
        let mut found = found.iter();
        for (store, range) in expected {
            let mut seen = vec![false; range.len()];
            while seen.contains(&false) {
                let Access { stores, bytes } = found.next().expect("another access");
                assert_eq!(stores, store, "{bytes:?} for {range:?}");
                let size = bytes.len();
                assert!([1, 2, 4, 8].contains(&size) && bytes.start % size == 0, "{bytes:?}");
                for at in bytes.clone() {
                    assert!(range.contains(&at), "{at} is outside of {range:?}");
                    let before = std::mem::replace(&mut seen[at - range.start], true);
                    assert!(!before, "{at} twice in {range:?}");
                    let word = at / 8 * 8..at / 8 * 8 + 8;
                    if word.start >= range.start && word.end <= range.end {
                        assert_eq!(*bytes, word, "a part of a word of {range:?}");
                    }
                }
            }
        }
        assert_eq!(found.next(), None, "one more");
    }

    /// Few, since each instruction is a step of the debugger's: all sorts of edges, and words.
    const RANGES: [Range<usize>; 8] = [0..1, 3..8, 8..16, 1..2, 6..19, 4..12, 16..32, 7..25];

    fn mapped() -> pmem2::Mapping<Anonymous> {
        let source = Source::from_anon(PAGE as u64).expect("a source");
        source.map(&MapConfig::new(Granularity::Byte)).expect("a mapping")
    }

    #[test]
    fn each_store_of_write_and_fill() {
        let own = [0xAB; 80];
        let found = accesses(|| {
            let map = mapped();
            for range in &RANGES {
                map.write(range.start, &own[3..3 + range.len()]).expect("stores");
                map.fill(range.clone(), 3).expect("stores");
            }
        });
        let twice = |range: &Range<usize>| [(true, range.clone()), (true, range.clone())];
        check(&found, &RANGES.iter().flat_map(twice).collect::<Vec<_>>());
    }

    #[test]
    fn each_load_of_read() {
        let mut own = [0; 80];
        let found = accesses(|| {
            let map = mapped();
            for range in &RANGES {
                map.read(range.start, &mut own[3..3 + range.len()]).expect("loads");
            }
        });
        check(&found, &RANGES.iter().map(|range| (false, range.clone())).collect::<Vec<_>>());
    }

    #[test]
    fn words_and_values() {
        let found = accesses(|| {
            let map = mapped();
            map.word(8).and_then(|word| word.store(1)).expect("a store");
            map.commit(16, 2).expect("a store");
            let _ = map.word(24).and_then(|word| word.load()).expect("a load");
            map.put(32, &[1_u64, 2]).expect("stores");
            let _: u32 = map.get(64).expect("a load");
        });
        let (store, load) = (true, false);
        check(
            &found,
            &[(store, 8..16), (store, 16..24), (load, 24..32), (store, 32..48), (load, 64..68)],
        );
    }

    /// Stores of a copy within the mapping, both ways.
    #[test]
    fn each_store_of_move_within() {
        for from in [0, 3, 8] {
            let found = accesses(|| {
                let map = mapped();
                for range in &RANGES {
                    map.move_within(from..from + range.len(), range.start).expect("accesses");
                }
            });
            let stores: Vec<_> = found.into_iter().filter(|access| access.stores).collect();
            check(&stores, &RANGES.iter().map(|range| (true, range.clone())).collect::<Vec<_>>());
        }
    }
}
