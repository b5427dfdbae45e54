//! Whether a guest did what the table says.

use std::{collections::BTreeMap, fmt::Write};

use pmem2_guest::{
    machine::{Machine, Planted},
    report::{DONE_STATUS, Report, lines},
};

use crate::qemu::Ran;

/// The tests of one machine.
pub(crate) struct Verdict {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    /// A line for each test.
    pub(crate) text: String,
    /// The figures that were measured.
    pub(crate) figures: Vec<String>,
    /// Remarks for the end of everything.
    pub(crate) remarks: Vec<String>,
}

/// The beginnings of the kernel's complaints about itself.
const KERNEL_FAULTS: &[&str] = &["BUG: ", "WARNING: CPU", "Oops: ", "Kernel panic", "INFO: task "];

/// The devices of the machine that could not be made. Then its tests do not begin, and nothing of
/// pmem2 has run.
pub(crate) fn not_made(machine: &Machine, ran: &Result<Ran, String>) -> Vec<String> {
    let report = ran.as_ref().map(|ran| Report::parse(&ran.report)).unwrap_or_default();
    let making: Vec<_> = machine.making().map(|test| test.to_string()).collect();
    let failed =
        report.tests.into_iter().filter(|(test, result)| making.contains(test) && result.is_err());
    failed.map(|(test, result)| lines(&format_args!("{}: {test}", machine.name), &result)).collect()
}

/// How much of the console is shown where something failed.
const LAST_LINES: usize = 40;

pub(crate) fn judge(machine: &Machine, ran: Result<Ran, String>) -> Verdict {
    let console = ran.as_ref().map(|ran| last_lines(&ran.console)).unwrap_or_default();
    let (mut results, figures) = results(machine, ran);
    if !machine.planted.is_empty() {
        results = vec![("is noticed".to_owned(), noticed(&machine.planted, &results))];
    }
    let mut verdict =
        Verdict { passed: 0, failed: 0, text: String::new(), figures, remarks: Vec::new() };
    for (test, result) in results {
        *if result.is_ok() { &mut verdict.passed } else { &mut verdict.failed } += 1;
        let lines = lines(&format_args!("{}: {test}", machine.name), &result);
        verdict.text += &lines;
        if result.is_err() && verdict.failed == 1 {
            // Most that fail after it fail for the same reason.
            verdict.remarks.push(format!(
                "the first failure of its machine:\n{lines}the end of the console:\n{console}"
            ));
        }
    }
    verdict
}

fn last_lines(console: &str) -> String {
    let lines: Vec<_> = console.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// The tests by name.
type Results = Vec<(String, Result<(), String>)>;

/// Every test of the table with what came of it, and a last one: that the guest ended as it should
/// and said nothing else. And the figures.
fn results(machine: &Machine, ran: Result<Ran, String>) -> (Results, Vec<String>) {
    let (report, guest) = match &ran {
        Err(failure) => (Report::default(), Err(failure.clone())),
        Ok(ran) => (Report::parse(&ran.report), ended(ran)),
    };
    let mut wrong = String::new();
    if let Err(failure) = guest {
        wrong += &failure;
    }
    if !report.ended {
        wrong += "the report has no end\n";
    }
    let console = ran.as_ref().map(|ran| ran.console.as_str()).unwrap_or_default();
    for line in
        console.lines().filter(|line| KERNEL_FAULTS.iter().any(|fault| line.contains(fault)))
    {
        let _ = writeln!(wrong, "the kernel: {line}");
    }
    for line in &report.other {
        let _ = writeln!(wrong, "no line of a report: {line:?}");
    }
    let mut said = BTreeMap::new();
    for (test, result) in report.tests {
        if said.insert(test.clone(), result).is_some() {
            let _ = writeln!(wrong, "reported twice: {test}");
        }
    }
    let mut results = Vec::new();
    for test in machine.making().chain(machine.tests()) {
        let test = test.to_string();
        let result = said.remove(&test).unwrap_or_else(|| Err("it did not run".to_owned()));
        results.push((test, result));
    }
    for test in said.keys() {
        let _ = writeln!(wrong, "not in the table: {test}");
    }
    let ended = if wrong.is_empty() { Ok(()) } else { Err(wrong) };
    results.push(("came to its end".to_owned(), ended));
    (results, report.figures)
}

fn ended(ran: &Ran) -> Result<(), String> {
    match ran.status {
        None => Err("it did not end in time\n".to_owned()),
        Some(status) if status.code() == Some(DONE_STATUS) => Ok(()),
        Some(status) => Err(format!("QEMU ended otherwise: {status}\n")),
    }
}

/// Whether a machine with faults in its description failed for those, and in the tests of their
/// devices only.
fn noticed(planted: &[Planted], results: &[(String, Result<(), String>)]) -> Result<(), String> {
    let device = |test: &str| test.rsplit(' ').next().unwrap_or_default().to_owned();
    let failures: Vec<_> =
        results.iter().filter_map(|(test, result)| Some((test, result.as_ref().err()?))).collect();
    let found = planted.iter().all(|planted| {
        failures
            .iter()
            .any(|(test, message)| *test == planted.test && message.contains(planted.message))
    });
    let devices = planted.iter().map(|planted| device(planted.test));
    if found && failures.iter().all(|(test, _)| devices.clone().any(|wrong| wrong == device(test)))
    {
        return Ok(());
    }
    Err(format!("{planted:#?} should fail, and no other device's tests: {failures:#?}"))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    use super::*;

    const PLANTED: [Planted; 2] =
        [Planted { test: "size b", message: "17" }, Planted { test: "identity c", message: "18" }];

    fn result(test: &str, result: Result<(), &str>) -> (String, Result<(), String>) {
        (test.to_owned(), result.map_err(str::to_owned))
    }

    #[test]
    fn only_the_planted_faults_count_as_noticed() {
        let (good, b, c) = (
            result("size a", Ok(())),
            result("size b", Err("17")),
            result("identity c", Err("18")),
        );
        let said = |results: &[(String, Result<(), String>)]| noticed(&PLANTED, results).is_ok();
        assert!(said(&[good.clone(), b.clone(), c.clone(), result("size c", Err("follows"))]));
        assert!(!said(&[good.clone(), b.clone(), result("identity c", Ok(()))]));
        assert!(!said(&[good.clone(), b.clone(), result("identity c", Err("cannot be opened"))]));
        assert!(!said(&[result("size a", Err("")), b, c]));
        assert!(!said(&[good]));
    }

    #[test]
    fn a_guest_that_says_nothing_passes_nothing() {
        let machine = &pmem2_guest::machines()[0];
        let verdict = judge(machine, Err("no qemu".to_owned()));
        assert_eq!(verdict.passed, 0);
        assert!(verdict.failed > 50, "{}", verdict.failed);
    }

    /// A guest in which every test passes.
    fn good(machine: &Machine) -> Ran {
        let tests = machine.making().chain(machine.tests());
        let report: String =
            tests.map(|test| lines(&test, &Ok(()))).chain(["end\n".to_owned()]).collect();
        // The status is the second byte of what wait(2) gives.
        Ran {
            status: Some(ExitStatus::from_raw(DONE_STATUS << 8)),
            report,
            console: "booting\n".to_owned(),
        }
    }

    #[test]
    fn the_first_failure_is_told_with_the_console() {
        let machine = &pmem2_guest::machines()[0];
        assert!(judge(machine, Ok(good(machine))).remarks.is_empty());
        let mut ran = good(machine);
        for test in ["made btt-ext4", "size ext4-dax-always"] {
            ran.report =
                ran.report.replace(&format!("ok {test}\n"), &format!("FAILED {test}\n| no seed\n"));
        }
        assert_eq!(not_made(machine, &Ok(good(machine))), Vec::<String>::new());
        let ran = Ok(ran);
        assert_eq!(not_made(machine, &ran), ["FAILED mem-ctrl: made btt-ext4\n| no seed\n"]);
        let told = "the first failure of its machine:\nFAILED mem-ctrl: made btt-ext4\n| no seed\nthe end of the console:\nbooting";
        assert_eq!(judge(machine, ran).remarks, [told]);
    }

    #[test]
    fn a_guest_has_to_do_all_of_it_and_nothing_else() {
        let machine = &pmem2_guest::machines()[0];
        let count = u32::try_from(machine.making().chain(machine.tests()).count()).unwrap();
        let judged = |change: fn(&mut Ran)| {
            let mut ran = good(machine);
            change(&mut ran);
            let verdict = judge(machine, Ok(ran));
            assert_eq!(verdict.passed + verdict.failed, count + 1);
            verdict.failed
        };
        assert_eq!(judged(|_| {}), 0);
        assert_eq!(judged(|ran| ran.status = None), 1);
        assert_eq!(judged(|ran| ran.status = Some(ExitStatus::from_raw(0))), 1);
        assert_eq!(judged(|ran| ran.report = ran.report.replace("end\n", "")), 1);
        assert_eq!(judged(|ran| ran.report += "ok another\n"), 1);
        assert_eq!(judged(|ran| ran.report += "hello\n"), 1);
        assert_eq!(judged(|ran| ran.report += "ok made btt-ext4\n"), 1);
        assert_eq!(judged(|ran| ran.report = ran.report.replace("ok made btt-ext4\n", "")), 1);
        assert_eq!(
            judged(|ran| ran.report =
                ran.report.replace("ok made btt-ext4\n", "FAILED made btt-ext4\n")),
            1
        );
        assert_eq!(judged(|ran| ran.console += "[    1.0] Oops: 0000 [#1]\n"), 1);
    }
}
