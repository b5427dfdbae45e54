//! A recovery whose words are decided when it looks at them sees what it sees on whole images, at
//! every cut and not only at the points; and each sight once. So does one whose words are decided
//! when it maps them.

use std::{collections::BTreeSet, sync::Arc};

use pmem2::{Granularity, MapConfig, Source, map::Mapping};
use pmem2_crash::{Action, Disk, History, How, Image, LINE, Machine, Model, Trace, WORD};

/// The words that programs use, in two lines.
const WORDS: u64 = 12;

/// Random numbers, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn word(&mut self) -> usize {
        self.below(WORDS) as usize * WORD
    }
}

fn program(random: &mut Random) -> Trace<u64> {
    let mut trace = Trace::new(vec![0; 2 * LINE], 0, Granularity::CacheLine);
    let store = |at, bytes, how| Action::Store { at, bytes, how };
    for number in 1..=9_u64 {
        let at = random.word();
        let word = number.to_le_bytes();
        match random.below(9) {
            0..=2 => trace.push(store(at, word.to_vec(), How::Plain)),
            3 => trace.push(store(at, word.repeat(1 + random.below(3) as usize), How::Plain)),
            4 => trace.push(store(at, word.to_vec(), How::Stream)),
            5 | 6 => trace.push(Action::Flush { at, length: 1 }),
            7 => trace.push(Action::Fence),
            _ => trace.promise(number),
        }
    }
    trace
}

/// Returns what a recovery sees that reads, according to that stores and reads on, and so on.
fn sight(map: &Mapping<Disk<'_>>, promised: &[u64], at: [usize; 3]) -> Vec<u64> {
    let load = |at| map.word(at).and_then(|word| word.load()).expect("a word");
    let first = load(at[0]);
    let mut seen = vec![promised.len() as u64, first];
    if first.is_multiple_of(2) {
        map.word(at[2]).and_then(|word| word.store(5)).expect("a word");
        // Half of a word that nobody has looked at.
        map.write(at[1], &[7; 4]).expect("bytes");
        seen.extend([load(at[2]), load(at[1])]);
    } else {
        seen.extend([load((at[1] + WORD) % (WORDS as usize * WORD)), load(at[2])]);
    }
    seen
}

fn map(disk: Disk<'_>) -> Mapping<Disk<'_>> {
    let config = MapConfig::new(Granularity::CacheLine);
    Source::new(disk).and_then(|source| source.map(&config)).expect("a mapping")
}

/// Returns what recoveries see in all images of a trace, each made as a whole, at every cut.
fn whole(trace: &Trace<u64>, machine: Machine, at: [usize; 3]) -> BTreeSet<Vec<u64>> {
    let mut sights = BTreeSet::new();
    let mut history = History::new(trace.before(), machine);
    for cut in 0..=trace.events().len() {
        let promised = trace.promised_before(cut);
        Image::new(Arc::new(history.cut())).each(&mut |bytes| {
            // A disk of these bytes, on which the power is cut before anything was done but once.
            let mut fixed = Trace::<()>::new(bytes[..2 * LINE].to_vec(), 0, Granularity::CacheLine);
            let last = bytes[2 * LINE - 1..2 * LINE].to_vec();
            fixed.push(Action::Store { at: 2 * LINE - 1, bytes: last, how: How::Plain });
            let verdict = Model::new(machine).exactly().depth(0).explore(&fixed, |disk, _| {
                sights.insert(sight(&map(disk), promised, at));
                Ok(())
            });
            assert!(verdict.holds(), "{verdict}");
        });
        if let Some(event) = trace.events().get(cut) {
            history.step(&event.action);
        }
    }
    sights
}

#[test]
fn lazy_recoveries_see_the_same() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut recoveries, mut eager, mut sights) = (0, 0, 0);
    for machine in Machine::ALL {
        for _ in 0..200 {
            let trace = program(&mut random);
            let at = [random.word(), random.word(), random.word()];
            if trace.events().iter().all(|event| !matches!(event.action, Action::Store { .. })) {
                continue;
            }
            let explore = |model: Model| {
                let mut seen = vec![];
                let verdict = model.exactly().depth(0).explore(&trace, |disk, promised| {
                    seen.push(sight(&map(disk), promised, at));
                    Ok(())
                });
                assert!(verdict.holds(), "{verdict}");
                (seen.len(), seen.into_iter().collect::<BTreeSet<_>>())
            };
            let (count, seen) = explore(Model::new(machine));
            recoveries += count;
            sights += seen.len();
            assert_eq!(seen, whole(&trace, machine, at), "{machine:?} {:?}", trace.events());
            let (count, at_once) = explore(Model::new(machine).whole());
            eager += count;
            assert_eq!(seen, at_once, "{machine:?} {:?}", trace.events());
        }
    }
    // The same sight comes at several points.
    assert!(sights * 10 > recoveries && recoveries > 5_000, "{recoveries}, {sights} sights");
    assert!(eager > 10 * recoveries, "{eager} recoveries that are decided at once, {recoveries}");
}
