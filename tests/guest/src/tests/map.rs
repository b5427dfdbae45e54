//! Mappings of the device: every range, granularity, sharing and protection against the table, and
//! beside Debian's libpmem2.

use std::{fs, os::fd::AsRawFd, os::unix::fs::FileExt};

use pmem2::{
    Error, Granularity, MapConfig, Mapping, Sharing, Source,
    error::{Errno, Subject, WriteFault},
    map::Protection,
    persist::Undurable,
    place::{Backing, Expected},
};
use pmem2_guest::machine::{self, Device, Machine};
use rustix::fs::OFlags;

use crate::{
    common::{
        fd,
        libpmem2::{Asked, Libpmem2, PeerSource, Shared},
        made::path,
        thread::as_nobody,
    },
    expected,
    map_table::INTENDED,
    peer::theirs,
};

const GRANULARITIES: [Granularity; 3] =
    [Granularity::Byte, Granularity::CacheLine, Granularity::Page];

type Bytes = std::ops::Range<u64>;

/// A mapping that is asked for, of a descriptor that may be written to or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    pub(crate) asked: Asked,
    pub(crate) writable: bool,
    /// The size and the alignment of the source.
    pub(crate) size: u64,
    pub(crate) step: u64,
}

impl Input {
    /// The bytes that are to be mapped, or the code.
    pub(crate) fn range(&self) -> Result<Bytes, i32> {
        let Asked { offset, length, .. } = self.asked;
        let end = if length == 0 { self.size } else { offset + length };
        let error = |error: Error| Err(error.code());
        if !offset.is_multiple_of(self.step) {
            error(Error::OffsetUnaligned { offset, alignment: self.step })
        } else if !length.is_multiple_of(self.step) && end != self.size {
            error(Error::LengthUnaligned { length, alignment: self.step })
        } else if offset >= self.size || end > self.size {
            error(Error::MapRange { end, size: self.size })
        } else {
            Ok(offset..end)
        }
    }

    fn stores_reach(&self) -> bool {
        self.asked.sharing == Shared::Yes && self.asked.protection.contains(Protection::WRITE)
    }
}

/// Every input.
fn inputs(machine: &Machine, device: &Device) -> Vec<Input> {
    let (size, step) = (device.size(machine), device.alignment);
    let writable = !device.read_only;
    let both = if writable { Protection::READ | Protection::WRITE } else { Protection::READ };
    let new = |(offset, length), granularity, sharing, protection, writable| {
        let asked = Asked { offset, length, sharing, protection, ..Asked::new(granularity) };
        Input { asked, writable, size, step }
    };
    let last = (size - 1) / step * step;
    let middle = size / 2 / step * step;
    let ranges = [
        (0, 0),
        (0, step),
        (0, size),
        (0, last),
        (middle, step),
        (middle, 0),
        (last, 0),
        (last, size - last),
        (step / 2, step),
        (0, step / 2),
        (0, last + 2 * step),
        (last + step, 0),
        (last + step, step),
        (1 << 40, 0),
    ];
    let mut inputs = Vec::new();
    for sharing in [Shared::Yes, Shared::No] {
        for range in ranges {
            for granularity in GRANULARITIES {
                inputs.push(new(range, granularity, sharing, both, writable));
            }
        }
        for bits in 0..8 {
            let protection = Protection::from_bits_truncate(bits);
            inputs.push(new((middle, step), Granularity::Page, sharing, protection, false));
            if writable {
                inputs.push(new((middle, step), Granularity::Page, sharing, protection, true));
            }
        }
    }
    inputs
}

fn sharing(asked: &Asked) -> Sharing {
    if asked.sharing == Shared::Yes { Sharing::Shared } else { Sharing::Private }
}

fn config(asked: &Asked) -> MapConfig<'static> {
    MapConfig::new(asked.granularity)
        .offset(asked.offset)
        .length(asked.length)
        .sharing(sharing(asked))
        .protection(asked.protection)
}

fn given(device: &Device) -> Granularity {
    match device.gives.granularity {
        machine::Granularity::Byte => Granularity::Byte,
        machine::Granularity::CacheLine => Granularity::CacheLine,
        machine::Granularity::Page => Granularity::Page,
    }
}

/// The length and the granularity that the table demands, or the code.
fn demanded(device: &Device, input: &Input) -> Result<(u64, i32), i32> {
    let private = input.asked.sharing == Shared::No;
    let range = input.range()?;
    if input.stores_reach() && !input.writable {
        return Err(Error::NotWritable(WriteFault::ReadOnly).code());
    }
    if private && device.is_device_dax() {
        return Err(Error::SrcDevdaxPrivate.code());
    }
    if device.gives.reason == "never_durable" && !private {
        return Err(Error::NeverDurable.code());
    }
    let granularity = if private { Granularity::Byte } else { given(device) };
    if granularity > input.asked.granularity {
        return Err(GRANULARITY_NOT_SUPPORTED);
    }
    Ok((range.end - range.start, granularity as i32))
}

pub(crate) const GRANULARITY_NOT_SUPPORTED: i32 = -100_009;

/// The mappings of this process.
fn maps() -> String {
    fs::read_to_string("/proc/self/maps").expect("/proc")
}

/// How often the device is mapped.
fn mapped(device: &Device) -> usize {
    let target = fs::canonicalize(device.path()).expect("a file").display().to_string();
    maps().lines().filter(|line| line.ends_with(&target)).count()
}

pub(crate) fn as_the_table_says(machine: &Machine, device: &Device) {
    let library = Libpmem2::load();
    let inputs = inputs(machine, device);
    for (flags, writable) in [(OFlags::RDONLY, false), (OFlags::RDWR, true)] {
        if device.read_only && writable {
            continue;
        }
        let opened = path(device.path(), flags).expect("opened");
        let source = Source::from_fd(fd(opened.as_raw_fd())).expect("a source");
        let peer = library.source(opened.as_raw_fd()).expect("theirs");
        let shared = source.expected_granularity(Sharing::Shared);
        let mut wrong = Vec::new();
        for input in inputs.iter().filter(|input| input.writable == writable) {
            let answer = source.by_reference().map(&config(&input.asked));
            let answer = match answer {
                Ok(map) => {
                    assert_eq!(mapped(device), 1, "{input:?}");
                    if input.asked.sharing == Shared::Yes {
                        assert_eq!(map.expected(), shared, "{input:?}");
                    }
                    assert_eq!(map.offset(), input.asked.offset);
                    // The kernel's test modules have no memory that a file could be mapped to.
                    if !(machine.test_modules && device.is_file()) {
                        accessed(device, &map, input);
                    }
                    Ok((map.length() as u64, map.granularity() as i32))
                }
                Err(error) => {
                    if let Error::GranularityNotSupported { wanted, expected } = error {
                        assert_eq!(wanted, input.asked.granularity);
                        assert_eq!(Ok(expected), shared, "{input:?}");
                    }
                    Err(error.code())
                }
            };
            let demanded = demanded(device, input);
            if answer != demanded {
                wrong.push((*input, answer, demanded));
            }
        }
        assert!(wrong.is_empty(), "input, pmem2, the table: {wrong:#?}");
        assert_eq!(mapped(device), 0);
        let readable = inputs.iter().filter(|input| input.writable == writable);
        beside(machine, device, &peer, &Vec::from_iter(readable.copied()));
        assert_eq!(source.size(), Ok(device.size(machine)));
        peer.delete();
    }
    terms(machine, device);
}

/// The first byte and the last can be loaded and stored, as the protection says, and stores reach
/// the file.
fn accessed(device: &Device, map: &Mapping<&pmem2::Fd<'_>>, input: &Input) {
    let protection = input.asked.protection;
    let mut byte = [0];
    let last = map.length() - 1;
    for at in [0, last] {
        let read = map.read(at, &mut byte);
        let loads = protection.contains(Protection::READ);
        let refused = Err(Error::NotMapped(Protection::READ));
        assert_eq!(read, if loads { Ok(()) } else { refused }, "{input:?}");
        if !protection.contains(Protection::WRITE) {
            let refused = Err(Error::NotMapped(Protection::WRITE));
            assert_eq!(map.write(at, &[1]), refused, "{input:?}");
            continue;
        }
        let new = byte[0].wrapping_add(1);
        assert_eq!(map.write(at, &[new]), Ok(()), "{input:?}");
        if device.is_file() {
            let file = fs::File::open(device.path()).expect("opened");
            let reaches = input.asked.sharing == Shared::Yes;
            file.read_exact_at(&mut byte, map.offset() + at as u64).expect("read");
            assert!(!reaches || byte == [new], "{input:?}");
        }
    }
}

/// Debian's libpmem2 with the same inputs.
fn beside(machine: &Machine, device: &Device, peer: &PeerSource<'_>, inputs: &[Input]) {
    let mut wrong = Vec::new();
    for input in inputs {
        let ours = demanded(device, input).map_or_else(|code| format!("code {code}"), shown);
        let theirs = theirs(|| peer.mapped(&input.asked), shown);
        let intended = INTENDED.iter().find(|row| (row.of)(machine, device, input));
        let theirs_expected = intended.map_or(ours.clone(), |row| (row.theirs)(input));
        if theirs != theirs_expected || intended.is_some() && ours == theirs {
            wrong.push((*input, ours, theirs, intended.map(|row| row.why)));
        }
    }
    assert!(wrong.is_empty(), "input, ours, theirs, the difference that is meant: {wrong:#?}");
}

pub(crate) fn shown((length, granularity): (u64, i32)) -> String {
    let granularity = usize::try_from(granularity).ok().and_then(|at| GRANULARITIES.get(at));
    format!("{length} bytes, {}", granularity.map_or("?", |granularity| granularity.name()))
}

/// Everything else that changes the granularity, and makes stores durable.
fn terms(machine: &Machine, device: &Device) {
    let flags = if device.read_only { OFlags::RDONLY } else { OFlags::RDWR };
    let opened = path(device.path(), flags).expect("opened");
    let source = Source::from_fd(fd(opened.as_raw_fd())).expect("a source");
    let place = source.place().expect("a place");
    let protection =
        if device.read_only { Protection::READ } else { Protection::READ | Protection::WRITE };
    let any = MapConfig::new(Granularity::Page).protection(protection);
    let granted = |config: &MapConfig<'_>| {
        let map = source.by_reference().map(config)?;
        assert_eq!(map.expected().map(|expected| expected.granularity), Ok(map.granularity()));
        Ok(map.granularity())
    };
    let forced = |granularity| granted(&any.forced(Some(granularity)));
    assert_eq!(forced(Granularity::Byte), Ok(Granularity::Byte));
    assert_eq!(forced(Granularity::CacheLine), Ok(Granularity::CacheLine));
    let by_call = if device.is_device_dax() {
        Err(Error::NotDurable(Undurable::NoCall))
    } else {
        Ok(Granularity::Page)
    };
    assert_eq!(forced(Granularity::Page), by_call);
    assert_eq!(granted(&any.by_call()), by_call);
    if device.gives.reason == "never_durable" {
        assert_eq!(granted(&any.at_place(&place)), Err(Error::NeverDurable));
        return;
    }
    assert_eq!(granted(&any.at_place(&place)), Ok(given(device)));
    let map = source.by_reference().map(&any).expect("mapped");
    let warnings: Vec<_> = map.warnings().expect("a place").collect();
    assert_eq!(warnings, expected::warnings(machine, device));
    let Expected { granularity, reason, .. } = map.expected().expect("an answer");
    assert_eq!((granularity, reason.name()), (given(device), device.gives.reason));
    assert_eq!(map.sync(..4096), Ok(()));
    assert_eq!(map.persist(..4096), Ok(()));
    deep_flushed(machine, device, &map);
    if device.is_file() && !device.read_only && !machine.test_modules {
        grown(machine, device, &source, &any);
    }
}

/// A file is flushed by the kernel. Of a device DAX, only root may tell a region that has buffers.
fn deep_flushed(machine: &Machine, device: &Device, map: &Mapping<&pmem2::Fd<'_>>) {
    let (root, nobody) = (map.deep_flush(..4096), as_nobody(|| map.deep_flush(..4096)));
    if device.is_file() {
        assert_eq!((root, nobody), (Ok(()), Ok(())));
        return;
    }
    if device.backing(machine) != machine::Backing::Regions {
        let none = Err(Error::DaxRegionNotFound(Backing::DeviceDax));
        assert_eq!((root, nobody), (none, none));
        return;
    }
    for region in expected::regions(machine, device) {
        let file = region.path.join("deep_flush");
        let expected = match fs::read_to_string(&file).as_deref() {
            Ok("0\n") => (Ok(()), Ok(())),
            Ok("1\n") => {
                let denied = Error::Os { subject: Subject::DeepFlush, errno: Errno::EACCES };
                (Ok(()), Err(denied))
            }
            Ok(other) => panic!("{}: {other:?}", file.display()),
            Err(_) => {
                let unknown = Err(Error::Unsupported(Subject::DeepFlush));
                (unknown, unknown)
            }
        };
        assert_eq!((root, nobody), expected, "{}", file.display());
    }
}

/// A file that grows under its mapping, and one of a page and a byte, whose last byte is a mapping.
fn grown<'fd>(
    machine: &Machine,
    device: &Device,
    source: &Source<pmem2::Fd<'fd>>,
    any: &MapConfig<'_>,
) {
    let size = device.size(machine);
    let end = usize::try_from(size).expect("a few MiB");
    let mut map = source.by_reference().map(&any.room(size + machine::MIB)).expect("mapped");
    assert_eq!((map.granularity(), map.length()), (given(device), end));
    let at = map.as_ptr();
    map.grow(end + 10_000).expect("grown");
    map.write(end - 4, b"across it").expect("stored");
    assert_eq!((source.size(), map.as_ptr()), (Ok(size + 10_000), at));
    let beyond = source.by_reference().map(any).expect("mapped");
    assert_eq!(beyond.get::<[u8; 9]>(end - 4), Ok(*b"across it"));
    drop(beyond);
    map.deallocate(end + 4096..end + 8192).expect("a hole");
    map.populate(.., true).expect("populated");
    map.shrink(4097).expect("shrunk");
    drop(map);
    for length in [0, 1] {
        let one = source.by_reference().map(&any.offset(4096).length(length)).expect("mapped");
        assert_eq!((one.length(), one.granularity()), (1, given(device)));
        one.write(0, b"1").expect("stored");
        one.write(0, b"12").expect_err("it has one byte");
    }
    let file = fs::File::options().write(true).open(device.path()).expect("opened");
    // Without the pages that were mapped: Linux 6.1 looks at them where the device is taken away
    // under the file system, and they with it.
    file.set_len(0).and_then(|()| file.set_len(size)).expect("its size again");
}
