//! A device that goes away while a source of it is open: errors, and no crash.

use std::{
    fs::{self, File},
    os::unix::fs::FileTypeExt,
    path::Path,
};

use pmem2::{
    Error, Kind, Sharing, Source,
    error::{Errno, Subject},
    report::Report,
};
use pmem2_guest::machine::{Device, Granularity, Machine};
use rustix::mount::{UnmountFlags, unmount};

use crate::{kernel, open};

const fn absent(what: Subject) -> Error {
    Error::Os { subject: what, errno: Errno::ENOENT }
}

pub(crate) fn taken_away(machine: &Machine, device: &Device) {
    if device.is_device_dax() {
        namespace_disabled(device)
    } else {
        unmounted_lazily(machine, device)
    }
}

/// Its directory in /sys goes, and so does its device file.
fn namespace_disabled(device: &Device) {
    let file = open(device, 0);
    assert!(file.metadata().expect("fstat").file_type().is_char_device());
    let source = Source::new(&file).expect("a source");
    source.size().expect("a size");
    let place = source.place().expect("a place");
    disable(&kernel::entry(device).expect("a device")).expect("a namespace, or the device itself");
    assert_eq!(source.size(), Err(absent(Subject::Size)));
    assert_eq!(source.alignment(), Err(absent(Subject::Alignment)));
    assert_eq!(source.check_range(0, 0), Err(absent(Subject::Size)));
    nowhere(&source, &place);
    assert_eq!(source.expected_granularity(Sharing::Shared), Err(absent(Subject::Device)));
    // The descriptor is still one, but nothing says any more that it is of a device DAX.
    let other = Error::InvalidFileType(Kind::CharacterDevice);
    assert_eq!(Source::new(&file).map(|_| ()), Err(other));
    assert_eq!(Report::new(&file).verdict(), Err(other));
    let report = source.report();
    assert!(report.verdict().is_err(), "{report}");
}

/// No question about where it lies has an answer any more.
fn nowhere(source: &Source<&File>, place: &pmem2::place::Place) {
    let gone = Err(absent(Subject::Device));
    assert_eq!(source.place().map(|_| ()), gone);
    assert_eq!(source.confirm_place(place), gone);
    assert_eq!(source.numa_node().map(|_| ()), gone);
    assert_eq!(source.device_id().map(|_| ()), gone);
    assert_eq!(source.device_usc().map(|_| ()), gone);
    assert_eq!(source.dimms().map(|_| ()), gone);
}

/// The file stays as long as it is open, even without the disk below it.
fn unmounted_lazily(machine: &Machine, device: &Device) {
    let file = open(device, 0);
    let source = Source::new(&file).expect("a source");
    let path = fs::canonicalize(device.path()).expect("a file");
    let (place, disk) = (device.mount_point(), kernel::entry(device));
    unmount(&*place, UnmountFlags::DETACH).unwrap_or_else(|errno| panic!("{place}: {errno}"));
    assert!(!path.exists(), "{} is still there", path.display());
    let (where_it_was, node) = (source.place().expect("a place"), source.numa_node());
    let as_before = || {
        assert_eq!(source.size(), Ok(device.size(machine)));
        assert_eq!(source.alignment(), Ok(device.alignment));
        assert_eq!(source.report().verdict(), Ok(()));
        Source::new(&file).expect("a source");
    };
    let where_it_was_is_known = || {
        assert_eq!(source.place(), Ok(where_it_was));
        assert_eq!(source.confirm_place(&where_it_was), Ok(()));
        assert_eq!(source.numa_node(), node);
        // With which option it was mounted is not known any more.
        let reason = match device.gives.reason {
            "mounted_without_dax" | "file_flag_off" => "not_dax",
            other => other,
        };
        granularity_is(&source, reason);
    };
    as_before();
    where_it_was_is_known();
    // A virtio disk and a volume of several are in no namespace, and what nobody says of cannot be
    // taken away here.
    let Some(disk) = disk else { return };
    let in_namespace = disk.iter().any(|part| part.to_string_lossy().starts_with("ndbus"));
    assert_eq!(disable(&disk).is_some(), in_namespace);
    assert_eq!(disk.exists(), !in_namespace, "{}", disk.display());
    as_before();
    if in_namespace {
        nowhere(&source, &where_it_was);
        // What is left of the file is still mapped as it was, but why and on what is not known any
        // more.
        granularity_is(
            &source,
            match device.gives.granularity {
                Granularity::Page => "place_unknown",
                _ => "domain_unknown",
            },
        );
    } else {
        where_it_was_is_known();
    }
}

fn granularity_is(source: &Source<&File>, reason: &str) {
    let expected = source.expected_granularity(Sharing::Shared).expect("an answer");
    assert_eq!(expected.reason.name(), reason, "{expected:?}");
}

/// Takes the namespace that the entry lies in from its driver, or what a device DAX without one
/// lies in. `None`: there is neither.
pub(crate) fn disable(entry: &Path) -> Option<()> {
    let taken = taken_by(entry)?;
    let name = taken.file_name()?.to_string_lossy().into_owned();
    fs::write(taken.join("driver/unbind"), &name).unwrap_or_else(|error| panic!("{name}: {error}"));
    Some(())
}

/// Finds the directory above an entry that has a driver, which makes the device, and takes it
/// away.
pub(crate) fn taken_by(entry: &Path) -> Option<&Path> {
    let has_driver = |path: &&Path| path.join("driver").exists();
    // Directly below its region, be it named namespace, pfn, btt or dax.
    let in_region =
        |path: &&Path| path.parent().is_some_and(|region| region.join("nstype").exists());
    let is_hmem = |path: &&Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("hmem."))
    };
    entry.ancestors().filter(has_driver).find(|path| in_region(path) || is_hmem(path))
}
