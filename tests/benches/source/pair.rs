//! A call of ours beside the same of Debian's libpmem2.

use crate::figures::{Contender, Effort, interleave, report};

/// A call, and how often it is made in a sample.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) call: &'a dyn Fn(),
    pub(crate) calls: u32,
}

impl<'a> Side<'a> {
    pub(crate) fn named(self, name: &'static str) -> Contender<'a> {
        Contender { name, call: self.call, calls: self.calls }
    }
}

/// Medians.
pub(crate) struct Compared {
    /// Nanoseconds for a call.
    #[allow(dead_code, reason = "not every benchmark wants it")]
    pub(crate) theirs: f64,
    /// The ratio of samples taken right after each other.
    pub(crate) ratio: f64,
}

/// Runs the two in turn, and prints what each costs. Ours over itself shows how far a ratio is from
/// 1 by chance.
pub(crate) fn compare(name: &str, effort: Effort, ours: Side<'_>, theirs: Side<'_>) -> Compared {
    let contenders = [ours.named("pmem2"), ours.named("pmem2_again"), theirs.named("libpmem2")];
    let samples = interleave(&contenders, effort);
    println!("\n{name}: {} samples", samples[0].len());
    let times: Vec<f64> = contenders
        .iter()
        .zip(&samples)
        .map(|(contender, times)| report(&format!("{} ns", contender.name), times))
        .collect();
    let pairs = |peer: usize| -> Vec<f64> {
        samples[0].iter().zip(&samples[peer]).map(|(a, b)| a / b).collect()
    };
    report("pmem2 / pmem2_again", &pairs(1));
    Compared { theirs: times[2], ratio: report("pmem2 / libpmem2", &pairs(2)) }
}
