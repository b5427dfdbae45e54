//! The rows of the table through pmem2 and through Debian's libpmem2, side by side. Where the two
//! differ, the difference is in a list with its reason; any other fails, and so does one in the
//! list that is no more.

use std::{collections::BTreeSet, env};

use pmem2::{Error, Granularity, Handle, Source, map::Map, platform::Locate};

use crate::{
    alone,
    common::{fd, libpmem2::Libpmem2, thread::with_own_descriptors},
    rows::{Object, Row, config, rows},
};

/// The length and the granularity, or the code, as C has them.
type Answer = Result<(u64, i32), i32>;

const INVALID_FILE_HANDLE: i32 = -100_004;
const MAP_RANGE: i32 = -100_006;
const OFFSET_UNALIGNED: i32 = -100_011;
const LENGTH_UNALIGNED: i32 = -100_015;
const ENOMEM: i32 = -12;
const EINVAL: i32 = -22;
const EOVERFLOW: i32 = -75;
const BYTE: i32 = Granularity::Byte as i32;
const PAGE: i32 = Granularity::Page as i32;

fn ours<H: Handle<P: Map + Locate>>(source: Source<H>, row: &Row) -> Answer {
    match source.map(&config(&row.asked)) {
        Ok(map) => Ok((map.length() as u64, map.granularity() as i32)),
        Err(error) => Err(Error::code(&error)),
    }
}

const TO_THE_END: &str = "a range may end exactly where the source does; libpmem2 maps those bytes \
    too, if they are not named";
const REST: &str = "nothing is left to map at the end: a range error like any beyond; libpmem2 \
    passes mmap's on";
const IGNORED: &str = "the offset of an anonymous source is ignored, as \
    pmem2_config_set_offset(3) says; libpmem2 checks it where a length is given, and its alignment";
const NO_SUCH_SIZE: &str = "more than half of the address space is refused before the kernel is \
    asked; the C API has to make ENOMEM of it";
const HUGE: &str = "mappings of hugetlbfs have to be aligned to its huge pages; libpmem2 takes the \
    page size, and passes mmap's error on";
const REUSED: &str = "the descriptor is another file's by now; libpmem2 maps that";

/// Names of rows, ours, theirs, and the reason.
const INTENDED: &[(&str, Answer, Answer, &str)] = &[
    ("100 bytes, 100 at 0", Ok((100, PAGE)), Err(LENGTH_UNALIGNED), TO_THE_END),
    ("4097 bytes, 4097 at 0", Ok((4097, PAGE)), Err(LENGTH_UNALIGNED), TO_THE_END),
    ("4097 bytes, 1 at 4096", Ok((1, PAGE)), Err(LENGTH_UNALIGNED), TO_THE_END),
    ("16384 bytes, 0 at 16384", Err(MAP_RANGE), Err(EINVAL), REST),
    ("anonymous, 16384 bytes, 0 at 1", Ok((16384, BYTE)), Err(OFFSET_UNALIGNED), IGNORED),
    ("anonymous, 16384 bytes, 4096 at 1", Ok((4096, BYTE)), Err(OFFSET_UNALIGNED), IGNORED),
    ("anonymous, 16384 bytes, 4096 at 32768", Ok((4096, BYTE)), Err(MAP_RANGE), IGNORED),
    ("anonymous, 9223372036854775808 bytes, 0 at 0", Err(EOVERFLOW), Err(ENOMEM), NO_SUCH_SIZE),
    ("anonymous, 18446744073709551615 bytes, 0 at 0", Err(EOVERFLOW), Err(ENOMEM), NO_SUCH_SIZE),
    ("memfd of huge pages, at 4096", Err(OFFSET_UNALIGNED), Err(EINVAL), HUGE),
    ("memfd of huge pages, 4096", Err(LENGTH_UNALIGNED), Err(ENOMEM), HUGE),
    ("reused", Err(INVALID_FILE_HANDLE), Ok((16 * 4096, PAGE)), REUSED),
];

/// The variable that makes a process of its own of the test: on ext4 libpmem2's maps destroy those
/// of other threads (tests/map/threads.rs).
const ALONE: &str = "PMEM2_TEST_PEER";

#[test]
fn every_row() {
    if env::var_os(ALONE).is_none() {
        let ended = alone("peer::every_row", ALONE, "1");
        let text = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{}: {text}", ended.status);
        return;
    }
    let library = Libpmem2::load();
    let (mut found, mut same) = (BTreeSet::new(), 0);
    with_own_descriptors(|| {
        for row in rows() {
            let (ours, theirs) = match &row.object {
                Object::Descriptor(make) => {
                    // One after the other, each with an object of its own.
                    let made = make().expect("a descriptor");
                    let source = Source::from_fd(fd(made.raw())).expect("a source");
                    (row.then)(made.raw());
                    let ours = ours(source, &row);
                    let made = make().expect("a descriptor");
                    let source = library.source(made.raw()).expect("a source");
                    (row.then)(made.raw());
                    let theirs = source.mapped(&row.asked);
                    source.delete();
                    (ours, theirs)
                }
                Object::Anonymous(size) => {
                    let source = Source::from_anon(*size).expect("a source");
                    let size = usize::try_from(*size).expect("a 64-bit machine");
                    let peer = library.anonymous_source(size).expect("a source");
                    let theirs = peer.mapped(&row.asked);
                    peer.delete();
                    (ours(source, &row), theirs)
                }
            };
            if ours == theirs {
                same += 1;
            } else {
                let name = row.name.trim_start_matches("disk: ").trim_start_matches("tmpfs: ");
                found.insert((name.to_owned(), ours, theirs));
            }
        }
    });
    let intended: BTreeSet<_> =
        INTENDED.iter().map(|&(name, ours, theirs, _)| (name.to_owned(), ours, theirs)).collect();
    let unexpected: Vec<_> = found.difference(&intended).collect();
    let gone: Vec<_> = intended.difference(&found).collect();
    assert!(unexpected.is_empty(), "not intended (ours, theirs): {unexpected:#?}");
    assert!(gone.is_empty(), "intended, and no more: {gone:#?}");
    assert!(same > 200, "{same}");
}
