//! `--scan`: the bytes that can be read, and being stopped before the end.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use serde_json::{Value, json};

use crate::{support::*, sysfs::assert_documented};

const MIB: u64 = 1 << 20;
/// More than is read in the time of a test.
const HUGE: u64 = 1 << 43;

fn scan<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Command {
    let mut command = inspect(["--scan"]);
    command.args(paths.into_iter().map(|path| path.as_ref().to_owned()));
    command
}

fn sized(directory: &tempfile::TempDir, name: &str, size: u64) -> File {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(directory.path().join(name));
    let file = file.unwrap();
    file.set_len(size).unwrap();
    file
}

fn one(mut objects: Vec<Value>) -> Value {
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}

#[test]
fn a_whole_file() {
    let directory = directory();
    let size = 3 * MIB + 17;
    let path = directory.path().join("file");
    fs::write(&path, vec![7_u8; usize::try_from(size).unwrap()]).unwrap();
    let block = report(0, &mut scan([&path]));
    assert_eq!(fact(&block, "scanned"), Some(&*format!("all {size} bytes")));
    assert_eq!(fact(&block, "unreadable"), Some("none"));
    assert!(fact(&block, "bad blocks").is_some());
    let object = one(objects(0, &mut scan([&path])));
    assert_eq!(
        object["scan"],
        json!({
            "size": size, "scanned": size, "never_written": 0, "complete": true,
            "interrupted": false, "error": null, "unreadable": [],
            "unreadable_count": 0, "unreadable_bytes": 0,
        })
    );
    // It is only done where it is asked for.
    let (block, object) = both(0, &path);
    assert_eq!((fact(&block, "scanned"), &object["scan"]), (None, &Value::Null));
    // Nothing to read.
    let empty = file(&directory, "empty", "");
    assert_eq!(one(objects(0, &mut scan([&empty])))["scan"]["complete"], true);
}

/// Holes have no storage that could be bad. The position of an inherited descriptor is not moved to
/// find them.
#[test]
fn holes() {
    let directory = directory();
    let file = sized(&directory, "file", 64 * MIB);
    rustix::io::pwrite(&file, &[7; 4096], 32 * MIB).unwrap();
    let path = directory.path().join("file");
    let object = one(objects(0, &mut scan([&path])));
    let holes = object["scan"]["never_written"].as_u64().unwrap();
    assert!((60 * MIB..64 * MIB).contains(&holes), "{object}");
    assert_eq!(
        (&object["scan"]["scanned"], &object["scan"]["complete"]),
        (&json!(64 * MIB), &json!(true))
    );
    let block = report(0, &mut scan([&path]));
    let said =
        format!("all {} bytes; {holes} of them were never written, and were not read", 64 * MIB);
    assert_eq!(fact(&block, "scanned"), Some(&*said));

    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(12345)).unwrap();
    let mut command = inspect(["--scan", "--fd", &NUMBER.to_string()]);
    let object = one(objects(0, with_descriptor(&mut command, &file, NUMBER)));
    assert_eq!(
        (&object["scan"]["never_written"], &object["scan"]["scanned"]),
        (&json!(0), &json!(64 * MIB))
    );
    assert_eq!(rustix::fs::tell(&file).unwrap(), 12345);
}

/// Allocated bytes that were not written read as zeros, whatever the storage holds.
#[test]
fn preallocated() {
    let directory = directory();
    let file = sized(&directory, "file", 2 * MIB);
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 2 * MIB).unwrap();
    assert_eq!(file.metadata().unwrap().blocks() * 512, 2 * MIB, "it has storage");
    let path = directory.path().join("file");
    let object = one(objects(0, &mut scan([&path])));
    let scanned = &object["scan"];
    assert_eq!((&scanned["never_written"], &scanned["complete"]), (&json!(2 * MIB), &json!(true)));
    let said = fact(&report(0, &mut scan([&path])), "scanned").unwrap().to_owned();
    assert_eq!(said, "all 2097152 bytes; 2097152 of them were never written, and were not read");
    // Written bytes are read.
    rustix::io::pwrite(&file, &[7; 4096], MIB).unwrap();
    let object = one(objects(0, &mut scan([&path])));
    assert_eq!(object["scan"]["never_written"], json!(2 * MIB - 4096));
}

#[test]
fn what_is_no_source_is_not_read() {
    let directory = directory();
    let path = file(&directory, "file", "some bytes");
    let all = objects(1, &mut scan([Path::new("/"), &path, Path::new("/missing")]));
    assert_eq!([&all[0]["scan"], &all[2]["scan"]], [&Value::Null; 2]);
    assert_eq!(all[1]["scan"]["complete"], true);
    let wrong = run(inspect(["--table"]).arg("--scan").arg(&path));
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.stderr.contains("cannot be used with"), "{}", wrong.stderr);
}

/// Bytes that were not read are not called good.
#[test]
fn what_was_not_opened_is_not_read() {
    let maps = "/proc/self/maps";
    let object = one(objects(4, &mut scan([maps])));
    assert_eq!(
        (&object["usable"], &object["opened"], &object["scan"]),
        (&json!(false), &json!(false), &Value::Null)
    );
    let error = &object["answer_errors"]["scan"];
    assert_eq!(
        (&error["symbol"], &error["message"]),
        (&json!("PMEM2_E_NOSUPP"), &json!("it was not opened"))
    );
    assert_eq!(fact(&report(4, &mut scan([maps])), "scanned"), Some("no: it was not opened"));
    // Only where it was asked for.
    let (block, object) = both(1, maps);
    assert_eq!((fact(&block, "scanned"), &object["answer_errors"]["scan"]), (None, &Value::Null));
    // Something that is no source has another status.
    assert_eq!(run(&mut scan([maps, "/"])).status, Some(1));
}

/// Reads of the binary that begin at `bad`, or less than `length` bytes after it, fail as those of
/// a bad block do.
fn with_bad_block(command: &mut Command, bad: u32, length: u32) -> &mut Command {
    let statement =
        |code: u32, jt, jf, k| libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf, k };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let result = libc::BPF_RET | libc::BPF_K;
    let filter = [
        // The number of the call, and the low half of its fourth argument: see struct
        // seccomp_data.
        statement(load, 0, 0, 0),
        statement(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            0,
            4,
            u32::try_from(libc::SYS_pread64).unwrap(),
        ),
        statement(load, 0, 0, if cfg!(target_endian = "little") { 40 } else { 44 }),
        statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 2, bad),
        statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1, 0, bad + length),
        statement(result, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EIO.cast_unsigned()),
        statement(result, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    // SAFETY: between fork and exec both are bare system calls; the closure owns the filter, which
    // they read.
    unsafe {
        command.pre_exec(move || {
            let program = libc::sock_fprog { len: 7, filter: filter.as_ptr().cast_mut() };
            let done = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
                    == 0;
            if done { Ok(()) } else { Err(io::Error::last_os_error()) }
        })
    }
}

#[test]
fn goes_on_after_a_bad_place() {
    let directory = directory();
    let path = directory.path().join("file");
    fs::write(&path, vec![7_u8; 3 << 20]).unwrap();
    let bad = u32::try_from(MIB).unwrap();
    let object = one(objects(4, with_bad_block(&mut scan([&path]), bad, 4096)));
    let scan_of = &object["scan"];
    assert_eq!(
        (&scan_of["scanned"], &scan_of["complete"], &scan_of["error"]),
        (&json!(3 * MIB), &json!(true), &Value::Null)
    );
    assert_eq!(scan_of["unreadable"], json!([{"offset": bad, "length": 4096}]));
    assert_eq!(
        (&scan_of["unreadable_count"], &scan_of["unreadable_bytes"]),
        (&json!(1), &json!(4096))
    );
    let block = report(4, with_bad_block(&mut scan([&path]), bad, 4096));
    assert_eq!(fact(&block, "unreadable"), Some(&*format!("4096 bytes in 1 range: 4096 at {bad}")));
    // One that is refused counts before it.
    assert_eq!(run(with_bad_block(scan([&path]).arg("/"), bad, 4096)).status, Some(1));
}

/// The binary, which reads `file` as an inherited descriptor, once it has read some of it.
fn reading(file: &File, arguments: &[&str]) -> Child {
    let mut command = inspect(["--scan", "--json", "--fd", &NUMBER.to_string()]);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawn(with_descriptor(&mut command, file, NUMBER));
    let deadline = Instant::now() + Duration::from_secs(30);
    while read_bytes(&child) < 16 * MIB {
        assert!(Instant::now() < deadline, "it reads nothing");
        thread::sleep(Duration::from_millis(5));
    }
    child
}

/// How many bytes a process has read so far.
fn read_bytes(child: &Child) -> u64 {
    let figures = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
    figures.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

/// Status and objects of a child that has nothing to complain of.
fn finish(child: Child) -> (Option<i32>, Vec<Value>) {
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "",
        "nothing is drawn where there is no terminal"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// A sparse file is longer than anybody can read.
#[test]
fn interrupted() {
    let directory = directory();
    let huge = sized(&directory, "huge", HUGE);
    let other = file(&directory, "other", "some bytes");
    for signal in [Signal::INT, Signal::TERM] {
        let child = reading(&huge, &[other.to_str().unwrap(), "/"]);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let (status, objects) = finish(child);
        assert_eq!((status, objects.len()), (Some(5), 3));
        let scan = &objects[0]["scan"];
        assert_eq!(
            (&scan["complete"], &scan["interrupted"], &scan["error"]),
            (&json!(false), &json!(true), &Value::Null)
        );
        let scanned = scan["scanned"].as_u64().unwrap();
        assert!((15 * MIB..HUGE).contains(&scanned) && scanned.is_multiple_of(MIB), "{scanned}");
        // The paths after it are printed, and not read.
        assert_eq!(
            (&objects[1]["size"], &objects[1]["scan"]["interrupted"]),
            (&json!(10), &json!(true))
        );
        assert_eq!(
            (&objects[1]["scan"]["scanned"], &objects[2]["scan"]),
            (&json!(0), &Value::Null)
        );
    }
}

/// Truncating a file does not end the program that reads it.
#[test]
fn a_file_that_shrinks() {
    let directory = directory();
    let huge = sized(&directory, "huge", HUGE);
    let child = reading(&huge, &[]);
    huge.set_len(5).unwrap();
    let (status, objects) = finish(child);
    assert_eq!(status, Some(4));
    let scan = &objects[0]["scan"];
    assert_eq!((&scan["complete"], &scan["interrupted"]), (&json!(false), &json!(false)));
    assert_eq!(scan["error"]["symbol"], "PMEM2_E_LENGTH_OUT_OF_RANGE");
    assert_eq!((&scan["size"], &scan["unreadable"]), (&json!(HUGE), &json!([])));
    assert!(scan["scanned"].as_u64().unwrap() >= 15 * MIB);
}

/// The two ends of a terminal of so many columns.
fn terminal(columns: u16) -> (File, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let slave = rustix::fs::open(&*name, flags, rustix::fs::Mode::empty()).unwrap();
    rustix::termios::tcsetwinsize(
        &slave,
        rustix::termios::Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 },
    )
    .unwrap();
    (master.into(), slave)
}

/// On a terminal there is a bar. It is gone when the report is printed.
#[test]
fn a_bar_on_a_terminal() {
    const COLUMNS: u16 = 80;
    let directory = directory();
    let huge = sized(&directory, "huge", HUGE);
    let (mut master, slave) = terminal(COLUMNS);
    let mut command = inspect(["--scan", "--fd", &NUMBER.to_string()]);
    command.env("TERM", "xterm").stdout(Stdio::piped()).stderr(slave);
    let child = spawn(with_descriptor(&mut command, &huge, NUMBER));
    drop(command);
    let mut drawn = Vec::new();
    let mut bytes = [0; 4096];
    while !String::from_utf8_lossy(&drawn).contains(" left") {
        let length = master.read(&mut bytes).unwrap();
        drawn.extend(&bytes[..length]);
    }
    // What the terminal makes of Ctrl-C.
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    // The last end that was open for writing: EIO is the end.
    while let Ok(length @ 1..) = master.read(&mut bytes) {
        drawn.extend(&bytes[..length]);
    }
    let drawn = String::from_utf8_lossy(&drawn);
    assert!(
        drawn.contains(&format!("file descriptor {NUMBER} [")) && drawn.contains("8.00 TiB"),
        "{drawn:?}"
    );
    for line in drawn.replace("\x1b[2K", "\r").split(['\r', '\n']) {
        assert!(line.chars().count() <= COLUMNS.into(), "{line:?} is wrapped");
    }
    assert!(
        drawn.trim_end().ends_with("\x1b[2K") || drawn.ends_with("\r\x1b[2K"),
        "it is wiped out: {drawn:?}"
    );
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(!report.contains('\x1b') && !report.contains(" left"), "{report:?}");
    assert_eq!(output.status.code(), Some(5));
    assert!(
        fact(&report, "scanned").unwrap().ends_with(" bytes, and then interrupted"),
        "{report}"
    );
}

#[test]
fn keys_are_documented() {
    let directory = directory();
    let path = file(&directory, "file", "some bytes");
    assert_documented(&one(objects(0, &mut scan([&path]))));
    let help = report(0, &mut inspect(["--help"]));
    for status in ["- 4 - with --scan", "- 5 - with --scan"] {
        assert!(help.contains(status), "{status}");
    }
}
