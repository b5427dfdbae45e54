//! A test of one screen: a workload, its recovery, and a panic where something is lost.

use std::{env, fs, path::PathBuf};

use pmem2::Granularity;

use crate::{
    disk::Disk,
    explore::{Answer, Model},
    machine::Machine,
    replay::Replay,
    run::{Run, Tell},
    trace::Trace,
    verdict::Verdict,
};

/// Runs a workload on a disk of `size` zeros, and its recovery on every image that a power cut may
/// leave: those of [`Machine::Torn`], the weakest with durable lines. See [`Model::check`].
///
/// ```
/// use pmem2::{Handle, Mapping, map::Map};
///
/// /// A count that is never lost once it was told: of a file, or of the test's disk.
/// struct Count<H: Handle<P: Map>>(Mapping<H>);
///
/// impl<H: Handle<P: Map>> Count<H> {
///     fn add(&self) -> Result<u64, pmem2::Error> {
///         let count = self.0.word(0)?.load()? + 1;
///         self.0.commit(0, count)?;
///         Ok(count)
///     }
/// }
///
/// pmem2_crash::model(
///     4096,
///     |disk, tell| {
///         let count = Count(disk.map()?);
///         for _ in 0..3 {
///             tell.tell(count.add()?);
///         }
///         Ok(())
///     },
///     |disk, told| {
///         let count = disk.map()?.word(0)?.load()?;
///         assert!(count >= told.last().copied().unwrap_or(0), "{count} is less than was told");
///         Ok(())
///     },
/// );
/// ```
///
/// # Panics
///
/// With the story of the shortest failure.
///
/// ```should_panic
/// pmem2_crash::model(
///     4096,
///     |disk, tell| {
///         let map = disk.map()?;
///         map.unflushed().write(64, b"a record")?; // and never flushed
///         map.commit(0, 1)?;
///         tell.tell(());
///         Ok(())
///     },
///     |disk, told: &[()]| {
///         let there = disk.map()?.get::<[u8; 8]>(64)? == *b"a record";
///         assert!(told.is_empty() || there, "the record is lost");
///         Ok(())
///     },
/// );
/// ```
#[track_caller]
pub fn model<P, W: Answer, A: Answer>(
    size: usize,
    work: impl Fn(Disk<'_>, &Tell<'_, P>) -> W,
    recover: impl FnMut(Disk<'_>, &[P]) -> A,
) {
    Model::new(Machine::Torn).check(size, work, recover);
}

impl Model {
    /// Runs a workload on a disk of `size` zeros, and its recovery on the images that a power cut
    /// may leave on this machine. Prints the [hints](Trace::hints) and what was seen, which cargo
    /// shows with `--nocapture`.
    ///
    /// The environment's `PMEM2_CRASH_REPLAY`, which a failure names, runs the recovery on that
    /// image alone, and never passes: name the test, too (`cargo test -- --exact NAME`). The image
    /// is kept in a file of the test's name in `target/pmem2-crash`, too, which is tried first the
    /// next time, and removed where all holds.
    ///
    /// # Panics
    ///
    /// With the story of the shortest failure; where not all images were seen, unless that is
    /// [accepted](Model::accept_incomplete); where nothing was proved, and where the workload
    /// fails.
    #[track_caller]
    pub fn check<P, W: Answer, A: Answer>(
        &self,
        size: usize,
        work: impl Fn(Disk<'_>, &Tell<'_, P>) -> W,
        mut recover: impl FnMut(Disk<'_>, &[P]) -> A,
    ) {
        let run = |schedule| -> Trace<P> {
            let run = Run::new(vec![0; size], self.machine.granularity()).schedule(schedule);
            run.record(&work)
        };
        let file = replay_file();
        let asked = env::var("PMEM2_CRASH_REPLAY").ok();
        let kept = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        if let Some(text) = asked.as_ref().or(kept.as_ref()) {
            let again = |replay: Replay| self.replay(&run(replay.schedule), &replay, &mut recover);
            match text.trim().parse().and_then(again) {
                Err(said) if asked.is_some() => panic!("{text}: {said}"),
                Ok(()) if asked.is_some() => {
                    panic!("{text}: it holds, which is no pass of the rest")
                }
                Err(said) => println!("{text}, which failed the last time: {said}"),
                Ok(()) => println!("{text}, which failed the last time: it holds"),
            }
        }
        for schedule in 0..self.schedules.max(1) {
            let trace = run(schedule);
            let mut verdict = self.explore(&trace, &mut recover);
            print!("{}", trace.hints());
            if let Verdict::Fails(failure) = &mut verdict {
                failure.replay.schedule = schedule;
                let kept = file.as_ref().map(|file| {
                    file.parent().map_or(Ok(()), fs::create_dir_all)?;
                    fs::write(file, failure.replay.to_string())
                });
                if let Some(Err(error)) = kept {
                    println!("the replay is not kept: {error}");
                }
            }
            match verdict {
                Verdict::Holds { .. } => println!("{verdict}"),
                Verdict::Incomplete(_) if self.accepts_incomplete => println!("{verdict}"),
                _ => panic!("{verdict}"),
            }
            if trace.events().iter().all(|event| event.thread == 0) {
                break;
            }
        }
        _ = file.map(fs::remove_file);
    }

    /// Explores on each machine that keeps memory of the trace's granularity, and returns the
    /// verdicts.
    pub fn on_each<P, A: Answer>(
        &self,
        trace: &Trace<P>,
        mut recover: impl FnMut(Disk<'_>, &[P]) -> A,
    ) -> Vec<(Machine, Verdict)> {
        let keeps = Machine::ALL.into_iter().filter(|m| m.keeps(trace.granularity()));
        keeps.map(|m| (m, Self { machine: m, ..*self }.explore(trace, &mut recover))).collect()
    }
}

/// Returns the file with the replay of this test, which has the names of its binary and its thread.
fn replay_file() -> Option<PathBuf> {
    let thread = std::thread::current().name()?.replace("::", "-");
    let binary = env::current_exe().ok()?;
    // A test runs in the directory of its package, not beside `target`. A hash ends its name.
    let target = binary.parent().filter(|deps| deps.ends_with("deps"))?.ancestors().nth(2)?;
    let (name, _) = binary.file_stem()?.to_str()?.rsplit_once('-')?;
    Some(target.join("pmem2-crash").join(format!("{name}-{thread}")))
}

impl Machine {
    /// Returns the granularity that a program gets by default on this machine.
    const fn granularity(self) -> Granularity {
        match self {
            Self::X86Eadr => Granularity::Byte,
            Self::PageCache => Granularity::Page,
            _ => Granularity::CacheLine,
        }
    }
}
