//! Device DAX: /dev/null, of which /sys says that it is one.

use std::{fs::Permissions, ops::Range, os::unix::fs::PermissionsExt};

use pmem2::{
    Error, Source,
    badblocks::ClearBy,
    error::{Errno, Subject},
};

use super::{
    common::{
        device_dax::{Entry, Sysfs, dev_null, with_sysfs},
        nd::{Bus, device_dax},
        thread::as_nobody,
    },
    walk,
};

/// A device of 64 sectors, from sector 4096 of its region on: the device's and the region's
/// entries.
fn device(sysfs: &Sysfs) -> (Entry, Entry) {
    let bus = Bus::new(sysfs);
    bus.dimm(0, "8680-1", "1");
    let region = bus.region(0, &[0]);
    let dax = region.devdax();
    for (entry, name, text) in [
        (&region.entry, "resource", "0x100000000\n"),
        (&region.entry, "badblocks", ""),
        (&dax, "resource", "0x100200000\n"),
        (&dax, "size", "32768\n"),
    ] {
        entry.write(name, text);
    }
    for entry in [&region.entry, &dax] {
        std::fs::set_permissions(entry.path("resource"), Permissions::from_mode(0o400))
            .expect("for root only");
    }
    (dax, region.entry)
}

#[test]
fn the_regions_list() {
    needs_root!();
    with_sysfs(|sysfs| {
        let (_, region) = device(sysfs);
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        let rows: [(&str, &[Range<u64>]); 5] = [
            ("", &[]),
            ("0 4096\n4160 1\n", &[]),
            ("4096 1\n", &[0..512]),
            ("4000 100\n4100 1\n4159 100\n", &[0..4 * 512, 4 * 512..5 * 512, 63 * 512..64 * 512]),
            ("0 512\n512 512\n4000 512\n", &[0..64 * 512]),
        ];
        for (text, expected) in rows {
            region.write("badblocks", text);
            let mut merged: Vec<Range<u64>> = Vec::new();
            for range in expected {
                match merged.last_mut() {
                    Some(last) if last.end == range.start => last.end = range.end,
                    _ => merged.push(range.clone()),
                }
            }
            assert_eq!(walk(&source), (merged, None), "{text:?}");
        }
        region.write("badblocks", "4096 1\n41");
        assert_eq!(walk(&source), (vec![0..512], Some(Error::TooLarge(Subject::BadBlocks))));
        region.write("badblocks", "none\n");
        assert!(
            matches!(walk(&source), (found, Some(Error::CannotReadBounds)) if found.is_empty())
        );
    });
}

#[test]
fn for_root_only() {
    needs_root!();
    with_sysfs(|sysfs| {
        let (_, region) = device(sysfs);
        region.write("badblocks", "4096 1\n");
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        let (found, error) = as_nobody(|| walk(&source));
        assert_eq!(
            (found, error),
            (vec![], Some(Error::Os { subject: Subject::BadBlocks, errno: Errno::EACCES }))
        );
        assert_eq!(walk(&source), (vec![0..512], None));
    });
}

/// No bus is asked: clearing by its command needs one, and that the bytes are bad.
#[test]
fn clearing() {
    needs_root!();
    with_sysfs(|sysfs| {
        let (_, region) = device(sysfs);
        region.write("badblocks", "4096 1\n");
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        assert_eq!(source.clear_bad_blocks(512..1024, ClearBy::DeviceCommand), Err(Error::NotBad));
        assert_eq!(
            source.clear_bad_blocks(0..512, ClearBy::Allocation),
            Err(Error::Unsupported(Subject::ClearBadBlock))
        );
        // /dev/ndctl0: there is no such bus here.
        let error = source.clear_bad_blocks(0..512, ClearBy::DeviceCommand);
        assert_eq!(error, Err(Error::Os { subject: Subject::ClearBadBlock, errno: Errno::ENOENT }));
    });
}

#[test]
fn devices_in_no_region() {
    needs_root!();
    with_sysfs(|_| {
        device_dax("/sys/devices/platform/hmem.0/dax2.0").write("resource", "0x100000000\n");
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        assert_eq!(walk(&source), (vec![], Some(Error::Unsupported(Subject::BadBlocks))));
    });
}

#[test]
fn a_device_that_was_replaced() {
    needs_root!();
    with_sysfs(|sysfs| {
        let (_, region) = device(sysfs);
        region.write("badblocks", "4096 1\n4098 1\n");
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        let mut blocks = source.bad_blocks().expect("bad blocks");
        assert_eq!(blocks.next(), Some(Ok(0..512)));
        sysfs.clear();
        let (_, region) = device(sysfs);
        region.write("badblocks", "4096 1\n4098 1\n");
        let replaced = source.size().expect_err("another device");
        assert_eq!(blocks.next(), Some(Err(replaced)));
        assert_eq!(blocks.next(), None, "nothing comes after an error");
        assert_eq!(walk(&source), (vec![], Some(replaced)));
        assert_eq!(source.clear_bad_blocks(0..512, ClearBy::DeviceCommand), Err(replaced));
    });
}
