//! The built binary on Windows, run on real things. Run under Wine by ci/wine.
#![cfg(windows)]

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    os::windows::{ffi::OsStringExt, fs::OpenOptionsExt, io::OwnedHandle},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// A directory of a test's own, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pmem2-inspect-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: impl AsRef<std::path::Path>, contents: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, contents).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Where a test failed it may hold a file open.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn inspect() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pmem2-inspect"))
}

fn output(status: i32, command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{command:?}: {output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    String::from_utf8(output.stdout).unwrap()
}

fn object(status: i32, command: &mut Command) -> Value {
    let text = output(status, command.arg("--json"));
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((object["schema"].as_u64(), object["usable"].as_bool()), (Some(1), Some(status == 0)));
    object
}

fn of_path(status: i32, path: impl AsRef<OsStr>) -> Value {
    object(status, inspect().arg(path.as_ref()))
}

#[test]
fn a_file() {
    let directory = Directory::new("file");
    let path = directory.file("data", "some bytes");
    let file = of_path(0, &path);
    assert_eq!(file["path"], path.to_str().unwrap());
    assert_eq!((&file["kind"], &file["opened"]), (&json!("regular-file"), &json!(true)));
    assert_eq!((&file["size"], &file["alignment"]), (&json!(10), &json!(65536)));
    assert_eq!(file["permission"], json!({"read": true, "write": null}));
    assert_eq!((&file["place"]["backing"], &file["place"]["dax"]), (&json!("volume"), &json!(false)));
    assert_eq!(file["granularity"]["shared"], "PAGE");
    assert_eq!(file["volume"].as_str().unwrap().len(), 16);
    let id = file["file_id"].as_str().unwrap();
    assert_eq!((id.len(), u128::from_str_radix(id, 16).is_ok()), (32, true));
    assert_eq!(file["answer_errors"], json!({}));
    for absent in ["fd", "error", "path_bytes", "path_units", "device", "inode", "represented_device", "numa_node"] {
        assert_eq!(file[absent], Value::Null, "{absent}");
    }

    let text = output(0, inspect().arg(&path));
    assert!(text.starts_with(&format!("{}\n  source           usable\n", path.display())), "{text}");
    assert!(text.contains("\n  permission       read; write was not tried\n"), "{text}");
    let empty = of_path(0, directory.file("empty", ""));
    assert_eq!(empty["size"], 0);
}

#[test]
fn a_directory() {
    let directory = Directory::new("directory");
    let found = of_path(1, &directory.0);
    assert_eq!((&found["kind"], &found["opened"]), (&json!("directory"), &json!(false)));
    let message = "a directory cannot be mapped: open a file in it";
    assert_eq!(
        found["error"],
        json!({"code": -100_005, "symbol": "PMEM2_E_INVALID_FILE_TYPE", "errno": 22, "message": message})
    );
    let text = output(1, inspect().arg(&directory.0));
    assert!(text.contains("\n  opened           no, only looked at (FILE_READ_ATTRIBUTES)\n"), "{text}");
}

#[test]
fn a_pipe_is_not_opened() {
    let found = of_path(1, r"\\.\pipe\pmem2-inspect-nobody-serves-it");
    assert_eq!((&found["kind"], &found["opened"]), (&json!("pipe"), &json!(false)));
    assert_eq!(found["error"]["symbol"], "PMEM2_E_INVALID_FILE_TYPE");
    assert!(output(1, inspect().arg(r"\\.\pipe\x")).contains("would connect to its server"));
}

#[test]
fn inherited_descriptors() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let pipe = object(1, inspect().args(["--fd", "0"]).stdin(OwnedHandle::from(reader)));
    assert_eq!((&pipe["kind"], &pipe["fd"], &pipe["opened"]), (&json!("pipe"), &json!(0), &Value::Null));
    assert_eq!(pipe["error"]["symbol"], "PMEM2_E_INVALID_FILE_TYPE");

    let directory = Directory::new("descriptors");
    let path = directory.file("data", "some bytes");
    let file = object(0, inspect().args(["--fd", "0"]).stdin(File::open(&path).unwrap()));
    assert_eq!(
        (&file["kind"], &file["access"], &file["size"]),
        (&json!("regular-file"), &json!("read-only"), &json!(10))
    );

    // What the man page lets in and no mapping can use.
    let write_only = OpenOptions::new().write(true).open(&path).unwrap();
    let file = object(1, inspect().args(["--fd", "0"]).stdin(write_only));
    assert_eq!((&file["access"], &file["size"]), (&json!("write-only"), &json!(10)));
    assert_eq!(file["error"]["symbol"], "PMEM2_E_INVALID_FILE_HANDLE");
    assert!(file["error"]["message"].as_str().unwrap().contains("GENERIC_READ"));

    for closed in ["-1", "55", "99999"] {
        let found = object(1, inspect().args(["--fd", closed]).stdin(Stdio::null()));
        assert_eq!(found["error"]["symbol"], "PMEM2_E_INVALID_FILE_HANDLE", "{closed}");
    }
}

#[test]
fn what_cannot_be_reached() {
    let directory = Directory::new("unreached");
    let missing = of_path(1, directory.0.join("missing"));
    assert_eq!((&missing["error"]["symbol"], &missing["kind"]), (&json!("ENOENT"), &Value::Null));
    let path = directory.file("held", "x");
    let held = OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
    let busy = of_path(1, &path);
    assert_eq!((&busy["error"]["symbol"], &busy["kind"]), (&json!("EBUSY"), &json!("regular-file")));
    assert!(busy["error"]["message"].as_str().unwrap().contains("does not share it"));
    drop(held);
    of_path(0, &path);
}

/// Wine cannot make such a file on a host with names in UTF-8; that there is none is said with its name.
#[test]
fn names_that_are_not_utf_16() {
    let directory = Directory::new("names");
    let path = directory.0.join(std::ffi::OsString::from_wide(&[0x78, 0xd800, 0x79]));
    let found = of_path(1, &path);
    let units = found["path_units"].as_array().unwrap();
    assert_eq!(units[units.len() - 3..], [json!(0x78), json!(0xd800), json!(0x79)]);
    assert_eq!(found["path_bytes"], Value::Null);
    assert!(found["path"].as_str().unwrap().ends_with("x\u{fffd}y"));
    assert!(output(1, inspect().arg(&path)).contains(r"x\u{d800}y"));

    let named = directory.file("数据 é\u{1f4be}", "bytes");
    let found = of_path(0, &named);
    assert_eq!((&found["path"], &found["path_units"]), (&json!(named.to_str().unwrap()), &Value::Null));
}

#[test]
fn every_key_is_documented() {
    let help = output(0, inspect().arg("--help"));
    for key in of_path(1, "nowhere").as_object().unwrap().keys() {
        assert!(help.contains(&format!("\n  {key} ")), "{key}");
    }
}
