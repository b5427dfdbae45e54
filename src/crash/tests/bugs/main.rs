//! Thirty published bugs of programs over persistent memory, each wrong and mended: the kit finds
//! the wrong one, and sees every image of the mended one. `--nocapture` prints the table of
//! src/guide/power_cuts.md.
//!
//! Layouts and texts are ours; papers, projects and commits are named in each bug's reference.

mod flushes;
mod order;
mod recoveries;

use std::{error::Error, panic::catch_unwind};

use pmem2::{
    Granularity,
    map::{Mapping, Steps},
};
use pmem2_crash::{Action, Disk, Hint, How, LINE, Machine, Model, Run, Tell, Trace, Verdict};

pub(crate) type Map<'d> = Mapping<Disk<'d>>;
pub(crate) type Done = Result<(), Box<dyn Error>>;

/// A bug, and the same program mended.
pub(crate) struct Bug {
    pub(crate) name: &'static str,
    /// The project with the commit, the issue or the bug's number. "W n" is bug n of Witcher.
    pub(crate) reference: &'static str,
    pub(crate) kind: &'static str,
    /// The disk before the run, made without any power cut.
    pub(crate) setup: fn(&Map<'_>) -> Done,
    pub(crate) work: fn(Disk<'_>, &Tell<'_, usize>, Way) -> Done,
    /// The recovery, and after it the check, with operations of its own.
    pub(crate) check: fn(Disk<'_>, &[usize], Way) -> Done,
    /// The operations that it takes to see the bug.
    pub(crate) times: usize,
    /// The most recoveries that find it on x86: as when its program was first written for a
    /// prototype of the kit, or measured here where the layout or the check is another one.
    pub(crate) found: usize,
    /// The machines that the program fails on though it is mended: it rests on the order of x86
    /// within a line, or asks for no sync.
    pub(crate) still_fails_on: &'static [Machine],
    /// Whether caches that are durable leave it.
    pub(crate) on_eadr: bool,
    /// Whether copies of a line and more go past the cache, as those of a library do.
    pub(crate) streams: bool,
    /// Whether a cut within the recovery is needed to see it.
    pub(crate) within: bool,
    /// The schedules of its threads.
    pub(crate) schedules: u64,
}

impl Bug {
    /// A bug of one operation that is nobody's yet.
    pub(crate) const NEW: Self = Self {
        name: "",
        reference: "",
        kind: "",
        setup: |_| Ok(()),
        work: |_, _, _| Ok(()),
        check: |_, _, _| Ok(()),
        times: 1,
        found: 0,
        still_fails_on: &[],
        on_eadr: true,
        streams: false,
        within: false,
        schedules: 1,
    };
}

/// The way in which a program is run.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// Whether it is mended.
    pub(crate) right: bool,
    /// The number of operations.
    pub(crate) times: usize,
    /// The first operation that is wrong, where it is an operation that is.
    pub(crate) first: usize,
}

impl Way {
    /// Whether an operation is right.
    pub(crate) const fn is_right(self, operation: usize) -> bool {
        self.right || operation < self.first
    }
}

/// Stores a word, which is not durable yet.
#[track_caller]
pub(crate) fn set(map: &Map<'_>, at: usize, word: usize) -> Result<(), pmem2::Error> {
    map.unflushed().store(at, word as u64)
}

#[track_caller]
pub(crate) fn load(map: &Map<'_>, at: usize) -> Result<usize, pmem2::Error> {
    Ok(map.word(at)?.load()? as usize)
}

/// Stores a word and makes it durable.
#[track_caller]
pub(crate) fn put(map: &Map<'_>, at: usize, word: usize) -> Result<(), pmem2::Error> {
    set(map, at, word)?;
    map.persist(at..at + 8)
}

/// Stores a byte, which is not durable yet.
#[track_caller]
pub(crate) fn set_byte(map: &Map<'_>, at: usize, byte: u8) -> Result<(), pmem2::Error> {
    map.unflushed().write(at, &[byte])
}

pub(crate) fn load_byte(map: &Map<'_>, at: usize) -> Result<u8, pmem2::Error> {
    map.get(at)
}

/// Makes copies of a line and more go past the cache.
fn past_the_cache(action: Action) -> Vec<Action> {
    match action {
        Action::Store { at, bytes, how: How::Plain } if bytes.len() >= LINE => {
            vec![Action::Store { at, bytes, how: How::Stream }]
        }
        other => vec![other],
    }
}

/// The granularity that a program is given on a machine.
const fn granularity(machine: Machine) -> Granularity {
    match machine {
        Machine::X86Eadr => Granularity::Byte,
        Machine::PageCache => Granularity::Page,
        _ => Granularity::CacheLine,
    }
}

impl Bug {
    fn disk(&self) -> Vec<u8> {
        let mut bytes = vec![0; 32 * 1024];
        let _: Trace<()> =
            Run::new(bytes.clone(), Granularity::CacheLine).record(|disk, _| -> Done {
                let map = disk.map()?;
                (self.setup)(&map)?;
                Ok(map.read(0, &mut bytes)?)
            });
        bytes
    }

    fn record(&self, machine: Machine, way: Way, schedule: u64) -> Trace<usize> {
        let mut run = Run::new(self.disk(), granularity(machine)).schedule(schedule);
        if self.streams {
            run = run.tamper(past_the_cache);
        }
        run.record(|disk, tell| (self.work)(disk, tell, way).expect(self.name))
    }

    /// Explores one schedule after the other up to a failure. Returns the recoveries of all.
    fn explore(&self, model: Model, machine: Machine, way: Way) -> (Verdict, usize) {
        let mut recoveries = 0;
        for schedule in 0.. {
            let trace = self.record(machine, way, schedule);
            let verdict = model.explore(&trace, |disk, told| (self.check)(disk, told, way));
            recoveries += match &verdict {
                Verdict::Holds { recoveries, .. } => *recoveries,
                Verdict::Incomplete(covered) => covered.recoveries,
                Verdict::Fails(failure) => failure.recoveries,
                _ => panic!("{} on {machine:?}: {verdict}", self.name),
            };
            if !verdict.holds() || schedule + 1 == self.schedules {
                return (verdict, recoveries);
            }
        }
        unreachable!()
    }

    /// Finds the bug, and sees that it is mended. Prints a row of the table, and returns what is
    /// not as it should be.
    fn judge(&self) -> Vec<String> {
        let wrong = Way { right: false, times: self.times, first: 0 };
        let right = Way { right: true, times: self.times, first: 0 };
        let model = |machine| Model::new(machine).loads(10_000);
        let mut faults = vec![];
        let mut see = |model, machine, way: Way, fails: bool| {
            let (verdict, recoveries) = self.explore(model, machine, way);
            if verdict.failure().is_some() != fails || verdict.holds() == fails {
                let mended = if way.right { "mended" } else { "wrong" };
                faults.push(format!("{}, {mended}, {machine:?}: {verdict}", self.name));
            }
            recoveries
        };
        let x86 = model(Machine::X86);
        let exact = see(x86.exactly(), Machine::X86, wrong, true);
        let default = see(x86, Machine::X86, wrong, true);
        let images = see(x86, Machine::X86, right, false);
        for machine in [Machine::Arm, Machine::Torn] {
            see(model(machine).exactly(), machine, wrong, true);
        }
        see(model(Machine::X86Eadr), Machine::X86Eadr, wrong, self.on_eadr);
        for machine in Machine::ALL {
            see(model(machine), machine, right, self.still_fails_on.contains(&machine));
        }
        if self.within {
            see(x86.depth(0), Machine::X86, wrong, false);
        }
        if exact.max(default) > self.found {
            faults.push(format!("{}: found by {exact} / {default} recoveries", self.name));
        }
        let trace = self.record(Machine::X86, wrong, 0);
        let dirty = |hint| matches!(hint, Hint::NotFlushed | Hint::NotFenced);
        let checker = said(trace.hints().iter().any(|(hint, ..)| dirty(hint)));
        let (Self { name, reference, kind, .. }, eadr) = (self, said(self.on_eadr));
        let found = format!("{exact} / {default}");
        println!("| {name} | {reference} | {kind} | {found} | {images} | {eadr} | {checker} |");
        faults
    }

    /// Finds the bug among a hundred operations, whose images nobody could all see. Prints a
    /// row, and returns the trace.
    fn judge_many(&self, first: usize, most: usize) -> Trace<usize> {
        let model = Model::new(Machine::X86).loads(10_000);
        let wrong = Way { right: false, times: 100, first };
        let (verdict, found) = self.explore(model, Machine::X86, wrong);
        assert!(verdict.failure().is_some(), "{}: {verdict}", self.name);
        assert!(found <= most, "{}: found by {found} recoveries", self.name);
        let trace = self.record(Machine::X86, wrong, 0);
        let all = model.exactly().budget(3_000).explore(&trace, |disk, _| -> Done {
            let map = disk.map()?;
            Ok(map.read(0, &mut vec![0; map.length()])?)
        });
        assert!(matches!(all, Verdict::Incomplete(_)), "{}: {all}", self.name);
        println!("| {} | {} | {found} |", self.name, trace.events().len());
        trace
    }
}

const fn said(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// Judges all of them.
fn judge(bugs: &[Bug]) {
    let faults: Vec<String> = bugs.iter().flat_map(Bug::judge).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn flushes_and_fences() {
    judge(flushes::BUGS);
}

#[test]
fn order_and_atomicity() {
    judge(order::BUGS);
}

#[test]
fn recoveries_and_operations_after_them() {
    judge(recoveries::BUGS);
}

#[test]
fn among_a_hundred_operations() {
    for (bug, most) in [
        (&flushes::CLHT_FLUSH_OF_COPY, 7),
        (&flushes::CLHT_RESIZE_OVERFLOW, 3),
        (&flushes::ULOG_NO_DRAIN, 5),
        (&recoveries::LOCK_PERSISTED, 1),
        (&recoveries::UNDO_STALE_ENTRIES, 107),
    ] {
        bug.judge_many(0, most);
    }
    // Wrong from the 50th operation on: far beyond an exact search, as each operation before it has
    // left a word that may be there or not.
    let (bug, way) = (&flushes::MEMCACHED_CAS, Way { right: false, times: 100, first: 50 });
    let trace = bug.judge_many(50, 10_000);
    let exact = Model::new(Machine::X86).exactly().budget(20_000);
    let verdict = exact.explore(&trace, |disk, told| (bug.check)(disk, told, way));
    assert!(matches!(verdict, Verdict::Incomplete(_)), "{verdict}");
}

/// The flush of a variable, as C has it in clht-flush-of-copy: no step outside of the mappings.
#[test]
fn a_flush_of_a_variable_is_refused() {
    let refused = catch_unwind(|| {
        let _: Trace<()> = Run::new(vec![0; 4096], Granularity::CacheLine).record(|disk, _| {
            let copy = 7_u64;
            // SAFETY: a flush needs no more than that its bytes can be read.
            unsafe { disk.flush((&raw const copy).cast(), 8) };
        });
    });
    let panic = refused.expect_err("a panic");
    let said = panic.downcast_ref::<String>().expect("a text");
    assert!(said.contains("a step outside of its mappings"), "{said}");
}
