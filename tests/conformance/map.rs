//! The suite about mappings: Linux's own files keep the contract, and a platform that breaks it in
//! one way at a time is found out.

use std::{
    cell::UnsafeCell,
    ptr::NonNull,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

use pmem2::{
    Access, Error, Handle, Kind,
    conformance::{Case, Expect, Rule, check_mappings},
    error::Subject,
    persist::Cpu,
    place::{Backing, MapSync},
    platform::{
        Alignment, Borrowed, Facts, Fail, Locate, Map, Mapped, Nowhere, Platform, Request, Span,
    },
};

#[cfg(target_os = "linux")]
#[test]
fn files_keep_the_contract() {
    use pmem2::{Anonymous, Native};
    for size in [1, 31, 4096, 4097, 100_000] {
        let file = tempfile::tempfile().unwrap();
        file.set_len(size).unwrap();
        for writable in [true, false] {
            let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
            let file = std::fs::File::options().read(true).write(writable).open(path).unwrap();
            let kind = Kind::RegularFile;
            let expect = Expect::Source { kind, size, alignment: 4096, writable };
            assert_eq!(check_mappings(&[Case::new("a file", &file, expect)]), Ok(()));
        }
        let anonymous = Anonymous::on(Native::default(), size);
        let kind = Kind::Anonymous;
        let expect = Expect::Source { kind, size, alignment: 4096, writable: true };
        assert_eq!(check_mappings(&[Case::new("memory", anonymous, expect)]), Ok(()));
    }
}

const SIZE: usize = 100;

/// A kernel with one object, which is mapped where it is, and with one flaw.
struct Kernel {
    bytes: [UnsafeCell<AtomicU8>; SIZE],
    other: [UnsafeCell<AtomicU8>; SIZE],
    flaw: Flaw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    MapsNothing,
    MapFails,
    UnmapFails,
    /// Stores through a private mapping reach the object.
    PrivateIsShared,
    /// A mapping shows a copy.
    SharedIsPrivate,
}

struct Object<'k>(&'k Kernel);

// SAFETY: it names the kernel's one object.
unsafe impl<'k> Handle for Object<'k> {
    type P = &'k Kernel;
    fn platform(&self) -> &'k Kernel {
        self.0
    }
    fn raw(&self) {}
}

impl Platform for &Kernel {
    type Raw = ();
    type Id = u8;

    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<u8>, Fail> {
        let access = Access::READ | Access::WRITE;
        Ok(Facts::new(1, Kind::RegularFile, access, Alignment::new(1)))
    }

    fn size(_: Borrowed<'_, Self>, _: &Facts<u8>) -> Result<u64, Fail> {
        Ok(SIZE as u64)
    }
}

impl Locate for &Kernel {
    type Location = ();
    type Dimm = Nowhere;

    fn locate(_: Borrowed<'_, Self>, _: &Facts<u8>) -> Result<(), Fail> {
        Ok(())
    }

    fn backing(self, (): &()) -> Result<Backing, Fail> {
        Ok(Backing::Disk { major: 8, minor: 0 })
    }
}

// SAFETY: the bytes are the kernel's, which outlives the mapping.
unsafe impl Map for &Kernel {
    type Steps = Cpu;

    fn steps(self, _: bool) -> Result<Cpu, Fail> {
        Ok(Cpu::fence_only())
    }

    fn map(object: Borrowed<'_, Self>, _: &Facts<u8>, request: &Request) -> Result<Mapped, Fail> {
        let kernel = object.platform();
        let bytes = match (kernel.flaw, request.private) {
            (Flaw::MapsNothing, _) => return Err(Fail::Unsupported),
            (Flaw::MapFails, _) => return Err(Fail::TooLarge(Subject::Mapping)),
            (Flaw::PrivateIsShared, true) => &kernel.bytes,
            (Flaw::SharedIsPrivate, false)
                if request.protection.contains(pmem2::map::Protection::WRITE) =>
            {
                &kernel.other
            }
            (_, false) => &kernel.bytes,
            (_, true) => &kernel.other,
        };
        let at = NonNull::from(bytes).cast();
        Ok(Mapped { at, taken: SIZE, synchronous: MapSync::Refused })
    }

    unsafe fn unmap(self, _: Span) -> Result<(), Fail> {
        match self.flaw {
            Flaw::UnmapFails => Err(Fail::TooLarge(Subject::Unmapping)),
            _ => Ok(()),
        }
    }

    unsafe fn sync(_: Borrowed<'_, Self>, _: Span) -> Result<(), Fail> {
        Ok(())
    }
}

fn check(flaw: Flaw) -> Result<(), Rule> {
    let zeros = || [const { UnsafeCell::new(AtomicU8::new(0)) }; SIZE];
    let kernel = Kernel { bytes: zeros(), other: zeros(), flaw };
    let kind = Kind::RegularFile;
    let expect = Expect::Source { kind, size: SIZE as u64, alignment: 1, writable: true };
    let checked = check_mappings(&[Case::new("the object", Object(&kernel), expect)]);
    // SAFETY: nothing is mapped any more.
    let left = kernel.bytes.iter().map(|byte| unsafe { &*byte.get() }.load(Relaxed));
    assert!(flaw == Flaw::PrivateIsShared || left.eq([0; SIZE]), "it is as it was");
    checked.map_err(|violation| violation.rule)
}

#[test]
fn each_flaw_is_found() {
    assert_eq!(check(Flaw::None), Ok(()));
    assert_eq!(check(Flaw::MapsNothing), Ok(()));
    let too_large = |subject| Rule::MappingFails(Error::TooLarge(subject));
    assert_eq!(check(Flaw::MapFails), Err(too_large(Subject::Mapping)));
    assert_eq!(check(Flaw::UnmapFails), Err(too_large(Subject::Unmapping)));
    assert_eq!(check(Flaw::PrivateIsShared), Err(Rule::MappingShowsBytes));
    assert_eq!(check(Flaw::SharedIsPrivate), Err(Rule::MappingShowsBytes));
}
