//! A program's handlers, and what they have seen.

use std::{
    mem::zeroed,
    ptr::null_mut,
    sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst},
};

use crate::{World, shrunk::page};

/// The last signal as a handler of the program has seen it, and how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) signals: u32,
    pub(crate) signal: i32,
    /// With SA_SIGINFO.
    pub(crate) code: i32,
    pub(crate) address: usize,
    /// Whether it ran on the alternate stack.
    pub(crate) on_stack: i32,
    /// SIGBUS, SIGUSR1 and SIGUSR2, in the handler.
    pub(crate) blocked: [i32; 3],
}

static SIGNALS: AtomicU32 = AtomicU32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static CODE: AtomicI32 = AtomicI32::new(0);
static ADDRESS: AtomicUsize = AtomicUsize::new(0);
static ON_STACK: AtomicI32 = AtomicI32::new(0);
static BLOCKED: [AtomicI32; 3] = [const { AtomicI32::new(0) }; 3];
/// The page that a fault is repaired with.
static PAGE: AtomicPtr<u8> = AtomicPtr::new(null_mut());

pub(crate) fn seen() -> Seen {
    Seen {
        signals: SIGNALS.load(SeqCst),
        signal: SIGNAL.load(SeqCst),
        code: CODE.load(SeqCst),
        address: ADDRESS.load(SeqCst),
        on_stack: ON_STACK.load(SeqCst),
        blocked: [BLOCKED[0].load(SeqCst), BLOCKED[1].load(SeqCst), BLOCKED[2].load(SeqCst)],
    }
}

/// Whether SIGBUS, SIGUSR1 and SIGUSR2 are blocked.
pub(crate) fn blocked() -> [i32; 3] {
    // SAFETY: all zeros are a set; the calls write to it and read it.
    unsafe {
        let mut set = zeroed();
        libc::sigprocmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
        [libc::SIGBUS, libc::SIGUSR1, libc::SIGUSR2]
            .map(|signal| libc::sigismember(&raw const set, signal))
    }
}

/// Blocks SIGUSR2 in this thread.
pub(crate) fn block_one() {
    // SAFETY: all zeros are a set, which the calls write to and read.
    unsafe {
        let mut set = zeroed();
        libc::sigaddset(&raw mut set, libc::SIGUSR2);
        assert_eq!(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, null_mut()), 0);
    }
}

/// Notes the signal, and puts a page where the fault is, so that the instruction can be repeated.
pub(crate) fn note(signal: i32, code: i32, address: usize) {
    SIGNALS.fetch_add(1, SeqCst);
    SIGNAL.store(signal, SeqCst);
    CODE.store(code, SeqCst);
    ADDRESS.store(address, SeqCst);
    // SAFETY: all zeros are a stack_t, which the call writes to.
    let flags = unsafe {
        let mut stack: libc::stack_t = zeroed();
        libc::sigaltstack(std::ptr::null(), &raw mut stack);
        stack.ss_flags & libc::SS_ONSTACK
    };
    ON_STACK.store(flags, SeqCst);
    for (cell, blocked) in BLOCKED.iter().zip(blocked()) {
        cell.store(blocked, SeqCst);
    }
    repair();
}

fn place(protection: i32, flags: i32, fd: i32, offset: usize) {
    let at = PAGE.load(SeqCst);
    // SAFETY: the page is the test's own, and nobody has a reference to it.
    let mapped = unsafe {
        libc::mmap(at.cast(), page(), protection, flags | libc::MAP_FIXED, fd, offset as i64)
    };
    assert_eq!(mapped, at.cast());
}

fn repair() {
    if !PAGE.load(SeqCst).is_null() {
        place(libc::PROT_READ, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
    }
}

/// The page that fails does so again.
pub(crate) fn break_again(world: &World) {
    use std::os::fd::AsRawFd;
    PAGE.store(world.memory.at.wrapping_add(page()), SeqCst);
    place(libc::PROT_READ, libc::MAP_SHARED, world.file.file.as_raw_fd(), page());
}

pub(crate) extern "C" fn plain(signal: i32) {
    note(signal, 0, 0);
}

pub(crate) extern "C" fn informed(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the handler is installed with SA_SIGINFO: the kernel has given a whole siginfo_t, and
    // any bytes are an address.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // Otherwise it is who has sent it.
    note(signal, code, if code > 0 { address } else { 0 });
}

/// An action of SIGBUS, and who handles it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Default,
    Ignore,
    Plain,
    Informed,
}

/// Makes this the action of SIGBUS. `masked`: SIGUSR1 is blocked in the handler.
pub(crate) fn set(action: Action, flags: i32, masked: bool) {
    let plain: extern "C" fn(i32) = plain;
    let informed: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = informed;
    let (handler, more) = match action {
        Action::Default => (libc::SIG_DFL, 0),
        Action::Ignore => (libc::SIG_IGN, 0),
        Action::Plain => (plain as usize, 0),
        Action::Informed => (informed as usize, libc::SA_SIGINFO),
    };
    // SAFETY: all zeros are an action; the handlers do only what a handler may, and are of the kind
    // that the flags say.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags | more;
        if masked {
            libc::sigaddset(&raw mut action.sa_mask, libc::SIGUSR1);
        }
        assert_eq!(libc::sigaction(libc::SIGBUS, &raw const action, null_mut()), 0);
    }
}

/// Another stack for handlers that ask for it.
pub(crate) fn alternate_stack(stack: &mut [u8]) {
    let stack =
        libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    // SAFETY: the memory outlives the process that this is called in.
    assert_eq!(unsafe { libc::sigaltstack(&raw const stack, null_mut()) }, 0);
}

/// A siginfo_t as the kernel might have made it.
pub(crate) fn made_up(code: i32, address: usize) -> libc::siginfo_t {
    let mut words = [0_u64; size_of::<libc::siginfo_t>() / 8];
    words[2] = address as u64;
    // SAFETY: any bytes are a siginfo_t, which has this size and needs no more alignment.
    let mut info: libc::siginfo_t = unsafe { std::mem::transmute(words) };
    info.si_signo = libc::SIGBUS;
    info.si_code = code;
    info
}

/// rt_tgsigqueueinfo(2) to this thread, which may make anything up.
pub(crate) fn queue(code: i32, address: usize) {
    let info = made_up(code, address);
    // SAFETY: the kernel reads a siginfo_t.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_tgsigqueueinfo,
            libc::getpid(),
            libc::gettid(),
            libc::SIGBUS,
            &raw const info,
        )
    };
    assert_eq!(result, 0);
}
