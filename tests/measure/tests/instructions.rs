//! The user-mode instructions of from_fd + drop, beyond those of the two bare system calls.

use std::{env, fs, path::Path, process::Command};

/// A tenth more than the 78 that were measured with Rust 1.95 on x86-64.
const BOUND: u64 = 86;

const ROUNDS: u64 = 10_000;

/// Returns all instructions that `rounds` executes, as callgrind counts them.
fn total(what: &str, rounds: u64, path: &Path) -> u64 {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let out = directory.join(format!("callgrind.{what}.{rounds}"));
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env!("CARGO_BIN_EXE_rounds"))
        .args([what, &rounds.to_string()])
        .arg(path)
        .output()
        .expect("valgrind is missing: apt-get install valgrind");
    assert!(
        run.status.success(),
        "{what}: {}\n{}",
        run.status,
        String::from_utf8_lossy(&run.stderr)
    );
    let text = fs::read_to_string(&out).expect("what callgrind wrote");
    let totals =
        text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a line of totals");
    totals.trim().parse().expect("one number: instructions")
}

/// Returns the instructions of one round: the difference between some rounds and twice as many, so
/// that start and end of the program do not count.
fn per_round(what: &str, path: &Path) -> u64 {
    let (once, twice) = (total(what, ROUNDS, path), total(what, 2 * ROUNDS, path));
    let added = twice.checked_sub(once).expect("twice the rounds take more");
    (added + ROUNDS / 2) / ROUNDS
}

#[test]
fn from_fd_and_drop_beyond_the_system_calls() {
    pmem2_measure::only_in_release();
    let path = env::current_exe().expect("a program");
    let (raw, pmem2) = (per_round("raw", &path), per_round("pmem2", &path));
    assert!(
        raw >= 4,
        "two system calls and a loop take more than {raw} instructions: the method sees nothing"
    );
    let beyond = pmem2.checked_sub(raw).expect("more than the bare system calls");
    println!(
        "instructions of from_fd + drop: {pmem2}; of the system calls alone: {raw}; \
         beyond them: {beyond}, at most {BOUND}"
    );
    assert!(beyond <= BOUND, "{beyond} instructions beyond the two system calls, at most {BOUND}");
}
