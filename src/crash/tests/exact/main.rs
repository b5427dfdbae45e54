//! The images of a cut, against a machine that is written down in another way: for every program of
//! up to five steps.

mod operational;

use std::{collections::BTreeSet, rc::Rc};

use operational::{Images, Step};
use pmem2::Granularity;
use pmem2_crash::{Action, History, How, Image, Machine, Trace, WORD};

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
fn modelled(program: &[Step], machine: Machine, words: [usize; 4]) -> Images {
    let mut trace = Trace::<()>::new(vec![0; (words[3] + 1) * WORD], 0, Granularity::Byte);
    for (&step, number) in program.iter().zip(1..) {
        trace.push(action(step, number, words));
    }
    let mut history = History::new(trace.before(), machine);
    trace.events().iter().for_each(|event| history.step(&event.action));
    let mut images = BTreeSet::new();
    Image::new(Rc::new(history.cut())).each(&mut |bytes| {
        images.insert(words.map(|word| bytes[word * WORD]));
    });
    images
}

/// Calls `each` with every program of up to `length` of these steps.
fn programs(steps: &[Step], length: usize, each: &mut impl FnMut(&[Step])) {
    let mut longest = vec![vec![]];
    for _ in 0..length {
        let longer = |program: &Vec<Step>| {
            let program = program.clone();
            steps.iter().map(move |&step| [&program[..], &[step]].concat())
        };
        longest = longest.iter().flat_map(longer).collect();
        longest.iter().for_each(|program| each(program));
    }
}

/// Compares all programs of up to `length` steps; returns their number, and that of their images.
fn compare(machine: Machine, steps: &[Step], length: usize, words: [usize; 4]) -> (u32, usize) {
    let (mut count, mut images) = (0, 0);
    programs(steps, length, &mut |program| {
        let expected = operational::images(program, machine);
        assert_eq!(modelled(program, machine, words), expected, "{machine:?} {program:?}");
        count += 1;
        images += expected.len();
    });
    (count, images)
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
    let (mut count, mut larger) = (0, 0);
    programs(&steps, 4, &mut |program| {
        let expected = operational::images(program, Machine::X86);
        let model = modelled(program, Machine::X86, LINES);
        let streams = program.iter().any(|step| matches!(step, Step::Stream(_)));
        let stores = program.iter().any(|step| matches!(step, Step::Store(of) if of.contains(&0)));
        assert!(model.is_superset(&expected), "{program:?}: {expected:?}, not {model:?}");
        assert!(model == expected || streams && stores, "{program:?}: {expected:?}, not {model:?}");
        count += 1;
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
