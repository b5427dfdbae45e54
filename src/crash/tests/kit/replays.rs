//! Images that are found again: by the model, by the environment, by the file of the last failure.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Output},
};

use pmem2::Granularity;
use pmem2_crash::{Disk, Machine, Model, Replay, Run, Tell};

use crate::{Answer, committed, has};

/// A record that is committed, and flushed before that or never.
fn record(flushed: bool) -> impl Fn(Disk<'_>, &Tell<'_, ()>) -> Answer {
    move |disk, _| {
        let map = disk.map()?;
        map.unflushed().store(64, 1)?;
        if flushed {
            map.flush(64..72)?;
        }
        Ok(map.commit(0, 1)?)
    }
}

#[test]
fn by_the_model() {
    let record = |flushed| {
        let run = Run::new(vec![0; 4096], Granularity::CacheLine);
        run.record(|disk, tell| record(flushed)(disk, tell).expect("stores"))
    };
    let (wrong, model) = (record(false), Model::new(Machine::X86));
    let verdict = model.explore(&wrong, committed);
    let replay = verdict.failure().expect("a failure").replay.clone();
    assert_eq!(replay.to_string().parse(), Ok(replay.clone()));
    assert_eq!(model.replay(&wrong, &replay, committed), Err("the record is lost".into()));
    // The program was changed: the cut is in another place, or there is none.
    assert_eq!(model.replay(&record(true), &replay, committed), Ok(()));
    let none = model.replay(&wrong, &"s0;99:".parse().expect("a replay"), committed);
    assert_eq!(none, Err("this run has no such cut".into()));
    for text in ["", "s0;", "4:40=0", "s0;4:40", "s0;4:g=0", "sx;4:"] {
        assert_eq!(text.parse::<Replay>(), Err(format!("no replay: {text}")));
    }
}

/// A test in a process of its own, which the tests after it start.
#[test]
fn child() {
    if let Ok(flushed) = env::var("KIT_CHILD") {
        Model::new(Machine::X86).check(4096, record(flushed == "flushed"), committed);
    }
}

/// Runs the child, perhaps with a replay.
fn run(flushed: &str, replay: Option<&str>) -> (bool, String) {
    let mut child = Command::new(env::current_exe().expect("this binary"));
    child.args(["--exact", "replays::child", "--nocapture"]).env("KIT_CHILD", flushed);
    replay.map(|replay| child.env("PMEM2_CRASH_REPLAY", replay));
    let Output { status, stdout, stderr } = child.output().expect("a process");
    let said = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (status.success(), said.concat())
}

/// A failure is kept until it holds; the environment's replay is the only image that is looked at.
#[test]
fn by_the_environment_and_by_the_file() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("pmem2-crash");
    let file = file.join("kit-replays-child");
    _ = fs::remove_file(&file);
    let (passed, said) = run("never", None);
    assert!(!passed);
    let replay = fs::read_to_string(&file).expect("the replay");
    has(&said, &["the record is lost", &format!("again: PMEM2_CRASH_REPLAY='{replay}'")]);

    let (passed, said) = run("never", Some(&replay));
    has(&said, &[&format!("{replay}: the record is lost")]);
    assert!(!passed && !said.contains("power cut"), "{said}");
    let (passed, said) = run("flushed", Some(&replay));
    has(&said, &[&format!("{replay}: it holds")]);
    assert!(!passed && !said.contains("every image"), "{said}");
    let (passed, said) = run("flushed", Some("4:40=0"));
    has(&said, &["4:40=0: no replay: 4:40=0"]);
    assert!(!passed, "{said}");

    let (passed, said) = run("never", None);
    let again = format!("{replay}, which failed the last time: the record is lost");
    has(&said, &[&again, "power cut"]);
    assert!(!passed && file.exists());
    let (passed, said) = run("flushed", None);
    let holds = format!("{replay}, which failed the last time: it holds");
    has(&said, &[&holds, "every image of all 3 points holds"]);
    assert!(passed && !file.exists());
}
