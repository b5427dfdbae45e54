//! The running kernel, where its answers can be seen only here. The rest is in the tests of pmem2.

use std::{
    ffi::CString,
    format, fs,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, symlink},
    },
    path::Path,
    string::{String, ToString},
    vec::Vec,
};

use rustix::fs::{MemfdFlags, OFlags, SealFlags, fcntl_add_seals, memfd_create};
use tempfile::TempDir;

use crate::{
    Access, Errno,
    linux::sys::{Linux, Sys, page::probe},
};

#[test]
fn negative_numbers_are_no_descriptors() {
    for fd in [-1, -2, -100, i32::MIN] {
        assert_eq!(Linux.getfl(fd).unwrap_err(), Errno::EBADF);
        assert_eq!(Linux.fstat(fd).unwrap_err(), Errno::EBADF);
        assert_eq!(Linux.fstatfs(fd).unwrap_err(), Errno::EBADF);
        assert_eq!(Linux.attributes(fd).unwrap_err(), Errno::EBADF);
        assert_eq!(Linux.try_map(fd, 1, Access::READ, true), Err(Errno::EBADF));
        assert_eq!(Linux.try_map(fd, 1, Access::READ, false), Err(Errno::EBADF));
    }
}

/// A directory without links on the way to it.
fn own_directory() -> TempDir {
    TempDir::new_in(fs::canonicalize(std::env::temp_dir()).unwrap()).unwrap()
}

/// Descriptors of this process for `path`, with their flags.
fn descriptors(path: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let entry = entry.unwrap();
        // Other tests open and close files meanwhile.
        if fs::read_link(entry.path()).is_ok_and(|target| target == path) {
            let number = entry.file_name().into_string().unwrap();
            let information = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
            let flags = information.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
            found.push(u32::from_str_radix(flags.trim(), 8).unwrap());
        }
    }
    found
}

/// The program neither waits for the file, whatever it is, nor hands it on to its children, and
/// closes it.
#[test]
fn files_are_opened_with_care() {
    let directory = own_directory();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    assert_eq!(descriptors(&path), []);
    let file = Linux.open(&CString::new(path.to_str().unwrap()).unwrap()).unwrap();
    let wanted = OFlags::CLOEXEC | OFlags::NONBLOCK;
    let found = descriptors(&path);
    assert_eq!(found.len(), 1);
    // Beside the access mode there may be O_LARGEFILE, whatever that is here.
    assert_eq!(found[0] & (OFlags::RWMODE | wanted).bits(), wanted.bits());
    drop(file);
    assert_eq!(descriptors(&path), []);
    assert_eq!(Linux.open(c"/proc/self/no such file").err(), Some(Errno::ENOENT));
}

/// More names than one call gives, and none twice.
#[test]
fn a_directory_is_listed_to_its_end() {
    let own = own_directory();
    let path = own.path();
    let mut expected: Vec<String> =
        (0..100).map(|number| format!("{number}-{}", "x".repeat(number * 2))).collect();
    expected.extend([".hidden", "...", "..x"].map(String::from));
    for name in &expected {
        fs::write(path.join(name), "").unwrap();
    }
    let mut found = Vec::new();
    let directory = Linux.open(&CString::new(path.to_str().unwrap()).unwrap()).unwrap();
    let listed = Linux
        .entries(&directory, &mut |name| found.push(String::from_utf8(name.to_vec()).unwrap()));
    drop(directory);
    assert_eq!(listed, Ok(()));
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    let file = Linux.open(c"/proc/self/cmdline").unwrap();
    assert_eq!(Linux.entries(&file, &mut |_| panic!("a file has no names")), Err(Errno::ENOTDIR));
}

#[test]
fn the_inode_number_is_that_of_what_a_link_leads_to() {
    let directory = own_directory();
    let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
    fs::write(&file, "").unwrap();
    symlink(&file, &link).unwrap();
    let expected = fs::metadata(&file).unwrap().ino();
    assert_ne!(fs::symlink_metadata(&link).unwrap().ino(), expected);
    let inode = Linux.inode(&CString::new(link.to_str().unwrap()).unwrap());
    assert_eq!(inode, Ok(expected));
    assert_eq!(Linux.inode(c"/proc/self/no such file"), Err(Errno::ENOENT));
}

#[test]
fn the_mount_is_that_of_the_descriptor() {
    for path in ["/proc/self/cmdline", "/dev/null", "/"] {
        let file = fs::File::open(path).unwrap();
        let information =
            fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).unwrap();
        let mount = information.lines().find_map(|line| line.strip_prefix("mnt_id:")).unwrap();
        assert_eq!(
            Linux.attributes(file.as_raw_fd()).unwrap().mount,
            Some(mount.trim().parse().unwrap()),
            "{path}"
        );
    }
}

/// Neither ordinary memory nor what cannot be mapped at all.
#[test]
fn what_is_not_mapped_synchronously() {
    for path in ["/dev/zero", "/", "/proc/self/cmdline"] {
        let file = fs::File::open(path).unwrap();
        let tried = Linux.try_map(file.as_raw_fd(), 1, Access::READ, true);
        assert_eq!(tried, Err(Errno::ENOTSUP), "{path}");
    }
}

/// Ordinary mappings: the access for which they are granted, and that nothing of them is left.
#[test]
fn what_is_mapped() {
    let (none, read) = (Access::empty(), Access::READ);
    let both = read | Access::WRITE;
    let sealed = || {
        let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
        let sealed = fs::File::from(memfd_create(c"sealed", flags).unwrap());
        sealed.set_len(1).unwrap();
        fcntl_add_seals(&sealed, SealFlags::WRITE).unwrap();
        sealed
    };
    let read_only = |path| fs::File::open(path).unwrap();
    let yes = Ok(());
    for (name, file, answers) in [
        ("a file", tempfile::tempfile().unwrap(), [yes, yes, yes]),
        ("one that may be read", read_only("/etc/passwd"), [yes, yes, Err(Errno::EACCES)]),
        ("a sealed one", sealed(), [yes, yes, Err(Errno::EPERM)]),
        ("/dev/zero", read_only("/dev/zero"), [yes, yes, Err(Errno::EACCES)]),
        (
            "no memory",
            read_only("/proc/self/cmdline"),
            [Err(Errno::ENODEV), Err(Errno::ENODEV), Err(Errno::EACCES)],
        ),
    ] {
        for (access, answer) in [none, read, both].into_iter().zip(answers) {
            for length in [1, 8192] {
                let tried = Linux.try_map(file.as_raw_fd(), length, access, false);
                assert_eq!(tried, answer, "{name}, {access:?}");
            }
        }
        // No mapping is left.
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let inode = file.metadata().unwrap().ino().to_string();
        assert!(!maps.lines().any(|line| line.split_whitespace().nth(4) == Some(&inode)), "{name}");
    }
}

#[test]
fn the_page_size_is_that_of_the_auxiliary_vector() {
    const AT_PAGESZ: usize = 6;
    let words: Vec<_> = fs::read("/proc/self/auxv")
        .unwrap()
        .chunks_exact(size_of::<usize>())
        .map(|word| usize::from_ne_bytes(word.try_into().unwrap()))
        .collect();
    let (_, page) = words
        .as_chunks()
        .0
        .iter()
        .map(|[key, value]| (*key, *value))
        .find(|(key, _)| *key == AT_PAGESZ)
        .unwrap();
    assert_eq!(usize::try_from(probe(Linux).unwrap().bytes()), Ok(page));
    for address in [page, 2 * page, page << 8] {
        assert_eq!(Linux.msync_nothing(address), Ok(()), "no memory has to be there");
    }
    for address in [1, page - 1, page + 1, page / 2, 3 * page / 2] {
        assert_eq!(Linux.msync_nothing(address), Err(Errno::EINVAL), "{address}");
    }
}
