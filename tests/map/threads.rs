//! Mapping beside other threads' memory and paths: nobody's changes.
//!
//! libpmem2 reserves addresses and maps over them with MAP_FIXED and MAP_SYNC. Some file systems
//! (ext4) refuse MAP_SYNC after the kernel has taken the reservation away. Another thread's mapping
//! may fall into the hole, and the next MAP_FIXED goes over it. To see that the test notices, the
//! same is done here, in a process of its own.

use std::{
    env,
    fs::{self, File},
    os::fd::AsRawFd,
    ptr::{self, null_mut},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use pmem2::{Granularity, MapConfig, Source};

use crate::{
    DIRECTORIES, alone,
    common::{
        child::{Ended, in_child},
        say,
    },
    file_in,
};

const PAGE: usize = 4096;
/// The words of a page that have content.
const WORDS: usize = 16;

/// How a file is mapped.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Ours,
    /// With a reservation and MAP_FIXED, as libpmem2 does it.
    Planted,
}

/// mmap(2) of a page.
fn map(at: *mut u8, protection: i32, flags: i32, fd: i32) -> *mut u8 {
    // SAFETY: without MAP_FIXED the kernel takes free addresses. With it, the caller has reserved
    // them; that they may be another thread's meanwhile is the fault that is planted here, in a
    // process that is to die of it.
    unsafe { libc::mmap(at.cast(), PAGE, protection, flags, fd, 0) }.cast()
}

fn unmap(at: *mut u8) {
    // SAFETY: the page was mapped by `map`, and nobody has a reference to it.
    assert_eq!(unsafe { libc::munmap(at.cast(), PAGE) }, 0);
}

fn is_mapped(page: *mut u8) -> bool {
    let mut resident = 0;
    // SAFETY: mincore changes the byte alone, whatever is at the address.
    unsafe { libc::mincore(page.cast(), PAGE, &raw mut resident) == 0 }
}

const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// Maps and unmaps a file as libpmem2 does, waiting `meanwhile` where the addresses may be
/// nobody's.
fn planted(file: &File, meanwhile: impl FnOnce(*mut u8)) {
    let fd = file.as_raw_fd();
    let reserved = map(null_mut(), libc::PROT_NONE, ANONYMOUS, -1);
    let synchronous = libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC | libc::MAP_FIXED;
    let mut at = map(reserved, BOTH, synchronous, fd);
    if ptr::eq(at, libc::MAP_FAILED.cast()) {
        meanwhile(reserved);
        at = map(reserved, BOTH, libc::MAP_SHARED | libc::MAP_FIXED, fd);
    }
    assert!(ptr::eq(at, reserved));
    unmap(at);
}

/// Whether a refused MAP_SYNC with MAP_FIXED leaves a hole in a file system; tried where no other
/// thread can fall into it.
fn leaves_a_hole(directory: &str) -> bool {
    let file = file_in(directory, PAGE as u64);
    let ended = in_child(|| {
        let reserved = map(null_mut(), libc::PROT_NONE, ANONYMOUS, -1);
        let synchronous = libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC | libc::MAP_FIXED;
        let at = map(reserved, BOTH, synchronous, file.as_raw_fd());
        ptr::eq(at, libc::MAP_FAILED.cast()) && !is_mapped(reserved)
    });
    let Ended::With(hole) = ended else { panic!("{ended:?}") };
    hole
}

/// Eight threads map and unmap, two others map and unmap memory with content of their own, and one
/// opens relative paths.
fn rounds(directory: &str, how: How, rounds: usize) {
    let (mapping, others) = (AtomicBool::new(true), AtomicUsize::new(0));
    let (mapping, others) = (&mapping, &others);
    let own = move |thread: usize| {
        let mut round = 0;
        while mapping.load(Ordering::Relaxed) {
            // Ever more at once, so that they come to lie in every hole.
            let page = |_| map(null_mut(), BOTH, ANONYMOUS, -1).cast::<u64>();
            let pages: Vec<_> = (0..4 + round % 64).map(page).collect();
            let word =
                |page: usize, at: usize| (thread << 48 | round << 16 | page << 12 | at) as u64;
            for (page, &start) in pages.iter().enumerate() {
                for at in 0..WORDS {
                    // SAFETY: the page is this thread's own, which nobody else knows.
                    unsafe { start.add(at).write_volatile(word(page, at)) };
                }
            }
            others.fetch_add(1, Ordering::Relaxed);
            thread::yield_now();
            for (page, start) in pages.into_iter().enumerate() {
                for at in 0..WORDS {
                    // SAFETY: as above.
                    let found = unsafe { start.add(at).read_volatile() };
                    if found != word(page, at) {
                        // Nothing in this process can be relied upon any more.
                        say("another's memory changed");
                        std::process::abort();
                    }
                }
                unmap(start.cast());
            }
            round += 1;
        }
        round
    };
    let opened = move || {
        let mut opened = 0_usize;
        while mapping.load(Ordering::Relaxed) {
            let manifest = fs::read("Cargo.toml").expect("a relative path");
            assert!(manifest.starts_with(b"[workspace]"));
            opened += 1;
        }
        opened
    };
    thread::scope(|threads| {
        let beside =
            [threads.spawn(move || own(1)), threads.spawn(move || own(2)), threads.spawn(opened)];
        let maps: Vec<_> = (0..8_u64)
            .map(|number| {
                threads.spawn(move || {
                    let file = file_in(directory, PAGE as u64);
                    let config = MapConfig::new(Granularity::Page);
                    let source = Source::new(&file).expect("a source");
                    for round in 0..rounds as u64 {
                        if how == How::Planted {
                            // Until another's page lies in the hole, or they have had their time.
                            let before = others.load(Ordering::Relaxed);
                            planted(&file, |hole| {
                                while !is_mapped(hole)
                                    && others.load(Ordering::Relaxed) < before + 100
                                {
                                    thread::yield_now();
                                }
                            });
                            continue;
                        }
                        let map = source.by_reference().map(&config).expect("a mapping");
                        let words = map.get::<[u64; 2]>(0).expect("loads");
                        let expected = if round == 0 { [0, 0] } else { [number, round - 1] };
                        assert_eq!(words, expected, "this thread's file");
                        map.unflushed().put(0, &[number, round]).expect("stores");
                    }
                })
            })
            .collect();
        let results: Vec<_> = maps.into_iter().map(|thread| thread.join()).collect();
        // Each has had a turn, however few processors there are.
        while others.load(Ordering::Relaxed) < 4 {
            thread::yield_now();
        }
        mapping.store(false, Ordering::Relaxed);
        results.into_iter().for_each(|result| result.expect("a thread that maps"));
        let turns = beside.map(|thread| thread.join().expect("memory and paths of one's own"));
        assert!(turns[0] + turns[1] > 3, "{turns:?}");
    });
}

/// The variable that makes a child of the test below.
const PLANTED: &str = "PMEM2_TEST_PLANTED";

#[test]
fn nobodys_memory_changes() {
    if let Some(directory) = env::var_os(PLANTED) {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `none` is a valid rlimit: this process is to die, and leaves no core file.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
        return rounds(directory.to_str().expect("text"), How::Planted, 50);
    }
    for directory in DIRECTORIES {
        rounds(directory, How::Ours, 1500);
    }
}

#[test]
fn the_test_notices_what_libpmem2_does() {
    for directory in DIRECTORIES {
        let child = alone("threads::nobodys_memory_changes", PLANTED, directory);
        // Where the reservation stays until the mapping is there, nothing can come between.
        let hole = leaves_a_hole(directory);
        let text = String::from_utf8_lossy(&child.stdout);
        assert_eq!(child.status.success(), !hole, "{directory}: {hole}, {}\n{text}", child.status);
    }
    assert!(!leaves_a_hole("/dev/shm"));
}
