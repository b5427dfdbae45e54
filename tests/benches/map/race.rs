//! Contenders in turn, and the ratios of the first to the others.

use std::time::Duration;

use crate::figures::{CALLS, Contender, Effort, interleave, interval, report};

/// The ratio of the first contender to another: the median, and the ends of its interval.
#[derive(Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) low: f64,
}

/// A contender that takes some nanoseconds, in samples of some ten microseconds or more.
pub(crate) fn named<'a>(name: &'static str, nanoseconds: f64, call: &'a dyn Fn()) -> Contender<'a> {
    let calls = (SAMPLE / nanoseconds).clamp(1.0, CALLS.into()) as u32;
    Contender { name, call, calls }
}

/// The length of a sample in nanoseconds.
const SAMPLE: f64 = 60_000.0;

/// Runs the contenders in turn, each after calls that do not count, and prints what each costs. The
/// first over itself shows how far a ratio is from 1 by chance.
pub(crate) fn race(
    name: &str,
    limit: Duration,
    again: u32,
    contenders: &[Contender<'_>],
) -> Vec<Ratio> {
    let first = &contenders[0];
    let itself = Contender { name: "again", call: first.call, calls: first.calls };
    let mut all = vec![itself];
    all.extend(contenders.iter().map(|one| Contender { name: one.name, ..*one }));
    let samples = interleave(&all, Effort { warm_up: 5, limit, again, ..Effort::USUAL });
    println!("\n{name}: {} samples", samples[0].len());
    for (contender, times) in all.iter().zip(&samples).skip(1) {
        report(&format!("{} ns", contender.name), times);
    }
    let over = |peer: usize| {
        let pairs: Vec<f64> = samples[1].iter().zip(&samples[peer]).map(|(a, b)| a / b).collect();
        let median = report(&format!("{} / {}", first.name, all[peer].name), &pairs);
        Ratio { median, low: interval(&pairs)[0] }
    };
    over(0);
    (2..all.len()).map(over).collect()
}
