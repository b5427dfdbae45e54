//! `bare-run` starts the kernel on every machine of the table, at most two at a time, judges its
//! output, and cuts the power of some. ci/bare calls it.

mod cuts;
mod devicetree;
mod judge;
mod kept;
mod machine;
mod machines;
mod qemu;
mod random;

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    slice,
    sync::Mutex,
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use machine::Machine;
use machines::machines;
use qemu::Plugged;
use random::Random;

const USAGE: &str = "usage: bare-run DIRECTORY CUTS SEED NAME=KERNEL... [-- MACHINE...]
       bare-run --machines
  DIRECTORY    for what is made
  CUTS         how often the power is cut, with each kernel
  SEED         a number, to have the same moments again; or \"random\"
  NAME=KERNEL  x86_64, aarch64, riscv64, uefi or c (the one in C, for x86-64), and its file
  MACHINE      those of the table with these names; all if there are none";

/// The machines at a time: more would only slow each other down.
const AT_A_TIME: usize = 2;

/// The boots of each machine without a cut.
const BOOTS: u64 = 2;

/// A test: its name and its outcome.
type Test = (String, Result<String, String>);

/// A machine to be examined.
struct Job<'a> {
    machine: &'a Machine,
    kernel: &'a Path,
    cuts: u64,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("bare-run: {failure}");
            2.into()
        }
    }
}

/// Runs everything, and returns whether all passed.
fn run() -> Result<bool, String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (arguments, wanted) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (&arguments[..], &[][..]),
    };
    let all = machines();
    if let [only] = arguments
        && only == "--machines"
    {
        all.iter().for_each(|machine| println!("{}", machine.name));
        return Ok(true);
    }
    let [directory, cuts, seed, kernels @ ..] = arguments else { return Err(USAGE.to_owned()) };
    let kernels: Option<BTreeMap<&str, &str>> =
        kernels.iter().map(|kernel| kernel.split_once('=')).collect();
    let kernels = kernels.ok_or(USAGE)?;
    let number = |text: &String| text.parse::<u64>().map_err(|e| format!("{text:?}: {e}\n{USAGE}"));
    let cuts = number(cuts)?;
    let seed = if seed == "random" { now() } else { number(seed)? };
    println!("seed {seed}");

    if let Some(name) = wanted.iter().find(|name| all.iter().all(|machine| machine.name != **name))
    {
        return Err(format!("no machine {name:?} in the table"));
    }
    let chosen: Vec<_> = all
        .iter()
        .filter(|machine| wanted.is_empty() || wanted.iter().any(|name| name == machine.name))
        .collect();
    let mut jobs = Vec::new();
    for &machine in &chosen {
        let kernel = machine.kernel();
        let path = kernels.get(kernel).ok_or_else(|| format!("no kernel for {kernel}"))?;
        jobs.push(Job { machine, kernel: Path::new(path), cuts: share(cuts, machine, &chosen) });
    }

    let queue = Mutex::new(jobs.iter());
    let tests = Mutex::new((0, 0));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(job) = take(&queue) {
                    let start = Instant::now();
                    let place = Path::new(directory).join(job.machine.name);
                    tell(job.machine, &examine(job, place, seed), start, &tests);
                }
            });
        }
    });
    let (passed, failed) = tests.into_inner().map_err(|_| "a thread panicked")?;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {word}. {passed} passed; {failed} failed; \
         0 ignored; 0 measured; 0 filtered out"
    );
    Ok(failed == 0 && passed > 0)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos().into())
}

/// Returns the cuts of this machine: the machines of one kernel share them, and the first ones take
/// the remainder.
fn share(cuts: u64, machine: &Machine, chosen: &[&Machine]) -> u64 {
    let like = chosen.iter().filter(|other| other.cut && other.kernel() == machine.kernel());
    let sharing: Vec<_> = like.map(|other| other.name).collect();
    let Some(at) = sharing.iter().position(|name| *name == machine.name) else { return 0 };
    let (at, count) = (at as u64, sharing.len() as u64);
    cuts / count + u64::from(at < cuts % count)
}

fn take<'j>(queue: &Mutex<slice::Iter<'j, Job<'j>>>) -> Option<&'j Job<'j>> {
    queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next()
}

/// Runs all tests of a machine.
fn examine(job: &Job<'_>, directory: PathBuf, seed: u64) -> Vec<Test> {
    let &Job { machine, kernel, cuts } = job;
    let plugged = match Plugged::new(machine, kernel, directory) {
        Ok(plugged) => plugged,
        Err(failure) => return vec![("is plugged together".to_owned(), Err(failure))],
    };
    let mut tests: Vec<Test> = (1..=BOOTS)
        .map(|boot| {
            (
                format!("boot {boot} finds what is there"),
                judge::boot(&plugged, boot).map(|()| String::new()),
            )
        })
        .collect();
    if cuts > 0 {
        let mut random =
            Random(seed ^ machine.name.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)));
        tests.extend(
            (1..=cuts).map(|cut| (format!("power cut {cut}"), cuts::cut(&plugged, &mut random))),
        );
        tests.push(("boots after all power cuts".to_owned(), cuts::survives(&plugged)));
        tests.push(("a lie is noticed".to_owned(), cuts::lie(&plugged)));
    }
    tests
}

/// Prints and counts the tests of a machine.
fn tell(machine: &Machine, results: &[Test], start: Instant, tests: &Mutex<(usize, usize)>) {
    let mut text = String::new();
    for (test, result) in results {
        text += &match result {
            Ok(more) => format!(
                "ok {}: {test}{}{more}\n",
                machine.name,
                if more.is_empty() { "" } else { ": " }
            ),
            Err(why) => {
                format!("FAILED {}: {test}\n  {}\n", machine.name, why.replace('\n', "\n  "))
            }
        };
    }
    let failed = results.iter().filter(|(_, result)| result.is_err()).count();
    let mut tests = tests.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    *tests = (tests.0 + results.len() - failed, tests.1 + failed);
    // In one piece: another machine may print at the same time.
    println!("{text}-- machine {}: {:.1} s", machine.name, start.elapsed().as_secs_f32());
}
