//! NUMA node, device id and unsafe shutdowns beside Debian's libpmem2: on every kind of descriptor
//! that is a source, and on persistent memory that a made-up /sys speaks of, which libndctl accepts
//! too. Where the two differ, that is said, with the reason; any other difference fails.

use std::{collections::BTreeSet, ffi::CStr, fs::File, os::fd::AsRawFd};

use crate::common::{
    device_dax::with_sysfs,
    fd,
    libpmem2::{Libpmem2, PeerSource},
    made::DISK,
    nd::{self, Bus},
    rows::rows,
    thread::with_own_descriptors,
};
use pmem2::{Error, Fd, Source, place::Backing};

// Of `<libpmem2/base.h>`.
const NOSUPP: i32 = -100_001;
const DAX_REGION_NOT_FOUND: i32 = -100_026;
const BUFFER_TOO_SMALL: i32 = -100_017;

fn code<T>(answer: Result<T, Error>) -> Result<T, i32> {
    answer.map_err(|error| error.code())
}

/// The answers of the three functions, as C sees them: node, id, count.
type Answers = (Result<i32, i32>, Result<String, i32>, Result<u64, i32>);

fn ours(source: &Source<Fd<'_>>) -> Answers {
    let node = code(source.numa_node())
        .map(|node| node.map_or(-1, |node| i32::try_from(node).expect("a node")));
    (node, code(source.device_id()).map(|id| id.to_string()), code(source.device_usc()))
}

fn theirs(source: &PeerSource<'_>) -> Answers {
    (source.numa_node(), id(source), source.device_usc())
}

/// pmem2_source_device_id as its manual page says that it is called: first for the length, then for
/// the id.
fn id(source: &PeerSource<'_>) -> Result<String, i32> {
    let length = source.device_id_length()?;
    let buffer = source.device_id::<800>()?;
    let id = CStr::from_bytes_until_nul(&buffer).expect("its end").to_str().expect("text");
    assert_eq!(length, id.len() + 1, "the zero at the end is counted");
    Ok(id.to_owned())
}

#[test]
fn every_row_of_the_table() {
    needs_root!();
    let library = Libpmem2::load();
    let (mut different, mut compared) = (BTreeSet::new(), 0);
    with_own_descriptors(|| {
        for row in rows() {
            let Some(made) = row.descriptor() else { continue };
            let (Ok(source), Ok(peer)) =
                (Source::from_fd(fd(made.raw())), library.source(made.raw()))
            else {
                continue;
            };
            let (ours, theirs) = (ours(&source), theirs(&peer));
            assert_eq!(
                theirs,
                (Err(DAX_REGION_NOT_FOUND), Err(NOSUPP), Err(NOSUPP)),
                "{}",
                row.name
            );
            if ours != theirs {
                // A file system that hides its device may be on persistent memory, for all that is
                // known.
                assert_eq!(ours, (Err(NOSUPP), Err(NOSUPP), Err(NOSUPP)), "{}", row.name);
                let place = source.place().expect("a place");
                assert!(matches!(place.backing(), Backing::Hidden(_)), "{}: {place}", row.name);
                different.insert(row.name);
            }
            compared += 1;
            peer.delete();
        }
    });
    assert_eq!(different.into_iter().collect::<Vec<_>>(), ["file on overlayfs"]);
    assert!(compared > 15, "{compared}");
}

#[test]
fn anonymous_sources() {
    let library = Libpmem2::load();
    let (source, peer) = (
        Source::from_anon(4096).expect("a source"),
        library.anonymous_source(4096).expect("a source"),
    );
    assert_eq!(code(source.numa_node()).map(|_| ()), peer.numa_node().map(|_| ()));
    assert_eq!(code(source.device_usc()), peer.device_usc());
    assert_eq!(code(source.device_id()).map(|_| ()), peer.device_id_length().map(|_| ()));
    assert_eq!(code(source.device_usc()), Err(NOSUPP));
    peer.delete();
}

/// Both answers about a file on the disk.
fn of_file() -> (Answers, Answers) {
    let library = Libpmem2::load();
    let file = tempfile::tempfile_in(DISK).expect("a file");
    of_descriptor(&library, &file)
}

fn of_descriptor(library: &Libpmem2, file: &File) -> (Answers, Answers) {
    let source = Source::from_fd(fd(file.as_raw_fd())).expect("a source");
    let peer = library.source(file.as_raw_fd()).expect("a source");
    let answers = (ours(&source), theirs(&peer));
    peer.delete();
    answers
}

const IDS: [&str; 3] = ["8680-56341200", "8680-57341200", "8089-a2-1747-00000a01"];

/// The DIMMs of the bus in the order in which its directory lists them.
fn listed(bus: &Bus) -> Vec<u32> {
    let names = std::fs::read_dir(bus.entry.directory())
        .expect("a directory")
        .map(|entry| entry.expect("one").file_name());
    names.filter_map(|name| name.to_str()?.strip_prefix("nmem")?.parse().ok()).collect()
}

/// Every order of some DIMMs.
fn orders(count: u32) -> Vec<Vec<u32>> {
    (0..count).fold(vec![vec![]], |orders, dimm| {
        let with = |order: &Vec<u32>| {
            (0..=order.len())
                .map(|place| [&order[..place], &[dimm], &order[place..]].concat())
                .collect::<Vec<_>>()
        };
        orders.iter().flat_map(with).collect()
    })
}

/// libpmem2 joins the ids with nothing between them, and so do we. The order of its DIMMs is that
/// of libndctl: the opposite of the one in which the directory of the bus lists them, whatever the
/// region's mappings say. Ours is that of the mappings, as they are interleaved. A real sysfs lists
/// names by a hash of them, so that the two orders are often the same, but not always.
#[test]
fn how_ids_are_joined() {
    needs_root!();
    let mut same = 0;
    with_sysfs(|sysfs| {
        for count in [1, 2, 3] {
            for (made, mapped) in orders(count)
                .iter()
                .flat_map(|made| orders(count).into_iter().map(move |m| (made, m)))
            {
                let bus = Bus::new(sysfs);
                for &dimm in made {
                    bus.dimm(dimm, IDS[dimm as usize], &(dimm + 5).to_string());
                }
                bus.region(0, &mapped).fsdax("pmem0", nd::disk());
                let (ours, theirs) = of_file();
                let join = |dimms: &[u32]| {
                    Ok(dimms.iter().map(|&dimm| IDS[dimm as usize]).collect::<String>())
                };
                let of_bus: Vec<_> = listed(&bus).into_iter().rev().collect();
                assert_eq!(of_bus.len(), made.len());
                assert_eq!(
                    (&ours.1, &theirs.1),
                    (&join(&mapped), &join(&of_bus)),
                    "{made:?}, {mapped:?}"
                );
                // The sum has no order.
                assert_eq!((&ours.0, &ours.2), (&theirs.0, &theirs.2));
                assert_eq!(ours.2, Ok((0..count).map(|dimm| u64::from(dimm) + 5).sum()));
                if of_bus == mapped {
                    assert_eq!(ours, theirs, "byte for byte");
                    same += 1;
                }
            }
        }
    });
    assert_eq!(same, 1 + 2 + 6, "one order of the mappings for each of the directory");
}

/// In each mode, with a node and without, with DIMMs and without.
#[test]
fn files_on_persistent_memory() {
    needs_root!();
    type Make = fn(&nd::Region, &str, (u32, u32)) -> crate::common::device_dax::Entry;
    with_sysfs(|sysfs| {
        for make in [nd::Region::fsdax as Make, nd::Region::sector, nd::Region::raw] {
            for dimms in [&[][..], &[0], &[1]] {
                for node in ["0\n", "1\n", "-1\n"] {
                    let bus = Bus::new(sysfs);
                    for dimm in dimms {
                        bus.dimm(*dimm, IDS[*dimm as usize], "3");
                    }
                    // Another region, with another answer.
                    bus.dimm(2, IDS[2], "100");
                    bus.region(0, &[2]).fsdax("pmem0", (259, 8000));
                    let region = bus.region(1, dimms);
                    region.entry.write("numa_node", node);
                    make(&region, "pmem1", nd::disk());
                    let (ours, theirs) = of_file();
                    assert_eq!(ours, theirs, "{dimms:?}, {node:?}");
                    assert_eq!(
                        (ours.0, ours.2),
                        (Ok(node.trim().parse().expect("a node")), Ok(3 * dimms.len() as u64))
                    );
                }
            }
        }
    });
}

#[test]
fn what_dimms_do_not_say() {
    needs_root!();
    with_sysfs(|sysfs| {
        let bus = Bus::new(sysfs);
        let dimm = bus.dimm(0, IDS[0], "3");
        bus.region(0, &[0]).fsdax("pmem0", nd::disk());
        // QEMU's NVDIMMs have no such counter.
        std::fs::remove_file(dimm.nfit.path("dirty_shutdown")).expect("removed");
        let (ours, theirs) = of_file();
        assert_eq!((ours.2, theirs.2), (Err(NOSUPP), Err(NOSUPP)));
        assert_eq!(ours.1, theirs.1);
        // libpmem2 cannot tell: what makes no sense, or may not be read, is no error of its own.
        dimm.nfit.write("dirty_shutdown", "garbage\n");
        let (ours, theirs) = of_file();
        assert_eq!(ours.2, Err(-100_027));
        assert_ne!(theirs.2, ours.2, "libpmem2 says {:?}", theirs.2);
    });
}

/// The call for the length, a buffer that is too small, one that was used before.
#[test]
fn buffers_of_libpmem2() {
    needs_root!();
    with_sysfs(|sysfs| {
        let bus = Bus::new(sysfs);
        bus.dimm(0, IDS[0], "3");
        bus.region(0, &[0]).fsdax("pmem0", nd::disk());
        let library = Libpmem2::load();
        let file = tempfile::tempfile_in(DISK).expect("a file");
        let peer = library.source(file.as_raw_fd()).expect("a source");
        assert_eq!(peer.device_id_length(), Ok(14));
        assert_eq!(
            peer.device_id::<14>().as_ref().map(|id| &id[..13]),
            Ok(&IDS[0].as_bytes()[..13])
        );
        assert_eq!(peer.device_id::<13>(), Err(BUFFER_TOO_SMALL), "without room for the zero");
        let mut used = [0; 40];
        used[..4].copy_from_slice(b"old ");
        let id = peer.device_id_into(used).expect("an id");
        assert!(id.starts_with(b"old 8680-56341200\0"), "it appends, which ours must not");
        let ours = Source::new(&file).and_then(|source| source.device_id()).expect("an id");
        assert_eq!(ours.as_str(), IDS[0]);
        peer.delete();
    });
}

/// A partition and a volume, where libpmem2 has no answer.
#[test]
fn layers_that_libpmem2_does_not_know() {
    needs_root!();
    with_sysfs(|sysfs| {
        let bus = Bus::new(sysfs);
        bus.dimm(0, IDS[0], "3");
        let disk = bus.region(0, &[0]).fsdax("pmem0", (259, 8001));
        nd::partition(&disk, "pmem0p1", nd::disk());
        let known = (Ok(1), Ok(IDS[0].to_owned()), Ok(3));
        let unknown = (Err(DAX_REGION_NOT_FOUND), Err(NOSUPP), Err(NOSUPP));
        assert_eq!(of_file(), (known.clone(), unknown.clone()));
        nd::volume("dm-0", nd::disk(), &[&disk]);
        assert_eq!(of_file(), (known, unknown));
    });
}
