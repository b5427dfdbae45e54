//! Paths of each kind.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{MetadataExt, OpenOptionsExt, symlink},
    path::Path,
};

use serde_json::{Value, json};

use crate::support::*;

/// Kind and reason of something that is refused, in both outputs.
fn refused(
    path: impl AsRef<Path>,
    kind: &str,
    machine_kind: &str,
    reason: &str,
) -> (String, Value) {
    let (block, object) = both(1, path.as_ref());
    assert_eq!(fact(&block, "kind"), Some(kind));
    assert!(fact(&block, "refused").unwrap().contains(reason), "{block}");
    assert_eq!(fact(&block, "code"), Some("PMEM2_E_INVALID_FILE_TYPE"));
    assert_eq!(fact(&block, "opened"), Some("no, only looked at (O_PATH)"));
    assert_eq!(fact(&block, "size"), None);
    assert_eq!(object["kind"], machine_kind);
    assert_eq!(object["opened"], false);
    assert_eq!(object["error"]["code"], -100_005);
    assert_eq!(object["error"]["symbol"], "PMEM2_E_INVALID_FILE_TYPE");
    assert_eq!(object["error"]["errno"], libc::EINVAL);
    assert_eq!(object["error"]["message"], fact(&block, "refused").unwrap());
    assert_eq!(fact(&block, "persistent"), None);
    let error = &object["error"];
    assert_eq!(
        object["persistent"],
        json!({
            "answer": "refused", "reason": error["symbol"], "sentence": error["message"],
            "remedy": null,
        })
    );
    for key in ["size", "allocated", "alignment", "access", "append"] {
        assert_eq!(object[key], Value::Null, "{key}");
    }
    (block, object)
}

fn unreachable(path: &Path, errno: i32, symbol: &str) -> String {
    let (block, object) = both(1, path);
    let reason = fact(&block, "refused").unwrap();
    let what =
        if errno == libc::ENOENT { "does not exist " } else { "cannot be opened for reading: " };
    assert!(reason.starts_with(what) && reason.contains(symbol), "{block}");
    assert_eq!(
        object["error"],
        json!({"code": -errno, "symbol": symbol, "errno": errno, "message": reason})
    );
    for key in ["kind", "permission", "device", "inode", "file_system", "size"] {
        assert_eq!(object[key], Value::Null, "{key}");
    }
    assert_eq!(object["opened"], false);
    block
}

#[test]
fn a_regular_file() {
    let directory = directory();
    let path = file(&directory, "data", "some bytes");
    let metadata = fs::metadata(&path).unwrap();
    let (major, minor) = (rustix::fs::major(metadata.dev()), rustix::fs::minor(metadata.dev()));
    let (block, object) = both(0, &path);

    assert_eq!(block.lines().next(), path.to_str());
    let (persistent, verdict) = (fact(&block, "persistent").unwrap(), &object["persistent"]);
    assert_eq!(block.lines().nth(1), Some(&*format!("  persistent: {persistent}")));
    // Of the directory for temporary files. Some file systems do not say what it lies on.
    let (words, answer) = match object["place"]["backing"].as_str() {
        Some("hidden") => ("not known: ", "unknown"),
        _ => ("no: ", "no"),
    };
    assert!(persistent.starts_with(words), "{block}");
    assert_eq!([&verdict["answer"], &verdict["reason"]], [answer, "not_persistent_memory"]);
    assert_eq!(
        [verdict["sentence"].as_str(), verdict["remedy"].as_str()],
        ["reason", "remedy"].map(|key| fact(&block, key))
    );
    assert_eq!(fact(&block, "kind"), Some("regular file"));
    assert_eq!(fact(&block, "permission"), Some("read and write"));
    assert_eq!(
        fact(&block, "identity"),
        Some(&*format!("device {major}:{minor}, inode {}", metadata.ino()))
    );
    assert_eq!(fact(&block, "size"), Some("10 bytes"));
    assert!(fact(&block, "file system").is_some());
    for absent in ["refused", "code", "access", "opened", "represents", "note"] {
        assert_eq!(fact(&block, absent), None);
    }

    assert_eq!(object["schema"], 1);
    assert_eq!(object["path"], path.to_str().unwrap());
    assert_eq!(object["opened"], true);
    assert_eq!(object["permission"], json!({"read": true, "write": true}));
    assert_eq!(object["device"], json!({"major": major, "minor": minor}));
    assert_eq!(object["inode"], metadata.ino());
    assert_eq!(object["size"], 10);
    assert_eq!(object["allocated"], metadata.blocks() * 512);
    assert!(object["alignment"].as_u64().unwrap().is_power_of_two());
    assert!(object["file_system"]["magic"].is_u64());
    assert_eq!(object["answer_errors"], json!({}));
    for absent in ["path_bytes", "fd", "error", "access", "append", "represented_device"] {
        assert_eq!(object[absent], Value::Null, "{absent}");
    }
}

#[test]
fn a_sparse_file_of_more_than_32_bits() {
    let directory = directory();
    let path = directory.path().join("sparse");
    File::create(&path).unwrap().set_len((1 << 40) + 1).unwrap();
    let (block, object) = both(0, &path);
    assert_eq!(fact(&block, "size"), Some("1099511627777 bytes"));
    assert!(fact(&block, "allocated").unwrap().contains("less than the size"));
    assert_eq!(object["size"], 1_099_511_627_777_u64);
    assert_eq!(object["allocated"], 0);
}

#[test]
fn an_empty_file_is_usable_but_cannot_be_mapped_yet() {
    let directory = directory();
    let (block, object) = both(0, file(&directory, "empty", ""));
    assert_eq!(object["size"], 0);
    assert!(fact(&block, "note").unwrap().contains("needs a size first"));
    assert_eq!([fact(&block, "mapping"), object["mapping"].as_str()], [None; 2]);
    assert_eq!(object["answer_errors"], json!({}));
}

/// The granularity that a mapping of the whole file really gets, and what that means.
#[test]
fn a_file_is_mapped_as_a_whole() {
    let directory = directory();
    let (block, object) = both(0, file(&directory, "file", &"x".repeat(10_001)));
    assert_eq!(
        fact(&block, "mapping"),
        Some("PAGE: all 10001 bytes; a store is durable after msync(2)")
    );
    assert_eq!(object["mapping"], json!({"granularity": "PAGE", "bytes": 10_001}));
    assert_eq!(object["granularity"]["shared"], object["mapping"]["granularity"]);
    // What is refused, or only looked at, is not mapped.
    for path in ["/dev/null", "/proc/self/maps"] {
        let (block, object) = both(1, path);
        assert_eq!([fact(&block, "mapping"), object["mapping"].as_str()], [None; 2]);
    }
}

#[test]
fn symbolic_links() {
    let directory = directory();
    let target = file(&directory, "target", "x");
    let good = directory.path().join("good");
    symlink(&target, &good).unwrap();
    let (block, object) = both(0, &good);
    assert_eq!(block.lines().next(), good.to_str());
    assert_eq!(object["inode"], fs::metadata(&target).unwrap().ino());

    let dangling = directory.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    assert!(
        fact(&unreachable(&dangling, libc::ENOENT, "ENOENT"), "note")
            .unwrap()
            .contains("symbolic link")
    );

    let endless = directory.path().join("endless");
    symlink("endless", &endless).unwrap();
    unreachable(&endless, libc::ELOOP, "ELOOP");
}

#[test]
fn paths_that_lead_nowhere() {
    let directory = directory();
    let path = file(&directory, "file", "x");
    let missing = directory.path().join("missing");
    assert_eq!(fact(&unreachable(&missing, libc::ENOENT, "ENOENT"), "note"), None);
    unreachable(&path.join("below"), libc::ENOTDIR, "ENOTDIR");
    unreachable(&directory.path().join("n".repeat(300)), libc::ENAMETOOLONG, "ENAMETOOLONG");
    let block = unreachable(Path::new(""), libc::ENOENT, "ENOENT");
    assert_eq!(block.lines().next(), Some("\"\""));
}

#[test]
fn a_directory() {
    let directory = directory();
    let (block, object) = refused(directory.path(), "directory", "directory", "open a file in it");
    assert!(fact(&block, "identity").is_some());
    assert_eq!(object["represented_device"], Value::Null);
}

#[test]
fn a_fifo_is_not_opened() {
    let directory = directory();
    let path = directory.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    refused(&path, "pipe or FIFO", "pipe", "FIFO");
    assert_only_looked_at(&path);

    // Nobody holds its reading end.
    let mut writer = OpenOptions::new();
    let error = writer.write(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENXIO));
}

/// The proof of not opening can fail.
#[test]
fn inotify_sees_what_is_opened() {
    let directory = directory();
    let path = file(&directory, "file", "x");
    let looks = opens(&path, || drop(look(&path)));
    assert_eq!(opens(&path, || drop(File::open(&path).unwrap())), 1);
    let seen = opens(&path, || drop(report(0, &mut inspect([&path]))));
    assert_eq!(seen, looks + 1, "a regular file is looked at and then opened, once");
}

#[test]
fn a_socket() {
    let directory = directory();
    let path = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    refused(&path, "socket", "socket", "socket");
}

#[test]
fn character_devices() {
    let (block, object) =
        refused("/dev/null", "character device", "character-device", "not a device DAX");
    assert_eq!(object["represented_device"], json!({"major": 1, "minor": 3}));
    assert_eq!(fact(&block, "represents"), Some("device 1:3"));
}

#[test]
fn a_terminal_is_not_opened() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let terminal = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    refused(&terminal, "character device", "character-device", "not a device DAX");
    assert_only_looked_at(Path::new(&terminal));
}

/// Root makes nodes of its own for them; others use what there is in /dev.
#[test]
fn devices_are_not_opened() {
    use rustix::fs::{CWD, FileType, makedev, mknodat};
    let directory = directory();
    if is_root() {
        for (name, file_type, major, minor, kind, machine_kind) in [
            (
                "watchdog",
                FileType::CharacterDevice,
                10,
                130,
                "character device",
                "character-device",
            ),
            ("tape", FileType::CharacterDevice, 9, 0, "character device", "character-device"),
            ("disk", FileType::BlockDevice, 7, 0, "block device", "block-device"),
        ] {
            let path = directory.path().join(name);
            mknodat(CWD, &path, file_type, 0o600.into(), makedev(major, minor)).unwrap();
            let (_, object) = refused(&path, kind, machine_kind, kind);
            assert_eq!(object["represented_device"], json!({"major": major, "minor": minor}));
            assert_only_looked_at(&path);
        }
        return;
    }
    // Trying to open it would fail for lack of rights. The reason is the kind, so it was not tried.
    refused(block_device(), "block device", "block-device", "block device");
}

/// Its magic number is that of tmpfs.
#[test]
fn the_file_system_of_dev() {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let is_devtmpfs = mounts
        .lines()
        .any(|line| line.split(' ').nth(4) == Some("/dev") && line.contains(" - devtmpfs "));
    let (block, object) = both(1, Path::new("/dev/null"));
    let name = if is_devtmpfs { "devtmpfs" } else { "tmpfs" };
    assert_eq!(fact(&block, "file system"), Some(name));
    assert_eq!(object["file_system"]["name"], name);
    // Without a list of mounts nobody can tell.
    let mut command = inspect_after("mount -t tmpfs none /proc", Path::new("/"), ["/dev/null"]);
    assert_eq!(fact(&report(1, &mut command), "file system"), Some("tmpfs or devtmpfs"));
}

/// Few people have a list of bad blocks, so its absence takes few words.
#[test]
fn that_there_is_no_list_is_short() {
    let directory = directory();
    let (block, object) = both(0, file(&directory, "file", "x"));
    let said = "cannot be told: the system keeps no list for it";
    assert_eq!(fact(&block, "bad blocks"), Some(said));
    let whole = object["no_bad_blocks"].as_str().unwrap();
    assert!(whole.len() > 100 && whole.contains("btrfs"), "{whole}");
}
