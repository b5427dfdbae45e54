//! The conformance suite over this kernel: the same cases on a host and in the kernel itself.

use pmem2::{
    Code, Kind,
    conformance::{
        Case, Expect, Violation, check, check_bad_blocks, check_bad_memory, check_places,
        check_transfers,
    },
};

use crate::{
    kernel::{Kernel, PAGE, READ, Trouble, WRITE},
    port::{File, Number},
};

/// The reason why the suite did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    Open(Trouble),
    Rule(Violation<'static>),
}

/// Runs the suite. All descriptors of `kernel` are free before and after.
pub(crate) fn run(kernel: &Kernel) -> Result<(), Failed> {
    let open = |name, mode| File::open(kernel, name, mode).map_err(Failed::Open);
    let (log, data) = (open("/ram/log", READ | WRITE)?, open("/bank0/data", READ)?);
    let (near, far) = (open("/bank0", READ | WRITE)?, open("/bank1", READ)?);
    let (root, console, queue) =
        (open("/", READ)?, open("/console", READ | WRITE)?, open("/queue", READ)?);
    // SAFETY: seven of eight descriptors are taken. Nobody opens the eighth while this runs, and
    // there is no tenth.
    let (closed, beyond) = unsafe { (Number::new(kernel, 7), Number::new(kernel, 9)) };

    let cases = [
        Case::new("a file in RAM", log.borrow(), source(Kind::RegularFile, 10_000, PAGE, true)),
        Case::new(
            "a file on a bank",
            data.borrow(),
            source(Kind::RegularFile, 3 * PAGE, PAGE, false),
        ),
        Case::new("a bank", near.borrow(), source(Kind::DeviceDax, 1 << 30, 2 << 20, true)),
        Case::new("another bank", far.borrow(), source(Kind::DeviceDax, 64 << 20, PAGE, false)),
        Case::new("a directory", root.borrow(), refused(Code::InvalidFileType)),
        Case::new("the console", console.borrow(), refused(Code::InvalidFileType)),
        Case::new("a queue", queue.borrow(), refused(Code::InvalidFileType)),
        Case::new("no descriptor", closed, refused(Code::InvalidFileHandle)),
        Case::new("beyond the table", beyond, refused(Code::InvalidFileHandle)),
    ];
    check(&cases).map_err(Failed::Rule)?;
    check_places(&cases).map_err(Failed::Rule)?;
    check_transfers(&cases, None).map_err(Failed::Rule)?;
    check_bad_blocks(&cases).map_err(Failed::Rule)?;

    // The third page of the file goes bad, and is replaced at the end.
    let spoilt = log.descriptor();
    kernel.spoil(spoilt, 2).map_err(Failed::Open)?;
    let [on_a_bad_page, ..] = cases;
    let halts =
        check_bad_memory(&on_a_bad_page, None, 2 * PAGE).and(check_bad_blocks(&[on_a_bad_page]));
    kernel.mend(spoilt, 2).map_err(Failed::Open)?;
    halts.map_err(Failed::Rule)?;
    drop((log, data));

    // The access is checked before the kind. One list cannot have both modes of a file: the id is
    // the same.
    let (unreadable, neither) = (open("/ram/log", WRITE)?, open("/", 0)?);
    check(&[
        Case::new("write-only", unreadable.borrow(), refused(Code::InvalidFileHandle)),
        Case::new("neither read nor written", neither.borrow(), refused(Code::InvalidFileHandle)),
    ])
    .map_err(Failed::Rule)
}

const fn source(kind: Kind, size: u64, alignment: u64, writable: bool) -> Expect {
    Expect::Source { kind, size, alignment, writable }
}

const fn refused(code: Code) -> Expect {
    Expect::Refused(code.raw())
}
