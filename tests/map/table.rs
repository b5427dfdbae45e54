//! The table of mapping.

use std::fs::File;

use pmem2::{
    Anonymous, Error, Fd, Granularity, Handle, MapConfig, Source,
    error::{Errno, Subject},
    map::{Map, Protection},
    platform::Locate,
};
use rustix::mount::{MountFlags, mount};

use crate::{
    common::{
        child::{Ended, in_child},
        fd,
        made::DISK,
        thread::{with_own_descriptors, with_own_mounts},
    },
    read_file,
    rows::{Object, Row, config, rows},
};

/// The facts after a source was mapped and unmapped again, or refused.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Told {
    mapped: Result<(u64, Granularity), Error>,
    /// Whether the address space changed, while it was mapped and for good.
    meanwhile: bool,
    afterwards: bool,
    /// Whether the source came back that was given.
    came_back: bool,
}

/// Maps and unmaps, and compares the address space. It allocates nothing.
fn told<H: Handle<P: Map + Locate>>(
    source: Source<H>,
    row: &Row,
    maps: &mut [Vec<u8>; 2],
    same: impl Fn(&H) -> bool,
) -> Told {
    let [before, after] = maps;
    let maps = c"/proc/self/maps";
    let length = read_file(maps, before);
    let differs = |after: &mut [u8]| {
        let read = read_file(maps, after);
        before[..length] != after[..read]
    };
    let (mapped, meanwhile, source) = match source.try_map(&config(&row.asked)) {
        Ok(map) => {
            let mapped = (map.length() as u64, map.granularity());
            assert_eq!((map.room(), map.offset()), (map.length(), row.offset()));
            let meanwhile = differs(after);
            match map.unmap() {
                Ok(source) => (Ok(mapped), meanwhile, source),
                Err((_, error)) => panic!("{error}"),
            }
        }
        Err((source, error)) => (Err(error), differs(after), source),
    };
    Told { mapped, meanwhile, afterwards: differs(after), came_back: same(source.handle()) }
}

impl Row {
    fn offset(&self) -> u64 {
        if matches!(self.object, Object::Anonymous(_)) { 0 } else { self.asked.offset }
    }
}

#[test]
fn every_row() {
    let mut maps = [vec![0; 1 << 20], vec![0; 1 << 20]];
    let mut wrong = Vec::new();
    let (mut mapped, mut refused) = (0, 0);
    with_own_descriptors(|| {
        for row in rows() {
            let ended = match &row.object {
                Object::Descriptor(make) => {
                    let made = make().expect("a descriptor");
                    in_child(|| {
                        let source = Source::from_fd(fd(made.raw())).expect("a source");
                        (row.then)(made.raw());
                        told(source, &row, &mut maps, |fd: &Fd<'_>| fd.raw() == made.raw())
                    })
                }
                Object::Anonymous(size) => in_child(|| {
                    let source = Source::from_anon(*size).expect("a source");
                    let whole = source.size();
                    let size = |anonymous: &Anonymous| Source::new(*anonymous).unwrap().size();
                    told(source, &row, &mut maps, |anonymous| size(anonymous) == whole)
                }),
            };
            let expected = Told {
                mapped: row.expected,
                meanwhile: row.expected.is_ok(),
                afterwards: false,
                came_back: true,
            };
            mapped += u32::from(row.expected.is_ok());
            refused += u32::from(row.expected.is_err());
            if ended != Ended::With(expected) {
                wrong.push((row.name, ended, expected));
            }
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(mapped > 150 && refused > 50, "{mapped} mapped, {refused} refused");
}

/// A file system that forbids execution, and not stores.
#[test]
fn a_mount_without_execution() {
    needs_root!();
    let place = tempfile::TempDir::new_in(DISK).expect("a directory");
    let target = place.path();
    let file = with_own_mounts(|| {
        mount("tmpfs", target, "tmpfs", MountFlags::NOEXEC, None).expect("a file system");
        let mut options = File::options();
        options.read(true).write(true).create_new(true).open(target.join("file")).expect("a file")
    });
    file.set_len(4096).expect("its size");
    let all = MapConfig::new(Granularity::Page).protection(Protection::all());
    let error = Source::new(&file).unwrap().map(&all).map(drop);
    assert_eq!(error, Err(Error::Os { subject: Subject::Mapping, errno: Errno::EPERM }));
    let both = MapConfig::new(Granularity::Page);
    assert!(Source::new(&file).unwrap().map(&both).is_ok());
}
