//! Devices that go away and come back as others; /sys out of reach; no descriptor to spare.

use std::fs::{remove_dir_all, rename};

use pmem2::{
    Error, Granularity, Sharing, Source,
    error::{Errno, HandleFault, Subject},
    place::{Backing, Place, Reason},
};

use crate::{
    because,
    common::{
        child::{Ended, fill_the_descriptor_table, in_child},
        device_dax::{Entry, dev_null},
        made::DISK,
        nd::{self, Bus},
        thread::{with_own_descriptors, with_own_root},
    },
    os, source, with_bus,
};

const REPLACED: Error = Error::InvalidFileHandle(HandleFault::DeviceReplaced);

/// The disk of a region in the mode fsdax, with a DIMM.
fn fsdax(bus: &Bus) -> Entry {
    bus.dimm(0, "8680-1", "1");
    bus.region(0, &[0]).fsdax("pmem0", nd::disk())
}

#[test]
fn another_disk_with_the_same_number() {
    needs_root!();
    with_bus(|sysfs, bus| {
        let disk = fsdax(bus);
        let source = source();
        let place = source.place().expect("a place");
        assert_eq!(source.confirm_place(&place), Ok(()));
        // The same names and numbers, but the directory is a new one: the kernel never gives an
        // inode number twice.
        rename(disk.directory(), "/sys/old").expect("out of the way");
        fsdax(bus);
        assert_eq!(source.confirm_place(&place), Err(REPLACED));
        let new = source.place().expect("another place");
        assert_ne!(new, place, "though all that can be seen is the same");
        assert_eq!(new.to_string(), place.to_string());
        assert_eq!(source.confirm_place(&new), Ok(()));
        assert_eq!(REPLACED.code(), -100_004);
        let sentence = REPLACED.to_string();
        assert!(
            sentence.contains("taken away") && sentence.contains("another one has its number"),
            "{sentence}"
        );

        sysfs.clear();
        assert_eq!(source.confirm_place(&place), Err(os(Subject::Sysfs, Errno::ENOENT)));
        Entry::at("/sys/dev/block");
        assert_eq!(source.confirm_place(&place), Err(os(Subject::Device, Errno::ENOENT)));
        let gone = source.place().expect_err("the device is gone").to_string();
        assert!(gone.contains("the device is gone"), "{gone}");
    });
}

/// A source of a device DAX keeps what tells its device from a later one.
#[test]
fn another_device_dax_with_the_same_number() {
    needs_root!();
    with_bus(|_, bus| {
        bus.dimm(0, "8680-1", "1");
        let region = bus.region(0, &[0]);
        let device = region.devdax();
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        let place = source.place().expect("a place");
        let dimms = source.dimms().expect("its DIMMs");
        rename(device.directory(), "/sys/old").expect("out of the way");
        region.devdax();
        assert_eq!((source.size(), source.alignment()), (Err(REPLACED), Err(REPLACED)));
        assert_eq!(source.place(), Err(REPLACED));
        assert_eq!(source.confirm_place(&place), Err(REPLACED));
        assert_eq!(source.numa_node(), Err(REPLACED));
        assert_eq!(source.device_id(), Err(REPLACED));
        assert_eq!(source.device_usc(), Err(REPLACED));
        assert_eq!(source.expected_granularity(Sharing::Shared), Err(REPLACED));
        let listed: Vec<_> = dimms.map(|dimm| dimm.map(|dimm| dimm.number())).collect();
        assert_eq!(
            listed,
            [Ok(Ok(0)), Err(REPLACED)],
            "a list that was begun does not end well either"
        );
        let report = source.report();
        assert_eq!(report.place(), None, "the handle is another source now: {report}");
        // A source that is made now is one of the new device.
        let new = Source::new(&null).expect("a source");
        assert_eq!((new.numa_node(), new.device_usc()), (Ok(Some(1)), Ok(1)));
        assert_ne!(new.id(), source.id());
        // The old one again.
        remove_dir_all(device.directory()).expect("the new one goes");
        rename("/sys/old", device.directory()).expect("back again");
        assert_eq!((source.numa_node(), source.place()), (Ok(Some(1)), Ok(place)));
    });
}

#[test]
fn a_device_that_is_gone() {
    needs_root!();
    with_bus(|_, bus| {
        bus.dimm(0, "8680-1", "1");
        let device = bus.region(0, &[0]).devdax();
        let null = dev_null();
        let source = Source::new(&null).expect("a source");
        let place = source.place().expect("a place");
        // The link stays for a moment longer than what it leads to.
        remove_dir_all(device.directory()).expect("the device goes");
        let gone = Err(os(Subject::Device, Errno::ENOENT));
        assert_eq!(source.place().map(|_| ()), gone);
        assert_eq!(source.confirm_place(&place), gone);
        assert_eq!(source.numa_node().map(|_| ()), gone);
        assert_eq!(source.device_id().map(|_| ()), gone);
        assert_eq!(source.device_usc().map(|_| ()), gone);
        // The region too: nothing that was read of it is taken for a whole.
        remove_dir_all(bus.entry.path("region0")).expect("the region goes");
        assert_eq!(source.numa_node(), Err(os(Subject::Device, Errno::ENOENT)));
        assert_eq!(source.device_id().map(|_| ()), gone);
        std::fs::remove_file("/sys/dev/char/1:3").expect("the link goes");
        assert_eq!(source.numa_node().map(|_| ()), gone);
    });
}

/// A place is kept where /sys cannot be reached any more, and what can be asked without is
/// answered.
#[test]
fn after_a_chroot() {
    needs_root!();
    let root = tempfile::tempdir_in(DISK).expect("a directory");
    with_bus(|_, bus| {
        bus.dimm(0, "8680-1", "1").nfit.write("flags", "not_armed\n");
        let region = bus.region(0, &[0]);
        region.sector("pmem0s", nd::disk());
        region.devdax();
        let null = dev_null();
        let (file, device) = (source(), Source::new(&null).expect("a source"));
        let places: [Place; 2] = [file.place().expect("a place"), device.place().expect("a place")];
        let before = (
            file.expected_granularity(Sharing::Shared).expect("a granularity"),
            device.expected_granularity(Sharing::Shared).expect("a granularity"),
        );
        assert_eq!((before.0.reason, before.1.reason), (because(Reason::Sector), Reason::Unarmed));
        with_own_root(root.path(), || {
            let [of_file, of_device] = &places;
            assert_eq!(file.expected_granularity_at(of_file, Sharing::Shared), Ok(before.0));
            assert_eq!(device.expected_granularity_at(of_device, Sharing::Shared), Ok(before.1));
            assert_eq!((of_file.device(), of_file.warnings().count()), ("pmem0s", 1));
            assert_eq!(of_file.regions().next().map(|region| region.is_unarmed()), Some(true));
            // Without it the answer is the same, but the reason is vaguer.
            let after = file.expected_granularity(Sharing::Shared).expect("a granularity");
            assert_eq!(after.granularity, Granularity::Page);
            assert_ne!(after.reason, Reason::Sector);
            let no_sysfs = os(Subject::Sysfs, Errno::ENOENT);
            assert_eq!(device.expected_granularity(Sharing::Shared), Err(no_sysfs));
            assert_eq!(file.place(), Err(no_sysfs));
            assert_eq!(file.confirm_place(of_file), Err(no_sysfs));
            assert_eq!(file.numa_node(), Err(no_sysfs));
            assert_eq!(file.device_id(), Err(no_sysfs));
            assert_eq!(file.device_usc(), Err(no_sysfs));
            let sentence = no_sysfs.to_string();
            assert!(sentence.contains("/sys"), "{sentence}");
        });
        assert_eq!(file.confirm_place(&places[0]), Ok(()));
    });
}

#[test]
fn a_full_descriptor_table() {
    needs_root!();
    with_bus(|_, bus| {
        fsdax(bus);
        let source = source();
        let answers = in_child(|| {
            (
                fill_the_descriptor_table(),
                source.numa_node(),
                source.device_id().map(|_| ()),
                source.device_usc(),
                source.place().map(|_| ()),
                source.dimms().map(|dimms| dimms.count()),
                source.expected_granularity(Sharing::Shared).map(|expected| expected.granularity),
            )
        });
        let full = |what| os(what, Errno::EMFILE);
        let expected = (
            libc::EMFILE,
            Err(full(Subject::NumaNode)),
            Err(full(Subject::Dimm)),
            Err(full(Subject::Dimm)),
            Err(full(Subject::NumaNode)),
            Ok(1),
            Ok(Granularity::Page),
        );
        assert_eq!(answers, Ended::With(expected));
        for what in [Subject::NumaNode, Subject::Dimm] {
            let sentence = full(what).to_string();
            assert!(sentence.contains("RLIMIT_NOFILE"), "{sentence}");
        }
    });
}

/// Closed, or closed and reused, as only C can.
#[test]
fn a_descriptor_that_is_another_file() {
    needs_root!();
    use std::os::fd::AsRawFd;
    with_own_descriptors(|| {
        with_bus(|_, bus| {
            fsdax(bus);
            let (first, second) = (crate::file(), crate::file());
            let source = Source::from_fd(crate::common::fd(first.as_raw_fd())).expect("a source");
            let place = source.place().expect("a place");
            // SAFETY: dup2 exchanges the file under `first`, which is used as a number only from
            // here on.
            assert!(unsafe { libc::dup2(second.as_raw_fd(), first.as_raw_fd()) } >= 0);
            let of = |source: &Source<_>| {
                [
                    source.place().err(),
                    source.confirm_place(&place).err(),
                    source.numa_node().err(),
                    source.device_id().err(),
                    source.device_usc().err(),
                    source.dimms().err(),
                    source.expected_granularity(Sharing::Shared).err(),
                    source.expected_granularity_at(&place, Sharing::Shared).err(),
                ]
            };
            assert_eq!(of(&source), [Some(Error::InvalidFileHandle(HandleFault::Replaced)); 8]);
            drop(first);
            assert_eq!(of(&source), [Some(Error::InvalidFileHandle(HandleFault::NotOpen)); 8]);
            assert_eq!(place.backing(), Backing::Regions, "it stays");
        });
    });
}
