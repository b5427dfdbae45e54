//! The judgement: whether the kernel found everything.

use std::{collections::BTreeSet, fs};

use crate::{
    kept::kept,
    machine::Board,
    qemu::{Ended, Plugged},
};

/// The exit status of QEMU when the kernel has come to its end.
pub(crate) const DONE: Ended = Ended::Status(33);

/// The instructions that make stores durable, as QEMU's disassembler shows them.
const FLUSHES: &[&str] = &[
    "clwb",
    "clflushopt",
    "clflush",
    "sfence",
    "dc cvac,",
    "dc cvap,",
    "dc cvadp,",
    "dsb",
    "cbo.clean",
    "fence",
];

/// Instructions whose names Debian's disassembler does not know.
const UNNAMED: &[(&str, &str)] =
    &[("sys #3, c7, c12, #1,", "dc cvap,"), ("sys #3, c7, c13, #1,", "dc cvadp,")];

/// The records that a boot appends here besides its own.
const MORE: u64 = 2;

/// Boots the machine the `boot`th time, and compares the output and the logs in the files.
pub(crate) fn boot(plugged: &Plugged<'_>, boot: u64) -> Result<(), String> {
    // The trace is long, so once is enough. A firmware's is longer, and has flushes of its own.
    let traced = boot == 1 && plugged.machine.board != Board::Uefi;
    let (mut lines, ended) = plugged.start(&format!("append={MORE}"), traced)?.end()?;
    // The rest of a report is for people, and repeats the other lines.
    lines.retain(|line| !line.contains(" report ") || line.contains(" report persistent: "));
    same(expected(plugged, boot), &lines)?;
    if ended != DONE {
        return Err(format!("QEMU ended otherwise: {ended:?}"));
    }
    for (index, memory) in plugged.machine.memory.iter().enumerate() {
        let records = memory.logged().then_some((boot * (MORE + 1), boot));
        let kept = kept(&plugged.contents(index)?)?.map(|last| (last.sequence, last.boot));
        if kept != records {
            return Err(format!("memory {index} has {kept:?}, not {records:?}"));
        }
    }
    if traced { instructions(plugged) } else { Ok(()) }
}

/// Returns the lines that the kernel must print, in any order.
fn expected(plugged: &Plugged<'_>, boot: u64) -> Vec<String> {
    let machine = plugged.machine;
    let mut all = vec![format!("ranges {}", machine.memory.len())];
    all.extend(machine.root().map(|root| format!("root {root}")));
    for (index, memory) in machine.memory.iter().enumerate() {
        all.extend(machine.facts(index));
        let base = memory.base;
        if memory.unarmed {
            all.push(format!("{base:#x} log read-only"));
        }
        if !memory.logged() {
            continue;
        }
        let before = (boot - 1) * (MORE + 1);
        all.extend([format!("{base:#x} recovered {before}"), format!("{base:#x} boot {boot}")]);
        all.extend(
            (before + 2..)
                .map(|sequence| format!("{base:#x} durable {sequence}"))
                .take(MORE as usize),
        );
    }
    all
}

/// Checks that each line is there once, and no other line.
fn same(expected: Vec<String>, lines: &[String]) -> Result<(), String> {
    let wanted: BTreeSet<_> = expected.into_iter().collect();
    let said: BTreeSet<_> = lines.iter().cloned().collect();
    let mut wrong: Vec<_> =
        wanted.difference(&said).map(|line| format!("not said: {line}")).collect();
    wrong.extend(said.difference(&wanted).map(|line| format!("said: {line}")));
    if lines.len() > said.len() {
        wrong.push("something was said twice".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Checks in QEMU's trace that the right instructions were executed.
fn instructions(plugged: &Plugged<'_>) -> Result<(), String> {
    let path = plugged.trace();
    let trace = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    executed(&trace, plugged.machine.flushes)
}

fn executed(trace: &str, wanted: &[&str]) -> Result<(), String> {
    let mut words: String =
        trace.split_ascii_whitespace().chain([""]).flat_map(|word| [" ", word]).collect();
    for (sequence, name) in UNNAMED {
        words = words.replace(sequence, name);
    }
    let found: Vec<_> =
        FLUSHES.iter().copied().filter(|name| words.contains(&format!(" {name} "))).collect();
    if found == wanted { Ok(()) } else { Err(format!("{found:?} were executed, not {wanted:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_once_and_nothing_else() {
        let lines = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        assert!(same(lines("a,b"), &lines("b,a")).is_ok());
        assert!(same(lines("a,b"), &lines("a")).is_err());
        assert!(same(lines("a,b"), &lines("a,b,c")).is_err());
        assert!(same(lines("a,b"), &lines("a,b,b")).is_err());
        assert!(same(lines("a,b"), &lines("a,c")).is_err());
    }

    #[test]
    fn exactly_these_instructions() {
        let trace = "0x1: 0f ae 38 clflush (%rax)\n0x4: 0f ae f8 sfence\n0x7: 90 nop";
        assert!(executed(trace, &["clflush", "sfence"]).is_ok());
        assert!(executed(trace, &["sfence"]).is_err());
        assert!(executed(trace, &["clwb", "sfence"]).is_err());
        assert!(executed("0x1: d50b7d2a sys #3, c7, c13, #1, x10", &["dc cvadp,"]).is_ok());
        assert!(executed("0x1: 90 clflushopts", &[]).is_ok());
        assert!(executed("", &[]).is_ok());
    }
}
