//! The memory that goes bad in a test: a new file of its own on the device, or some bytes of a
//! device DAX that no other test takes.

use std::{
    collections::BTreeMap,
    fs::File,
    ops::Range,
    os::unix::fs::FileExt,
    sync::{LazyLock, Mutex, PoisonError},
};

use pmem2::{Error, Source};
use pmem2_guest::machine::{Device, MIB, Machine};
use pmem2_platform::{GuardedCopy, SigbusHandler};

use super::{
    extents::{self, Extent},
    ground::{Ground, SECTOR},
};

/// The bytes of a device DAX for one test: no less than what it is mapped in.
const WINDOW: u64 = 2 * MIB;

#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) ground: Ground,
    pub(crate) file: File,
    /// The test's bytes of the source.
    pub(crate) range: Range<u64>,
    is_file: bool,
}

/// After so many bytes the pattern begins again: a prime number, so that no two lines or pages near
/// each other are alike.
const PERIOD: u64 = 4099;

/// The pattern, twice.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let byte = |at: u64| (at % PERIOD * 7 + at % PERIOD / 251) as u8;
    (0..2 * PERIOD).map(byte).collect()
});

/// The byte of the pattern at an offset.
pub(crate) fn byte(at: u64) -> u8 {
    PATTERN[(at % PERIOD) as usize]
}

/// The pattern there. (By pieces: a guest is slow.)
pub(crate) fn bytes(range: Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
    let mut at = range.start;
    while at < range.end {
        let (from, length) = ((at % PERIOD) as usize, (range.end - at).min(PERIOD));
        bytes.extend_from_slice(&PATTERN[from..from + length as usize]);
        at += length;
    }
    bytes
}

/// A number that no other bed of this device has got.
fn next(device: &Device) -> u64 {
    static NUMBERS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());
    let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    let number = numbers.entry(device.name.clone()).or_default();
    *number += 1;
    *number - 1
}

impl Bed {
    /// With the pattern.
    pub(crate) fn new(machine: &Machine, device: &Device) -> Self {
        let mut bed = Self::empty(machine, device, WINDOW);
        if bed.is_file {
            bed.file.write_all_at(&bytes(bed.range.clone()), 0).expect("the pattern");
            bed.file.sync_all().expect("synced");
            bed.ground = Ground::of(machine, device, bed.place(0));
        } else {
            let mapping = bed.mapping(true);
            mapping.write(0, &bytes(bed.range.clone())).expect("the pattern");
        }
        bed
    }

    /// A file of this length without any bytes, or as many bytes of the device as they are.
    pub(crate) fn empty(machine: &Machine, device: &Device, length: u64) -> Self {
        let ground = Ground::of(machine, device, 0);
        let mut options = File::options();
        options.read(true).write(true);
        if !device.is_file() {
            let start = next(device) * WINDOW;
            let file = options.open(device.path()).expect("opened");
            return Self { ground, file, range: start..start + length, is_file: false };
        }
        let path = format!("{}/bed-{}", device.mount_point(), next(device));
        let file =
            options.create_new(true).open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        file.set_len(length).expect("its length");
        Self { ground, file, range: 0..length, is_file: true }
    }

    pub(crate) fn source(&self) -> Source<&File> {
        Source::new(&self.file).expect("a source")
    }

    /// The test's bytes, mapped.
    pub(crate) fn mapping(&self, writable: bool) -> GuardedCopy {
        let handler = SigbusHandler::install().expect("a handler");
        let length = usize::try_from(self.range.end - self.range.start).expect("a few MiB");
        GuardedCopy::new(handler, &self.file, self.range.start, length, writable).expect("mapped")
    }

    /// Where a byte of the source lies on the device.
    pub(crate) fn place(&self, at: u64) -> u64 {
        if self.is_file { extents::place(&self.file, at) } else { at }
    }

    /// The bytes of the source that lie in these ranges of the device, sector by sector,
    /// merged: the expected answer.
    pub(crate) fn where_listed(&self, listed: &[(u64, u64)]) -> Vec<Range<u64>> {
        let size = self.source().size().expect("a size");
        let all = Extent {
            logical: self.range.start,
            physical: self.range.start,
            length: size - self.range.start,
        };
        let extents = if self.is_file { extents::extents(&self.file) } else { vec![all] };
        let mut found: Vec<Range<u64>> = Vec::new();
        for extent in extents {
            for at in (0..extent.length).step_by(SECTOR as usize) {
                let (at, place) = (extent.logical + at, extent.physical + at);
                let is_bad =
                    listed.iter().any(|&(start, length)| (start..start + length).contains(&place));
                if !is_bad || at >= self.range.end.min(size) {
                    continue;
                }
                let end = (at + SECTOR).min(size);
                match found.last_mut() {
                    Some(last) if last.end == at => last.end = end,
                    _ => found.push(at..end),
                }
            }
        }
        found
    }

    /// The test's bytes that pmem2 reports as bad.
    pub(crate) fn bad(&self) -> Result<Vec<Range<u64>>, Error> {
        let mut blocks = pmem2::badblocks::BadBlocks::new(self.source())?;
        blocks.seek(self.range.start);
        let found: Result<Vec<_>, _> = blocks.collect();
        Ok(found?.into_iter().filter(|found| found.start < self.range.end).collect())
    }
}
