//! The pool and a signal handler that interrupts it at every single instruction: the processor's
//! trap flag raises SIGTRAP after each. Not run under valgrind, which has no trap flag.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::{
    arch::asm,
    fs::File,
    mem,
    os::fd::AsRawFd,
    ptr::null_mut,
    sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed},
};

use pmem2::{Error, Fd, Native, Pool, error::Memory};

/// One slot, which the handler may find taken, and one more than the interrupted code ever holds.
static TIGHT: Pool<Native, 1> = Pool::new();
static ROOMY: Pool<Native, 2> = Pool::new();

static DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);
static TRAPS: AtomicUsize = AtomicUsize::new(0);
static TIGHT_FREE: AtomicUsize = AtomicUsize::new(0);
static TIGHT_FULL: AtomicUsize = AtomicUsize::new(0);
static WRONG: AtomicUsize = AtomicUsize::new(0);

/// Takes a slot of each pool and gives it back. The trap flag is off in here.
extern "C" fn on_trap(_: libc::c_int) {
    let add = |counter: &AtomicUsize| _ = counter.fetch_add(1, Relaxed);
    add(&TRAPS);
    // SAFETY: the descriptor is open as long as the trap flag is on.
    let fd = unsafe { Fd::borrow_raw(DESCRIPTOR.load(Relaxed)) };
    match TIGHT.source(fd) {
        Ok(slot) if slot.size() == Ok(7) => add(&TIGHT_FREE),
        Err(Error::OutOfMemory(Memory::Pool(1))) => add(&TIGHT_FULL),
        _ => add(&WRONG),
    }
    match ROOMY.source(fd) {
        Ok(slot) if slot.size() == Ok(7) => {}
        _ => add(&WRONG),
    }
}

/// Runs `work` with a trap after every instruction.
fn stepped(work: impl FnOnce()) {
    const TRAP_FLAG: u64 = 1 << 8;
    // SAFETY: this changes nothing but the trap flag; SIGTRAP has a handler. The stack below the
    // stack pointer, which push writes to, is not used by the compiler here, since the assembly
    // does not say that it leaves the stack alone.
    unsafe { asm!("pushfq", "or qword ptr [rsp], {flag}", "popfq", flag = const TRAP_FLAG) };
    work();
    // SAFETY: as above.
    unsafe {
        asm!("pushfq", "and qword ptr [rsp], {rest}", "popfq", rest = const !TRAP_FLAG as i64)
    };
}

#[test]
fn a_handler_between_any_two_instructions() {
    let sized = |bytes| {
        let file: File = tempfile::tempfile().unwrap();
        file.set_len(bytes).unwrap();
        file
    };
    let (handlers, mine) = (sized(7), sized(8));
    DESCRIPTOR.store(handlers.as_raw_fd(), Relaxed);
    // SAFETY: a sigaction of zeros is one without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = on_trap as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: `action` is complete; its handler makes only system calls and touches only atomics
    // and the pools, and keeps errno, since rustix's raw calls do not touch it.
    assert_eq!(unsafe { libc::sigaction(libc::SIGTRAP, &raw const action, null_mut()) }, 0);
    // A handler that waited for the code that it interrupted would wait for ever.
    // SAFETY: it has no conditions; SIGALRM ends the process.
    unsafe { libc::alarm(60) };

    let mut wrong = 0;
    for _ in 0..3 {
        stepped(|| {
            // The handler may have the one slot at no time that this can see: it has given it back
            // when this goes on.
            match TIGHT.source(&mine) {
                Ok(slot) if slot.size() == Ok(8) => {}
                _ => wrong += 1,
            }
            match ROOMY.source(&mine) {
                Ok(slot) if slot.size() == Ok(8) => {}
                _ => wrong += 1,
            }
        });
    }
    // SAFETY: it has no conditions.
    unsafe { libc::alarm(0) };
    assert_eq!((wrong, WRONG.load(Relaxed)), (0, 0));
    let (free, full) = (TIGHT_FREE.load(Relaxed), TIGHT_FULL.load(Relaxed));
    assert_eq!(free + full, TRAPS.load(Relaxed));
    assert!(
        free > 100 && full > 100,
        "it came before, while and after the slot was held: {free} and {full} times"
    );
    assert!(TIGHT.is_empty() && ROOMY.is_empty());
}
