//! The names of file systems, against the kernel's own header.

use std::collections::HashMap;

use pmem2::place::FileSystem;

/// Names of linux/magic.h, and the file systems' own: of those that keep data, and of the kernel's
/// interfaces.
const STORAGE: [(&str, &str); 20] = [
    ("EXT4_SUPER_MAGIC", "ext2/ext3/ext4"),
    ("XFS_SUPER_MAGIC", "xfs"),
    ("TMPFS_MAGIC", "tmpfs"),
    ("HUGETLBFS_MAGIC", "hugetlbfs"),
    ("RAMFS_MAGIC", "ramfs"),
    ("BTRFS_SUPER_MAGIC", "btrfs"),
    ("OVERLAYFS_SUPER_MAGIC", "overlay"),
    ("NFS_SUPER_MAGIC", "nfs"),
    ("FUSE_SUPER_MAGIC", "fuse/virtiofs"),
    ("V9FS_MAGIC", "9p"),
    ("F2FS_SUPER_MAGIC", "f2fs"),
    ("MSDOS_SUPER_MAGIC", "vfat"),
    ("EXFAT_SUPER_MAGIC", "exfat"),
    ("CIFS_SUPER_MAGIC", "cifs"),
    ("SMB2_SUPER_MAGIC", "smb3"),
    ("CEPH_SUPER_MAGIC", "ceph"),
    ("SQUASHFS_MAGIC", "squashfs"),
    ("EROFS_SUPER_MAGIC_V1", "erofs"),
    ("ISOFS_SUPER_MAGIC", "iso9660"),
    ("SECRETMEM_MAGIC", "secretmem"),
];

const INTERFACES: [(&str, &str); 18] = [
    ("PROC_SUPER_MAGIC", "proc"),
    ("SYSFS_MAGIC", "sysfs"),
    ("DEVPTS_SUPER_MAGIC", "devpts"),
    ("CGROUP_SUPER_MAGIC", "cgroup"),
    ("CGROUP2_SUPER_MAGIC", "cgroup2"),
    ("DEBUGFS_MAGIC", "debugfs"),
    ("TRACEFS_MAGIC", "tracefs"),
    ("NSFS_MAGIC", "nsfs"),
    ("PIPEFS_MAGIC", "pipefs"),
    ("SOCKFS_MAGIC", "sockfs"),
    ("ANON_INODE_FS_MAGIC", "anon_inodefs"),
    ("SECURITYFS_MAGIC", "securityfs"),
    ("BPF_FS_MAGIC", "bpf"),
    ("PSTOREFS_MAGIC", "pstore"),
    ("EFIVARFS_MAGIC", "efivarfs"),
    ("SELINUX_MAGIC", "selinuxfs"),
    ("BINDERFS_SUPER_MAGIC", "binderfs"),
    ("BINFMTFS_MAGIC", "binfmt_misc"),
];

/// Not in the header (or not in Debian 12's): the numbers are from the file systems' sources.
const ELSEWHERE: [(u32, &str, bool); 6] = [
    (0x2fc1_2fc1, "zfs", true),
    (0xca45_1a4e, "bcachefs", true),
    (0x7366_746e, "ntfs3", true),
    (0x5049_4446, "pidfs", false),
    (0x6265_6570, "configfs", false),
    (0x1980_0202, "mqueue", false),
];

/// The numbers of linux/magic.h by name.
fn header() -> HashMap<String, u32> {
    let path = "/usr/include/linux/magic.h";
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{path}: {error}; `apt-get install linux-libc-dev` brings it")
    });
    let define = |line: &str| {
        let mut words = line.split_whitespace();
        let name = (words.next() == Some("#define")).then(|| words.next())??;
        let number = words.next()?.strip_prefix("0x")?;
        Some((name.to_owned(), u32::from_str_radix(number, 16).ok()?))
    };
    text.lines().filter_map(define).collect()
}

#[test]
fn names_are_those_of_the_kernel() {
    let header = header();
    let numbered = |(table, storage): (&[(&str, &'static str)], bool)| -> Vec<_> {
        table.iter().map(|(magic, name)| (header[*magic], *name, storage)).collect()
    };
    let mut all = numbered((&STORAGE, true));
    all.extend(numbered((&INTERFACES, false)));
    all.extend(ELSEWHERE);
    for (magic, name, storage) in &all {
        let system = FileSystem::from_magic(*magic);
        assert_eq!(
            (system.name(), system.is_storage(), system.magic()),
            (Some(*name), *storage, *magic)
        );
        assert_eq!(system.to_string(), *name);
    }
    // What the header has and the table has not, has no name: a number that was mistyped would take
    // one here.
    let known: Vec<_> = all.iter().map(|(magic, ..)| *magic).collect();
    for (name, magic) in header.iter().filter(|(_, magic)| !known.contains(magic)) {
        let system = FileSystem::from_magic(*magic);
        assert_eq!((system.name(), system.is_storage()), (None, false), "{name}");
        assert_eq!(system.to_string(), format!("unknown (magic number {magic:#x})"));
    }
}
