//! The longest texts: the constants of libpmem2/base.h suffice.

use core::fmt;
use std::{format, string::String, vec, vec::Vec};

use crate::{call::granularity::Explained, text::size};
use pmem2::{
    Access, Anonymous, Handle, Kind, Native, Source,
    error::Errno,
    persist::PersistenceDomain,
    place::{Backing, DaxOption, DaxState, DimmState, FileSystem, MapSync, Mode, Reason, Region},
    platform::{Borrowed, Facts, Fail, Locate, Platform, Text},
};

use crate::whats::WHATS;

/// The constant of the header.
fn constant(name: &str) -> usize {
    let header = include_str!("../../../include/libpmem2/base.h");
    let line =
        header.lines().find_map(|line| line.strip_prefix(&format!("#define {name} "))).unwrap();
    line.parse().unwrap()
}

/// The longest answers of a kernel: a file on a volume of as many regions as there can be, or a
/// device DAX.
#[derive(Clone, Copy)]
struct Longest {
    kind: Kind,
    backing: Backing,
    domain: PersistenceDomain,
    synchronous: MapSync,
    direct: DaxState,
    /// Questions that fail, and how.
    fails: [Option<Fail>; QUESTIONS],
    /// How many regions there are.
    regions: usize,
}

#[derive(Clone, Copy)]
enum Question {
    Size,
    Alignment,
    Allocated,
    FileSystem,
    Locate,
    Device,
    Region,
    Numa,
    Dimm,
    Id,
    Dirty,
    Capable,
    MapSync,
    DaxState,
}

use Question as Q;

const QUESTIONS: usize = 14;

const ALL: [Question; QUESTIONS] = [
    Q::Size,
    Q::Alignment,
    Q::Allocated,
    Q::FileSystem,
    Q::Locate,
    Q::Device,
    Q::Region,
    Q::Numa,
    Q::Dimm,
    Q::Id,
    Q::Dirty,
    Q::Capable,
    Q::MapSync,
    Q::DaxState,
];

/// An identity as long as Linux' longest. Without any bytes it would have no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u8);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("device 4095:1048575, inode 18446744073709551615")
    }
}

impl Longest {
    fn answer<T>(&self, question: Question, answer: T) -> Result<T, Fail> {
        let at = ALL.iter().position(|&other| {
            core::mem::discriminant(&other) == core::mem::discriminant(&question)
        });
        self.fails[at.unwrap()].map_or(Ok(answer), Err)
    }
}

impl Platform for Longest {
    type Raw = ();
    type Id = Identity;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<Identity>, Fail> {
        Ok(Facts::new(
            Identity(0),
            handle.platform().kind,
            Access::READ | Access::WRITE | Access::APPEND,
            None,
        ))
    }

    fn size(handle: Borrowed<'_, Self>, _: &Facts<Identity>) -> Result<u64, Fail> {
        handle.platform().answer(Q::Size, u64::MAX)
    }

    fn alignment(handle: Borrowed<'_, Self>, _: &Facts<Identity>) -> Result<u64, Fail> {
        handle.platform().answer(Q::Alignment, 1 << 63)
    }

    fn allocated(handle: Borrowed<'_, Self>, _: &Facts<Identity>) -> Result<u64, Fail> {
        // Less than the size, which the report says more of.
        handle.platform().answer(Q::Allocated, u64::MAX - 1)
    }

    fn file_system(handle: Borrowed<'_, Self>, _: &Facts<Identity>) -> Result<FileSystem, Fail> {
        handle.platform().answer(Q::FileSystem, longest_name())
    }
}

impl Locate for Longest {
    type Location = ();
    type Dimm = usize;

    fn locate(handle: Borrowed<'_, Self>, _: &Facts<Identity>) -> Result<(), Fail> {
        handle.platform().answer(Q::Locate, ())
    }

    fn confirm(self, (): &()) -> Result<u64, Fail> {
        Ok(0)
    }

    fn backing(self, (): &()) -> Result<Backing, Fail> {
        Ok(self.backing)
    }

    fn device(self, (): &()) -> Result<Text<32>, Fail> {
        self.answer(Q::Device, full())
    }

    fn regions(self, (): &()) -> Result<usize, Fail> {
        Ok(self.regions)
    }

    fn region(self, (): &(), index: usize) -> Result<Option<Region>, Fail> {
        let mut region = Region::new(u32::MAX, u32::MAX, Mode::Sector);
        region.namespace = Some(u32::MAX);
        // One that has a warning of its own, and the longest.
        region.provider = if self.domain == PersistenceDomain::Host {
            full()
        } else {
            Text::fit("e820").unwrap()
        };
        region.domain = self.domain;
        (region.read_only, region.state, region.numa_node) =
            (true, DimmState::all(), Some(u32::MAX));
        self.answer(Q::Region, (index < self.regions).then_some(region))
    }

    fn numa_node(self, (): &(), index: usize) -> Result<Option<Option<u32>>, Fail> {
        self.answer(Q::Numa, (index < self.regions).then_some(Some(u32::MAX)))
    }

    fn dimm(self, (): &(), region: usize, dimm: usize) -> Result<Option<usize>, Fail> {
        // As many as a DeviceId has room for.
        self.answer(Q::Dimm, (region == 0 && dimm < 704 / 32).then_some(dimm))
    }

    fn dimm_id(self, _: usize) -> Result<Text<32>, Fail> {
        self.answer(Q::Id, full())
    }

    fn dimm_dirty_shutdowns(self, dimm: usize) -> Result<u64, Fail> {
        self.answer(Q::Dirty, if dimm == 0 { u64::MAX } else { 0 })
    }

    fn dax_capable(self, (): &()) -> Result<Option<bool>, Fail> {
        self.answer(Q::Capable, Some(true))
    }

    fn synchronous(handle: Borrowed<'_, Self>, _: &Facts<Identity>) -> Result<MapSync, Fail> {
        let object = handle.platform();
        object.answer(Q::MapSync, object.synchronous)
    }

    fn direct(handle: Borrowed<'_, Self>, _: &Facts<Identity>) -> Result<DaxState, Fail> {
        let object = handle.platform();
        object.answer(Q::DaxState, object.direct)
    }
}

// SAFETY: it names one thing that is made up, for ever.
unsafe impl Handle for Longest {
    type P = Self;
    fn platform(&self) -> Self {
        *self
    }
    fn raw(&self) {}
}

fn full<const N: usize>() -> Text<N> {
    Text::fit(&"x".repeat(N)).unwrap()
}

/// Returns the longest name of a file system: ext4, FUSE, or one without a name.
fn longest_name() -> FileSystem {
    let names = [0xef53, 0x6573_5546, u32::MAX].map(FileSystem::from_magic);
    names.into_iter().max_by_key(|system| format!("{system}").len()).unwrap()
}

/// Every failure that a platform can have; of errnos those with a remedy, and the one with the
/// longest name.
fn fails() -> Vec<Fail> {
    let longest =
        (1..4096).map(Errno::from_raw).max_by_key(|errno| format!("{errno}").len()).unwrap();
    let mut all = vec![Fail::Unsupported, Fail::DeviceReplaced];
    for what in WHATS {
        all.extend([Fail::Absent(what), Fail::Malformed(what), Fail::TooLarge(what)]);
        all.extend(
            [Errno::EACCES, Errno::ENOENT, Errno::EMFILE, longest]
                .map(|errno| Fail::Os(what, errno)),
        );
        all.push(Fail::OsCode(what, u32::MAX));
    }
    all
}

fn report(platform: Longest) -> usize {
    let source = Source::new(Borrowed::from(&platform)).unwrap();
    // Without the zero.
    size::<u8>(&source.report()).saturating_sub(1)
}

/// The longest report from here on: whatever makes it longer is taken, until nothing does.
fn climb(mut best: Longest, fails: &[Fail]) -> Longest {
    let mut length = report(best);
    loop {
        let before = length;
        let mut consider = |other: Longest, best: &mut Longest| {
            let other_length = report(other);
            if other_length > length {
                (*best, length) = (other, other_length);
            }
        };
        for question in 0..QUESTIONS {
            for fail in fails.iter().copied().map(Some).chain([None]) {
                let mut other = best;
                other.fails[question] = fail;
                consider(other, &mut best);
            }
        }
        for regions in [0, 1, 2, 16] {
            consider(Longest { regions, ..best }, &mut best);
        }
        for domain in [
            PersistenceDomain::CpuCache,
            PersistenceDomain::MemoryController,
            PersistenceDomain::Host,
            PersistenceDomain::Unstated,
        ] {
            consider(Longest { domain, ..best }, &mut best);
        }
        for synchronous in [MapSync::Granted, MapSync::Refused, MapSync::Unknown] {
            for mount in [DaxOption::Always, DaxOption::Never, DaxOption::Inode, DaxOption::Absent]
            {
                for file in [None, Some(false), Some(true)] {
                    consider(
                        Longest { synchronous, direct: DaxState::new(file, Some(mount)), ..best },
                        &mut best,
                    );
                }
            }
        }
        if length == before {
            return best;
        }
    }
}

fn backings() -> [Backing; 5] {
    let major = u32::MAX;
    let system = longest_name();
    [
        Backing::Regions,
        Backing::DeviceDax,
        Backing::Disk { major, minor: major },
        Backing::Memory(system),
        Backing::Hidden(system),
    ]
}

#[test]
fn the_longest_description() {
    let fails = fails();
    let mut longest = 0;
    for kind in [Kind::RegularFile, Kind::DeviceDax] {
        for backing in backings() {
            let start = Longest {
                kind,
                backing,
                domain: PersistenceDomain::MemoryController,
                synchronous: MapSync::Granted,
                direct: DaxState::default(),
                fails: [None; QUESTIONS],
                regions: 16,
            };
            longest = longest.max(report(climb(start, &fails)));
        }
    }
    // A null byte more. And not more than twice of that: the buffer is to lie on stacks.
    let constant = constant("PMEM2_DESCRIPTION_SIZE");
    assert!(
        longest < constant && constant <= 2 * longest,
        "{longest} bytes, the constant is {constant}"
    );
    let anonymous =
        format!("{}", Source::new(Anonymous::on(Native::default(), u64::MAX)).unwrap().report());
    assert!(anonymous.len() < constant);
}

#[test]
fn the_longest_reason() {
    let mut all = vec![
        Reason::Private,
        Reason::Anonymous,
        Reason::CpuCache,
        Reason::MemoryController,
        Reason::DomainUnstated,
        Reason::TableUnstated,
        Reason::DomainUnknown,
        Reason::NoRegion,
        Reason::Host,
        Reason::Call,
        Reason::Sector,
        Reason::DeviceWithoutDax,
        Reason::VolumeWithoutDax,
        Reason::FileSystemWithoutDax(longest_name()),
        Reason::MountedWithoutDax,
        Reason::FileFlagOff,
        Reason::FileLeftOut,
        Reason::NotDax,
        Reason::KernelTooOld,
        Reason::Refused,
    ];
    all.extend(backings().map(Reason::NotPersistentMemory));
    let texts: Vec<String> =
        all.into_iter().map(|reason| format!("{}", Explained(reason))).collect();
    let longest = texts.iter().map(String::len).max().unwrap();
    let constant = constant("PMEM2_REASON_SIZE");
    assert!(
        longest < constant && constant <= 2 * longest,
        "{longest} bytes, the constant is {constant}"
    );
}
