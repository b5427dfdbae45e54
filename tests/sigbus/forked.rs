//! A child that is forked in the midst of the installation, and has the same number as its parent:
//! each is the first process of a PID namespace.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

use pmem2_platform::SigbusHandler;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::{
    after::{Handler, replace},
    common::child::{Ended, in_child},
    program::{Action, set},
};

/// A filter that makes SIGSYS of the call that makes another action SIGBUS's.
fn filter() -> BpfProgram {
    let argument = |index, operator, value| {
        SeccompCondition::new(index, SeccompCmpArgLen::Qword, operator, value).expect("an argument")
    };
    let bus = argument(0, SeccompCmpOp::Eq, u64::from(libc::SIGBUS.cast_unsigned()));
    let rule = SeccompRule::new(vec![bus, argument(1, SeccompCmpOp::Ne, 0)]).expect("a rule");
    let rules = [(libc::SYS_rt_sigaction, vec![rule])].into();
    let arch = TargetArch::try_from(std::env::consts::ARCH).expect("an architecture");
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Trap, arch)
        .and_then(BpfProgram::try_from)
        .expect("a filter")
}

/// A child that is the first process of a new PID namespace.
fn fork_in_namespace(body: impl FnOnce() -> bool) -> i32 {
    // SAFETY: it is fork in a namespace; the child does only what is async-signal-safe, and ends.
    unsafe {
        let flags = libc::CLONE_NEWPID | libc::SIGCHLD;
        let child = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0);
        if child == 0 {
            libc::alarm(10);
            let well = libc::getpid() == 1 && body();
            libc::_exit(if well { 0 } else { 1 });
        }
        let (child, mut status) = (i32::try_from(child).unwrap_or(-1), -1);
        if libc::waitpid(child, &raw mut status, 0) == child { status } else { -1 }
    }
}

static IN_CHILD: AtomicBool = AtomicBool::new(false);
static STATUS: AtomicI32 = AtomicI32::new(-1);

/// In the place of the call, which does nothing: forks, and the child installs the handler, too.
extern "C" fn on_sigsys(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if !IN_CHILD.load(SeqCst) {
        let status = fork_in_namespace(|| {
            IN_CHILD.store(true, SeqCst);
            SigbusHandler::install().is_ok()
        });
        STATUS.store(status, SeqCst);
    }
    // SAFETY: it is the context that the kernel gave; the call may write to its third argument.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let old = registers[libc::REG_RDX as usize];
        registers[libc::REG_RAX as usize] =
            libc::syscall(libc::SYS_rt_sigaction, libc::SIGBUS, 0, old, size_of::<u64>());
    }
}

#[test]
fn its_number_is_nobodys() {
    needs_root!();
    let filter = filter();
    let ended = in_child(|| {
        fork_in_namespace(|| {
            set(Action::Default, 0, false);
            let on_sigsys: Handler = on_sigsys;
            replace(libc::SIGSYS, on_sigsys, libc::SA_NODEFER);
            seccompiler::apply_filter(&filter).expect("a filter");
            SigbusHandler::install().is_ok() && STATUS.load(SeqCst) == 0
        })
    });
    assert_eq!(ended, Ended::With(0));
}
