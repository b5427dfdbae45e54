//! A device that was taken away while another one got its numbers.

use crate::linux::tests::{
    machine::{DEVDAX, DISK, ENTRY_OF_DISK, FSDAX, HMEM, INODE_OF_DISK, SDA1},
    source::facts::entry,
    world::{Call, ENTRY, FD, World, object},
};
use crate::{
    Errno, Fail, Subject,
    linux::{
        FileId,
        place::{confirm, locate},
        source,
    },
};

const CHAR: &str = "/sys/dev/char/252:5";

/// Inode numbers of other directories. Of one that differs in the upper half only nothing is
/// noticed: that is documented.
const OTHERS: [u64; 4] = [ENTRY + 1, ENTRY ^ 0x8000_0000, 0, ENTRY << 32];

#[test]
fn the_number_of_the_directory_is_a_part_of_the_identity() {
    let id = World::dax().facts().id;
    for other in OTHERS {
        assert_ne!(World::dax().with_inode(CHAR, other).facts().id, id, "{other:#x}");
    }
    assert_eq!(
        World::dax().with_inode(CHAR, ENTRY ^ (1 << 32)).facts().id,
        id,
        "the low half is kept"
    );
    // The id from stat has no entry. It is the same file nevertheless, in both directions.
    let stat = FileId::from_stat(&World::dax().stat);
    assert_ne!(stat, id);
    assert_eq!((stat.is_file_of(id), id.is_file_of(stat)), (true, true));
    // Of other files there is none to be kept.
    assert_eq!(
        World::on(FSDAX).facts().id,
        World::on(FSDAX).with_inode(ENTRY_OF_DISK, 1).facts().id
    );
}

#[test]
fn size_and_alignment_of_a_device_that_was_replaced() {
    let world = World::dax();
    let facts = world.facts();
    for other in OTHERS {
        let world = World::dax().with_inode(CHAR, other);
        for answer in [source::size, source::alignment] {
            assert_eq!(
                answer(object(world.sys(), FD, &facts)),
                Err(Fail::DeviceReplaced),
                "{other:#x}"
            );
            // What was read before is not believed.
            assert_eq!(world.calls().last(), Some(&entry()));
        }
    }
    // Garbage is that of the other device too, but the file itself is no answer either way.
    let world = World::dax().with_contents(b"x").with_inode(CHAR, 1);
    assert_eq!(source::size(object(world.sys(), FD, &facts)), Err(Fail::Malformed(Subject::Size)));
    let mut gone = World::dax();
    gone.inodes.clear();
    assert_eq!(
        source::size(object(gone.sys(), FD, &facts)),
        Err(Fail::Os(Subject::Device, Errno::ENOENT))
    );
    let upper = World::dax().with_inode(CHAR, ENTRY ^ (1 << 40));
    assert_eq!(source::size(object(upper.sys(), FD, &facts)), Ok(1 << 30));
}

#[test]
fn confirming_where_a_device_dax_is() {
    for target in [DEVDAX, HMEM] {
        let world = World::dax_in(target);
        let spot = world.located().unwrap();
        world.calls();
        assert_eq!(confirm(world.sys(), &spot), Ok(ENTRY));
        assert_eq!(world.calls(), [entry()]);
        for other in OTHERS {
            let world = World::dax_in(target).with_inode(CHAR, other);
            assert_eq!(confirm(world.sys(), &spot), Err(Fail::DeviceReplaced), "{other:#x}");
            // It was described before: the device that is found there now is not the one.
            let spot = locate(object(world.sys(), FD, &World::dax().facts())).unwrap();
            assert_eq!(confirm(world.sys(), &spot), Err(Fail::DeviceReplaced));
        }
        // All of the number is given out, so that two answers can be compared.
        let upper = ENTRY ^ (1 << 40);
        assert_eq!(confirm(World::dax_in(target).with_inode(CHAR, upper).sys(), &spot), Ok(upper));
        let mut gone = World::dax_in(target);
        gone.inodes.clear();
        assert_eq!(confirm(gone.sys(), &spot), Err(Fail::Os(Subject::Device, Errno::ENOENT)));
    }
}

#[test]
fn confirming_where_a_file_is() {
    for target in [FSDAX, SDA1] {
        let world = World::on(target);
        let spot = world.located().unwrap();
        world.calls();
        assert_eq!(confirm(world.sys(), &spot), Ok(INODE_OF_DISK));
        let (major, minor) = DISK;
        assert_eq!(world.calls(), [Call::Inode(std::format!("/sys/dev/block/{major}:{minor}"))]);
        // A file does not keep its device: whoever asked before has the number to compare with.
        assert_eq!(confirm(World::on(target).with_inode(ENTRY_OF_DISK, 1).sys(), &spot), Ok(1));
        let mut gone = World::on(target);
        gone.inodes.clear();
        assert_eq!(confirm(gone.sys(), &spot), Err(Fail::Os(Subject::Device, Errno::ENOENT)));
    }
    let world = World::without_device(0x0102_1994);
    let spot = world.located().unwrap();
    world.calls();
    assert_eq!(confirm(world.sys(), &spot), Ok(0));
    assert_eq!(world.calls(), [], "there is nothing to look at");
}
