//! The death of a process, as a debugger sees it: the same fault, at the same instruction, as
//! without our handler.

use std::{mem::zeroed, ptr::null_mut};

use pmem2_platform::SigbusHandler;

use crate::{
    FAULT, World,
    program::{Action, queue, set},
    shrunk::page,
    signals::{send, this_thread},
};

/// The last SIGBUS of a process: its code, the address if there is one, and where the process was.
type Last = (i32, usize, u64);

/// Runs `body` in a child that this process traces, to its death.
fn last_of(body: impl FnOnce()) -> Last {
    // SAFETY: the child does only what is async-signal-safe.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: they take numbers.
        unsafe {
            libc::alarm(20);
            libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            body();
            libc::_exit(1);
        }
    }
    let mut last = None;
    loop {
        let mut status = 0;
        // SAFETY: `status` is an int, and the child is this process's.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        if !libc::WIFSTOPPED(status) {
            assert!(
                libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGBUS,
                "{status:#x}"
            );
            return last.expect("it was seen before");
        }
        let signal = libc::WSTOPSIG(status);
        if signal == libc::SIGBUS {
            // SAFETY: all zeros are both structures, which the calls write to; any bytes are an
            // address.
            last = Some(unsafe {
                let (mut info, mut registers): (libc::siginfo_t, libc::user_regs_struct) =
                    (zeroed(), zeroed());
                libc::ptrace(libc::PTRACE_GETSIGINFO, child, null_mut::<u8>(), &raw mut info);
                libc::ptrace(libc::PTRACE_GETREGS, child, null_mut::<u8>(), &raw mut registers);
                (info.si_code, info.si_addr().addr(), registers.rip)
            });
        }
        // SAFETY: the child has stopped.
        assert_eq!(unsafe { libc::ptrace(libc::PTRACE_CONT, child, 0, i64::from(signal)) }, 0);
    }
}

/// With our handler, and without.
fn compare(action: Action, flags: i32, event: impl Fn()) -> Last {
    let [without, with] = [false, true].map(|ours| {
        last_of(|| {
            set(action, flags, false);
            if ours {
                SigbusHandler::install().expect("our handler");
            }
            event();
        })
    });
    assert_eq!(with, without, "{action:?}");
    with
}

#[test]
fn it_dies_of_the_same() {
    let world = World::new();
    let address = world.memory.at.addr() + page() + FAULT;
    for action in [Action::Default, Action::Ignore] {
        let (code, at, _) = compare(action, 0, || _ = world.foreign_fault());
        assert_eq!((code, at), (libc::BUS_ADRERR, address));
    }
    let (code, at, _) = compare(Action::Default, 0, || queue(libc::BUS_MCEERR_AO, 0x1000));
    assert_eq!((code, at), (libc::BUS_MCEERR_AO, 0x1000));
    let (code, ..) = compare(Action::Default, libc::SA_NODEFER, || queue(libc::SI_QUEUE, 0x1000));
    assert_eq!(code, libc::SI_QUEUE);
    // The address is the sender's number, which differs.
    let dies_of = |ours: bool| {
        last_of(|| {
            set(Action::Default, 0, false);
            if ours {
                SigbusHandler::install().expect("our handler");
            }
            send(this_thread(), libc::SIGBUS);
        })
    };
    let ([with, without], tgkill) = ([true, false].map(dies_of), libc::SI_TKILL);
    assert_eq!([with.0, without.0, tgkill], [tgkill; 3]);
    assert_eq!(with.2, without.2);
}
