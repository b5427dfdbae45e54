//! Whether and why a file is mapped directly: the disk's queue, the trial mapping, statx and the
//! mount's options.

use std::{format, string::String, vec, vec::Vec};

use proptest::prelude::*;

use crate::linux::tests::{
    machine::{DEVDAX, DM, ENTRY_OF_DISK, FSDAX, HMEM, SDA1},
    world::{Call, FD, READ_ONLY, READ_WRITE, World, object},
};
use crate::{
    Access, DaxOption, DaxState, Errno, Fail, MapSync, Subject,
    linux::{
        place::dax::{capable, map_sync, state},
        sys::Attributes,
        sys::page,
    },
};

const MOUNTINFO: &str = "/proc/thread-self/mountinfo";

fn queue(world: &World) -> (Result<Option<bool>, Fail>, Vec<Call>) {
    let spot = world.located().unwrap();
    world.calls();
    (capable(world.sys(), &spot), world.calls())
}

#[test]
fn the_queue_of_a_disk() {
    let own = format!("{ENTRY_OF_DISK}/queue/dax");
    let of_disk = format!("{ENTRY_OF_DISK}/../queue/dax");
    let part = format!("{FSDAX}/pmem1p1");
    let md_part = "../../devices/virtual/block/md0/md0p1";
    for (target, path) in [
        (FSDAX, &own),
        (part.as_str(), &of_disk),
        (SDA1, &of_disk),
        (DM, &own),
        (md_part, &of_disk),
    ] {
        let world = || World::on(target);
        let calls = vec![Call::Open(path.clone()), Call::Read, Call::Close];
        for (text, answer) in [("0\n", false), ("1\n", true), ("0", false), ("1", true)] {
            assert_eq!(
                queue(&world().with_file(path, text)),
                (Ok(Some(answer)), calls.clone()),
                "{target} {text:?}"
            );
        }
        let long = "0".repeat(32);
        for text in
            ["", "\n", "2\n", "x\n", "-1\n", "10\n", "1\n\n", "18446744073709551616\n", &long]
        {
            let malformed = Err(Fail::Malformed(Subject::Dax));
            assert_eq!(
                queue(&world().with_file(path, text)),
                (malformed, calls.clone()),
                "{target} {text:?}"
            );
        }
        assert_eq!(queue(&world()).0, Err(Fail::Os(Subject::Dax, Errno::ENOENT)));
    }
}

#[test]
fn where_there_is_no_queue() {
    assert_eq!(queue(&World::dax_in(DEVDAX)), (Ok(Some(true)), vec![]));
    assert_eq!(queue(&World::dax_in(HMEM)), (Ok(Some(true)), vec![]));
    assert_eq!(queue(&World::without_device(0x0102_1994)), (Ok(None), vec![]));
}

#[test]
fn the_trial_mapping() {
    let trial = |map| {
        let mut world = World::file();
        world.map = map;
        let answer = map_sync(object(world.sys(), FD, &world.facts()));
        let (first, second) = (Call::Map(LENGTH, READ, true), Call::Map(LENGTH, READ, false));
        let tried = if map.is_ok() { vec![first] } else { vec![first, second] };
        assert_eq!(world.calls(), [vec![Call::Fstat], tried].concat());
        answer
    };
    assert_eq!(trial(Ok(())), Ok(MapSync::Granted));
    for errno in 1..=133 {
        let expected = match errno {
            95 => Ok(MapSync::Refused), // EOPNOTSUPP
            22 => Ok(MapSync::Unknown), // EINVAL
            _ => Err(Fail::Os(Subject::MapSync, Errno::from_raw(errno))),
        };
        assert_eq!(trial(Err(errno)), expected, "{errno}");
    }
}

/// The length of a trial.
const LENGTH: usize = match page::FIXED {
    Some(_) => 4096,
    None => 1,
};
const READ: Access = Access::READ;
const BOTH: Access = Access::READ.union(Access::WRITE);

/// A file that is not mapped with MAP_SYNC may be mapped without it, for reading or for all that it
/// was opened for.
#[test]
fn the_ordinary_mapping() {
    let refusals = [Err(95), Err(22), Err(1), Err(13)];
    let results = [Ok(()), Err(1), Err(12), Err(13), Err(19), Err(95)];
    for (map, shared, writable) in refusals.into_iter().flat_map(|map| {
        results.into_iter().flat_map(move |shared| results.map(|writable| (map, shared, writable)))
    }) {
        for (flags, size) in [(READ_ONLY, 5000), (READ_WRITE, 5000), (READ_WRITE, 0)] {
            let mut world = World::file().opened(flags);
            (world.map, world.shared, world.writable) = (map, shared, writable);
            world.stat.size = size;
            let os = |what, errno: i32| Err(Fail::Os(what, Errno::from_raw(errno)));
            // hugetlbfs makes a file longer that is mapped for writing.
            let for_writing = flags == READ_WRITE && size > 0;
            let expected = match (map, shared, writable) {
                (_, Err(errno), Err(_)) => os(Subject::Mapping, errno),
                (_, Err(errno), Ok(())) if !for_writing => os(Subject::Mapping, errno),
                (_, Ok(()), Err(errno)) if for_writing => os(Subject::WritableMapping, errno),
                (Err(95), ..) => Ok(MapSync::Refused),
                (Err(22), ..) => Ok(MapSync::Unknown),
                (Err(errno), ..) => os(Subject::MapSync, errno),
                (Ok(()), ..) => Ok(MapSync::Granted),
            };
            let facts = world.facts();
            assert_eq!(map_sync(object(world.sys(), FD, &facts)), expected, "{world:?}");
            let mut calls = vec![Call::Fstat, Call::Map(LENGTH, READ, true)];
            if for_writing {
                calls.push(Call::Map(LENGTH, BOTH, false));
            }
            if !for_writing || writable.is_err() {
                calls.push(Call::Map(LENGTH, READ, false));
            }
            assert_eq!(world.calls(), calls, "{world:?}");
        }
    }
    // A huge page is mapped as a whole, or munmap(2) would refuse to undo it.
    let mut world = World::file().opened(READ_WRITE);
    (world.stat.blksize, world.magic) = (2 << 20, 0x9584_58f6);
    assert_eq!(map_sync(object(world.sys(), FD, &world.facts())), Ok(MapSync::Refused));
    assert_eq!(
        world.calls()[1..],
        [Call::Map(2 << 20, READ, true), Call::Map(2 << 20, BOTH, false)]
    );
}

#[test]
fn only_files_are_tried() {
    let mut block = World::on(FSDAX);
    (block.stat.mode, block.stat.rdev) = (0o060_600, block.stat.dev);
    for world in [World::dax(), block] {
        let facts = world.facts();
        assert_eq!(map_sync(object(world.sys(), FD, &facts)), Err(Fail::Unsupported));
        assert_eq!(world.calls(), [Call::Fstat]);
    }
}

#[test]
fn nothing_is_tried_on_the_wrong_file() {
    let mut world = World::file();
    let facts = world.facts();
    world.stat.ino += 1;
    assert_eq!(map_sync(object(world.sys(), FD, &facts)), Err(Fail::Replaced));
    assert_eq!(state(object(world.sys(), FD, &facts)), Err(Fail::Replaced));
    assert_eq!(map_sync(object(world.sys(), -1, &facts)), Err(Fail::Absent(Subject::Handle)));
    assert_eq!(state(object(world.sys(), -1, &facts)), Err(Fail::Absent(Subject::Handle)));
    assert_eq!(world.calls(), [Call::Fstat, Call::Fstat, Call::Fstat, Call::Fstat]);
}

/// A file on mount 36 of a machine with these mounts.
fn mounted(mountinfo: impl AsRef<[u8]>) -> World {
    let mut world = World::file().with_file(MOUNTINFO, mountinfo);
    world.attributes = Attributes { dax: Some(true), mount: Some(36) };
    world
}

fn option(world: &World) -> Option<DaxOption> {
    state(object(world.sys(), FD, &world.facts())).unwrap().mount
}

/// Mount 36 of a file system of this type with these options.
fn line(kind: &str, options: &str) -> String {
    format!("36 35 259:3 / /mnt/pmem rw,noatime master:1 - {kind} /dev/pmem1 {options}\n")
}

#[test]
fn what_statx_says() {
    for dax in [None, Some(false), Some(true)] {
        let mut world = mounted(line("ext4", "rw,dax"));
        world.attributes.dax = dax;
        assert_eq!(
            state(object(world.sys(), FD, &world.facts())),
            Ok(DaxState::new(dax, Some(DaxOption::Always)))
        );
        assert_eq!(
            world.calls(),
            // A read that gives everything, and none after the line of the mount.
            [Call::Fstat, Call::Attributes, Call::Open(MOUNTINFO.into()), Call::Read, Call::Close]
        );
        world.attributes.mount = None;
        assert_eq!(state(object(world.sys(), FD, &world.facts())), Ok(DaxState::new(dax, None)));
        assert_eq!(world.calls(), [Call::Fstat, Call::Attributes]);
    }
}

#[test]
fn options() {
    use DaxOption::{Absent, Always, Inode, Never};
    let rows = [
        ("ext4", "rw,dax", Some(Always)),
        ("ext4", "dax", Some(Always)),
        ("ext4", "dax,rw", Some(Always)),
        ("ext4", "rw,dax,errors=continue", Some(Always)),
        ("ext4", "rw,dax=always", Some(Always)),
        ("ext4", "rw,dax=never", Some(Never)),
        ("ext4", "dax=never,rw,stripe=512", Some(Never)),
        ("ext4", "rw,dax=inode", Some(Inode)),
        ("ext4", "rw", Some(Inode)),
        ("ext4", "", Some(Inode)),
        ("ext3", "rw", Some(Inode)),
        ("xfs", "rw,attr2,inode64,logbufs=8,logbsize=32k,noquota", Some(Inode)),
        ("xfs", "rw,attr2,dax=always,inode64,logbufs=8,logbsize=32k,noquota", Some(Always)),
        ("virtiofs", "rw", Some(Inode)),
        ("virtiofs", "rw,dax", Some(Always)),
        ("ext2", "rw", Some(Absent)),
        ("ext2", "rw,dax", Some(Always)),
        ("erofs", "ro", Some(Absent)),
        ("erofs", "ro,dax=always", Some(Always)),
        // A file system that may mean something else by it.
        ("btrfs", "rw", None),
        ("tmpfs", "rw", None),
        ("ext", "rw", None),
        ("ext44", "rw", None),
        ("xfsdax", "rw", None),
        ("fuse.virtiofs", "rw", None),
        // Other words in which it is.
        ("ext4", "rw,nodax", Some(Inode)),
        ("ext4", "rw,daxx", Some(Inode)),
        ("ext4", "rw,dax=", Some(Inode)),
        ("ext4", "rw,dax=alway", Some(Inode)),
        ("ext4", "rw,dax=always1", Some(Inode)),
        ("ext4", "rw,dax=Never", Some(Inode)),
        ("ext4", "rw,lowerdir=/dax", Some(Inode)),
        ("ext4", "rw,x=dax", Some(Inode)),
        ("ext4", "rw,=dax", Some(Inode)),
        ("ext4", ",,dax,,", Some(Always)),
        ("ext4", "rw,dax=never_but_with_much_behind_it", Some(Inode)),
        ("ext4", "rw,a_long_option_which_does_not_matter=dax,x", Some(Inode)),
        // The last one counts, as in mount(8).
        ("ext4", "dax=never,dax=always", Some(Always)),
        ("ext4", "dax=always,dax=never,rw", Some(Never)),
        ("ext4", "dax=always,dax=inode", Some(Inode)),
    ];
    for (kind, options, expected) in rows {
        assert_eq!(option(&mounted(line(kind, options))), expected, "{kind} {options}");
    }
}

#[test]
fn words_elsewhere_in_the_line() {
    let rows = [
        ("36 35 259:3 /dax /mnt/dax,dax rw,dax=always - ext4 /dev/pmem1 rw\n", DaxOption::Inode),
        // Optional fields: none, one, several.
        ("36 35 259:3 / / rw - ext4 /dev/pmem1 rw,dax\n", DaxOption::Always),
        ("36 35 259:3 / / rw shared:1 - ext4 /dev/pmem1 rw,dax\n", DaxOption::Always),
        (
            "36 35 259:3 / / rw shared:1 master:2 propagate_from:3 - ext4 /dev/pmem1 rw,dax\n",
            DaxOption::Always,
        ),
        // A device with such a name, or with none.
        ("36 35 259:3 / / rw - ext4 dax=never rw\n", DaxOption::Inode),
        ("36 35 259:3 / / rw - ext4 dax=never,dax rw\n", DaxOption::Inode),
        ("36 35 259:3 / / rw - ext4  rw,dax\n", DaxOption::Always),
        // Words with a dash that are not the separator.
        ("36 35 259:3 / /- rw -- - ext4 /dev/pmem1 dax\n", DaxOption::Always),
        ("36 35 259:3 / /a\\040-\\040ext2 rw - ext4 /dev/pmem1 rw\n", DaxOption::Inode),
        // The number as the kernel may not write it.
        ("036 35 259:3 / / rw - ext4 /dev/pmem1 dax\n", DaxOption::Always),
    ];
    for (mountinfo, expected) in rows {
        assert_eq!(option(&mounted(mountinfo)), Some(expected), "{mountinfo}");
    }
}

#[test]
fn lines_that_say_nothing() {
    let rows = [
        "",
        "\n",
        "36",
        "36\n",
        "36 35 259:3 / / rw\n",
        "36 35 259:3 / / rw -\n",
        "37 36 259:3 / / rw - ext4 /dev/pmem1 dax\n",
        "3 36 259:3 / / rw - ext4 /dev/pmem1 dax\n",
        "360 36 259:3 / / rw - ext4 /dev/pmem1 dax\n",
        "x36 36 259:3 / / rw - ext4 /dev/pmem1 dax\n",
        " 36 36 259:3 / / rw - ext4 /dev/pmem1 dax\n",
        "36x 36 259:3 / / rw - ext4 /dev/pmem1 dax\n",
        "36, 36 259:3 / / rw - ext4 /dev/pmem1 dax\n",
        // Without its end: the file ended within the line, and the rest is not known.
        "36 35 259:3 / / rw - ext4 /dev/pmem1 rw,dax",
        "36 35 259:3 / / rw - ext4 /dev/pmem1 rw,dax=never,",
    ];
    for mountinfo in rows {
        assert_eq!(option(&mounted(mountinfo)), None, "{mountinfo:?}");
    }
    // No type or nothing after it, but a whole line.
    assert_eq!(option(&mounted("36 35 259:3 / / rw - ext4\n")), Some(DaxOption::Inode));
    assert_eq!(option(&mounted("36 35 259:3 / / rw - ext2 dax\n")), Some(DaxOption::Absent));
}

/// Many mounts, and lines of every length around a buffer's.
fn many(before: usize, after: usize) -> String {
    let other = |number: usize| {
        let name = "dir/".repeat(number % 300);
        format!(
            "{} 1 0:{number} / /{name} rw,dax - ext4 /dev/{number} rw,dax=never\n",
            100 + number
        )
    };
    let before: String = (0..before).map(other).collect();
    let after: String = (0..after).map(|number| other(number + 7)).collect();
    before + &line("ext4", "rw,dax=always,x") + &after
}

#[test]
fn among_other_mounts() {
    for (before, after) in [(0, 0), (1, 0), (0, 1), (3, 3), (300, 0), (300, 300)] {
        let world = mounted(many(before, after));
        assert_eq!(option(&world), Some(DaxOption::Always));
        let read = world.calls().iter().filter(|call| **call == Call::Read).count();
        // No further than the line.
        let up_to = many(before, 0).len();
        assert_eq!(read, up_to.div_ceil(512), "{before} {after}");
    }
    // The first line with the number is the mount's.
    let twice = line("ext4", "dax=never") + &line("ext4", "dax=always");
    assert_eq!(option(&mounted(twice)), Some(DaxOption::Never));
    // The whole file is read where it has no such mount.
    let mut world = mounted(many(20, 0));
    world.attributes.mount = Some(99);
    assert_eq!(option(&world), None);
    let reads = world.calls().iter().filter(|call| **call == Call::Read).count();
    assert_eq!(reads, many(20, 0).len().div_ceil(512) + 1);
}

#[test]
fn reads_that_end_anywhere() {
    let mountinfo = many(2, 1);
    for chunk in 1..=mountinfo.len() {
        let mut world = mounted(&mountinfo);
        world.chunk = chunk;
        assert_eq!(option(&world), Some(DaxOption::Always), "{chunk}");
    }
    // The border at every byte of the line, once: what lies before it is moved.
    for length in 0..600 {
        let other = format!("1 1 0:1 / /{} rw - ext4 x dax=never\n", "p".repeat(length));
        assert_eq!(
            option(&mounted(other + &line("xfs", "rw,dax=always"))),
            Some(DaxOption::Always),
            "{length}"
        );
    }
}

#[test]
fn mountinfo_without_end() {
    let before = |bytes: usize| {
        let mut world = mounted("0".repeat(bytes) + "\n" + &line("ext4", "rw,dax"));
        world.chunk = 1;
        world
    };
    let known = 1 + line("ext4", "rw,dax").len();
    assert_eq!(option(&before(65_536 - known)), Some(DaxOption::Always));
    assert_eq!(option(&before(65_537 - known)), None, "read no further");
}

#[test]
fn no_mountinfo() {
    let mut world = World::file();
    world.attributes = Attributes { dax: Some(false), mount: Some(36) };
    assert_eq!(
        state(object(world.sys(), FD, &world.facts())),
        Ok(DaxState::new(Some(false), None))
    );
    assert_eq!(world.calls(), [Call::Fstat, Call::Attributes, Call::Open(MOUNTINFO.into())]);
}

proptest! {
    /// Options of other names, before and after it, change nothing.
    #[test]
    fn an_option_among_others(
        before in proptest::collection::vec("[a-z]{1,4}(=[^ ,\n]{0,40})?", 0..6),
        after in proptest::collection::vec("[a-z]{1,4}(=[^ ,\n]{0,40})?", 0..6),
        kind in proptest::sample::select(vec!["ext2", "ext3", "ext4", "xfs"]),
    ) {
        prop_assume!(before.iter().chain(&after).all(|word| word != "dax" && !word.starts_with("dax=")));
        let options = [before, vec!["dax=never".into()], after].concat().join(",");
        prop_assert_eq!(option(&mounted(line(kind, &options))), Some(DaxOption::Never));
    }

    #[test]
    fn any_mountinfo(bytes: Vec<u8>, chunk in 1_usize..64) {
        let mut world = mounted(&bytes);
        world.chunk = chunk;
        // Whatever it says, it is read to its end and no further, and the answer does not depend on
        // how.
        prop_assert_eq!(option(&world), option(&mounted(&bytes)));
    }
}
