//! Debian's libpmem2 beside pmem2 where memory is bad: as `../peer.rs`, with a table of its own.

use std::{
    fs::File,
    ops::Range,
    os::{fd::AsRawFd, unix::fs::FileExt},
};

use pmem2::{Error, Source, badblocks::ClearBy};
use pmem2_guest::machine::{Device, MIB, Machine, PAGE};

use super::{
    bed::Bed,
    clear::lose_page,
    ground::{Ground, SECTOR},
    inject::Way,
    lists::over_reversed_pieces,
    peer_table::INTENDED,
    rows::directly,
    transfers::drop_caches,
};
use crate::{
    common::libpmem2::{Libpmem2, PeerSource},
    peer::{Found, ours, theirs},
};

/// More than are made here.
const MOST: usize = 8;

pub(crate) fn side_by_side(machine: &Machine, device: &Device) {
    let library = Libpmem2::load();
    let mut found = Found::default();
    let bed = Bed::new(machine, device);
    let page = bed.range.start + 32 * PAGE;
    let peer = library.source(bed.file.as_raw_fd()).expect("a source");
    compare_lists(&mut found, "no bad block", &bed, &peer);
    transfers(&mut found, "good memory", &bed, &peer, page);
    far_away(&mut found, device, &bed, &peer);
    if device.is_file() {
        lose_page(&bed, page);
    } else if bed.ground.is_nvdimm() {
        Way::LoggedPage.inject(&bed.ground, bed.place(page));
    }
    if !directly(device) {
        std::fs::write("/proc/sys/vm/drop_caches", "1").expect("dropped");
    }
    compare_lists(&mut found, "a bad page", &bed, &peer);
    transfers(&mut found, "a bad page", &bed, &peer, page);
    read_only(&mut found, &library, &bed);
    clearing(&mut found, device, &bed, &peer, page);
    peer.delete();
    if device.is_file() {
        files(&mut found, &library, machine, device);
    }
    found.are_intended(INTENDED, machine, device);
}

fn text(ranges: impl Iterator<Item = (u64, u64)>, start: u64) -> String {
    let words: Vec<_> =
        ranges.map(|(at, length)| format!("{}+{length}", at.wrapping_sub(start))).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}

/// libpmem2's list of these bytes. Other tests have made other parts of a device bad.
fn their_list(
    peer: &PeerSource<'_>,
    range: &Range<u64>,
) -> Result<[Option<(u64, u64)>; MOST], i32> {
    let (mut list, end) = peer.bad_blocks();
    list.retain(|bad| range.contains(&bad.start));
    assert!(list.len() <= MOST, "{list:?}");
    let list =
        std::array::from_fn(|index| list.get(index).map(|bad| (bad.start, bad.end - bad.start)));
    end.map_or(Ok(list), Err)
}

/// The bad blocks of the test's bytes.
fn compare_lists(found: &mut Found, what: &str, bed: &Bed, peer: &PeerSource<'_>) {
    let start = bed.range.start;
    let list =
        bed.bad().map(|bad| text(bad.iter().map(|bad| (bad.start, bad.end - bad.start)), start));
    let said =
        theirs(|| their_list(peer, &bed.range), |list| text(list.into_iter().flatten(), start));
    found.compare(format!("bad blocks, {what}"), ours(list), said);
}

fn code(result: Result<(), impl Into<Error>>) -> String {
    ours(result.map(|()| "done").map_err(Into::into))
}

fn done((): ()) -> &'static str {
    "done"
}

/// Reads and writes of a page, and of the one before it.
fn transfers(found: &mut Found, what: &str, bed: &Bed, peer: &PeerSource<'_>, page: u64) {
    let source = bed.source();
    for (name, at) in [("", page), (" before it", page - PAGE)] {
        let mut buffer = vec![0; PAGE as usize];
        let read = code(source.read_at(at, &mut buffer));
        let their_read = theirs(|| peer.pread(&mut buffer.clone(), at), done);
        found.compare(format!("read, {what}{name}"), read, their_read);
        let bytes = super::bed::bytes(at..at + PAGE);
        // Of half a page: a whole one is cleared where the driver believes so.
        let half = &bytes[..2048];
        let written = code(source.write_at(at, half));
        let their_write = theirs(|| peer.pwrite(&mut half.to_vec(), at), done);
        found.compare(format!("write, {what}{name}"), written, their_write);
    }
}

/// The first address that no program has on x86-64 unless it asks for it: an offset that leads
/// behind every mapping, wherever it lies.
const NO_ADDRESS: u64 = 1 << 47;

/// Reads beyond the end.
fn far_away(found: &mut Found, device: &Device, bed: &Bed, peer: &PeerSource<'_>) {
    let size = bed.source().size().expect("a size");
    let before = bed.file.metadata().expect("fstat").len();
    // Theirs goes by its mapping's address there, and a few MiB behind a mapping there may be
    // another one, or none.
    let behind = if device.is_file() { size + 5 * MIB } else { NO_ADDRESS };
    for (name, at) in
        [("at the end", size), ("behind the end", behind), ("across the end", size - 10)]
    {
        let mut buffer = [0; 64];
        let read = code(bed.source().read_at(at, &mut buffer));
        found.compare(format!("read {name}"), read, theirs(|| peer.pread(&mut [0; 64], at), done));
        let written = code(bed.source().write_at(at, &buffer));
        found.compare(
            format!("write {name}"),
            written,
            theirs(|| peer.pwrite(&mut [0; 64], at), done),
        );
    }
    // What theirs has made of it.
    bed.file.set_len(before).unwrap_or_else(|_| assert!(before == 0, "a device has no length"));
}

/// A source that can only be read.
fn read_only(found: &mut Found, library: &Libpmem2, bed: &Bed) {
    let file = File::open(format!("/proc/self/fd/{}", bed.file.as_raw_fd())).expect("opened");
    let (source, peer) = (
        Source::new(&file).expect("a source"),
        library.source(file.as_raw_fd()).expect("a source"),
    );
    let at = bed.range.start;
    let mut buffer = [0; 64];
    let read = code(source.read_at(at, &mut buffer));
    found.compare("read, read-only", read, theirs(|| peer.pread(&mut [0; 64], at), done));
    let written = code(source.write_at(at, &buffer));
    found.compare("write, read-only", written, theirs(|| peer.pwrite(&mut [0; 64], at), done));
    peer.delete();
}

/// First what is not bad, and then what is.
fn clearing(found: &mut Found, device: &Device, bed: &Bed, peer: &PeerSource<'_>, page: u64) {
    let by = if device.is_file() { ClearBy::Allocation } else { ClearBy::DeviceCommand };
    let mut one = |name: &str, range: Range<u64>| {
        let cleared = code(bed.source().clear_bad_blocks(range.clone(), by));
        found.compare(name, cleared, theirs(|| peer.clear_bad_blocks(&range), done));
    };
    one("clear, good memory", page + 8 * PAGE..page + 9 * PAGE);
    if device.is_file() {
        // Each its own: it is done for good.
        lose_page(bed, page + 64 * PAGE);
        let cleared = code(bed.source().clear_bad_blocks(page..page + PAGE, by));
        found.compare(
            "clear, a bad page",
            cleared,
            theirs(|| peer.clear_bad_blocks(&(page + 64 * PAGE..page + 65 * PAGE)), done),
        );
        // What each of them lists where a sector is bad.
        let [sector, peers] = [page + 96 * PAGE + SECTOR, page + 128 * PAGE];
        Way::Listed.inject(&bed.ground, bed.place(sector));
        Way::Listed.inject(&bed.ground, bed.place(peers) + SECTOR);
        drop_caches(bed);
        let cleared =
            code(bed.source().clear_bad_blocks(sector..sector + SECTOR, ClearBy::LossyAllocation));
        found.compare(
            "clear, a bad sector",
            cleared,
            theirs(|| peer.clear_bad_blocks(&(peers..peers + PAGE)), done),
        );
    } else {
        one("clear, a bad page", page..page + PAGE);
    }
}

/// Files of every form.
fn files(found: &mut Found, library: &Libpmem2, machine: &Machine, device: &Device) {
    let mut of = |name: &str, bed: &Bed| {
        let peer = library.source(bed.file.as_raw_fd()).expect("a source");
        compare_lists(found, name, bed, &peer);
        peer.delete();
    };
    of("an empty file", &Bed::empty(machine, device, 0));
    of("a file without memory", &Bed::empty(machine, device, MIB));
    let fresh = Bed::empty(machine, device, PAGE);
    fresh.file.write_all_at(&[1; 4096], 0).expect("written");
    of("a file that is not synced", &fresh);
    of("over reversed pieces", &over_reversed_pieces(machine, device).0);
    let mut sector = Bed::empty(machine, device, 4 * PAGE);
    sector.file.write_all_at(&[1; 4 * 4096], 0).expect("written");
    sector.file.sync_all().expect("synced");
    sector.ground = Ground::of(machine, device, sector.place(0));
    Way::Listed.inject(&sector.ground, sector.place(PAGE) + 2 * SECTOR);
    of("a sector of a page", &sector);
}
