//! Reports for an ordinary user, and messages where more rights are needed.

use std::{
    fs::{self, File, Permissions},
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
};

use serde_json::{Value, json};

use crate::support::*;

/// A file with this mode, as an ordinary user sees it.
fn with_mode(status: i32, mode: u32) -> (String, Value) {
    let directory = directory();
    let path = file(&directory, "file", "0123456789");
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let block = report(status, &mut inspect_as_ordinary_user([&path]));
    (block, objects(status, &mut inspect_as_ordinary_user([&path])).remove(0))
}

#[test]
fn an_unreadable_file_is_looked_at_all_the_same() {
    let (block, object) = with_mode(1, 0o000);
    let reason = "cannot be opened for reading: permission denied (EACCES); more rights are needed";
    assert_eq!(fact(&block, "refused"), Some(reason));
    assert_eq!(fact(&block, "code"), Some("EACCES"));
    assert_eq!(fact(&block, "kind"), Some("regular file"));
    assert_eq!(fact(&block, "opened"), Some("no, opening it failed"));
    assert_eq!(fact(&block, "permission"), Some("neither read nor write: more rights are needed"));
    assert_eq!(fact(&block, "size"), Some("10 bytes"));
    assert_eq!(
        object["error"],
        json!({"code": -13, "symbol": "EACCES", "errno": 13, "message": reason})
    );
    assert_eq!(object["permission"], json!({"read": false, "write": false}));
    assert_eq!([&object["opened"], &object["size"]], [&json!(false), &json!(10)]);
    for known in ["device", "inode", "file_system", "allocated", "alignment"] {
        assert_ne!(object[known], Value::Null, "{known}");
    }
}

#[test]
fn a_file_that_may_only_be_read() {
    let (block, object) = with_mode(0, 0o444);
    assert_eq!(fact(&block, "permission"), Some("read; not write: more rights are needed"));
    assert_eq!(object["permission"], json!({"read": true, "write": false}));
}

#[test]
fn a_file_that_may_only_be_written() {
    let (block, object) = with_mode(1, 0o222);
    assert_eq!(fact(&block, "permission"), Some("write; not read: more rights are needed"));
    assert_eq!(object["permission"], json!({"read": false, "write": true}));
    assert_eq!(object["error"]["symbol"], "EACCES");
}

#[test]
fn a_directory_that_may_not_be_searched() {
    let directory = directory();
    let path = file(&directory, "file", "x");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o600)).unwrap();
    let block = report(1, &mut inspect_as_ordinary_user([&path]));
    assert_eq!(fact(&block, "code"), Some("EACCES"));
    assert!(fact(&block, "note").unwrap().contains("may not search"));
    assert_eq!(fact(&block, "size"), None);
    // Or else it could not be removed.
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_file_system_that_is_mounted_read_only() {
    let directory = directory();
    let script =
        "mount -t tmpfs none \"$dir\"; echo x > \"$dir/file\"; mount -o remount,bind,ro \"$dir\"";
    let mut command = inspect_after(script, directory.path(), [directory.path().join("file")]);
    let block = report(0, &mut command);
    assert_eq!(
        fact(&block, "permission"),
        Some("read; not write: the file system is mounted read-only")
    );
    assert_eq!(fact(&block, "file system"), Some("tmpfs"));
    let object = objects(0, &mut command).remove(0);
    assert_eq!(object["permission"], json!({"read": true, "write": false}));
    assert_eq!(object["file_system"], json!({"name": "tmpfs", "magic": 0x0102_1994}));
}

/// asm-generic/fcntl.h; the crate libc does not have it.
const F_SETSIG: libc::c_int = 10;

/// Opening a file with a lease waits up to 45 seconds until it is given up. The binary does not
/// wait.
#[test]
fn a_lease_is_not_waited_for() {
    let directory = directory();
    // A lease for writing is given only to one who has the file to himself.
    let (path, _holder) = without_forks(|| {
        let path = file(&directory, "file", "0123456789");
        let holder = File::options().read(true).write(true).open(&path).unwrap();
        // The holder is asked with a signal, SIGIO unless another is set; SIGURG is ignored by
        // default. SAFETY: fcntl with these commands takes an int and touches no memory of ours;
        // the descriptor is open.
        let results = unsafe {
            [
                libc::fcntl(holder.as_raw_fd(), F_SETSIG, libc::SIGURG),
                libc::fcntl(holder.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK),
            ]
        };
        assert_eq!(results, [0, 0], "{}", std::io::Error::last_os_error());
        (path, holder)
    });
    let (block, object) = both(1, &path);
    assert_eq!(fact(&block, "code"), Some("EAGAIN"));
    assert!(fact(&block, "note").unwrap().contains("lease"));
    assert_eq!([&object["opened"], &object["size"]], [&json!(false), &json!(10)]);
}
