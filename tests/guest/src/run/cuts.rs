//! All boots of a machine: one, or as many as its power is cut, and one more.

use std::collections::BTreeMap;

use pmem2_guest::{
    machine::Machine,
    plan::{Check, Test},
    report::{DURABLE, FOUND, UNFLUSHED, lines},
};

use crate::qemu::{self, Files, Ran};

/// Boots it as often as it has to, and returns the last boot with what all of them reported.
pub(crate) fn run(machine: &Machine, files: Files<'_>) -> Result<Ran, String> {
    files.begin()?;
    let ran = boots(machine, files);
    files.end(machine);
    ran
}

fn boots(machine: &Machine, files: Files<'_>) -> Result<Ran, String> {
    if machine.cuts.is_empty() {
        return qemu::boot(machine, files, 0, |_| false);
    }
    let (mut durable, mut console, mut report) = (BTreeMap::new(), String::new(), String::new());
    for boot in 0..machine.boots() {
        let last = boot + 1 == machine.boots();
        let ran = qemu::boot(machine, files, boot, |report| match machine.cuts.get(boot) {
            Some(&after) => whole(report).filter(|line| line.starts_with(DURABLE)).count() >= after,
            None => whole(report).any(|line| line == UNFLUSHED),
        })?;
        console += &ran.console;
        if boot == 0 {
            report += &others(&ran.report);
        } else {
            let counts = last_counts(&ran.report, FOUND);
            for device in &machine.devices {
                let kept = kept(durable.get(&*device.name), counts.get(&*device.name));
                report += &lines(&Test { check: Check::Kept(boot), device }, &kept);
            }
        }
        if last {
            let made: Vec<_> = machine.making().map(|test| test.to_string()).collect();
            let once = |line: &&str| !made.iter().any(|made| line.ends_with(&**made));
            report.extend(others(&ran.report).lines().filter(once).map(|line| format!("{line}\n")));
            return Ok(Ran { report, console, ..ran });
        }
        // It was not cut: killed by a signal, it would have no code.
        if ran.status.is_none_or(|status| status.code().is_some()) {
            if boot > 0 {
                report += &others(&ran.report);
            }
            return Ok(Ran { report, console, ..ran });
        }
        durable.extend(last_counts(&ran.report, DURABLE));
    }
    Err("it boots at least once".to_owned())
}

/// The lines that have come to their end.
fn whole(report: &str) -> impl Iterator<Item = &str> {
    report.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'))
}

/// The lines that are not about records.
fn others(report: &str) -> String {
    let others =
        whole(report).filter(|line| !line.starts_with(DURABLE) && !line.starts_with(FOUND));
    others.map(|line| format!("{line}\n")).collect()
}

/// The last count of each device.
fn last_counts(report: &str, prefix: &str) -> BTreeMap<String, usize> {
    let counts = whole(report).filter_map(|line| {
        let (name, count) = line.strip_prefix(prefix)?.split_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    counts.collect()
}

/// Whether as many records were found as had been reported to be durable.
fn kept(durable: Option<&usize>, found: Option<&usize>) -> Result<(), String> {
    match (durable.copied().unwrap_or(0), found) {
        (_, None) => Err("nobody has looked".to_owned()),
        (durable, Some(&found)) if found < durable => {
            Err(format!("{durable} records were durable, {found} are there"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_counts() {
        let report = "ok made a\ndurable a 1\ndurable b 1\ndurable a 2\ndurable a 3";
        let counts = last_counts(report, DURABLE);
        assert_eq!(counts, BTreeMap::from([("a".to_owned(), 2), ("b".to_owned(), 1)]));
        assert_eq!(others(report), "ok made a\n");
    }

    #[test]
    fn less_than_was_reported_is_lost() {
        assert_eq!(kept(Some(&2), Some(&2)), Ok(()));
        assert_eq!(kept(Some(&2), Some(&3)), Ok(()));
        assert_eq!(kept(None, Some(&0)), Ok(()));
        assert!(kept(Some(&2), Some(&1)).is_err());
        assert!(kept(Some(&2), None).is_err());
    }
}
