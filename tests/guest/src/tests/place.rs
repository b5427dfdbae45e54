//! Where a source lies, against what QEMU was told.

use pmem2::{
    Error, Sharing, Source,
    error::Subject,
    linux::Linux,
    place::{Backing, Dimm, Place, Reason, Region, Warning},
    platform::Text,
};
use pmem2_guest::machine::{Device, Machine};

use crate::{
    common::thread::{with_own_mounts, with_own_root},
    expected, kernel, open,
};

pub(crate) fn gathered(machine: &Machine, device: &Device) {
    let file = open(device, 0);
    let source = Source::new(&file).expect("a source");
    let place = source.place().expect("a place");
    agrees(machine, device, &place);
    assert_eq!(source.confirm_place(&place), Ok(()));
    dimms(machine, device, &source);

    // Kept: where there is no /sys any more, and no root either.
    let granularity = source.expected_granularity(Sharing::Shared);
    with_own_mounts(|| {
        let empty = tempfile::tempdir().expect("a directory");
        with_own_root(empty.path(), || {
            std::fs::read_dir("/sys").expect_err("no /sys");
            agrees_with_told(device, &place, granularity, &source);
        });
    });
}

/// Checks which answers there still are in a chroot.
fn agrees_with_told(
    device: &Device,
    place: &Place,
    granularity: Result<pmem2::place::Expected, Error>,
    source: &Source<&std::fs::File>,
) {
    let now = source.expected_granularity_at(place, Sharing::Shared);
    if matches!(device.gives.reason, "mounted_without_dax" | "file_flag_off") {
        // The same with less of a reason: which option it is mounted with, /proc would say.
        let reasons = (now.map(|now| now.reason), now.map(|now| now.granularity));
        assert_eq!(reasons, (Ok(Reason::NotDax), granularity.map(|before| before.granularity)));
    } else {
        assert_eq!(now, granularity);
    }
    let there = source.place();
    if matches!(place.backing(), Backing::Memory(_) | Backing::Hidden(_)) {
        // Nothing of it is in /sys.
        assert_eq!(there.as_ref(), Ok(place));
    } else {
        let absent = Error::Os { subject: Subject::Sysfs, errno: pmem2::error::Errno::ENOENT };
        assert_eq!(there, Err(absent));
        assert_eq!(source.numa_node(), Err(absent));
        assert_eq!(source.device_id(), Err(absent));
        assert_eq!(source.device_usc(), Err(absent));
        assert_eq!(source.dimms().map(|_| ()), Err(absent));
        assert_eq!(source.confirm_place(place), Err(absent));
        if device.is_device_dax() {
            assert_eq!(source.expected_granularity(Sharing::Shared), Err(absent));
        }
    }
}

fn agrees(machine: &Machine, device: &Device, place: &Place) {
    assert_eq!(place.backing(), expected::backing(machine, device));
    // Of several disks none is named: the file may lie on any.
    let name = kernel::entry(device)
        .filter(|_| !device.has_members())
        .map(|entry| entry.file_name().expect("a name").to_string_lossy().into_owned());
    assert_eq!(place.device(), name.unwrap_or_default());
    assert_eq!(
        place.dax_capable(),
        expected::dax_capable(machine, device),
        "whether the device has DAX"
    );
    let expected = expected::regions(machine, device);
    let found: Vec<Region> = place.regions().copied().collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((found.bus, found.number), expected.numbers);
        assert_eq!(found.namespace, Some(expected.namespace));
        assert_eq!(found.mode.name(), device.mode());
        assert_eq!(found.provider, Text::fit(expected.told.provider).expect("a short name"));
        assert_eq!(found.domain, expected::persistence(expected));
        assert_eq!(found.read_only, expected.told.unarmed);
        assert_eq!(found.is_unarmed(), expected.told.unarmed);
        assert_eq!(found.numa_node, expected.told.node);
        assert_eq!(found.target_node, kernel::node(&expected.path, "target_node"));
    }
    let warnings: Vec<Warning> = place.warnings().collect();
    assert_eq!(warnings, expected::warnings(machine, device));
}

fn dimms(machine: &Machine, device: &Device, source: &Source<&std::fs::File>) {
    let on = expected::backing(machine, device);
    if on != Backing::Regions {
        assert_eq!(
            source.dimms().map(|_| ()),
            Err(Error::NotPersistentMemory { asked: Subject::Dimm, on })
        );
        return;
    }
    let found: Result<Vec<Dimm<Linux>>, Error> = source.dimms().expect("DIMMs").collect();
    let regions = expected::regions(machine, device).into_iter().enumerate();
    let of_region = |(index, region): (usize, kernel::Found<'_>)| {
        let counted = region.told.shutdowns.ok_or(Error::Unsupported(Subject::UnsafeShutdowns));
        let dimms = region.dimms.into_iter().zip(region.told.dimms);
        dimms.map(move |(number, id)| (index, number, id, counted))
    };
    let expected: Vec<_> = regions.flat_map(of_region).collect();
    let found = found.expect("DIMMs");
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, (region, number, id, counted)) in found.iter().zip(expected) {
        assert_eq!((found.region(), found.number()), (region, Ok(number)));
        let expected =
            id.as_deref().and_then(Text::fit).ok_or(Error::Unsupported(Subject::DeviceId));
        assert_eq!(found.id(), expected);
        assert_eq!(found.dirty_shutdowns(), counted);
    }
}
