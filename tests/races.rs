//! Threads that share a mapping by locks and rings in it. `ci/sanitize thread` runs this under
//! ThreadSanitizer, which sees what accesses what, and in which order, where the steps are made by
//! the compiler: it sees no asm!. Here they are plain accesses, whose races it reports, or atomics.

use std::{
    ops::Range,
    ptr::NonNull,
    sync::atomic::{
        AtomicU8, AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
    thread,
};

use pmem2::{
    Access, Granularity, Handle, Kind, MapConfig, Mapping, Source,
    map::{Map, Mapped, Request, Span, Steps, shared},
    place::MapSync,
    platform::{Alignment, Borrowed, Facts, Fail, Locate, NoId, Nowhere, Platform},
};

/// A file of this many bytes, in memory: it may grow as it likes.
const SIZE: u64 = 1 << 16;

/// A platform whose mappings are words, and whose accesses are these steps.
#[derive(Clone, Copy, Debug)]
struct Words<S>(S);

impl<S: Copy> Platform for Words<S> {
    type Raw = ();
    type Id = NoId;

    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<NoId>, Fail> {
        let both = Access::READ | Access::WRITE;
        Ok(Facts::new(NoId, Kind::RegularFile, both, Alignment::new(4096)))
    }
    fn size(_: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<u64, Fail> {
        Ok(SIZE)
    }
}

impl<S: Copy> Locate for Words<S> {
    type Location = Nowhere;
    type Dimm = Nowhere;
}

// SAFETY: the words of a mapping are its own, and are never given back.
unsafe impl<S: Steps> Map for Words<S> {
    type Steps = S;

    fn steps(self, _: bool) -> Result<S, Fail> {
        Ok(self.0)
    }
    fn map(_: Borrowed<'_, Self>, _: &Facts<NoId>, request: &Request) -> Result<Mapped, Fail> {
        let words: Vec<_> = (0..request.length / 8).map(|_| AtomicU64::new(0)).collect();
        let at = NonNull::from(Vec::leak(words)).cast();
        Ok(Mapped { at, taken: request.length, synchronous: MapSync::Refused })
    }
    unsafe fn unmap(self, _: Span) -> Result<(), Fail> {
        Ok(())
    }
    unsafe fn sync(_: Borrowed<'_, Self>, _: Span) -> Result<(), Fail> {
        Ok(())
    }
    fn extend(
        _: Borrowed<'_, Self>,
        _: &Facts<NoId>,
        _: Range<u64>,
        _: Option<u64>,
        _: bool,
    ) -> Result<(), Fail> {
        Ok(())
    }
    fn settle(_: Borrowed<'_, Self>, _: &Facts<NoId>, _: bool) -> Result<(), Fail> {
        Ok(())
    }
    fn truncate(_: Borrowed<'_, Self>, _: &Facts<NoId>, size: Range<u64>) -> Result<u64, Fail> {
        Ok(size.end)
    }
}

struct File<S>(S);

// SAFETY: it names nothing.
unsafe impl<S: Copy> Handle for File<S> {
    type P = Words<S>;
    fn platform(&self) -> Words<S> {
        Words(self.0)
    }
    fn raw(&self) {}
}

/// Accesses that must not race: those of threads that wait for each other.
#[derive(Clone, Copy, Debug)]
struct Plain;

// SAFETY: they access what they are given. The programs below order all of them, as
// ThreadSanitizer proves.
unsafe impl Steps for Plain {
    unsafe fn store(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller has both.
        unsafe { to.copy_from(from, length) };
    }
    unsafe fn load(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller has both.
        unsafe { to.copy_from(from, length) };
    }
    unsafe fn move_within(self, to: *mut u8, from: *const u8, length: usize) {
        // SAFETY: the caller has both.
        unsafe { to.copy_from(from, length) };
    }
    unsafe fn fill(self, to: *mut u8, byte: u8, length: usize) {
        // SAFETY: the caller has them.
        unsafe { to.write_bytes(byte, length) };
    }
    unsafe fn flush(self, _: *const u8, _: usize) {}
    fn fence(self) {}
    unsafe fn load_word(self, from: *const u64) -> u64 {
        // SAFETY: the caller has it.
        unsafe { from.read() }
    }
    unsafe fn store_word(self, to: *mut u64, word: u64) {
        // SAFETY: the caller has it.
        unsafe { to.write(word) };
    }
}

/// Accesses that may race.
#[derive(Clone, Copy, Debug)]
struct Atomics;

/// # Safety
///
/// The byte is mapped, and everybody accesses it by atomics.
unsafe fn byte<'a>(at: *const u8, index: usize) -> &'a AtomicU8 {
    // SAFETY: the caller's.
    unsafe { AtomicU8::from_ptr(at.cast_mut().add(index)) }
}

// SAFETY: they access what they are given, by atomics.
unsafe impl Steps for Atomics {
    unsafe fn store(self, to: *mut u8, from: *const u8, length: usize) {
        for index in 0..length {
            // SAFETY: the caller can read the one, and has mapped the other.
            unsafe { byte(to, index).store(from.add(index).read(), Relaxed) };
        }
    }
    unsafe fn load(self, to: *mut u8, from: *const u8, length: usize) {
        for index in 0..length {
            // SAFETY: as above.
            unsafe { to.add(index).write(byte(from, index).load(Relaxed)) };
        }
    }
    unsafe fn move_within(self, to: *mut u8, from: *const u8, length: usize) {
        for index in 0..length {
            // SAFETY: as above.
            unsafe { byte(to, index).store(byte(from, index).load(Relaxed), Relaxed) };
        }
    }
    unsafe fn fill(self, to: *mut u8, value: u8, length: usize) {
        for index in 0..length {
            // SAFETY: as above.
            unsafe { byte(to, index).store(value, Relaxed) };
        }
    }
    unsafe fn flush(self, _: *const u8, _: usize) {}
    fn fence(self) {
        fence(Release);
    }
    unsafe fn load_word(self, from: *const u64) -> u64 {
        // SAFETY: the caller has it, and aligned.
        unsafe { AtomicU64::from_ptr(from.cast_mut()) }.load(Relaxed)
    }
    unsafe fn store_word(self, to: *mut u64, word: u64) {
        // SAFETY: the caller has it, and aligned.
        unsafe { AtomicU64::from_ptr(to) }.store(word, Relaxed);
    }
}

const PAGE: MapConfig<'static> = MapConfig::new(Granularity::Page).by_call();

fn mapped<S: Steps>(steps: S) -> Mapping<File<S>> {
    Source::new(File(steps)).expect("a source").map(&PAGE).expect("a mapping")
}

/// Runs `work` in threads with the numbers 0 to 3, and waits for all.
fn together(work: impl Fn(usize) + Sync) {
    thread::scope(|threads| {
        let work = &work;
        let all: Vec<_> = (0..4).map(|number| threads.spawn(move || work(number))).collect();
        for thread in all {
            thread.join().expect("it is well");
        }
    });
}

shared! {
    /// A spin lock at the beginning of a mapping.
    struct Lock {
        taken: AtomicU32,
        /// The number of the last holder.
        holder: AtomicU32,
    }
}

impl Lock {
    /// Runs `work` while nobody else has the lock. `ends` orders what it did before what the next
    /// one does, if it is [`Release`].
    fn with(&self, number: usize, ends: std::sync::atomic::Ordering, work: impl FnOnce()) {
        while self.taken.compare_exchange_weak(0, 1, Acquire, Relaxed).is_err() {
            thread::yield_now();
        }
        self.holder.store(number as u32, Relaxed);
        work();
        assert_eq!(self.holder.load(Relaxed), number as u32, "nobody else was in");
        self.taken.store(0, ends);
    }
}

/// Each thread adds to a number that is got and put, and moves it along.
fn count(ends: std::sync::atomic::Ordering) {
    const ROUNDS: u64 = 500;
    let map = mapped(Plain);
    together(|number| {
        let lock = map.view::<Lock>(0).expect("a lock");
        for _ in 0..ROUNDS {
            lock.with(number, ends, || {
                let before: u64 = map.get(64).expect("a number");
                map.put(64, &(before + 1)).expect("stored");
                map.move_within(64..72, 128).expect("moved");
                map.batch(|stores| stores.fill(256..300, number as u8)).expect("stored");
                let word = map.word(512).expect("a word");
                word.commit(word.load().expect("loaded") + 1).expect("stored");
            });
        }
    });
    assert_eq!(map.get(128), Ok(4 * ROUNDS));
    assert_eq!(map.word(512).and_then(|word| word.load()), Ok(4 * ROUNDS));
}

#[test]
fn a_lock_in_a_view() {
    count(Release);
}

/// It has to be reported: ci/sanitize runs it for that alone.
#[test]
#[ignore = "it races: it shows that ThreadSanitizer sees the accesses"]
fn a_lock_that_orders_nothing() {
    count(Relaxed);
}

shared! {
    /// The numbers of records that were sent and taken.
    struct Ends {
        sent: AtomicU64,
        taken: AtomicU64,
    }
}

/// One thread sends records to another by a ring of few.
#[test]
fn a_ring_in_a_view() {
    const RECORDS: u64 = 5000;
    const ROOM: u64 = 7;
    let map = mapped(Plain);
    let at = |number: u64| 4096 + 40 * (number % ROOM) as usize;
    together(|thread| {
        let ends = map.view::<Ends>(0).expect("its ends");
        let ring = map.part(4096..8192).expect("its records");
        for number in 0..RECORDS {
            match thread {
                0 => {
                    while number - ends.taken.load(Acquire) == ROOM {
                        thread::yield_now();
                    }
                    ring.put(at(number) - 4096, &[number, !number, 1, 2, 3]).expect("stored");
                    ends.sent.store(number + 1, Release);
                }
                1 => {
                    while ends.sent.load(Acquire) == number {
                        thread::yield_now();
                    }
                    let record = map.get::<[u64; 5]>(at(number));
                    assert_eq!(record, Ok([number, !number, 1, 2, 3]));
                    ends.taken.store(number + 1, Release);
                }
                _ => break,
            }
        }
    });
}

/// Parts share no byte, nor anything else.
#[test]
fn parts_in_threads() {
    let map = mapped(Plain);
    let quarter = map.length() / 4;
    let (low, high) = map.split_at(2 * quarter).expect("halves");
    thread::scope(|threads| {
        let all: Vec<_> = [&low, &high]
            .into_iter()
            .flat_map(|half| {
                let (first, second) = half.split_at(quarter).expect("quarters");
                [first, second]
            })
            .zip(1..)
            .map(|(part, number)| {
                threads.spawn(move || {
                    part.fill(.., number).expect("stored");
                    part.batch(|stores| stores.put(8, &u64::from(number))).expect("stored");
                    part.commit(0, u64::from(number)).expect("stored");
                })
            })
            .collect();
        for thread in all {
            thread.join().expect("it is well");
        }
    });
    for number in 0..4 {
        let of = u64::from(number as u8 + 1);
        assert_eq!(map.get(number * quarter), Ok([of, of, of * 0x0101_0101_0101_0101]));
    }
}

/// Bytes that several threads store to at once are of one or the other.
#[test]
fn threads_that_race() {
    let map = mapped(Atomics);
    together(|number| {
        for _ in 0..200 {
            map.fill(..256, number as u8).expect("stored");
            map.write(100, &[number as u8; 50]).expect("stored");
            map.move_within(..100, 50).expect("moved");
            let seen = map.get::<[u8; 256]>(0).expect("loaded");
            assert!(seen.iter().all(|byte| *byte < 4));
            map.commit(512, number as u64).expect("stored");
        }
    });
}

/// The length that threads know changes while others access the bytes.
#[test]
fn threads_that_grow() {
    let source = Source::new(File(Atomics)).expect("a source");
    let map = source.map(&PAGE.length(4096).room(SIZE)).expect("a mapping");
    together(|number| {
        for page in 1..16 {
            let length = 4096 * (page + 1);
            if number < 2 {
                map.grow(length).expect("room");
            }
            let seen = map.catch_up().expect("a length");
            assert_eq!(seen, SIZE as usize);
            map.write(seen - 8, &[number as u8; 8]).expect("stored");
        }
    });
    assert_eq!(map.length(), SIZE as usize);
}
