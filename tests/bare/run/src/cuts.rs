//! Power cuts: QEMU is killed while the kernel appends records, and the memory's file must have all
//! reported records.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use pmem2_bare_record::Record;

use crate::{
    judge::DONE,
    kept::kept,
    qemu::{Ended, Plugged},
    random::Random,
};

/// The records that a boot would append without a cut: more than the pipe between QEMU and this
/// program has room for, so that no run ends before it is killed.
const RUN: u64 = 100_000;

/// The last report after which the power may go.
const LATEST: u64 = 1500;

/// One cut in this many comes before the first report.
const EARLY: u64 = 5;

/// The moment of the cut.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// This time after the start of QEMU: while it boots.
    Booting(Duration),
    /// This time after a report.
    Reported(u64, Duration),
}

/// The reports of a boot that was cut off.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reported {
    recovered: Option<u64>,
    boot: Option<u64>,
    durable: u64,
    /// The last record that was reported to be durable.
    last: u64,
}

/// Cuts the power once, and returns the outcome in words.
pub(crate) fn cut(plugged: &Plugged<'_>, random: &mut Random) -> Result<String, String> {
    let log = || kept(&plugged.contents(0)?);
    let before = log()?;
    let moment = if random.below(EARLY) == 0 {
        Moment::Booting(Duration::from_micros(random.below(200_000)))
    } else {
        Moment::Reported(random.below(LATEST), Duration::from_micros(random.below(300)))
    };
    let mut running = plugged.start(&format!("append={RUN}"), false)?;
    let mut lines = Vec::new();
    match moment {
        Moment::Booting(after) => sleep(after),
        Moment::Reported(wanted, after) => {
            let mut reports = 0;
            while reports <= wanted {
                let line =
                    running.line()?.ok_or_else(|| format!("it ended after {:?}", lines.last()))?;
                reports += u64::from(line.contains(" durable "));
                lines.push(line);
            }
            let start = Instant::now();
            while start.elapsed() < after {}
        }
    }
    running.kill()?;
    let (rest, ended) = running.end()?;
    if ended != Ended::Killed {
        return Err(format!("QEMU was not killed: {ended:?}"));
    }
    lines.extend(rest);
    let reported = reported(plugged.machine.memory[0].base, &lines)?;
    let after = log()?;
    judge(before, &reported, after)
        .map_err(|wrong| format!("{wrong}: {before:?}, {reported:?}, {after:?}, {moment:?}"))?;
    if matches!(moment, Moment::Reported(..)) && reported.durable == 0 {
        return Err(format!("nothing was reported: {moment:?}"));
    }
    Ok(format!("{} reported, {} kept", reported.last, after.map_or(0, |last| last.sequence)))
}

/// Returns the log of this memory as the lines report it.
fn reported(base: u64, lines: &[String]) -> Result<Reported, String> {
    let mut reported = Reported::default();
    let prefix = format!("{base:#x} ");
    for line in lines {
        let Some((what, number)) = line.strip_prefix(&prefix).and_then(|line| line.split_once(' '))
        else {
            continue;
        };
        let number = || number.parse::<u64>().map_err(|e| format!("{line:?}: {e}"));
        match what {
            "recovered" => reported.recovered = Some(number()?),
            "boot" => reported.boot = Some(number()?),
            "durable" => {
                (reported.last, reported.durable) = (number()?, reported.durable + 1);
                // The boot's own record is the first.
                if Some(reported.last)
                    != reported.recovered.map(|recovered| recovered + 1 + reported.durable)
                {
                    return Err(format!("reported out of turn: {line:?}"));
                }
            }
            "log" | "error" | "refused" => return Err(line.clone()),
            _ => {}
        }
    }
    Ok(reported)
}

/// Checks that the memory has its old records, and everything that was reported since.
fn judge(
    before: Option<Record>,
    reported: &Reported,
    after: Option<Record>,
) -> Result<(), &'static str> {
    let numbers =
        |record: Option<Record>| record.map_or((0, 0), |record| (record.sequence, record.boot));
    let ((kept, boots), (before, before_boots)) = (numbers(after), numbers(before));
    if kept < before {
        Err("what was there is gone")
    } else if kept < reported.last || reported.boot.is_some_and(|boot| boots != boot) {
        Err("what was reported is not there")
    } else if reported.recovered.is_some_and(|recovered| recovered != before) {
        Err("the kernel found another log than there was")
    } else if reported.boot.is_some_and(|boot| boot != before_boots + 1) {
        Err("the boots are miscounted")
    } else {
        Ok(())
    }
}

/// Boots undisturbed after all cuts: the boot finds everything, and continues the log.
pub(crate) fn survives(plugged: &Plugged<'_>) -> Result<String, String> {
    let before = kept(&plugged.contents(0)?)?.ok_or("there is no log")?;
    let (lines, ended) = plugged.start("", false)?.end()?;
    let reported = reported(plugged.machine.memory[0].base, &lines)?;
    let wanted = Reported {
        recovered: Some(before.sequence),
        boot: Some(before.boot + 1),
        durable: 0,
        last: 0,
    };
    if reported != wanted || ended != DONE {
        return Err(format!("{reported:?}, {ended:?} instead of {wanted:?}"));
    }
    Ok(format!("{} records of {} boots", before.sequence, before.boot))
}

/// Checks that a kernel is caught that reports a record without writing it.
pub(crate) fn lie(plugged: &Plugged<'_>) -> Result<String, String> {
    let before = kept(&plugged.contents(0)?)?;
    let (lines, _) = plugged.start("append=5 lie=1", false)?.end()?;
    let reported = reported(plugged.machine.memory[0].base, &lines)?;
    match judge(before, &reported, kept(&plugged.contents(0)?)?) {
        Err("what was reported is not there") => Ok("caught".to_owned()),
        other => Err(format!("not caught: {other:?}, {reported:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence: u64, boot: u64) -> Option<Record> {
        Some(Record { sequence, boot })
    }

    #[test]
    fn only_what_was_reported_has_to_be_there() {
        let said = Reported { recovered: Some(10), boot: Some(3), durable: 4, last: 15 };
        assert_eq!(judge(record(10, 2), &said, record(15, 3)), Ok(()));
        assert_eq!(judge(record(10, 2), &said, record(16, 3)), Ok(()));
        assert_eq!(
            judge(record(10, 2), &said, record(14, 3)),
            Err("what was reported is not there")
        );
        assert_eq!(judge(record(10, 2), &said, None), Err("what was there is gone"));
        assert_eq!(
            judge(record(9, 2), &said, record(15, 3)),
            Err("the kernel found another log than there was")
        );
        assert_eq!(judge(record(10, 1), &said, record(15, 3)), Err("the boots are miscounted"));
        assert_eq!(
            judge(record(10, 2), &said, record(15, 2)),
            Err("what was reported is not there")
        );
        assert_eq!(judge(record(10, 2), &Reported::default(), record(10, 2)), Ok(()));
        assert_eq!(
            judge(record(10, 2), &Reported::default(), record(9, 2)),
            Err("what was there is gone")
        );
        assert_eq!(judge(None, &Reported::default(), None), Ok(()));
    }

    #[test]
    fn reports_come_in_turn() {
        let lines =
            |text: &str| text.split(',').map(|line| format!("0x10 {line}")).collect::<Vec<_>>();
        let said =
            reported(16, &lines("size 1,recovered 10,boot 3,durable 12,durable 13")).unwrap();
        assert_eq!(said, Reported { recovered: Some(10), boot: Some(3), durable: 2, last: 13 });
        for wrong in [
            "recovered 10,durable 11",
            "recovered 10,durable 12,durable 14",
            "durable 2",
            "durable x",
            "log full",
        ] {
            assert!(reported(16, &lines(wrong)).is_err(), "{wrong}");
        }
    }
}
