//! A platform like Windows: it lets handles in that cannot be read, and its files lie on volumes
//! that do not say what they are made of.

use pmem2::{
    Access, Error, Granularity, Handle, Kind, Pool, Sharing, Source,
    error::{HandleFault, Subject},
    place::{Backing, MapSync, Reason, Region},
    platform::{Alignment, Borrowed, Facts, Fail, Locate, Platform, Text},
    report::Report,
};

const READ_WRITE: Access = Access::READ.union(Access::WRITE);

/// The platform, and its one object.
#[derive(Clone, Copy, Debug)]
struct Disk {
    kind: Kind,
    access: Access,
    dax: bool,
}

const fn file(access: Access, dax: bool) -> Disk {
    Disk { kind: Kind::RegularFile, access, dax }
}

impl Platform for Disk {
    type Raw = ();
    type Id = char;
    const REQUIRES_READ: bool = false;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<char>, Fail> {
        let disk = handle.platform();
        Ok(Facts::new('a', disk.kind, disk.access, Alignment::new(0x1_0000)))
    }

    fn size(_: Borrowed<'_, Self>, _: &Facts<char>) -> Result<u64, Fail> {
        Ok(5000)
    }
}

impl Locate for Disk {
    type Location = ();
    type Dimm = ();

    fn locate(_: Borrowed<'_, Self>, _: &Facts<char>) -> Result<(), Fail> {
        Ok(())
    }
    fn confirm(self, (): &()) -> Result<u64, Fail> {
        Ok(7)
    }
    fn backing(self, (): &()) -> Result<Backing, Fail> {
        Ok(Backing::Volume { dax: self.dax })
    }
    fn regions(self, (): &()) -> Result<usize, Fail> {
        Ok(0)
    }
    fn region(self, (): &(), _: usize) -> Result<Option<Region>, Fail> {
        Ok(None)
    }
    fn dimm(self, (): &(), region: usize, index: usize) -> Result<Option<()>, Fail> {
        Ok(((region, index) == (0, 0)).then_some(()))
    }
    fn dimm_id(self, (): ()) -> Result<Text<32>, Fail> {
        Ok(Text::fit("00112233445566778899aabbccddeeff").expect("32 digits"))
    }
    fn dimm_dirty_shutdowns(self, (): ()) -> Result<u64, Fail> {
        Ok(3)
    }
    fn dax_capable(self, (): &()) -> Result<Option<bool>, Fail> {
        Ok(Some(self.dax))
    }
    fn synchronous(handle: Borrowed<'_, Self>, _: &Facts<char>) -> Result<MapSync, Fail> {
        Ok(if handle.platform().dax { MapSync::Granted } else { MapSync::Refused })
    }
}

// SAFETY: the object is the platform itself, and stays what it is.
unsafe impl Handle for Disk {
    type P = Self;
    fn platform(&self) -> Self {
        *self
    }
    fn raw(&self) {}
}

#[test]
fn what_cannot_be_read_is_let_in_and_refused_where_it_would_be_mapped() {
    for (access, fault) in [
        (Access::WRITE, Some(HandleFault::WriteOnly)),
        (Access::WRITE | Access::APPEND, Some(HandleFault::WriteOnly)),
        (Access::empty(), Some(HandleFault::NoAccess)),
        (Access::PATH, Some(HandleFault::PathOnly)),
        (Access::READ, None),
        (READ_WRITE, None),
    ] {
        let object = file(access, false);
        let source = Source::new(object).expect("a source");
        assert_eq!((source.size(), source.access()), (Ok(5000), access));
        let verdict = fault.map_or(Ok(()), |fault| Err(Error::InvalidFileHandle(fault)));
        assert_eq!(source.check_range(0, 0), verdict.map(|()| 0..5000));
        for sharing in [Sharing::Shared, Sharing::Private] {
            assert_eq!(source.expected_granularity(sharing).map(|_| ()), verdict);
        }
        for report in [source.report(), Report::new(&object)] {
            assert_eq!((report.verdict(), report.size()), (verdict, Some(Ok(5000))));
            assert_eq!(report.granularity().is_some(), fault.is_none());
        }
        assert_eq!(Report::new_unopened(&object).verdict(), Ok(()));
        assert!(Pool::<Disk, 1>::new().source(&object).is_ok() && Source::boxed(object).is_ok());
    }
}

/// The kind comes first there, in a source and in a report.
#[test]
fn the_kind_is_what_refuses() {
    for access in [Access::empty(), Access::WRITE, Access::READ] {
        let object = Disk { kind: Kind::Directory, ..file(access, false) };
        let refused = Error::InvalidFileType(Kind::Directory);
        assert_eq!(Source::new(object).unwrap_err(), refused);
        assert_eq!(Report::new(&object).verdict(), Err(refused));
    }
}

#[test]
fn a_volume_answers_for_its_devices() {
    for dax in [false, true] {
        let source = Source::new(file(READ_WRITE, dax)).expect("a source");
        let on = Backing::Volume { dax };
        let place = source.place().expect("a place");
        assert_eq!(
            (place.backing(), place.dax_capable(), place.regions().count()),
            (on, Some(dax), 0)
        );
        assert_eq!(source.confirm_place(&place), Ok(()));
        assert_eq!(source.device_id().as_deref(), Ok("00112233445566778899aabbccddeeff"));
        assert_eq!((source.device_usc(), source.dimms().map(Iterator::count)), (Ok(3), Ok(1)));
        for (error, asked) in [
            (source.numa_node().err(), Subject::NumaNode),
            (source.region(0).err(), Subject::Region),
        ] {
            assert_eq!(error, Some(Error::NotPersistentMemory { asked, on }));
            assert_eq!(error.map(|error| error.code()), Some(-100_001));
        }
        let expected = source.expected_granularity(Sharing::Shared).expect("a granularity");
        let (granularity, reason) = match dax {
            true => (Granularity::CacheLine, Reason::DomainUnstated),
            false => (Granularity::Page, Reason::VolumeNotDax),
        };
        assert_eq!((expected.granularity, expected.reason), (granularity, reason));
    }
}

fn shown(dax: bool) -> Vec<String> {
    Report::new(&file(READ_WRITE, dax)).to_string().lines().map(str::to_owned).collect()
}

#[test]
fn volumes_in_words() {
    let common = [
        "kind             regular file",
        "access           read and write",
        "identity         a",
        "size             5000 bytes",
        "alignment        65536 bytes",
    ];
    let remedy = if cfg!(windows) {
        "remedy           use a file on a DAX volume: NTFS on persistent memory, formatted for it (format /dax)"
    } else {
        "remedy           use a file on a DAX volume, on persistent memory"
    };
    let not_dax = [
        "persistent: no: a volume that is not DAX",
        "reason           its volume is not DAX",
        remedy,
    ];
    let plain = ["place            a volume that is not DAX", "granularity      PAGE"];
    let yes = [
        "persistent: yes, CACHE_LINE (eADR is not stated)",
        "reason           the platform does not say whether it flushes the processor's caches (eADR)",
        "remedy           BYTE needs a platform with eADR",
    ];
    let dax = [
        "place            a DAX volume, whose regions Windows does not tell",
        "device id        00112233445566778899aabbccddeeff",
        "unsafe shutdowns 3",
        "granularity      CACHE_LINE",
    ];
    assert_eq!(shown(false), [not_dax.as_slice(), &common, &plain].concat());
    assert_eq!(shown(true), [yes.as_slice(), &common, &dax].concat());
    let source = Source::new(file(READ_WRITE, true)).expect("a source");
    assert_eq!(
        source.numa_node().unwrap_err().to_string(),
        "the NUMA node cannot be determined: Windows does not say on which one the memory of a volume is"
    );
}
