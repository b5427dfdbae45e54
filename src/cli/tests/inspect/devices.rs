//! Device DAX without a device, in a mount namespace with a /sys of the test's own. It says that
//! /dev/null, which is harmless to open, is a device DAX. And file systems that keep no data.

use std::{fs::File, path::Path};

use serde_json::{Value, json};

use crate::support::*;

/// A /sys in which the character device 1:3 is on the bus dax, with what `attributes` (a script)
/// puts in its directory.
fn with_device_dax(attributes: &str) -> String {
    format!(
        "mount -t tmpfs none /sys
        mkdir -p /sys/dev/char /sys/bus/dax /sys/devices/platform/hmem.0/dax0.0
        ln -s ../../devices/platform/hmem.0/dax0.0 /sys/dev/char/1:3
        cd /sys/dev/char/1:3
        ln -s ../../../../bus/dax subsystem
        echo 0 > numa_node
        {attributes}"
    )
}

/// Both outputs for /dev/null after `script`.
fn null(status: i32, script: &str) -> (String, Value) {
    let mut command = inspect_after(script, Path::new("/"), ["/dev/null"]);
    let block = report(status, &mut command);
    (block, objects(status, &mut command).remove(0))
}

#[test]
fn a_device_dax() {
    let (block, object) =
        null(0, &with_device_dax("echo 9223372036854775808 > size; echo 2097152 > align"));
    assert_eq!(fact(&block, "persistent"), Some("not known: in no region of persistent memory"));
    assert_eq!(fact(&block, "kind"), Some("device DAX"));
    assert_eq!(fact(&block, "represents"), Some("device 1:3"));
    assert_eq!(fact(&block, "size"), Some("9223372036854775808 bytes"));
    assert_eq!(fact(&block, "alignment"), Some("2097152 bytes"));
    assert_eq!(fact(&block, "allocated"), None);
    assert_eq!(object["kind"], "device-dax");
    assert_eq!(object["opened"], true);
    assert_eq!(object["size"], 9_223_372_036_854_775_808_u64);
    assert_eq!(object["alignment"], 2_097_152);
    assert_eq!(object["allocated"], Value::Null);
    assert_eq!(errors_but_of_the_mapping(&object), json!({}));
    assert_eq!(object["represented_device"], json!({"major": 1, "minor": 3}));
}

#[test]
fn a_device_dax_whose_answers_make_no_sense() {
    let (block, object) = null(1, &with_device_dax("echo 3 > align"));
    assert_eq!(
        fact(&block, "code"),
        Some("ENOENT"),
        "no range of it can be mapped: it is not usable"
    );
    assert_eq!(fact(&block, "size"), Some("unknown"), "the reason is said once");
    assert!(fact(&block, "alignment").unwrap().starts_with("unknown: "), "{block}");
    assert_eq!([&object["size"], &object["alignment"]], [&Value::Null, &Value::Null]);
    assert_eq!(object["answer_errors"]["size"]["symbol"], "ENOENT");
    assert_eq!(object["answer_errors"]["size"]["code"], -libc::ENOENT);
    assert_eq!(object["answer_errors"]["alignment"]["symbol"], "PMEM2_E_INVALID_ALIGNMENT_VALUE");
    assert_eq!(object["answer_errors"]["alignment"]["errno"], libc::EINVAL);
    assert_eq!(object["answer_errors"].as_object().unwrap().len(), 2);

    let (_, object) = null(1, &with_device_dax("echo 4096 > align; echo x > size"));
    assert_eq!(object["answer_errors"]["size"]["symbol"], "PMEM2_E_INVALID_SIZE_FORMAT");
    assert_eq!(object["alignment"], 4096);
}

/// Without /sys there is no telling what a character device is, so it is not opened.
#[test]
fn a_character_device_without_sysfs() {
    let (block, object) = null(1, "mount -t tmpfs none /sys");
    assert!(fact(&block, "refused").unwrap().contains("mount sysfs"), "{block}");
    assert_eq!(object["kind"], "unknown-character-device");
    assert_eq!(object["opened"], false);
    assert_eq!(object["error"]["symbol"], "PMEM2_E_INVALID_FILE_TYPE");
}

/// Without /proc no name leads to the very file that was looked at: nothing is opened.
#[test]
fn without_proc() {
    let directory = directory();
    let path = file(&directory, "file", "0123456789");
    let script = "mount -t tmpfs none /proc; test ! -e /proc/self";
    let mut command = inspect_after(
        script,
        directory.path(),
        [path.as_path(), Path::new("/dev/null"), Path::new("/no")],
    );
    let block = report(1, &mut command);
    let objects = objects(1, &mut command);
    assert_eq!(objects[0]["usable"], false);
    let error = &objects[0]["error"];
    assert_eq!(error["symbol"], "PMEM2_E_NOSUPP");
    assert!(error["message"].as_str().unwrap().starts_with("not known: /proc is not mounted"));
    assert_eq!(objects[0]["opened"], false);
    assert_eq!(objects[0]["size"], 10);
    assert_eq!(fact(&block, "persistent"), Some("not known: it was not opened"));
    assert_eq!(objects[0]["permission"], json!({"read": true, "write": true}));
    assert_eq!(fact(&block, "permission"), Some("read and write"));
    assert!(fact(&block, "note").unwrap().contains("/proc is not mounted"));
    assert_eq!(objects[1]["kind"], "character-device");
    assert_eq!(objects[1]["opened"], false);
    assert_eq!(objects[2]["error"]["symbol"], "ENOENT");
}

/// Something that only looks like /proc is not followed either.
#[test]
fn with_another_proc() {
    let directory = directory();
    let path = file(&directory, "file", "0123456789");
    let script = "mount -t tmpfs none /proc; mkdir -p /proc/self/fd
        for n in 3 4 5; do mkfifo /proc/self/fd/$n; done";
    let mut command = inspect_after(script, directory.path(), [path.as_path()]);
    assert!(fact(&report(1, &mut command), "note").unwrap().contains("/proc is not mounted"));
}

/// Opening one of these, or closing it, may be an action: that of tracefs's free_buffer empties the
/// buffer.
#[test]
fn interfaces_of_the_kernel_are_not_opened() {
    // Hardly anybody else opens them: every program on this machine is counted.
    for path in [&*format!("/proc/{}/personality", std::process::id()), "/sys/kernel/fscaps"] {
        let (block, object) = both(1, path);
        let note = fact(&block, "note").unwrap();
        assert!(note.contains("not opened"), "{block}");
        assert!(note.contains("--fd"), "{block}");
        assert_eq!(fact(&block, "persistent"), Some("not known: it was not opened"));
        assert_eq!(object["persistent"]["reason"], "not_opened");
        assert_eq!(fact(&block, "opened"), Some("no, only looked at (O_PATH)"));
        assert_eq!([&object["opened"], &object["usable"]], [&Value::from(false); 2]);
        assert_eq!(object["error"]["symbol"], "PMEM2_E_NOSUPP");
        assert_eq!(object["error"]["message"], format!("not known: {note}"));
        let place = fact(&block, "place").unwrap();
        assert!(place.ends_with(", whose files are interfaces of the kernel"), "{place}");
        assert_eq!(object["place"]["backing"], "other");
        let allocated = fact(&block, "allocated").unwrap();
        assert!(!allocated.contains("free space"), "{allocated}");
        assert_only_looked_at(Path::new(path));
        assert_eq!(opens(Path::new(path), || drop(File::open(path).unwrap())), 1, "{path}");
    }
    // Nobody could pass this one opened for reading.
    let path = "/sys/bus/clocksource/drivers_probe";
    let note = fact(&both(1, path).0, "note").map(str::to_owned).unwrap();
    assert!(note.contains("not opened") && !note.contains("--fd"), "{note}");
}
