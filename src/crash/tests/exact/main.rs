//! The images of a cut, against a machine that is written down in another way: for every program of
//! up to five steps.

mod operational;

use std::{collections::BTreeSet, sync::Arc};

use operational::{Images, States, Step};
use pmem2_crash::{Action, History, How, Image, Machine, WORD};

/// The words that programs use: two of one line, two of another, which lies on the same page or on
/// another one.
const LINES: [usize; 4] = [0, 1, 8, 9];
const PAGES: [usize; 4] = [0, 1, 512, 513];

/// Words 1 and 2 are stored in one go, across lines; what lies between them stays as it is.
const PLAIN: [Step; 8] = [
    Step::Store(&[0]),
    Step::Store(&[1]),
    Step::Store(&[0, 1]),
    Step::Store(&[2]),
    Step::Store(&[1, 2]),
    Step::Flush(0),
    Step::Flush(1),
    Step::Fence,
];

fn action(step: Step, number: u8, words: [usize; 4]) -> Action {
    match step {
        Step::Store(of) => {
            let (first, last) = (words[of[0]], words[of[of.len() - 1]]);
            let mut bytes = vec![0; (last - first + 1) * WORD];
            for &word in of {
                bytes[(words[word] - first) * WORD..][..WORD].fill(number);
            }
            Action::Store { at: first * WORD, bytes, how: How::Plain }
        }
        Step::Stream(word) => {
            let bytes = vec![number; WORD];
            Action::Store { at: words[word] * WORD, bytes, how: How::Stream }
        }
        Step::Flush(line) => Action::Flush { at: words[2 * line] * WORD, length: 2 * WORD },
        Step::Fence => Action::Fence,
        Step::Sync { line, failed } => {
            Action::Sync { at: words[2 * line] * WORD, length: 1, failed }
        }
    }
}

/// Returns the images of the model, each as the values of the four words.
fn modelled(history: &History, words: [usize; 4]) -> Images {
    let mut images = BTreeSet::new();
    Image::new(Arc::new(history.cut())).each(&mut |bytes| {
        images.insert(words.map(|word| bytes[word * WORD]));
    });
    images
}

/// The comparison of programs on one machine.
struct Compare<'s, F> {
    steps: &'s [Step],
    words: [usize; 4],
    /// Compares the images of the machine with those of the model, for a program.
    each: F,
    programs: u32,
    images: usize,
}

impl<F: FnMut(&[Step], &Images, &Images)> Compare<'_, F> {
    /// Compares all programs that begin with this one, of up to `length` more steps.
    fn run(&mut self, program: &mut Vec<Step>, states: &States, history: &History, length: usize) {
        for &step in if length > 0 { self.steps } else { &[] } {
            program.push(step);
            let (states, mut history) = (states.after(step), history.clone());
            history.step(&action(step, program.len() as u8, self.words));
            let expected = states.images();
            (self.each)(program, &expected, &modelled(&history, self.words));
            self.programs += 1;
            self.images += expected.len();
            self.run(program, &states, &history, length - 1);
            program.pop();
        }
    }
}

/// Compares all programs of up to `length` of these steps; returns their number, and that of their
/// images.
fn compare_by(
    machine: Machine,
    steps: &[Step],
    length: usize,
    words: [usize; 4],
    each: impl FnMut(&[Step], &Images, &Images),
) -> (u32, usize) {
    let mut compare = Compare { steps, words, each, programs: 0, images: 0 };
    let history = History::new(&vec![0; (words[3] + 1) * WORD], machine);
    compare.run(&mut vec![], &States::new(machine), &history, length);
    (compare.programs, compare.images)
}

fn compare(machine: Machine, steps: &[Step], length: usize, words: [usize; 4]) -> (u32, usize) {
    compare_by(machine, steps, length, words, |program, expected, model| {
        assert_eq!(model, expected, "{machine:?} {program:?}");
    })
}

#[test]
fn x86() {
    assert_eq!(compare(Machine::X86, &PLAIN, 5, LINES), (37_448, 365_287));
}

#[test]
fn x86_with_durable_caches() {
    assert_eq!(compare(Machine::X86Eadr, &PLAIN, 5, LINES), (37_448, 198_017));
}

#[test]
fn arm() {
    assert_eq!(compare(Machine::Arm, &PLAIN, 5, LINES), (37_448, 486_465));
}

#[test]
fn torn() {
    assert_eq!(compare(Machine::Torn, &PLAIN, 5, LINES), (37_448, 499_481));
}

/// A word that is both streamed and stored to plainly may have more images than there are, never
/// fewer.
#[test]
fn x86_with_streams() {
    let steps = [&PLAIN[..], &[Step::Stream(0)]].concat();
    let mut larger = 0;
    let (count, _) = compare_by(Machine::X86, &steps, 4, LINES, |program, expected, model| {
        let streams = program.iter().any(|step| matches!(step, Step::Stream(_)));
        let stores = program.iter().any(|step| matches!(step, Step::Store(of) if of.contains(&0)));
        assert!(model.is_superset(expected), "{program:?}: {expected:?}, not {model:?}");
        assert!(model == expected || streams && stores, "{program:?}: {expected:?}, not {model:?}");
        larger += u32::from(model != expected);
    });
    assert_eq!((count, larger), (7_380, 230));
}

/// A sync makes the lines of its page durable on every machine, and nothing else; with eADR it is a
/// fence.
#[test]
fn syncs() {
    let sync = |line| Step::Sync { line, failed: false };
    let steps = [&PLAIN[..], &[sync(0), sync(1)]].concat();
    for machine in Machine::ALL {
        let (count, images) = compare(machine, &steps, 4, PAGES);
        assert_eq!(count, 11_110);
        assert!(images > 11_110, "{machine:?}");
    }
}

/// A later sync does not write what a failed one was to write, unless its page is stored to once
/// more.
#[test]
fn syncs_that_fail() {
    let sync = |line, failed| Step::Sync { line, failed };
    let syncs = [sync(0, false), sync(0, true), sync(1, false), sync(1, true)];
    let steps = [&PLAIN[..5], &syncs].concat();
    let (count, images) = compare(Machine::PageCache, &steps, 5, PAGES);
    assert_eq!(count, 66_429);
    assert!(images > 66_429);
}
