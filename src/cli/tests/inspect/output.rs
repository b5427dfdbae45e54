//! The output itself, exit statuses, and output that cannot be written.

use std::{
    ffi::OsStr,
    fs::File,
    os::unix::ffi::OsStrExt,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn wrong_use() {
    for arguments in [&[][..], &["--json"], &["--nonsense", "/"], &["--json=yes", "/"]] {
        let run = run(&mut inspect(arguments));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
}

/// A path without the subcommand. A word that is nearly one gets clap's own tip.
#[test]
fn a_path_alone_is_told_what_to_try() {
    for (argument, tip) in
        [("/dev/null", "tip: try pmem2 inspect /dev/null\n"), ("inspec", "'inspect'")]
    {
        let run = run(guarded(BINARY).arg(argument));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{argument}");
        assert!(run.stderr.contains(tip), "{}", run.stderr);
        assert_eq!(run.stderr.contains("try pmem2"), argument != "inspec", "{}", run.stderr);
    }
}

#[test]
fn one_that_is_refused_is_enough() {
    let directory = directory();
    let path = file(&directory, "file", "x");
    let path = path.to_str().unwrap();
    for (status, arguments) in
        [(0, vec![path]), (0, vec![path, path]), (1, vec![path, "/", path]), (1, vec!["/", path])]
    {
        assert_eq!(objects(status, &mut inspect(&arguments)).len(), arguments.len());
    }
}

#[test]
fn after_two_dashes_everything_is_a_path() {
    let directory = directory();
    file(&directory, "--json", "x");
    let mut command = inspect(["--", "--json"]);
    let block = report(0, command.current_dir(directory.path()));
    assert_eq!(block.lines().next(), Some("--json"));
}

#[test]
fn blocks_are_separated_by_an_empty_line() {
    let output = report(1, &mut inspect(["/", "/dev/null"]));
    let blocks: Vec<_> = output.split("\n\n").collect();
    assert_eq!(blocks.len(), 2);
    assert!(blocks[0].starts_with("/\n  refused: a directory"));
    assert!(blocks[1].starts_with("/dev/null\n  refused: a character device"));
    assert!(output.ends_with('\n') && !output.ends_with("\n\n"));
}

/// Whether a terminal would take it for anything but text.
fn is_raw(output: &str) -> bool {
    output
        .chars()
        .any(|character| (character.is_control() && character != '\n') || character == '\u{202e}')
}

#[test]
fn nothing_in_a_name_reaches_the_terminal() {
    let directory = directory();
    for (name, heading) in [
        ("\x1b[31mred", r"\u{1b}[31mred"),
        ("two\nlines\r\x07\x08", r"two\nlines\r\u{7}\u{8}"),
        ("\u{9b}31m\u{7f}", r"\u{9b}31m\u{7f}"),
        ("a\u{202e}fdp.exe", r"a\u{202e}fdp.exe"),
        ("back\\slash", r"back\\slash"),
    ] {
        let path = file(&directory, name, "x");
        let (block, object) = both(0, &path);
        let expected = format!("\"{}/{heading}\"", directory.path().display());
        assert_eq!(block.lines().next(), Some(&*expected));
        assert!(!is_raw(&block), "{block:?}");
        let json = report(0, inspect([&path]).arg("--json"));
        assert!(json.is_ascii() && !is_raw(&json), "{json:?}");
        assert!(
            json.starts_with("{\"schema\":1,\"path\":\"/"),
            "what needs no escape has none: {json}"
        );
        assert_eq!(object["path"], path.to_str().unwrap(), "the JSON means the name all the same");
    }
    for argument in ["--\x1b[31m\u{9b}", "--fd=\x07\u{202e}"] {
        let run = run(&mut inspect([argument, "/"]));
        assert_eq!(run.status, Some(2));
        assert!(!is_raw(&run.stderr), "{:?}", run.stderr);
    }
}

#[test]
fn names_need_not_be_utf_8() {
    let directory = directory();
    let path = file(&directory, OsStr::from_bytes(b"x\xff\x1by"), "0123456789");
    let (block, object) = both(0, &path);
    assert!(block.lines().next().unwrap().ends_with("/x\\xFF\\u{1b}y\""), "{block}");
    assert_eq!(object["path"], format!("{}/x\u{fffd}\u{1b}y", directory.path().display()));
    let bytes: Vec<_> = path.as_os_str().as_bytes().iter().map(|byte| json!(byte)).collect();
    assert_eq!(object["path_bytes"], Value::Array(bytes));
    assert_eq!(object["size"], 10);

    let path = file(&directory, "données", "x");
    let (block, object) = both(0, &path);
    assert_eq!(block.lines().next(), path.to_str(), "letters are not escaped");
    assert_eq!(
        [&object["path"], &object["path_bytes"]],
        [&json!(path.to_str().unwrap()), &Value::Null]
    );
}

#[test]
fn every_key_and_every_value_is_documented() {
    let help = report(0, &mut inspect(["--help"]));
    let number = NUMBER.to_string();
    let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let objects = objects(1, &mut inspect(["/dev/null", "/", "/missing", "--fd", &number]));
    for object in &objects {
        assert_eq!(keys(object), keys(&objects[0]), "every key is always there");
        for key in keys(object) {
            assert!(help.contains(&format!("\n- {key} - ")), "{key}");
        }
        if let Some(kind) = object["kind"].as_str() {
            assert!(help.contains(kind), "{kind}");
        }
        if object["error"].is_object() {
            assert_eq!(keys(&object["error"]), ["code", "symbol", "errno", "message"]);
        }
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let help = report(0, &mut inspect(["--help"]));
    assert!(help.contains("EXIT STATUS") && help.ends_with('\n') && !help.contains(['`', '#']));
    assert!(report(0, &mut inspect(["-h"])).contains("--fd"));
    assert!(report(0, guarded(BINARY).arg("--help")).contains("\n  inspect "));
    assert_eq!(
        report(0, guarded(BINARY).arg("--version")),
        concat!("pmem2 ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert_eq!(run(&mut guarded(BINARY)).status, Some(2), "no command");
}

/// The status and stderr of a command whose output goes there.
fn into(command: &mut Command, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let output = spawn(command.stdout(stdout).stderr(Stdio::piped())).wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A pipe that nobody reads any more.
fn broken_pipe() -> Stdio {
    without_forks(|| {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        drop(reader);
        writer.into()
    })
}

#[test]
fn a_reader_that_has_seen_enough() {
    let many = vec!["/dev/null"; 2000];
    for arguments in [&["/"][..], &["--json", "/"], &["--help"], &many] {
        assert_eq!(
            into(&mut inspect(arguments), broken_pipe()),
            (Some(3), String::new()),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_full_disk() {
    for arguments in [&["/"][..], &["--json", "/"], &["--help"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (status, complaint) = into(&mut inspect(arguments), full);
        assert_eq!(status, Some(3), "{arguments:?}");
        assert!(complaint.starts_with("pmem2: the output cannot be written: "), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn nobody_to_complain_to() {
    for (status, argument) in [(2, "--nonsense"), (3, "/")] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = inspect([argument]);
        let mut child = spawn(command.stdout(full).stderr(broken_pipe()));
        assert_eq!(child.wait().unwrap().code(), Some(status));
    }
}
