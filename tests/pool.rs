//! The pool: how many it holds, what is given back when, and who may share it. Also run by
//! ci/sanitize, under AddressSanitizer and valgrind.

use std::{
    collections::HashSet,
    fs::File,
    mem,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

#[cfg(unix)]
use pmem2::Fd;
/// The handle that is borrowed here, on either system.
#[cfg(windows)]
use pmem2::WinHandle as Fd;
use pmem2::{
    Anonymous, Error, Kind, Native, Pool, Slot, Source,
    error::{Errno, Memory},
    platform::{Anon, Borrowed},
};

const fn full(slots: usize) -> Error {
    Error::OutOfMemory(Memory::Pool(slots))
}

/// An empty file of this many bytes.
fn file(size: u64) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(size).unwrap();
    file
}

#[test]
fn a_pool_has_as_many_slots_as_it_says() {
    fn fill<const N: usize>() {
        let pool = Pool::<Native, N>::new();
        let files: Vec<_> = (0..N).map(|index| file(index as u64)).collect();
        for _ in 0..3 {
            assert_eq!((pool.len(), pool.capacity(), pool.is_empty()), (0, N, true));
            let mut slots = Vec::new();
            for file in &files {
                slots.push(pool.source(file).unwrap());
                assert_eq!((pool.len(), pool.is_empty()), (slots.len(), false));
            }
            let one_more = file(1);
            let error = pool.source(&one_more).unwrap_err();
            assert_eq!((error, error.errno(), error.code()), (full(N), Errno::ENOMEM, -12));
            assert_eq!(pool.len(), N);
            let ids: HashSet<_> = slots.iter().map(|slot| slot.id()).collect();
            assert_eq!(ids.len(), N, "each keeps its own file");
            for (slot, size) in slots.iter().zip(0..) {
                assert_eq!((slot.size(), slot.kind()), (Ok(size), Kind::RegularFile));
            }
        }
    }
    fill::<0>();
    fill::<1>();
    fill::<2>();
    fill::<17>();
}

#[test]
fn a_slot_is_given_back_once() {
    let pool = Pool::<Native, 3>::default();
    let file = file(1);
    let slots: [_; 3] = std::array::from_fn(|_| pool.source(&file).unwrap());
    for (dropped, slot) in slots.into_iter().enumerate() {
        drop(slot);
        assert_eq!(pool.len(), 2 - dropped);
    }
    let moved = {
        let slot = pool.source(&file).unwrap();
        let boxed = Box::new(slot);
        Some(*boxed)
    };
    assert_eq!(pool.len(), 1, "to move a slot gives nothing back");
    drop(moved);
    assert!(pool.is_empty());
    assert_eq!(file.metadata().unwrap().len(), 1, "the file was borrowed, and is open still");
}

#[test]
fn a_forgotten_slot_is_lost_and_no_other() {
    let pool = Pool::<Native, 3>::new();
    let file = file(1);
    mem::forget(pool.source(&file).unwrap());
    for _ in 0..5 {
        let _two = [pool.source(&file).unwrap(), pool.source(&file).unwrap()];
        assert_eq!(pool.source(&file).unwrap_err(), full(3));
    }
    assert_eq!(pool.len(), 1);
}

#[test]
fn every_kind_of_handle_fits() {
    fn fits<'h>(handle: impl Into<Borrowed<'h, Native>>) {
        let pool = Pool::<Native, 1>::new();
        assert_eq!(pool.source(handle).unwrap().size(), Ok(5));
    }
    let file = file(5);
    let (borrowed, twice) = (&Fd::from(&file), &&file);
    fits(&file);
    fits(*borrowed);
    fits(borrowed);
    fits(twice);
    let anonymous = Pool::<Anon, 1>::new();
    let memory = Anonymous::on(Native::default(), 77);
    assert_eq!(anonymous.source(&memory).unwrap().size(), Ok(77));
}

#[test]
fn debug_says_what_is_needed() {
    let pool = Pool::<Native, 2>::new();
    let file = file(1);
    let slot = pool.source(&file).unwrap();
    assert_eq!(format!("{pool:?}"), "Pool { len: 1, capacity: 2 }");
    #[cfg(unix)]
    {
        use std::os::fd::AsRawFd;
        let fd = Fd::from(&file);
        assert_eq!(
            (format!("{fd:?}"), fd.as_raw_fd()),
            (format!("Fd({})", file.as_raw_fd()), file.as_raw_fd())
        );
    }
    let slot = format!("{slot:?}");
    assert!(
        slot.starts_with("Slot(Source { handle: Borrowed(") && slot.contains("RegularFile"),
        "{slot}"
    );
}

#[test]
fn pools_slots_and_sources_may_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Pool<Native, 4>>();
    shared::<Slot<'_, '_, Native, 4>>();
    shared::<Source<Fd<'_>>>();
    shared::<Source<File>>();
    shared::<Error>();
    // The opposite is shown by tests/compile/fail: a platform of one thread makes a pool of one
    // thread.
    shared::<Pool<OfAnyThread, 4>>();
    const fn in_a_static() -> &'static Pool<OfAnyThread, 4> {
        static POOL: Pool<OfAnyThread, 4> = Pool::new();
        &POOL
    }
    assert!(in_a_static().is_empty());
}

/// A platform of its own: that pools may be shared is not a matter of the native one.
type OfAnyThread = Anon<pmem2::platform::Unsupported>;

/// Eight threads with two slots each of sixteen: none is refused, and nobody finds another's source
/// in his slot.
#[test]
fn threads_get_what_they_put_in() {
    const THREADS: usize = 8;
    static POOL: Pool<Native, { 2 * THREADS }> = Pool::new();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let start = &start;
            scope.spawn(move || {
                let files = [file(thread as u64), file(100 + thread as u64)];
                let ids = files.each_ref().map(|file| Source::new(file).unwrap().id());
                start.wait();
                for round in 0..300 {
                    let slots = files
                        .each_ref()
                        .map(|file| POOL.source(file).expect("there are two for each"));
                    if round % 3 == 0 {
                        thread::yield_now();
                    }
                    for (slot, size) in slots.iter().zip([thread as u64, 100 + thread as u64]) {
                        assert_eq!(slot.size(), Ok(size));
                    }
                    assert_eq!(slots.each_ref().map(|slot| slot.id()), ids);
                }
            });
        }
    });
    assert!(POOL.is_empty());
}

/// Eight threads and three slots: at no time more than three hold one, whoever is refused is told
/// so and gets one later, and in the end all three are there.
#[test]
fn threads_that_find_it_full() {
    static POOL: Pool<Native, 3> = Pool::new();
    let (file, holders) = (file(9), AtomicUsize::new(0));
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..100 {
                    let slot = loop {
                        match POOL.source(&file) {
                            Ok(slot) => break slot,
                            Err(error) => assert_eq!(error, full(3)),
                        }
                        thread::yield_now();
                    };
                    assert!(holders.fetch_add(1, SeqCst) < 3);
                    thread::yield_now();
                    assert_eq!(slot.size(), Ok(9));
                    holders.fetch_sub(1, SeqCst);
                }
            });
        }
    });
    assert!(POOL.is_empty());
    let _three: [_; 3] = std::array::from_fn(|_| POOL.source(&file).unwrap());
}

/// A slot may be given back by another thread than the one that took it.
#[test]
fn slots_that_change_threads() {
    let pool = Pool::<Native, 4>::new();
    let file = file(3);
    let (sender, receiver) = std::sync::mpsc::channel::<Slot<'_, '_, Native, 4>>();
    thread::scope(|scope| {
        scope.spawn(|| {
            for slot in receiver {
                assert_eq!(slot.size(), Ok(3));
            }
        });
        let mut sent = 0;
        while sent < 500 {
            match pool.source(&file) {
                Ok(slot) => {
                    sender.send(slot).unwrap();
                    sent += 1;
                }
                Err(error) => {
                    assert_eq!(error, full(4));
                    thread::yield_now();
                }
            }
        }
        drop(sender);
    });
    assert!(pool.is_empty());
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::{
        os::fd::AsRawFd,
        sync::atomic::{AtomicBool, AtomicI32},
    };

    /// The pool of the signal handler.
    static SIGNALLED: Pool<Native, 3> = Pool::new();
    static DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);
    static HANDLED: AtomicUsize = AtomicUsize::new(0);
    static WRONG: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn on_signal(_: libc::c_int) {
        // SAFETY: the descriptor is open as long as the test runs, and so as long as this handler
        // is called.
        let fd = unsafe { Fd::borrow_raw(DESCRIPTOR.load(SeqCst)) };
        match SIGNALLED.source(fd) {
            Ok(slot) if slot.size() == Ok(7) => {}
            _ => _ = WRONG.fetch_add(1, SeqCst),
        }
        HANDLED.fetch_add(1, SeqCst);
    }

    /// A handler takes and gives back the third slot while the thread that it interrupts, at any
    /// instruction, does so with the other two: neither waits for the other, and neither is
    /// refused.
    #[test]
    fn a_signal_handler_shares_the_pool() {
        const SIGNALS: usize = 400;
        let (in_handler, mine) = (file(7), file(8));
        DESCRIPTOR.store(in_handler.as_raw_fd(), SeqCst);
        // SAFETY: a sigaction of zeros is one without flags and with an empty mask.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        // SAFETY: `action` is complete; its handler makes only system calls and touches only
        // atomics and the pool, and keeps errno, since rustix's raw calls do not touch it.
        let installed =
            unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
        assert_eq!(installed, 0);

        // SAFETY: it has no conditions.
        let interrupted = unsafe { libc::pthread_self() };
        let (before, done) = (HANDLED.load(SeqCst), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                for sent in 0..SIGNALS {
                    // SAFETY: the thread is the one that waits for this one at the end of the
                    // scope: it is alive.
                    assert_eq!(unsafe { libc::pthread_kill(interrupted, libc::SIGUSR1) }, 0);
                    // Signals of one number do not queue up.
                    while HANDLED.load(SeqCst) - before <= sent {
                        thread::yield_now();
                    }
                }
                done.store(true, SeqCst);
            });
            while !done.load(SeqCst) {
                let slots = [SIGNALLED.source(&mine).unwrap(), SIGNALLED.source(&mine).unwrap()];
                assert!(slots.iter().all(|slot| slot.size() == Ok(8)));
            }
        });
        assert_eq!((HANDLED.load(SeqCst) - before, WRONG.load(SeqCst)), (SIGNALS, 0));
        assert!(SIGNALLED.is_empty());
    }
}
