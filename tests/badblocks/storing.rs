//! Files that are stored to through a mapping: a page of a hole has no place until it is written
//! back.

use std::{
    fs::File,
    os::fd::AsRawFd,
    ptr::{self, NonNull},
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
    },
    thread,
};

use pmem2::{
    Error, Source,
    error::{Errno, Subject},
};
use rustix::fs::{FallocateFlags, fallocate};

use super::{
    image::{Image, Mounted},
    on_pmem, walk,
};

const PAGE: usize = 4096;
const PAGES: usize = 512;

/// A whole file, mapped as it is.
struct Mapping(NonNull<AtomicU8>);

// SAFETY: what it points to is mapped until it is dropped, and is atomic.
unsafe impl Send for Mapping {}

impl Mapping {
    fn of(file: &File) -> Self {
        // SAFETY: the address is the kernel's choice.
        let at = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(
                ptr::null_mut(),
                PAGES * PAGE,
                protection,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        assert_ne!(at, libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
        Self(NonNull::new(at.cast()).expect("an address"))
    }

    fn store(&self, page: usize) {
        assert!(page < PAGES);
        // SAFETY: a byte of the mapping, of a file that is as long.
        unsafe { self.0.add(page * PAGE).as_ref() }.store(1, Relaxed);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it is this value's, and nobody uses it afterwards.
        let result = unsafe { libc::munmap(self.0.as_ptr().cast(), PAGES * PAGE) };
        assert_eq!(result, 0, "munmap: {}", std::io::Error::last_os_error());
    }
}

/// Stores to every other page, and makes holes of them again.
fn store(file: &File, mapping: &Mapping, begun: &Barrier, ends: &AtomicBool) {
    mapping.store(0);
    begun.wait();
    while !ends.load(Relaxed) {
        (0..PAGES).step_by(2).for_each(|page| mapping.store(page));
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(file, punch, 0, (PAGES * PAGE) as u64).expect("punched");
    }
}

/// Nothing of it is bad, whenever that is asked. Where a thread is interrupted in the middle of its
/// store it may take longer than this library waits.
fn asked_meanwhile(mounted: &Mounted) {
    let file = mounted.file("file");
    file.set_len((PAGES * PAGE) as u64).expect("its size");
    let source = Source::new(&file).expect("a source");
    let later = Some(Error::Os { subject: Subject::Extents, errno: Errno::EAGAIN });
    let (begun, ends) = (Barrier::new(2), AtomicBool::new(false));
    let answers: Vec<_> = thread::scope(|scope| {
        let mapping = Mapping::of(&file);
        let (file, begun, ends) = (&file, &begun, &ends);
        scope.spawn(move || store(file, &mapping, begun, ends));
        begun.wait();
        let answers = (0..1000).map(|_| walk(&source)).collect();
        ends.store(true, Relaxed);
        answers
    });
    let wrong: Vec<_> = answers
        .iter()
        .filter(|answer| ![(vec![], None), (vec![], later)].contains(answer))
        .collect();
    assert!(wrong.is_empty(), "{} times: {wrong:?}", wrong.len());
    assert!(answers.iter().any(|(_, error)| error.is_none()), "each time");
    assert_eq!(walk(&source), (vec![], None));
}

fn on(image: &Image) {
    on_pmem(image, |mounted, disk| {
        // The first sector of the file system, which is no file's.
        disk.write("badblocks", "0 1\n");
        asked_meanwhile(mounted);
    });
}

#[test]
fn on_ext4() {
    needs_root!();
    on(&Image::ext4(4096));
}

#[test]
fn on_xfs() {
    needs_root!();
    on(&Image::xfs());
}
