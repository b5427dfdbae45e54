//! A source's answers, against what QEMU was told.

use std::os::unix::fs::MetadataExt;

use pmem2::{Error, Source};
use pmem2_guest::machine::{Device, FILE_SIZE, Machine};

use crate::open;

pub(crate) fn size(machine: &Machine, device: &Device) {
    let file = open(device, 0);
    let source = Source::new(&file).expect("a source");
    assert_eq!(source.size(), Ok(device.size(machine)));
    if device.is_file() {
        assert_eq!(source.allocated(), Ok(file.metadata().expect("fstat").blocks() * 512));
        if device.read_only {
            return;
        }
        let writable =
            std::fs::File::options().write(true).open(device.path()).expect("opened for writing");
        for size in [0, 1, FILE_SIZE] {
            writable.set_len(size).expect("another size");
            assert_eq!(source.size(), Ok(size));
        }
    } else {
        assert!(
            matches!(source.allocated(), Err(Error::Unsupported(_))),
            "{:?}",
            source.allocated()
        );
    }
}

pub(crate) fn alignment(machine: &Machine, device: &Device) {
    let source = Source::new(open(device, 0)).expect("a source");
    assert_eq!(source.alignment(), Ok(device.alignment));
    // What follows from it.
    let (alignment, size) = (device.alignment, device.size(machine));
    assert_eq!(source.check_range(0, 0), Ok(0..size));
    assert_eq!(source.check_range(alignment, alignment), Ok(alignment..2 * alignment));
    let half = alignment / 2;
    assert_eq!(
        source.check_range(half, alignment),
        Err(Error::OffsetUnaligned { offset: half, alignment })
    );
    assert_eq!(
        source.check_range(0, half),
        Err(Error::LengthUnaligned { length: half, alignment })
    );
}
