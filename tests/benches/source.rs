//! `cargo bench --bench source`: what a source costs, beside the bare system calls and beside
//! libpmem2.
//!
//! All run in turn in one process, pinned to one processor, in samples of a few hundred calls. A
//! figure is the median of the ratios of samples taken right after each other, with its 95 %
//! interval: whatever slows the machine down for a while slows both of a pair. Nothing is asserted.

#[path = "source/array.rs"]
mod array;
#[path = "source/figures.rs"]
mod figures;
#[path = "source/libpmem2.rs"]
mod libpmem2;
#[path = "../measure/src/raw.rs"]
mod raw;

use std::{fs::File, hint::black_box, os::fd::AsRawFd};

use figures::{CALLS, Contender, Effort, interleave, pin, print_ratio, report};
use libpmem2::Libpmem2;
use pmem2::{Fd, Source};

/// The length of the file: any will do.
const LENGTH: u64 = 1 << 20;

fn main() {
    // Cargo passes `--bench`, and possibly a filter; there is one benchmark, and it runs.
    pin();
    let file = tempfile::tempfile().expect("a temporary file");
    file.set_len(LENGTH).expect("its length");
    let library = match Libpmem2::load() {
        Ok(library) => {
            println!("libpmem2: {}", library.file());
            Some(library)
        }
        Err(error) => {
            println!(
                "libpmem2 is missing, so there are no ratios to it ({error}): apt-get install libpmem2-dev"
            );
            None
        }
    };
    let mut ratios = from_fd(&file, library.as_ref());
    ratios.extend(size(&file, library.as_ref()));
    array::measure(&file);
    println!();
    for (name, ratio) in ratios {
        print_ratio(&name, ratio, 3);
    }
}

/// A source of the file is made and dropped.
fn from_fd(file: &File, library: Option<&Libpmem2>) -> Vec<(String, f64)> {
    let number = file.as_raw_fd();
    let raw = || {
        assert!(black_box(raw::getfl(black_box(number))) >= 0);
        assert!(black_box(raw::fstat(black_box(number))) == 0);
    };
    let ours = || {
        // SAFETY: the file is open until the function ends.
        let fd = unsafe { Fd::borrow_raw(black_box(number)) };
        let source = Source::from_fd(fd);
        assert!(black_box(&source).is_ok());
    };
    let theirs = library.map(|library| || library.delete(library.make(black_box(number))));
    compare("from_fd", &raw, &ours, theirs.as_ref().map(|call| call as _))
}

/// The size of a source is asked for.
fn size(file: &File, library: Option<&Libpmem2>) -> Vec<(String, f64)> {
    let number = file.as_raw_fd();
    let source = Source::new(file).expect("a regular file is a source");
    assert_eq!(source.size(), Ok(LENGTH));
    let raw = || assert!(black_box(raw::fstat(black_box(number))) == 0);
    let ours = || assert!(black_box(black_box(&source).size()).is_ok());
    let pointer = library.map(|library| (library, library.make(number)));
    if let Some((library, pointer)) = pointer {
        assert_eq!(library.size(pointer), LENGTH);
    }
    let theirs = pointer.map(|(library, pointer)| {
        move || assert!(black_box(library.size(black_box(pointer))) == LENGTH)
    });
    let ratios = compare("size", &raw, &ours, theirs.as_ref().map(|call| call as _));
    if let Some((library, pointer)) = pointer {
        library.delete(pointer);
    }
    ratios
}

/// Runs the contenders in turn, prints what each costs, and returns the ratios that were asked for.
/// The second contender over itself shows how far a ratio is from 1 by chance.
fn compare(
    name: &str,
    raw: &dyn Fn(),
    ours: &dyn Fn(),
    theirs: Option<&dyn Fn()>,
) -> Vec<(String, f64)> {
    let mut contenders = vec![
        Contender { name: "raw", call: raw, calls: CALLS },
        Contender { name: "pmem2", call: ours, calls: CALLS },
        Contender { name: "pmem2_again", call: ours, calls: CALLS },
    ];
    contenders.extend(theirs.map(|call| Contender { name: "libpmem2", call, calls: CALLS }));
    let samples = interleave(&contenders, Effort::USUAL);
    println!("\n{name}:");
    for (contender, times) in contenders.iter().zip(&samples) {
        report(&format!("{} ns", contender.name), times);
    }
    let mut ratios = Vec::new();
    for (peer, times) in contenders.iter().zip(&samples).filter(|(peer, _)| peer.name != "pmem2") {
        let pairs: Vec<f64> =
            samples[1].iter().zip(times).map(|(ours, theirs)| ours / theirs).collect();
        let median = report(&format!("pmem2 / {}", peer.name), &pairs);
        if peer.name != "pmem2_again" {
            ratios.push((format!("{name}_vs_{}", peer.name), median));
        }
    }
    ratios
}
