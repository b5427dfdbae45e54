//! A million sources in an array: what each takes, and whether the time for one grows with their
//! number.

use std::{fs::File, hint::black_box, mem::size_of, time::Instant};

use pmem2::{Fd, Source};

use crate::figures::median;

const MILLION: usize = 1_000_000;

/// How often the whole array is filled and asked.
const PASSES: usize = 5;

pub(crate) fn measure(file: &File) {
    let fd = Fd::from(file);
    let mut sources: Vec<Source<Fd<'_>>> = Vec::with_capacity(MILLION);
    // The kernel gives the memory at the first touch: that is its time, not the sources'.
    sources.resize(MILLION, Source::from_fd(fd).expect("a regular file is a source"));
    println!("\nsources in an array: {} bytes each", size_of::<Source<Fd<'_>>>());
    for count in [1_000, 10_000, 100_000, MILLION] {
        // As many sources in all for each count, so that each figure is as good as the others.
        let passes = PASSES * MILLION / count;
        let made: Vec<f64> = (0..passes).map(|_| fill(&mut sources, fd, count)).collect();
        let asked: Vec<f64> = (0..passes).map(|_| ask(&sources[..count])).collect();
        let (made, asked) = (median(made), median(asked));
        println!(
            "{count:>10} sources: {made:>7.1} ns to make each, {asked:>7.1} ns to ask each for its size"
        );
    }
}

/// Nanoseconds for each of `count` sources, made in their places.
fn fill<'h>(sources: &mut Vec<Source<Fd<'h>>>, fd: Fd<'h>, count: usize) -> f64 {
    sources.clear();
    let start = Instant::now();
    for _ in 0..count {
        sources.push(Source::from_fd(black_box(fd)).expect("a regular file is a source"));
    }
    black_box(&sources);
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

/// Nanoseconds for the size of each.
fn ask(sources: &[Source<Fd<'_>>]) -> f64 {
    let start = Instant::now();
    for source in sources {
        assert!(black_box(source.size()).is_ok());
    }
    start.elapsed().as_secs_f64() * 1e9 / sources.len() as f64
}
