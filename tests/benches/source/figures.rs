//! Samples in turn, and the medians of them.

use std::time::{Duration, Instant};

/// Calls in a sample of what takes less than a microsecond: long enough for the clock's own cost to
/// vanish, short enough for a pair to see one machine.
pub(crate) const CALLS: u32 = 256;

/// How many samples are taken.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Samples before those that count.
    pub(crate) warm_up: usize,
    pub(crate) samples: usize,
    /// When this time is over, [`ENOUGH`](Effort::ENOUGH) will do.
    pub(crate) limit: Duration,
    /// Calls of a contender before each of its samples, which do not count: where it matters what
    /// the one before has left in the caches.
    pub(crate) again: u32,
}

impl Effort {
    /// So many that their median has an interval.
    pub(crate) const ENOUGH: usize = 11;

    /// For calls that take less than a microsecond.
    pub(crate) const USUAL: Self =
        Self { warm_up: 200, samples: 4_000, limit: Duration::MAX, again: 0 };
}

/// Stays on the processor that it runs on: a move in the midst of a sample would be measured too.
pub(crate) fn pin() {
    let processor = rustix::thread::sched_getcpu();
    let mut set = rustix::thread::CpuSet::new();
    set.set(processor);
    rustix::thread::sched_setaffinity(None, &set).expect("one processor of those that are allowed");
    println!("pinned to processor {processor}");
}

/// One of those that are compared.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) call: &'a dyn Fn(),
    /// How often it is called in a sample.
    pub(crate) calls: u32,
}

/// Nanoseconds per call of each contender, sample by sample. In each round all have a turn, each
/// time another first: who comes after whom must not matter.
pub(crate) fn interleave(contenders: &[Contender<'_>], effort: Effort) -> Vec<Vec<f64>> {
    let start = Instant::now();
    let mut samples = vec![Vec::with_capacity(effort.samples); contenders.len()];
    for round in 0..effort.warm_up + effort.samples {
        if round >= effort.warm_up + Effort::ENOUGH && start.elapsed() > effort.limit {
            break;
        }
        for turn in 0..contenders.len() {
            // Forwards and backwards: each contender follows each of its neighbours equally often.
            let turn = if round % 2 == 0 { turn } else { contenders.len() - 1 - turn };
            let index = (round / 2 + turn) % contenders.len();
            (0..effort.again).for_each(|_| (contenders[index].call)());
            let time = sample(&contenders[index]);
            if round >= effort.warm_up {
                samples[index].push(time);
            }
        }
    }
    samples
}

fn sample(contender: &Contender<'_>) -> f64 {
    let start = Instant::now();
    for _ in 0..contender.calls {
        (contender.call)();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(contender.calls)
}

/// The interval that holds the true median with a probability of 95 %, by the order of the values
/// alone: the number of values below the median is binomial, whatever their distribution.
pub(crate) fn interval(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let margin = 1.96 * count.sqrt() / 2.0;
    let low = sorted[(count / 2.0 - margin).floor().max(0.0) as usize];
    let high = sorted[((count / 2.0 + margin).ceil() as usize).min(sorted.len() - 1)];
    [low, high]
}

/// Prints and returns the median; after it its interval.
pub(crate) fn report(name: &str, values: &[f64]) -> f64 {
    let ([low, high], median) = (interval(values), median(values.to_vec()));
    let [places, below, above] = [median, low, high].map(|value| decimals(value, 3));
    println!("{name:>22} {median:>8.places$}  95 % [{low:.below$}, {high:.above$}]");
    median
}

/// Prints a ratio for programs, with so many decimals or more.
pub(crate) fn print_ratio(name: &str, ratio: f64, least: usize) {
    println!("ratio {name} {ratio:.*}", decimals(ratio, least));
}

/// So many decimals, or as many more as the first three digits of a small value need: a system call
/// may take 100,000 times as long as a copy of a few bytes.
fn decimals(value: f64, least: usize) -> usize {
    // The exponent of 0.00123 is -3, and it has five decimals. That of 0 is no number of digits.
    let exponent = if value > 0.0 { value.log10().floor() } else { 0.0 };
    least.max((2.0 - exponent) as usize)
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}
