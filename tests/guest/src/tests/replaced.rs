//! A device whose number is another's. The kernel gives no number away while the device is open
//! (Linux 6.1), so that the descriptor, too, is closed and opened again: by a device file that
//! stays, with the same descriptor number. Nothing of what fstat says has changed then, but the
//! device has.

use std::{
    fs::{self, File},
    os::{
        fd::AsRawFd,
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use pmem2::{Error, Sharing, Source, error::HandleFault, place::Place};
use pmem2_guest::machine::{Contents, Device};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    mount::{MountFlags, UnmountFlags, mount, unmount},
};

use crate::{common::fd, gone::taken_by, kernel, open};

const REPLACED: Error = Error::InvalidFileHandle(HandleFault::DeviceReplaced);

/// How often a device is made anew for it to get its number again: the kernel gives the lowest that
/// is free.
const ATTEMPTS: usize = 16;

pub(crate) fn by_another(device: &Device) {
    let entry = kernel::entry(device).expect("a device");
    // The next ones get what numbers are free below that of the first.
    anew(&entry, |_| true);
    let number = fs::metadata(device.path()).expect("stat").rdev();
    let node = PathBuf::from(format!("/tmp/node-of-{}", device.name));
    mknodat(CWD, &node, FileType::CharacterDevice, Mode::RUSR, number).expect("a device file");
    let file = File::open(&node).expect("opened");
    let raw = file.as_raw_fd();
    let source = Source::from_fd(fd(raw)).expect("a source");
    let place = source.place().expect("a place");
    drop(file);
    anew(&entry, |now| now.rdev() == number);

    let file = File::open(&node).expect("opened again");
    assert_eq!(file.as_raw_fd(), raw, "the lowest number that is free");
    let replaced =
        |name: &str, answer: Result<(), Error>| assert_eq!(answer, Err(REPLACED), "{name}");
    replaced("size", source.size().map(drop));
    replaced("alignment", source.alignment().map(drop));
    replaced("place", source.place().map(drop));
    replaced("confirm_place", source.confirm_place(&place));
    replaced("numa_node", source.numa_node().map(drop));
    replaced("expected_granularity", source.expected_granularity(Sharing::Shared).map(drop));
    // One that is made now is of the new device, and lies where that does.
    let now = Source::from_fd(fd(raw)).expect("a source");
    now.size().expect("a size");
    assert_eq!(now.confirm_place(&place), Err(REPLACED));
    assert_eq!(now.confirm_place(&now.place().expect("a place")), Ok(()));
}

/// Takes the device from its driver and gives it back, until what comes of it is as it is wanted.
fn anew(entry: &Path, is_good: impl Fn(&fs::Metadata) -> bool) {
    let name = entry.file_name().expect("a name").to_owned();
    let taken = taken_by(entry).expect("a namespace, or the device itself");
    let driver = fs::canonicalize(taken.join("driver")).expect("a driver");
    for _ in 0..ATTEMPTS {
        for file in ["unbind", "bind"] {
            let taken = taken.file_name().expect("a name").to_string_lossy().into_owned();
            fs::write(driver.join(file), &taken)
                .unwrap_or_else(|error| panic!("{file} {taken}: {error}"));
        }
        if is_good(&there(&Path::new("/dev").join(&name))) {
            return;
        }
    }
    panic!("{ATTEMPTS} times another number");
}

/// A device file, when it is there.
fn there(path: &Path) -> fs::Metadata {
    for _ in 0..2000 {
        match fs::metadata(path) {
            Ok(metadata)
                if metadata.file_type().is_char_device()
                    || metadata.file_type().is_block_device() =>
            {
                return metadata;
            }
            _ => sleep(Duration::from_millis(5)),
        }
    }
    panic!("no {}", path.display());
}

/// A file on a disk that is taken away and comes back with its number: the same file, by all that
/// fstat says, on another device. Only a place that was kept tells.
pub(crate) fn comes_back(device: &Device) {
    let Contents::Ext4(options) = device.contents else { panic!("{device:?} is no file on ext4") };
    let options = std::ffi::CString::new(options).expect("options");
    let entry = kernel::entry(device).expect("a disk");
    let disk = Path::new("/dev").join(entry.file_name().expect("a name"));
    let anew = |is_good: &dyn Fn(&fs::Metadata) -> bool| {
        unmount(device.mount_point(), UnmountFlags::empty()).expect("unmounted");
        anew(&entry, is_good);
        mount(&disk, device.mount_point(), "ext4", MountFlags::empty(), options.as_c_str())
            .expect("mounted again");
    };
    // As above.
    anew(&|_| true);
    let file = open(device, 0);
    let before = file.metadata().expect("fstat");
    let source = Source::new(file).expect("a source");
    let place: Place = source.place().expect("a place");
    drop(source);
    anew(&|now| now.rdev() == before.dev());

    let file = open(device, 0);
    let now = file.metadata().expect("fstat");
    assert_eq!((now.dev(), now.ino()), (before.dev(), before.ino()));
    let source = Source::new(file).expect("a source");
    assert_eq!(source.confirm_place(&place), Err(REPLACED));
    let new = source.place().expect("a place");
    assert_ne!(new, place);
    assert_eq!((new.device(), new.regions().next()), (place.device(), place.regions().next()));
    assert_eq!(source.confirm_place(&new), Ok(()));
}
