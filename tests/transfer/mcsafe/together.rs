//! Many threads, signals in the midst of a copy, and processes that are forked meanwhile.

use std::{
    cell::Cell,
    ptr::null_mut,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use pmem2_platform::{Fail, GuardedCopy, Partial};

use crate::common::child::{Ended, in_child};

use super::{
    gone, handler,
    shrunk::{Shrunk, byte, page},
    signals::{send, this_thread},
};

const THREADS: usize = 8;
const ROUNDS: usize = 150;

/// Reads all of a mapping of 16 pages that is there up to `end`.
fn check(mapping: &GuardedCopy, buffer: &mut [u8], end: usize) {
    buffer.fill(0);
    let expected = if end < buffer.len() { Err(gone(end)) } else { Ok(()) };
    assert_eq!(mapping.read(0, buffer), expected);
    assert!(buffer[..end].iter().enumerate().all(|(index, &found)| found == byte(index)));
    assert!(buffer[end..].iter().all(|&found| found == 0));
}

#[test]
fn threads_that_fault_and_threads_that_do_not() {
    let length = 16 * page();
    let (whole, half) = (Shrunk::new(length), Shrunk::new(length));
    let (shared, failing) = (whole.mapping(handler(), false), half.mapping(handler(), false));
    half.cut(length / 2);
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (shared, failing, barrier) = (&shared, &failing, &barrier);
            scope.spawn(move || {
                let own = Shrunk::new(length);
                let mapping = own.mapping(handler(), false);
                own.cut(number * page());
                let mut buffer = vec![0; length];
                barrier.wait();
                for round in 0..ROUNDS {
                    match (round + number) % 3 {
                        0 => check(shared, &mut buffer, length),
                        1 => check(failing, &mut buffer, length / 2),
                        _ => check(&mapping, &mut buffer, number * page()),
                    }
                }
            });
        }
    });
}

/// A file that comes and goes while it is read: every answer is one of the two, and both come.
#[test]
fn memory_that_comes_and_goes() {
    let length = 16 * page();
    let file = Shrunk::new(length);
    let mapping = file.mapping(handler(), false);
    let [read, failed, wrong] = &[const { AtomicUsize::new(0) }; 3];
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut buffer = vec![0; length];
                while !done.load(SeqCst) {
                    let answer = match mapping.read(0, &mut buffer) {
                        Ok(()) => read,
                        Err(Partial { done: copied, fail })
                            if copied < length && fail == Fail::bad_memory(1) =>
                        {
                            failed
                        }
                        _ => wrong,
                    };
                    answer.fetch_add(1, SeqCst);
                }
            });
        }
        for (there, answer) in [(0, failed), (length, read)].repeat(ROUNDS) {
            let before = answer.load(SeqCst);
            file.cut(there);
            while answer.load(SeqCst) == before && wrong.load(SeqCst) == 0 {
                thread::yield_now();
            }
        }
        done.store(true, SeqCst);
    });
    assert_eq!(wrong.load(SeqCst), 0);
}

/// The mapping that the handler below reads, if any.
static NESTED: AtomicPtr<GuardedCopy> = AtomicPtr::new(null_mut());
static NESTED_FAULTS: AtomicUsize = AtomicUsize::new(0);
static NESTED_WRONG: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static COPYING: Cell<bool> = const { Cell::new(false) };
}
static INTERRUPTED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_signal(_: libc::c_int) {
    // SAFETY: the mapping lives until nobody sends this signal any more.
    let Some(mapping) = (unsafe { NESTED.load(SeqCst).as_ref() }) else { return };
    if COPYING.get() {
        INTERRUPTED.fetch_add(1, SeqCst);
    }
    match mapping.read(0, &mut [0; 100]) {
        Err(Partial { done: 0, fail: Fail::BadMemory(_) }) => NESTED_FAULTS.fetch_add(1, SeqCst),
        _ => NESTED_WRONG.fetch_add(1, SeqCst),
    };
}

/// A handler of another signal, which comes in the midst of a copy and makes one of its own that
/// fails.
#[test]
fn a_copy_in_a_handler_that_interrupts_a_copy() {
    let length = 64 * page();
    let (file, bad) = (Shrunk::new(length), Shrunk::new(page()));
    let (mapping, failing) = (file.mapping(handler(), false), bad.mapping(handler(), false));
    file.cut(length / 2);
    bad.cut(0);
    NESTED.store((&raw const failing).cast_mut(), SeqCst);
    let plain: extern "C" fn(libc::c_int) = on_signal;
    // SAFETY: the handler only does what a handler may: its thread-local has no destructor and is
    // not made anew.
    unsafe { libc::signal(libc::SIGUSR1, plain as libc::sighandler_t) };
    let (done, thread) = (AtomicBool::new(false), AtomicI32::new(0));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            thread.store(this_thread(), SeqCst);
            let mut buffer = vec![0; length];
            while !done.load(SeqCst) {
                buffer.fill(0);
                // Often, since to look at what was copied takes longer.
                COPYING.set(true);
                let all_gone =
                    (0..1000).all(|_| mapping.read(0, &mut buffer) == Err(gone(length / 2)));
                COPYING.set(false);
                assert!(all_gone);
                assert!(
                    buffer[..length / 2]
                        .iter()
                        .enumerate()
                        .all(|(index, &found)| found == byte(index))
                );
            }
        });
        while thread.load(SeqCst) == 0 {
            thread::yield_now();
        }
        for round in 0..ROUNDS {
            assert!(send(thread.load(SeqCst), libc::SIGUSR1) || reader.is_finished());
            while NESTED_FAULTS.load(SeqCst) + NESTED_WRONG.load(SeqCst) <= round
                && !reader.is_finished()
            {
                thread::yield_now();
            }
        }
        done.store(true, SeqCst);
        reader.join().unwrap();
    });
    NESTED.store(null_mut(), SeqCst);
    assert_eq!(NESTED_WRONG.load(SeqCst), 0);
    assert_eq!(NESTED_FAULTS.load(SeqCst), ROUNDS);
    assert!(INTERRUPTED.load(SeqCst) > 0, "none came while a copy was running");
}

/// A child has the mappings and the handler of its parent.
#[test]
fn processes_that_are_forked_in_the_midst_of_copies() {
    let length = 16 * page();
    let file = Shrunk::new(length);
    let mapping = file.mapping(handler(), false);
    file.cut(length / 2);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut buffer = vec![0; length];
                while !done.load(SeqCst) {
                    check(&mapping, &mut buffer, length / 2);
                }
            });
        }
        let ended: Vec<_> = (0..50)
            .map(|_| {
                in_child(|| {
                    let mut buffer = [0; 1000];
                    let behind = mapping.read(length as u64 / 2 - 500, &mut buffer);
                    (handler(), behind, buffer[499], mapping.read(0, &mut buffer), buffer[999]).1
                })
            })
            .collect();
        done.store(true, SeqCst);
        for ended in ended {
            assert_eq!(ended, Ended::With(Err(gone(500))));
        }
    });
}
