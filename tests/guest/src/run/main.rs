//! `guest-run`: boots every machine of the table, at most two at a time, and judges what it
//! reports. ci/guest calls it.

mod cpio;
mod cuts;
mod figures;
mod image;
mod judge;
mod modules;
mod monitor;
mod qemu;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    thread,
    time::Instant,
};

use judge::Verdict;
use modules::Modules;
use pmem2_guest::machine::Machine;
use qemu::Files;

const USAGE: &str =
    "usage: guest-run WORK KERNEL MODULES TEST_MODULES INIT PLACE=FILE... [-- MACHINE...]
       guest-run --machines
  WORK        a directory for what is made
  KERNEL      an ELF vmlinux
  MODULES     the directory with its modules
  TEST_MODULES
              the directory with those of the kernel's own tests, if a machine wants them
  INIT        the static program that becomes process 1
  PLACE=FILE  what else is put into the guest, with the libraries that it needs";

/// More only make each other slow.
const AT_A_TIME: usize = 2;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("guest-run: {failure}");
            2.into()
        }
    }
}

/// Whether everything is as the table says.
fn run() -> Result<bool, String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (arguments, wanted) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (&arguments[..], &[][..]),
    };
    if let [only] = arguments
        && only == "--machines"
    {
        all().for_each(|machine| println!("{}", machine.name));
        return Ok(true);
    }
    let [work, kernel, modules, test_modules, init, files @ ..] = arguments else {
        return Err(USAGE.to_owned());
    };
    let files: Option<BTreeMap<&str, &Path>> = files
        .iter()
        .map(|file| file.split_once('=').map(|(place, file)| (place, Path::new(file))))
        .collect();
    let files = files.ok_or(USAGE)?;

    let machines = chosen(wanted)?;
    let initrd = PathBuf::from(format!("{work}/initrd"));
    let modules = Modules::find(Path::new(modules))?;
    let test_modules = if machines.iter().any(|machine| machine.test_modules) {
        Some(Modules::find(Path::new(test_modules))?)
    } else {
        None
    };
    let image = image::image(Path::new(init), &files, modules, test_modules, Path::new(work))?;
    fs::write(&initrd, image).map_err(|e| format!("{}: {e}", initrd.display()))?;

    let queue = Mutex::new(machines.iter());
    let verdicts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(machine) = take(&queue) {
                    let verdict = boot(machine, work, Path::new(kernel), &initrd);
                    lock(&verdicts).push(verdict);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().map_err(|_| "a thread panicked")?;
    let (passed, failed) =
        verdicts.iter().fold((0, 0), |(p, f), verdict| (p + verdict.passed, f + verdict.failed));
    let word = if failed == 0 { "ok" } else { "FAILED" };
    figures::print(verdicts.iter().flat_map(|verdict| &verdict.figures));
    // Again, and last: of a long output, often only the end is kept.
    for remark in verdicts.iter().flat_map(|verdict| &verdict.remarks) {
        println!("{remark}");
    }
    println!(
        "test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    );
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0 && passed > 0)
}

/// All machines, or those that were named.
fn all() -> impl Iterator<Item = Machine> {
    pmem2_guest::machines().into_iter().chain(pmem2_guest::planted())
}

fn chosen(wanted: &[String]) -> Result<Vec<Machine>, String> {
    let all: Vec<_> = all().collect();
    if wanted.is_empty() {
        return Ok(all);
    }
    let named = |name: &String| {
        let machine = all.iter().find(|machine| machine.name == *name).cloned();
        machine.ok_or_else(|| format!("no machine {name:?} in the table"))
    };
    wanted.iter().map(named).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn take<'m>(queue: &Mutex<std::slice::Iter<'m, Machine>>) -> Option<&'m Machine> {
    lock(queue).next()
}

fn boot(machine: &Machine, work: &str, kernel: &Path, initrd: &Path) -> Verdict {
    let (start, directory) =
        (Instant::now(), PathBuf::from(format!("{work}/run/{}", machine.name)));
    let files = Files { directory: &directory, kernel, initrd };
    let mut ran = cuts::run(machine, files);
    let not_made = judge::not_made(machine, &ran);
    // Once, and loudly: nothing of pmem2 has run where a device is not made, so this is no failure
    // of pmem2's that could be hidden.
    let again = machine.planted.is_empty() && !not_made.is_empty();
    if again {
        ran = cuts::run(machine, files);
    }
    let mut verdict = judge::judge(machine, ran);
    if again {
        verdict
            .remarks
            .insert(0, format!("booted once more, because of this:\n{}", not_made.concat()));
    }
    let seconds = start.elapsed().as_secs_f32();
    // In one piece: another machine may be speaking too.
    println!(
        "{}-- machine {}: {seconds:.1} s, {} passed, {} failed",
        verdict.text, machine.name, verdict.passed, verdict.failed
    );
    verdict
}
