//! The suites about transfers and bad blocks, over Linux's own files.

use std::{
    fs::{self, File, OpenOptions},
    os::fd::OwnedFd,
};

use pmem2::{
    Kind,
    conformance::{Case, Expect, Rule, check_bad_blocks, check_transfers},
};
use rustix::fs::{MemfdFlags, memfd_create};

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

/// A file in memory, of this many bytes.
fn memfd(size: usize) -> OwnedFd {
    let fd = memfd_create("conformance", MemfdFlags::CLOEXEC).expect("a memfd");
    let file = File::from(fd);
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes(size), 0).expect("room");
    file.into()
}

const fn file(size: usize, writable: bool) -> Expect {
    Expect::Source { kind: Kind::RegularFile, size: size as u64, alignment: 4096, writable }
}

#[test]
fn files_keep_the_contract() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("file");
    fs::write(&path, bytes(10_000)).expect("a file");
    let opened = |write| OpenOptions::new().read(true).write(write).open(&path).expect("the file");
    for (written, writable) in [(opened(true), true), (opened(false), false)] {
        let cases = [Case::new("a file on a disk", &written, file(10_000, writable))];
        assert_eq!(check_transfers(&cases, None), Ok(()));
    }
    assert_eq!(fs::read(&path).expect("the file"), bytes(10_000), "it is as it was");
    for size in [0, 1, 2, 63, 64, 4096, 4097] {
        let fd = memfd(size);
        assert_eq!(
            check_transfers(&[Case::new("a memfd", &fd, file(size, true))], None),
            Ok(()),
            "{size} bytes"
        );
        assert_eq!(
            check_bad_blocks(&[Case::new("a memfd", &fd, file(size, true))]),
            Ok(()),
            "{size} bytes"
        );
    }
}

/// The suite sees what is wrong here, too: a file that has another size than is said.
#[test]
fn what_is_expected_matters() {
    let fd = memfd(5000);
    let violation =
        check_transfers(&[Case::new("longer", &fd, file(5001, false))], None).unwrap_err();
    assert!(matches!(violation.rule, Rule::TransferFails(_)), "{violation}");
    let violation =
        check_transfers(&[Case::new("shorter", &fd, file(4990, false))], None).unwrap_err();
    assert!(matches!(violation.rule, Rule::EndIsTold(_)), "{violation}");
}
