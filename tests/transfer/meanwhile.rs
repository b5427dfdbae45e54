//! Changes that others make to the file at the same time.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

use pmem2::{Error, Source};

use crate::{byte, bytes, memory, stopped};

const LENGTH: usize = 64 << 10;
const SHORT: usize = 10_000;
const ROUNDS: usize = 300;

/// A file that comes and goes: what is read is its bytes, all of them or up to its end.
#[test]
fn a_file_that_is_cut_off_while_it_is_read() {
    let file = memory(LENGTH);
    let source = Source::new(&file).expect("a source");
    let [whole, cut] = &[const { AtomicUsize::new(0) }; 2];
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut buffer = vec![0; LENGTH];
                    while !done.load(SeqCst) {
                        let read = match stopped(source.read_at(0, &mut buffer)) {
                            Ok(()) => {
                                whole.fetch_add(1, SeqCst);
                                LENGTH
                            }
                            // It was shorter before, or became so.
                            Err((0, Error::LengthOutOfRange { end, size })) => {
                                assert_eq!((end, size), (LENGTH as u64, SHORT as u64));
                                cut.fetch_add(1, SeqCst);
                                0
                            }
                            Err((read, Error::SourceShrank { size })) => {
                                assert_eq!(read as u64, size);
                                assert!((SHORT..LENGTH).contains(&read), "{read}");
                                cut.fetch_add(1, SeqCst);
                                read
                            }
                            other => panic!("{other:?}"),
                        };
                        // What is behind the cut is zeros for a time.
                        let good =
                            |at: usize| buffer[at] == byte(at) || (at >= SHORT && buffer[at] == 0);
                        assert!((0..read).all(good));
                    }
                })
            })
            .collect();
        for round in 0..ROUNDS {
            file.set_len(if round % 2 == 0 { SHORT } else { LENGTH } as u64)
                .expect("another length");
            let seen = if round % 2 == 0 { cut } else { whole };
            let before = seen.load(SeqCst);
            while seen.load(SeqCst) == before
                && !readers.iter().any(thread::ScopedJoinHandle::is_finished)
            {
                thread::yield_now();
            }
        }
        done.store(true, SeqCst);
    });
    assert!(whole.load(SeqCst) >= ROUNDS / 2 && cut.load(SeqCst) >= ROUNDS / 2);
}

/// A signal whose handler does not ask for calls to go on: the transfer goes on all the same.
#[test]
fn signals() {
    extern "C" fn nothing(_: libc::c_int) {}
    let file = memory(8 << 20);
    let source = Source::new(&file).expect("a source");
    // SAFETY: all zeros are an action without flags, and the handler does nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(libc::c_int) = nothing;
        action.sa_sigaction = handler as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()), 0);
    }
    let (done, ready, thread_id) =
        (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // SAFETY: it only says which thread this is.
            thread_id.store(unsafe { libc::pthread_self() } as usize, SeqCst);
            ready.store(true, SeqCst);
            let mut buffer = vec![0; 8 << 20];
            for _ in 0..20 {
                assert_eq!(source.read_at(0, &mut buffer), Ok(()));
                assert_eq!(source.write_at(0, &buffer), Ok(()));
            }
            done.store(true, SeqCst);
            assert!(buffer == bytes(8 << 20));
            // Until nobody signals this thread any more.
            while ready.load(SeqCst) {
                thread::yield_now();
            }
        });
        while !ready.load(SeqCst) {
            thread::yield_now();
        }
        while !done.load(SeqCst) && !reader.is_finished() {
            // SAFETY: the thread is there, since it waits for `ready`.
            unsafe { libc::pthread_kill(thread_id.load(SeqCst) as libc::pthread_t, libc::SIGUSR2) };
            thread::yield_now();
        }
        ready.store(false, SeqCst);
    });
}
