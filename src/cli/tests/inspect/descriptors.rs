//! Inherited descriptors.

use std::fs::{File, OpenOptions};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, memfd_create};
use serde_json::{Value, json};

use crate::support::*;

/// Both outputs for a descriptor.
fn descriptor(status: i32, descriptor: impl std::os::fd::AsFd) -> (String, Value) {
    let number = NUMBER.to_string();
    let mut command = inspect(["--fd", &number]);
    let block = report(status, with_descriptor(&mut command, &descriptor, NUMBER));
    assert_eq!(block.lines().next(), Some(&*format!("file descriptor {NUMBER}")));
    for absent in ["permission", "opened"] {
        assert_eq!(fact(&block, absent), None);
    }
    let object = objects(status, &mut command).remove(0);
    assert_eq!(object["fd"], NUMBER);
    for absent in ["path", "path_bytes", "opened", "permission"] {
        assert_eq!(object[absent], Value::Null, "{absent}");
    }
    (block, object)
}

#[test]
fn each_access_mode() {
    let directory = directory();
    let path = file(&directory, "file", "0123456789");
    let open = |options: &mut OpenOptions| options.open(&path).unwrap();
    let mut options = OpenOptions::new();

    let (block, object) = descriptor(0, open(options.read(true)));
    assert_eq!(fact(&block, "access"), Some("read-only"));
    assert_eq!(
        [&object["access"], &object["append"], &object["size"]],
        [&json!("read-only"), &json!(false), &json!(10)]
    );

    let (block, object) = descriptor(0, open(options.write(true)));
    assert_eq!(fact(&block, "access"), Some("read and write"));
    assert_eq!(object["access"], "read-write");

    let (_, object) = descriptor(0, open(options.append(true)));
    assert_eq!([&object["access"], &object["append"]], [&json!("read-write"), &json!(true)]);

    let (block, object) = descriptor(1, open(OpenOptions::new().write(true)));
    assert_eq!(fact(&block, "access"), Some("write-only"));
    assert!(fact(&block, "refused").unwrap().contains("O_RDWR"));
    assert_eq!([&object["access"], &object["kind"]], ["write-only", "regular-file"]);
    assert_eq!(object["error"]["symbol"], "PMEM2_E_INVALID_FILE_HANDLE");
    assert_eq!(object["error"]["code"], -100_004);

    let (_, object) = descriptor(1, look(&path));
    assert_eq!(object["access"], "path");

    // Access mode 3.
    let (_, object) = descriptor(
        1,
        rustix::fs::open(&path, OFlags::RWMODE | OFlags::CLOEXEC, Mode::empty()).unwrap(),
    );
    assert_eq!(object["access"], "none");
}

#[test]
fn other_kinds() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    assert_eq!(descriptor(1, &reader).1["kind"], "pipe");
    assert_eq!(
        descriptor(1, &writer).1["error"]["symbol"],
        "PMEM2_E_INVALID_FILE_HANDLE",
        "write-only comes first"
    );
    let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(descriptor(1, socket).1["kind"], "socket");
    let watcher = rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).unwrap();
    assert_eq!(descriptor(1, watcher).1["kind"], "anonymous-inode");
    assert_eq!(descriptor(1, File::open("/").unwrap()).1["kind"], "directory");

    let directory = directory();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    assert_eq!(
        descriptor(1, rustix::fs::open(&link, flags, Mode::empty()).unwrap()).1["kind"],
        "symbolic-link"
    );
}

/// A file that the kernel does not map is refused. One that it does not map for writing is not.
#[test]
fn what_cannot_be_mapped() {
    for path in ["/sys/kernel/vmcoreinfo", "/proc/self/ns/net"] {
        // Not every kernel has the first.
        let Ok(file) = File::open(path) else { continue };
        let (block, object) = descriptor(1, file);
        let refused = fact(&block, "refused").unwrap();
        assert!(refused.starts_with("the source cannot be mapped: no such device"), "{refused}");
        assert_eq!(fact(&block, "granularity"), Some("none"), "the reason is said once");
        assert_eq!([&object["kind"], &object["error"]["symbol"]], ["regular-file", "ENODEV"]);
        assert_eq!(object["granularity"], Value::Null);
        assert_eq!(object["answer_errors"]["granularity"], object["error"]);
    }

    let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
    let sealed = File::from(memfd_create("sealed", flags).unwrap());
    sealed.set_len(4096).unwrap();
    fcntl_add_seals(&sealed, SealFlags::WRITE).unwrap();
    let (block, object) = descriptor(0, sealed);
    assert_eq!(fact(&block, "persistent"), Some("no: ordinary memory (tmpfs)"));
    let why = fact(&block, "granularity").unwrap();
    assert!(why.starts_with("none: opened for writing, but"), "{why}");
    assert!(why.ends_with("sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE)"), "{why}");
    assert_eq!([&object["error"], &object["granularity"]], [&Value::Null; 2]);
    assert_eq!(object["answer_errors"]["granularity"]["symbol"], "EPERM");
}

#[test]
fn what_is_no_number_is_refused() {
    for argument in ["--fd=x", "--fd=", "--fd=2147483648"] {
        let said = run(&mut inspect([argument]));
        assert_eq!(said.status, Some(2));
        let expected = "a descriptor's number is expected, 0 to 2147483647";
        assert!(said.stderr.contains(expected), "{argument}: {}", said.stderr);
    }
}

#[test]
fn numbers_that_are_not_open_are_refused() {
    for number in ["299", "-1", "-2147483648", "2147483647"] {
        for arguments in [vec!["--fd", number], vec![&*format!("--fd={number}")]] {
            let object = objects(1, &mut inspect(&arguments)).remove(0);
            assert_eq!(object["fd"], number.parse::<i32>().unwrap());
            assert_eq!(object["error"]["symbol"], "PMEM2_E_INVALID_FILE_HANDLE");
            assert_eq!(object["kind"], Value::Null);
        }
    }
}

#[test]
fn what_is_no_number_of_a_descriptor_is_wrong_use() {
    for number in ["", "x", "3x", " 3", "0x3", "2147483648", "99999999999999999999"] {
        let run = run(&mut inspect(["--fd", number]));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{number:?}");
        assert!(run.stderr.contains("--fd"), "{}", run.stderr);
    }
    assert_eq!(run(&mut inspect(["--fd"])).status, Some(2));
}

/// The binary has descriptors of its own open while it looks at a path. None is ever reported.
#[test]
fn its_own_descriptors_are_not_seen() {
    let directory = directory();
    let path = file(&directory, "file", "x");
    let mut command = inspect([&path]);
    for number in 3..20 {
        command.arg("--fd").arg(number.to_string()).arg(&path);
    }
    let objects = objects(1, &mut command);
    let (descriptors, paths): (Vec<_>, Vec<_>) =
        objects.iter().partition(|object| object["path"].is_null());
    assert_eq!((descriptors.len(), paths.len()), (17, 18));
    assert!(
        descriptors.iter().all(|object| object["error"]["symbol"] == "PMEM2_E_INVALID_FILE_HANDLE")
    );
    assert!(paths.iter().all(|object| object["usable"] == true));
}

#[test]
fn the_order_is_that_of_the_command_line() {
    let directory = directory();
    let (first, second) = (file(&directory, "first", "1"), file(&directory, "second", "22"));
    let inherited = File::open(file(&directory, "inherited", "333")).unwrap();
    let number = NUMBER.to_string();
    let arguments = [
        first.to_str().unwrap(),
        "--fd",
        &number,
        second.to_str().unwrap(),
        "--fd",
        "-1",
        "--fd",
        &number,
    ];

    // Named twice, it is there twice: looking does not close it.
    let mut command = inspect(arguments);
    let block = report(1, with_descriptor(&mut command, &inherited, NUMBER));
    let headings: Vec<_> =
        block.lines().filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
    let descriptor = format!("file descriptor {NUMBER}");
    assert_eq!(
        headings,
        [arguments[0], &descriptor, arguments[3], "file descriptor -1", &descriptor],
        "in the order of the command line"
    );
    let sizes: Vec<_> =
        objects(1, &mut command).iter().map(|object| object["size"].as_u64()).collect();
    assert_eq!(sizes, [Some(1), Some(3), Some(2), None, Some(3)]);
}
