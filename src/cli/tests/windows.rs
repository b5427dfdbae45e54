//! The built binary on Windows, run on real things. Run under Wine by ci/wine.
#![cfg(windows)]

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    os::windows::{
        ffi::OsStringExt,
        fs::OpenOptionsExt,
        io::{FromRawHandle, OwnedHandle},
    },
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// A directory of a test's own, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("pmem2-inspect-{}-{name}", std::process::id()));
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_pmem2"));
    command.arg("inspect");
    command
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
    assert_eq!(
        (object["schema"].as_u64(), object["usable"].as_bool()),
        (Some(1), Some(status == 0))
    );
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
    assert_eq!(
        (&file["place"]["backing"], &file["place"]["dax"]),
        (&json!("volume"), &json!(false))
    );
    assert_eq!(file["granularity"]["shared"], "PAGE");
    assert_eq!(file["volume"].as_str().unwrap().len(), 16);
    let id = file["file_id"].as_str().unwrap();
    assert_eq!((id.len(), u128::from_str_radix(id, 16).is_ok()), (32, true));
    assert_eq!(file["answer_errors"], json!({}));
    for absent in [
        "fd",
        "error",
        "path_bytes",
        "path_units",
        "device",
        "inode",
        "represented_device",
        "numa_node",
    ] {
        assert_eq!(file[absent], Value::Null, "{absent}");
    }

    let text = output(0, inspect().arg(&path));
    assert!(
        text.starts_with(&format!(
            "{}\n  persistent: no: a volume that is not DAX\n",
            path.display()
        )),
        "{text}"
    );
    assert!(text.contains("\n  permission       read; write was not tried\n"), "{text}");
    let empty = of_path(0, directory.file("empty", ""));
    assert_eq!(empty["size"], 0);
}

/// Other programs may have it open, if they share it.
#[test]
fn a_file_in_use() {
    const DELETE_AND_GENERIC_WRITE: u32 = 0x4001_0000;
    let directory = Directory::new("use");
    let path = directory.file("data", "some bytes");
    let _used = OpenOptions::new().access_mode(DELETE_AND_GENERIC_WRITE).open(&path).unwrap();
    assert_eq!(of_path(0, &path)["permission"], json!({"read": true, "write": null}));
}

#[test]
fn a_file_that_is_read_only() {
    let directory = Directory::new("read-only");
    let path = directory.file("data", "some bytes");
    let before = fs::metadata(&path).unwrap().permissions();
    let mut permissions = before.clone();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    assert_eq!(of_path(0, &path)["permission"], json!({"read": true, "write": false}));
    fs::set_permissions(&path, before).unwrap();
}

#[test]
fn a_directory() {
    let directory = Directory::new("directory");
    let found = of_path(1, &directory.0);
    assert_eq!((&found["kind"], &found["opened"]), (&json!("directory"), &json!(false)));
    let message = "a directory cannot be mapped: open a file in it";
    assert_eq!(
        found["error"],
        json!({
            "code": -100_005, "symbol": "PMEM2_E_INVALID_FILE_TYPE", "errno": 22,
            "message": message,
        })
    );
    let text = output(1, inspect().arg(&directory.0));
    assert!(
        text.contains("\n  opened           no, only looked at (FILE_READ_ATTRIBUTES)\n"),
        "{text}"
    );
}

#[test]
fn a_pipe_is_not_opened() {
    let found = of_path(1, r"\\.\pipe\pmem2-inspect-nobody-serves-it");
    assert_eq!((&found["kind"], &found["opened"]), (&json!("pipe"), &json!(false)));
    assert_eq!(found["error"]["symbol"], "PMEM2_E_INVALID_FILE_TYPE");
    assert!(output(1, inspect().arg(r"\\.\pipe\x")).contains("would connect to its server"));
}

/// The server's end of a pipe that one client can connect to.
fn pipe(name: &str) -> OwnedHandle {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn CreateNamedPipeW(
            name: *const u16,
            open_mode: u32,
            pipe_mode: u32,
            max_instances: u32,
            out: u32,
            input: u32,
            timeout: u32,
            security: *const std::ffi::c_void,
        ) -> *mut std::ffi::c_void;
    }
    const PIPE_ACCESS_DUPLEX: u32 = 3;
    let path: Vec<_> = format!(r"\\.\pipe\{name}").encode_utf16().chain([0]).collect();
    // SAFETY: CreateNamedPipeW wants a name that ends with a zero.
    let handle = unsafe {
        CreateNamedPipeW(path.as_ptr(), PIPE_ACCESS_DUPLEX, 0, 1, 512, 512, 0, std::ptr::null())
    };
    assert_ne!(handle.addr().cast_signed(), -1, "{}", std::io::Error::last_os_error());
    // SAFETY: from_raw_handle wants an open handle that nobody else owns: the call just made this
    // one.
    unsafe { OwnedHandle::from_raw_handle(handle) }
}

/// Under none of its names is the pipe opened: its server would see a client.
#[test]
fn no_server_is_connected_to() {
    let name = format!("pmem2-inspect-{}", std::process::id());
    let _server = pipe(&name);
    for path in [
        r"\\.\pipe\",
        r"//./PIPE/",
        r"\\?\pipe\",
        r"\??\pipe\",
        r"\\.\\pipe\",
        r"\\.\x\..\pipe\",
        r"\\.\Global\pipe\",
    ] {
        let path = format!("{path}{name}");
        let found = of_path(1, &path);
        assert_eq!((&found["kind"], &found["opened"]), (&json!("pipe"), &json!(false)), "{path}");
        let table = object(1, inspect().args(["--table", &path]));
        assert_eq!((&table["kind"], &table["opened"]), (&json!("pipe"), &json!(false)), "{path}");
    }
    // The one client that there may be is this one.
    let client = OpenOptions::new().read(true).write(true).open(format!(r"\\.\pipe\{name}"));
    assert!(client.is_ok(), "{client:?}");
}

/// A table of firmware: see tests/inspect/tables.rs for all that a table can be.
#[test]
fn tables() {
    let directory = Directory::new("tables");
    let table = |status, path: &std::path::Path| object(status, inspect().arg("--table").arg(path));
    // An NFIT of one range: 16 MiB of persistent memory at 4 GiB.
    let guid = [
        0x79, 0xd3, 0xf0, 0x66, 0xf3, 0xb4, 0x74, 0x40, 0xac, 0x43, 0x0d, 0x33, 0x18, 0xb7, 0x8c,
        0xdb,
    ];
    let mut nfit = [b"NFIT".as_slice(), &96_u32.to_le_bytes(), &[1], &[0; 31]].concat();
    nfit.extend([[0, 0], [56, 0], [1, 0], [0, 0]].concat());
    nfit.extend([0; 8]);
    nfit.extend(guid);
    nfit.extend([1_u64 << 32, 16 << 20, 0x8008].map(u64::to_le_bytes).concat());
    nfit[9] = nfit.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
    let path = directory.0.join("nfit");
    fs::write(&path, &nfit).unwrap();
    let found = table(0, &path);
    assert_eq!((&found["kind"], &found["size"]), (&json!("region"), &json!(16 << 20)));
    assert_eq!((&found["path"], &found["opened"]), (&json!(path.to_str().unwrap()), &json!(true)));
    let text = output(0, inspect().arg("--table").arg(&path));
    assert!(text.contains("0x100000000"), "{text}");

    fs::write(&path, &nfit[..95]).unwrap();
    assert_eq!(table(1, &path)["error"]["symbol"], "PMEM2_E_INVALID_REGION_FORMAT");
    let text = directory.file("text", "no table");
    assert_eq!(table(1, &text)["error"]["symbol"], "PMEM2_E_INVALID_REGION_FORMAT");
    let held = OpenOptions::new().read(true).share_mode(0).open(&text).unwrap();
    assert_eq!(table(1, &text)["error"]["symbol"], "EBUSY");
    drop(held);
    let missing = table(1, &directory.0.join("missing"));
    assert_eq!(
        (&missing["error"]["symbol"], &missing["opened"]),
        (&json!("ENOENT"), &json!(false))
    );
    for (path, kind) in [(directory.0.as_path(), "directory"), ("NUL".as_ref(), "character-device")]
    {
        let found = table(1, path);
        assert_eq!((&found["kind"], &found["opened"]), (&json!(kind), &json!(false)));
        assert_eq!(found["error"]["symbol"], "PMEM2_E_INVALID_FILE_TYPE");
    }
}

#[test]
fn inherited_descriptors() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let pipe = object(1, inspect().args(["--fd", "0"]).stdin(OwnedHandle::from(reader)));
    assert_eq!(
        (&pipe["kind"], &pipe["fd"], &pipe["opened"]),
        (&json!("pipe"), &json!(0), &Value::Null)
    );
    assert_eq!(pipe["error"]["symbol"], "PMEM2_E_INVALID_FILE_TYPE");
    assert_eq!((&pipe["volume"], &pipe["file_id"]), (&Value::Null, &Value::Null));

    let directory = Directory::new("descriptors");
    let path = directory.file("data", "some bytes");
    let file = object(0, inspect().args(["--fd", "0"]).stdin(File::open(&path).unwrap()));
    assert_eq!(
        (&file["kind"], &file["access"], &file["size"]),
        (&json!("regular-file"), &json!("read-only"), &json!(10))
    );

    // The man page admits it, and no mapping can use it.
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
    assert_eq!(
        (&busy["error"]["symbol"], &busy["kind"]),
        (&json!("EBUSY"), &json!("regular-file"))
    );
    assert!(busy["error"]["message"].as_str().unwrap().contains("does not share it"));
    drop(held);
    of_path(0, &path);
}

/// Wine cannot make such a file on a host with names in UTF-8; that there is none is said with its
/// name.
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
    assert_eq!(
        (&found["path"], &found["path_units"]),
        (&json!(named.to_str().unwrap()), &Value::Null)
    );
}

/// A file is read as a whole. Windows has no list of bad blocks.
#[test]
fn a_scan() {
    let directory = Directory::new("scan");
    let path = directory.file("data", &"some bytes".repeat(300_000));
    let scan = json!({
        "size": 3_000_000, "scanned": 3_000_000, "never_written": 0, "complete": true,
        "interrupted": false, "error": null, "unreadable": [],
        "unreadable_count": 0, "unreadable_bytes": 0,
    });
    let by_path = object(0, inspect().arg("--scan").arg(&path));
    assert_eq!((&by_path["scan"], &by_path["bad_blocks"]), (&scan, &Value::Null));
    let by_number =
        object(0, inspect().args(["--scan", "--fd", "0"]).stdin(File::open(&path).unwrap()));
    assert_eq!(by_number["scan"], scan);
    assert_eq!(of_path(0, &path)["scan"], Value::Null);
    let text = output(0, inspect().arg("--scan").arg(&path));
    assert!(
        text.contains("\n  scanned          all 3000000 bytes\n  unreadable       none\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  bad blocks       cannot be told: the system keeps no list for it\n"),
        "{text}"
    );
}

#[test]
fn every_key_is_documented() {
    let help = output(0, inspect().arg("--help"));
    for key in of_path(1, "nowhere").as_object().unwrap().keys() {
        assert!(help.contains(&format!("\n- {key} - ")), "{key}");
    }
}
