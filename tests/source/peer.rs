//! The same descriptors through pmem2 and through Debian's libpmem2, side by side. Where the two
//! differ, the difference is in a table with its reason; any other fails, and so does one in the
//! table that is no more.

use std::{collections::BTreeSet, os::fd::AsRawFd};

use crate::common::{
    device_dax::{dev_null, with_sysfs},
    fd,
    libpmem2::{Libpmem2, PeerSource},
    made::memfd,
    rows::rows,
    thread::with_own_descriptors,
};
use pmem2::{Code, Error, Handle, Source, linux::Linux};
use rustix::fs::MemfdFlags;

/// Who, asked what, and the two answers, as C sees them: ours first.
type Difference = (String, &'static str, i128, i128);

/// A difference that is meant: of what, in which answer, ours, theirs, and why.
type Intended = (&'static str, &'static str, i128, i128, &'static str);

// Of `<libpmem2/base.h>`.
const INVALID_FILE_HANDLE: i128 = -100_004;
const INVALID_FILE_TYPE: i128 = -100_005;
const MAP_RANGE: i128 = -100_006;
const LENGTH_UNALIGNED: i128 = -100_015;
const ENOENT: i128 = -2;
const EINVAL: i128 = -22;

const PAGE: u64 = 4096;

const O_PATH: &str =
    "an O_PATH descriptor cannot be used; libpmem2 takes it, and mapping fails later (EBADF)";
const O_PATH_TYPE: &str = "the descriptor is judged before the type; libpmem2 does not know O_PATH";
const MODE_3: &str =
    "a descriptor that cannot be read cannot be mapped; libpmem2 knows O_WRONLY only";
const MODE_3_TYPE: &str =
    "the descriptor is judged before the type; libpmem2 does not know access mode 3";
const HUGE: &str =
    "mappings of hugetlbfs have to be aligned to its huge pages; libpmem2 gives the page size";
const PTY: &str = "a character device without an entry in /sys/dev/char is no device DAX; libpmem2 passes readlink's error on";
const TO_THE_END: &str =
    "length 0 maps the same bytes, in whole pages; programs that keep a file's length name it";
const REST: &str = "nothing is left to map at the end: a range error like any beyond; libpmem2 passes mmap's error on";

fn code<T>(answer: Result<T, Error>) -> Result<T, i32> {
    answer.map_err(|error| error.code())
}

fn number(answer: Result<u64, i32>) -> i128 {
    answer.map_or_else(i128::from, i128::from)
}

/// Fails unless `found` is exactly `intended`.
fn compare(found: Vec<Difference>, intended: &[Intended]) {
    let intended: BTreeSet<_> = intended
        .iter()
        .map(|&(who, what, ours, theirs, _)| (who.to_owned(), what, ours, theirs))
        .collect();
    let found: BTreeSet<_> = found.into_iter().collect();
    let unexpected: Vec<_> = found.difference(&intended).collect();
    let gone: Vec<_> = intended.difference(&found).collect();
    assert!(
        unexpected.is_empty(),
        "differences that are not intended (ours, theirs): {unexpected:#?}"
    );
    assert!(gone.is_empty(), "intended differences that are no more: {gone:#?}");
}

/// The answers of the two about one source.
fn answers<H: Handle<P = Linux>>(
    name: &str,
    ours: &Source<H>,
    theirs: &PeerSource<'_>,
    found: &mut Vec<Difference>,
) {
    for (what, ours, theirs) in [
        ("size", code(ours.size()), theirs.size()),
        ("alignment", code(ours.alignment()), theirs.alignment()),
    ] {
        if ours != theirs {
            found.push((name.to_owned(), what, number(ours), number(theirs)));
        }
    }
    assert_eq!(theirs.fd(), Ok(ours.handle().raw()), "{name}: the handle");
}

#[test]
fn every_row_of_the_table() {
    needs_root!();
    let library = Libpmem2::load();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    with_own_descriptors(|| {
        for row in rows() {
            let Some(made) = row.descriptor() else {
                missing.push(row.name);
                continue;
            };
            let ours = Source::from_fd(fd(made.raw()));
            let theirs = library.source(made.raw());
            let (our_code, their_code) = (
                ours.map_or_else(|error| error.code(), |_| 0),
                theirs.as_ref().map_or_else(|code| *code, |_| 0),
            );
            if our_code != their_code {
                found.push((row.name.to_owned(), "from_fd", our_code.into(), their_code.into()));
            }
            if let (Ok(ours), Ok(theirs)) = (&ours, &theirs) {
                answers(row.name, ours, theirs, &mut found);
            }
            if let Ok(theirs) = theirs {
                theirs.delete();
            }
        }
    });
    const INTENDED: &[Intended] = &[
        ("file, O_PATH", "from_fd", INVALID_FILE_HANDLE, 0, O_PATH),
        ("directory, O_PATH", "from_fd", INVALID_FILE_HANDLE, INVALID_FILE_TYPE, O_PATH_TYPE),
        ("/dev/null, O_PATH", "from_fd", INVALID_FILE_HANDLE, INVALID_FILE_TYPE, O_PATH_TYPE),
        ("FIFO, O_PATH", "from_fd", INVALID_FILE_HANDLE, INVALID_FILE_TYPE, O_PATH_TYPE),
        ("symbolic link, O_PATH", "from_fd", INVALID_FILE_HANDLE, INVALID_FILE_TYPE, O_PATH_TYPE),
        ("file, access mode 3", "from_fd", INVALID_FILE_HANDLE, 0, MODE_3),
        (
            "/dev/null, access mode 3",
            "from_fd",
            INVALID_FILE_HANDLE,
            INVALID_FILE_TYPE,
            MODE_3_TYPE,
        ),
        ("terminal, slave", "from_fd", INVALID_FILE_TYPE, ENOENT, PTY),
        ("file on hugetlbfs", "alignment", 2 << 20, 4096, HUGE),
        ("memfd of huge pages", "alignment", 2 << 20, 4096, HUGE),
    ];
    let intended: Vec<_> =
        INTENDED.iter().filter(|(name, ..)| !missing.contains(name)).copied().collect();
    compare(found, &intended);
}

#[test]
fn anonymous_sources() {
    let library = Libpmem2::load();
    for size in [0, 1, 4096, 4097, u64::MAX] {
        let ours = Source::from_anon(size).expect("an anonymous source");
        let theirs = library
            .anonymous_source(usize::try_from(size).expect("a 64-bit machine"))
            .expect("an anonymous source");
        assert_eq!(code(ours.size()), theirs.size());
        assert_eq!(code(ours.alignment()), theirs.alignment());
        // Ours has no descriptor to ask for; this is the code that the C library will give.
        assert_eq!(theirs.fd(), Err(Code::FileDescriptorNotSet.raw()));
        theirs.delete();
    }
}

#[test]
fn device_dax_is_accepted_by_both() {
    needs_root!();
    let library = Libpmem2::load();
    with_sysfs(|sysfs| {
        for bus in ["/sys/bus/dax", "/sys/class/dax"] {
            let entry = sysfs.device_dax("2097152\n", "4096\n");
            // libpmem2 resolves the link, so that its target has to be there.
            std::fs::create_dir_all(bus).expect("a directory in /sys");
            std::fs::remove_file(entry.path("subsystem")).expect("removed");
            entry.link("subsystem", bus);
            let null = dev_null();
            assert_eq!(Source::new(&null).map(|_| ()), Ok(()), "{bus}");
            // No further: its size and alignment crash where there is no ndctl namespace.
            library
                .source(null.as_raw_fd())
                .unwrap_or_else(|code| panic!("{bus}: {code}"))
                .delete();
        }
    });
}

/// The questions that are meant to be answered otherwise; any other is its own class, and both have
/// to agree.
fn class(size: u64, offset: u64, length: u64) -> Option<&'static str> {
    match (size, offset, length) {
        (PAGE.., _, 0) if offset == size && offset.is_multiple_of(PAGE) => {
            Some("the rest, of which there is none")
        }
        _ if offset.is_multiple_of(PAGE)
            && !length.is_multiple_of(PAGE)
            && offset.checked_add(length) == Some(size) =>
        {
            Some("a length that ends exactly at the end, within a page")
        }
        _ => None,
    }
}

#[test]
fn check_range_is_what_map_new_says() {
    const ODD: u64 = 4 * PAGE + 100;
    let near_the_end = [(1 << 63) - PAGE, (1 << 63) - 1, 1 << 63, u64::MAX - 4095, u64::MAX];
    let offsets = [0, 1, 100, PAGE, 3 * PAGE, 4 * PAGE, 5 * PAGE, ODD, 1 << 62]
        .into_iter()
        .chain(near_the_end);
    let lengths = [0, 1, 100, PAGE - 1, PAGE, 3 * PAGE, 4 * PAGE, 5 * PAGE, ODD, 1 << 62]
        .into_iter()
        .chain(near_the_end);
    let library = Libpmem2::load();
    let (mut found, mut granted) = (Vec::new(), 0);
    for size in [0, 1, PAGE, ODD, 4 * PAGE] {
        let file = memfd(MemfdFlags::empty(), size).expect("a memfd");
        let ours = Source::new(&file).expect("a source");
        let theirs = library.source(file.as_raw_fd()).expect("a source");
        for (offset, length) in
            offsets.clone().flat_map(|offset| lengths.clone().map(move |length| (offset, length)))
        {
            let ours = code(ours.check_range(offset, length)).map(|range| range.end - range.start);
            let theirs = theirs.map(offset, length);
            granted += u32::from(ours.is_ok());
            // All of a class, not some of it, have to differ, and in the same way.
            if let Some(class) = class(size, offset, length) {
                found.push((class.to_owned(), "range", number(ours), number(theirs)));
            } else if ours != theirs {
                found.push((
                    format!("{size}: {offset}, {length}"),
                    "range",
                    number(ours),
                    number(theirs),
                ));
            }
        }
        theirs.delete();
    }
    assert!(granted > 10, "{granted}");
    let to_the_end = |granted: u64| {
        let class = "a length that ends exactly at the end, within a page";
        (class, "range", granted.into(), LENGTH_UNALIGNED, TO_THE_END)
    };
    compare(
        found,
        &[
            ("the rest, of which there is none", "range", MAP_RANGE, EINVAL, REST),
            to_the_end(1),
            to_the_end(100),
            to_the_end(ODD),
        ],
    );
}
