//! Memory errors reported at any instruction of the copy, and at any address: a processor's machine
//! check need not be precise. The copy runs in single steps (the trap flag), and one of the steps
//! gets a made-up fault.

use core::{
    arch::asm,
    ffi::{c_int, c_void},
    ptr::null_mut,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};
use std::{vec, vec::Vec};

use crate::{
    Fail, Partial,
    linux::transfer::mcsafe::native::{
        arch::{self, Context, Outcome},
        ended, fault,
        signal::{BUS_MCEERR_AR, Info, SIGBUS},
    },
};

/// An exact address, and a cache line. (For a page, no byte before it is copied again.)
const LOW_BITS: [i16; 2] = [0, 6];
/// Room before and after both ranges.
const AROUND: usize = 128;
const ROOM: usize = 1024;

/// The instruction of the copy that gets the fault, counted from the first, and the fault's
/// address.
static AT: AtomicUsize = AtomicUsize::new(0);
static ADDRESS: AtomicUsize = AtomicUsize::new(0);
static BITS: AtomicUsize = AtomicUsize::new(0);
/// The number of instructions, the bytes left when the fault came, and whether it was the copy's.
static STEPS: AtomicUsize = AtomicUsize::new(0);
static LEFT: AtomicUsize = AtomicUsize::new(0);
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The same for the careful part, which gets another fault, at the target's last byte; and whether
/// it was not the copy's.
static LAST: AtomicUsize = AtomicUsize::new(0);
static AGAIN: AtomicUsize = AtomicUsize::new(0);
static CAREFUL_STEPS: AtomicUsize = AtomicUsize::new(0);
static MISSED: AtomicBool = AtomicBool::new(false);

unsafe extern "C" fn on_step(_signal: c_int, _info: *mut c_void, context: *mut c_void) {
    // SAFETY: the kernel gave it to this handler, which uses it only here meanwhile.
    let Some(registers) = (unsafe { context.cast::<Context>().as_ref() }).map(Context::registers)
    else {
        return;
    };
    let within = registers.counter.wrapping_sub(arch::first_byte());
    let bits = i16::try_from(BITS.load(Relaxed)).unwrap_or(0);
    // SAFETY: one is made here, and the kernel gave the other to this handler.
    let fault = |address, bits| unsafe {
        fault::resume(&Info::made(SIGBUS, BUS_MCEERR_AR, address, bits), context.cast())
    };
    if !(..arch::EXIT).contains(&within) {
        return;
    }
    if STEPS.fetch_add(1, Relaxed) == AT.load(Relaxed) {
        LEFT.store(registers.left, Relaxed);
        TAKEN.store(fault(ADDRESS.load(Relaxed), bits), Relaxed);
    } else if within >= arch::CAREFUL && CAREFUL_STEPS.fetch_add(1, Relaxed) == AGAIN.load(Relaxed)
    {
        // Where nothing is left, there is no byte that could fail.
        MISSED.store(registers.left > 0 && !fault(LAST.load(Relaxed), 0), Relaxed);
    }
}

/// Memory aligned like a page's first lines.
#[repr(align(4096))]
struct Room([u8; ROOM]);

/// Runs the copy, one instruction after the other.
fn stepped(target: *mut u8, source: *const u8, length: usize, guarded: (usize, usize)) -> Outcome {
    let (left, report): (usize, usize);
    // SAFETY: the ranges are this test's. The stack is used below the caller's red zone, and
    // restored at the end, as is the trap flag. The copy changes only what the calling convention
    // allows.
    unsafe {
        asm!(
            "mov r12, rsp", "sub rsp, 256", "and rsp, -16",
            "pushfq", "or qword ptr [rsp], 0x100", "popfq",
            "call r13",
            "pushfq", "and qword ptr [rsp], ~0x100", "popfq",
            "mov rsp, r12",
            in("r13") arch::first_byte(), out("r12") _,
            inout("rdi") target => _, inout("rsi") source => _, inout("rdx") guarded.0 => report,
            inout("rcx") length => _, inout("r8") guarded.1 => _, out("rax") left,
            clobber_abi("C"),
        );
    }
    Outcome { left, report }
}

#[test]
fn at_any_instruction() {
    // SAFETY: zeros are an action.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = on_step as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: it is one, and no other test of this program uses this signal.
    assert_eq!(unsafe { libc::sigaction(libc::SIGTRAP, &raw const action, null_mut()) }, 0);
    let source = Room(core::array::from_fn(|index| (index * 7 % 251) as u8 | 1));
    let mut taken = 0;
    for (from, to, length) in [(64, 13, 384), (27, 40, 110), (60, 3, 9)] {
        for (bits, line) in LOW_BITS
            .into_iter()
            .flat_map(|bits| (0..length + 16).step_by(length / 3 + 1).map(move |at| (bits, at)))
        {
            for of_source in [true, false] {
                taken += one(&source, (from, to, length), bits, line, of_source);
            }
        }
    }
    assert!(taken > 500, "{taken} faults");
}

/// Copies once for each instruction that may get the fault, and returns how many faults were the
/// copy's. The fault is at the byte `at` of the source, or of the target.
fn one(
    source: &Room,
    (from, to, length): (usize, usize, usize),
    bits: i16,
    at: usize,
    of_source: bool,
) -> usize {
    let mut taken = 0;
    for step in 0.. {
        let mut target = Room([0; ROOM]);
        let (from, to) = (AROUND + from, AROUND + to);
        let (first, place) = (source.0[from..].as_ptr(), target.0[to..].as_mut_ptr());
        let address = if of_source { first.addr() } else { place.addr() } + at;
        AT.store(step, Relaxed);
        ADDRESS.store(address, Relaxed);
        BITS.store(usize::try_from(bits).unwrap(), Relaxed);
        STEPS.store(0, Relaxed);
        TAKEN.store(false, Relaxed);
        // One for each instruction, and more often none.
        AGAIN.store(step % 16, Relaxed);
        LAST.store(place.addr() + length - 1, Relaxed);
        CAREFUL_STEPS.store(0, Relaxed);
        let guarded = source.0.as_ptr_range();
        let outcome = stepped(place, first, length, (guarded.start.addr(), guarded.end.addr()));
        let what = std::format!("{length} from {from} to {to}, {at} with {bits} bits, step {step}");
        let copied = match ended(outcome, length) {
            Ok(()) => length,
            Err(Partial { done, fail: Fail::BadMemory(_) | Fail::BUFFER }) => done,
            Err(partial) => panic!("{what}: {partial}"),
        };
        let was_taken = TAKEN.load(Relaxed);
        assert!(was_taken || copied == length, "{what}: stopped at {copied}");
        assert!(!MISSED.load(Relaxed), "{what}: another one in the careful part");
        assert_eq!(
            target.0[to..to + copied],
            source.0[from..from + copied],
            "{what}: what is told of is there"
        );
        // The first bad byte, as exactly as it is known.
        let bad = (address & !((1 << bits) - 1)).saturating_sub(address - at);
        let before = length.wrapping_sub(LEFT.load(Relaxed));
        assert!(
            !was_taken || copied <= before.max(bad),
            "{what}: what is bad is not touched once more"
        );
        let outside: Vec<_> =
            target.0[..to].iter().chain(&target.0[to + length..]).copied().collect();
        assert_eq!(outside, vec![0; ROOM - length], "{what}: nothing else has changed");
        if STEPS.load(Relaxed) <= step {
            return taken;
        }
        taken += usize::from(was_taken);
    }
    taken
}

/// The registers that the calling convention preserves.
#[test]
fn registers_that_belong_to_the_caller() {
    for length in [0, 15, 63, 200, 500] {
        let (source, mut target) = (vec![1_u8; length], vec![0_u8; length]);
        let (b, c, d, e): (usize, usize, usize, usize);
        let found: usize;
        // SAFETY: both ranges are this test's, and no handler is needed. The stack is restored.
        unsafe {
            asm!(
                "mov r11, rsp", "sub rsp, 256", "and rsp, -16", "push r11", "push rbx",
                "mov rbx, 0x1b1b",
                "call rax",
                "mov r9, rbx",
                "pop rbx", "pop rsp",
                inout("rax") arch::first_byte() => _, out("r9") found,
                inout("rdi") target.as_mut_ptr() => _, inout("rsi") source.as_ptr() => _,
                inout("rdx") 0_usize => _, inout("rcx") length => _, inout("r8") 0_usize => _,
                inout("r12") 12_usize => b, inout("r13") 13_usize => c,
                inout("r14") 14_usize => d, inout("r15") 15_usize => e,
                clobber_abi("C"),
            );
        }
        assert_eq!((found, [b, c, d, e]), (0x1b1b, [12, 13, 14, 15]), "{length}");
        assert_eq!(source, target);
    }
}
