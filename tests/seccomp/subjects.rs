//! The subjects that the functions are tried on.

use std::{
    cell::RefCell,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use pmem2::{
    Fd, Granularity, Kind, MapConfig, Mapping, Source,
    linux::Linux,
    map::{Memory, Protection},
    place::{Dimm, FileSystem, MapSync, Place},
    platform::{BadBlocks, Locate},
    transfer::{SigbusHandler, Writer},
};
use rustix::fs::{MemfdFlags, OFlags};

use crate::common::{
    device_dax::{BUS_DAX, Entry, Sysfs, dev_null},
    fd,
    made::{self, FILE_SIZE, HUGE_PAGE, Made, memfd},
    nd::{self, Bus, block, volume},
};

/// A subject that a function is tried on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On {
    /// On the disk, which is persistent memory or whatever the [`World`] says.
    File,
    HugePages,
    DeviceDax,
    /// One that can be mapped.
    Mapped,
    Character,
    Terminal,
    Directory,
    Nothing,
}

/// The kind of the disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum World {
    /// A region's, in the mode fsdax.
    Region,
    /// A volume on two regions.
    Volume,
    /// A volume with an ordinary disk in it.
    Mixed,
    /// In no directory of /sys, which does not tell an alignment of /dev/zero either.
    Unlisted,
    /// There is no /sys any more.
    Gone,
}

/// A mapping, of which a trial has a copy.
pub(crate) type Mapped = &'static RefCell<Mapping<Fd<'static>>>;

/// A descriptor of each sort, and the sources of those that are some.
pub(crate) struct Subjects {
    made: Vec<Made>,
    writers: Vec<Option<&'static Writer<Fd<'static>>>>,
    mappings: Vec<[Option<Mapped>; 2]>,
}

#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) fd: Fd<'static>,
    pub(crate) source: Option<Source<Fd<'static>>>,
    /// Gathered before.
    pub(crate) place: Option<Place>,
    pub(crate) dimm: Option<Dimm<Linux>>,
    pub(crate) spot: Option<<Linux as Locate>::Location>,
    pub(crate) raw_dimm: Option<<Linux as Locate>::Dimm>,
    /// The bad blocks. Kept for ever: the trial gets a copy.
    pub(crate) list: Option<&'static <Linux as BadBlocks>::List>,
    /// Made before, of what can be written to.
    pub(crate) writer: Option<&'static Writer<Fd<'static>>>,
    /// Made before, of what can be mapped; for [`On::DeviceDax`] of other memory.
    pub(crate) mapping: Option<Mapped>,
    /// The same, with a granularity that is said to be finer.
    pub(crate) finer: Option<Mapped>,
}

/// Maps a source with as much room again.
fn mapped(
    source: Source<Fd<'static>>,
    forced: Option<Granularity>,
) -> Option<Mapping<Fd<'static>>> {
    let config = MapConfig::new(Granularity::Page).forced(forced);
    if let Ok(map) = source.map(&config.room(2 * FILE_SIZE)) {
        return Some(map);
    }
    if let Ok(map) = source.map(&MapConfig::new(Granularity::Page)) {
        return Some(map);
    }
    if source.kind() != Kind::DeviceDax {
        return None;
    }
    let words = Vec::leak(vec![0_u64; 512]);
    let at = std::ptr::NonNull::from(words).cast();
    let both = Protection::READ | Protection::WRITE;
    // SAFETY: from_raw requires memory that nobody else has: it was leaked just now. It is no
    // device's, and what is stored there is nobody's.
    let memory = unsafe { Memory::from_raw(*source.handle(), at, 4096, both) };
    Mapping::from_memory(memory, 0, Granularity::CacheLine).ok()
}

/// Gives a file blocks of its own, since a hole has no bad ones, and another owner, whom the spare
/// file of clearing is given to.
fn allocated(made: &Made) {
    let file = fd(made.raw());
    // SAFETY: fallocate touches no memory.
    let result = unsafe { libc::fallocate(file.as_raw(), 0, 0, FILE_SIZE as libc::off_t) };
    assert_eq!(result, 0, "blocks for the file");
    // SAFETY: fchown touches no memory.
    let result = unsafe { libc::fchown(file.as_raw(), 1000, 100) };
    assert_eq!(result, 0, "a file of somebody else");
}

/// /dev/null is a device DAX on a region with one DIMM; the disk is what `world` says.
fn make_sysfs(sysfs: &Sysfs, world: World) -> PathBuf {
    // No machine has as many buses: this one takes no commands.
    let bus = Bus::numbered(sysfs, 1000);
    for dimm in 0..4 {
        bus.dimm(dimm, &format!("8680-{dimm}"), "1");
    }
    let region = bus.region(0, &[0]);
    std::fs::write("/sys/bus/nd/devices/region0/deep_flush", "1\n").expect("a file of the region");
    region.entry.write("resource", "0x100000000\n");
    region.entry.write("badblocks", "4096 1\n");
    region.devdax().write("resource", "0x100200000\n");
    match world {
        World::Region => {
            // All of it is bad.
            let disk = bus.region(1, &[1, 2]).fsdax("pmem1", nd::disk());
            disk.write("badblocks", "0 1000000000\n");
        }
        World::Volume | World::Mixed => {
            let one = bus.region(1, &[1]).fsdax("pmem1", (259, 6001));
            let other = match world {
                World::Volume => bus.region(2, &[2]).fsdax("pmem2", (259, 6002)),
                _ => block(Path::new("/sys/devices/pci0000:00/virtio1"), "vdb", (253, 16), "0"),
            };
            volume("dm-0", nd::disk(), &[&one, &other]);
        }
        World::Unlisted | World::Gone => {}
    }
    bus.region(3, &[3]).carrier("dax", 1, 0).directory().to_owned()
}

impl Subjects {
    /// On a thread with a /sys of its own.
    pub(crate) fn new(sysfs: &Sysfs, world: World) -> Self {
        let region_of_zero = make_sysfs(sysfs, world);
        Entry::at("/sys/dev/char/1:7").link("subsystem", "../../../../class/mem");
        let zero = match world {
            // In a region, too, where it is a device that can be mapped.
            World::Region => {
                let zero = Entry::at(region_of_zero.join("dax3.0"));
                symlink(zero.directory(), "/sys/dev/char/1:5").expect("a link in /sys");
                zero
            }
            _ => Entry::at("/sys/dev/char/1:5"),
        };
        zero.link("subsystem", BUS_DAX);
        zero.write("size", "4194304\n");
        if world != World::Unlisted {
            zero.write("align", "2097152\n");
        }
        // The handler is installed once in a process, and then asked for: now.
        SigbusHandler::install().expect("a handler of SIGBUS");
        // Where the ABI does not fix the page size it is asked for once in a process: now.
        Source::from_anon(0).expect("the page size");
        let huge = MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB;
        let opened = |name, flags| made::path(name, flags).map(Made::of).expect(name);
        let path = |name| opened(name, OFlags::RDONLY);
        let (master, slave) = made::terminal().expect("a terminal");
        let made = vec![
            made::file(OFlags::RDWR).inspect(allocated).expect("a file"),
            Made::of(memfd(huge, HUGE_PAGE).expect("a memfd of huge pages")),
            Made::of(dev_null()),
            opened("/dev/zero", OFlags::RDWR),
            path("/dev/full"),
            Made::of(slave).beside(master),
            path("/"),
            Made::number(-1),
        ];
        // They are kept for ever: what is tried is a copy.
        let writer = |made: &Made| {
            Writer::new(Source::new(fd(made.raw())).ok()?)
                .ok()
                .map(|new| &*Box::leak(Box::new(new)))
        };
        let writers = made.iter().map(writer).collect();
        let mapping = |made: &Made| {
            [Granularity::Page, Granularity::CacheLine].map(|forced| {
                let map = mapped(Source::new(fd(made.raw())).ok()?, Some(forced))?;
                Some(&*Box::leak(Box::new(RefCell::new(map))))
            })
        };
        let mappings = made.iter().map(mapping).collect();
        if world == World::Gone {
            sysfs.clear();
        }
        Self { made, writers, mappings }
    }

    /// Whether the disk's files are on XFS.
    pub(crate) fn is_xfs(&self) -> bool {
        Source::new(self.get(On::File).fd).expect("a source").file_system()
            == Ok(FileSystem::from_magic(0x5846_5342))
    }

    /// Whether the disk's files can be mapped directly.
    pub(crate) fn have_dax(&self) -> bool {
        let fd = self.get(On::File).fd;
        let facts = *Source::new(fd).expect("a source").facts();
        Linux::synchronous(fd.into(), &facts) == Ok(MapSync::Granted)
    }

    pub(crate) fn get(&self, on: On) -> Target {
        let fd = fd(self.made[on as usize].raw());
        let source = Source::new(fd).ok();
        let spot = source.and_then(|source| Linux::locate(fd.into(), source.facts()).ok());
        Target {
            fd,
            source,
            place: source.and_then(|source| source.place().ok()),
            dimm: source.and_then(|source| source.dimms().ok()?.next()?.ok()),
            spot,
            writer: self.writers[on as usize],
            mapping: self.mappings[on as usize][0],
            finer: self.mappings[on as usize][1],
            list: source.and_then(|source| {
                let list = Linux::list_bad(fd.into(), source.facts()).ok()?;
                Some(&*Box::leak(Box::new(list)))
            }),
            raw_dimm: spot.and_then(|spot| Linux.dimm(&spot, 0, 0).ok().flatten()),
        }
    }
}
