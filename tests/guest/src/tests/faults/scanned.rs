//! `inspect --scan` where memory is bad: which bytes it says cannot be read, and its status.

use std::{
    fs::{self, File},
    io::Read,
    ops::Range,
    os::{
        fd::AsRawFd,
        unix::{fs::FileExt, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
};

use pmem2_guest::machine::{Device, MIB, Machine, PAGE};
use serde_json::{Value, json};

use super::{
    bed::Bed,
    ground::has,
    inject::{Way, consumed, wait_for},
    lists::listed,
    transfers::drop_caches,
};

const PROGRAM: &str = "/bin/pmem2";

/// How often it is tried, at most, to hit the copy.
const ROUNDS: u64 = 100;

/// So many scans take longer than it takes the host to hear of what is asked.
const SCANS: usize = 4;

pub(crate) fn told_with_a_status(machine: &Machine, device: &Device) {
    let mut bed = Bed::new(machine, device);
    let (start, is_file) = (bed.range.start, device.is_file());
    if !is_file {
        // It is scanned as a whole.
        bed.range = 0..device.size(machine);
    }
    drop_caches(&bed);
    agree(&bed, &[], "nothing");
    let ways = Way::of(&bed.ground);
    if ways.is_empty() {
        // Nothing that stays can be done to it.
        return;
    }
    let mut unreadable = Vec::new();
    for (number, way) in ways.into_iter().enumerate() {
        let page = start + 16 * (number as u64 + 1) * PAGE;
        way.inject(&bed.ground, bed.place(page + 1024));
        // Of a device DAX the list is known, and the memory is as good here as it was.
        if is_file {
            unreadable.push(page..page + PAGE);
        }
    }
    // Across what is read at once, and those that adjoin are one.
    if bed.ground.disk.is_some() {
        for page in [start + MIB - PAGE, start + MIB, start + MIB + 2 * PAGE] {
            Way::Listed.inject(&bed.ground, bed.place(page));
        }
        unreadable.extend([
            start + MIB - PAGE..start + MIB + PAGE,
            start + MIB + 2 * PAGE..start + MIB + 3 * PAGE,
        ]);
    }
    drop_caches(&bed);
    agree(&bed, &unreadable, "bad");
    if !is_file {
        interrupted(&bed);
        in_the_copy(&bed, device, start);
    }
}

fn path(bed: &Bed) -> String {
    let path = fs::read_link(format!("/proc/self/fd/{}", bed.file.as_raw_fd())).expect("a path");
    path.into_os_string().into_string().expect("text")
}

/// The program, which is to read the bed's source so many times.
fn scanning(bed: &Bed, times: usize) -> Child {
    let mut command = Command::new(PROGRAM);
    command.args(["inspect", "--scan", "--json"]).args(vec![path(bed); times]);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{PROGRAM}: {error}"))
}

/// Its exit status, and its findings each time.
fn end(mut child: Child) -> (ExitStatus, Vec<Value>) {
    let (mut lines, mut complaints) = (String::new(), String::new());
    child.stdout.take().expect("a pipe").read_to_string(&mut lines).expect("text");
    child.stderr.take().expect("a pipe").read_to_string(&mut complaints).expect("text");
    assert_eq!(complaints, "");
    let found = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    (child.wait().expect("its status"), found.collect())
}

/// The one scan of a program that made one.
fn once(child: Child) -> (Option<i32>, Value) {
    let (status, mut found) = end(child);
    assert_eq!(found.len(), 1, "{status}");
    (status.code(), found.remove(0))
}

fn extents(ranges: &[Range<u64>]) -> Value {
    ranges
        .iter()
        .map(|range| json!({"offset": range.start, "length": range.end - range.start}))
        .collect()
}

/// The report of a scan that read all except these bytes.
fn scanned(size: u64, unreadable: &[Range<u64>]) -> Value {
    let bytes: u64 = unreadable.iter().map(|range| range.end - range.start).sum();
    json!({
        "size": size, "scanned": size, "never_written": 0, "complete": true, "interrupted": false, "error": null,
        "unreadable": extents(unreadable), "unreadable_count": unreadable.len(), "unreadable_bytes": bytes,
    })
}

/// Asserts that it reads all except these bytes, and reports those that are listed.
fn agree(bed: &Bed, unreadable: &[Range<u64>], what: &str) {
    let (status, found) = once(scanning(bed, 1));
    assert_eq!(found["scan"], scanned(bed.range.end, unreadable), "{what}: {found}");
    assert_eq!(status, Some(if unreadable.is_empty() { 0 } else { 4 }), "{what}");
    let bad = bed.where_listed(&listed(&bed.ground));
    assert_eq!(found["bad_blocks"], extents(&bad), "{what}: {found}");
}

/// Waits until the program has mapped the device, and read this byte of it.
fn reads(child: &Child, bed: &Bed, at: u64) {
    let (process, path) = (format!("/proc/{}", child.id()), path(bed));
    wait_for("a page that is there", || {
        let maps = fs::read_to_string(format!("{process}/maps")).expect("its mappings");
        let start =
            maps.lines().find(|line| line.ends_with(&path)).and_then(|line| line.split_once('-'));
        let Some((start, _)) = start else { return false };
        let address = u64::from_str_radix(start, 16).expect("an address") + at;
        // Eight bytes for each page; the last bit says that it is there.
        let pages = File::open(format!("{process}/pagemap")).expect("its pages");
        let mut entry = [0; 8];
        pages.read_exact_at(&mut entry, address / PAGE * 8).is_ok()
            && u64::from_le_bytes(entry) >> 63 == 1
    });
}

fn interrupted(bed: &Bed) {
    let child = scanning(bed, 1);
    reads(&child, bed, 0);
    // SAFETY: it takes numbers, and the child was not waited for, so that the number is its own.
    assert_eq!(unsafe { libc::kill(child.id().cast_signed(), libc::SIGINT) }, 0);
    let (status, found) = once(child);
    assert_eq!(status, Some(5), "{found}");
    let scan = &found["scan"];
    assert_eq!(
        (&scan["complete"], &scan["interrupted"], &scan["unreadable"]),
        (&json!(false), &json!(true), &json!([]))
    );
    let scanned = scan["scanned"].as_u64().expect("a number");
    assert!(scanned < bed.range.end && scanned % MIB == 0, "{scanned}");
}

/// A machine check while the processor is reading, wherever that is: from there to the end of what
/// the kernel has mapped as one it is given up, and the rest is read. The kernel signals who has
/// mapped the page that is bad, and that is another one each time: where it is listed, the check is
/// over.
fn in_the_copy(bed: &Bed, device: &Device, start: u64) {
    for page in (0..ROUNDS).map(|round| start + MIB + (round + 16) * PAGE) {
        let child = scanning(bed, SCANS);
        reads(&child, bed, page);
        consumed(bed.ground.physical(bed.place(page)));
        let (status, found) = end(child);
        wait_for("a list", || has(&bed.ground.region_list(), page, PAGE));
        // It was between two copies, or had not come to the page, or all was read.
        if status.signal() == Some(libc::SIGBUS) || status.code() == Some(0) {
            continue;
        }
        assert_eq!((status.code(), found.len()), (Some(4), SCANS), "{status}");
        let mut failed =
            found.iter().map(|found| &found["scan"]).filter(|scan| scan["unreadable_count"] != 0);
        let (scan, others) = (failed.next().expect("one with bad bytes"), failed.count());
        let number = |key: &str| scan["unreadable"][0][key].as_u64().expect("a number");
        let (offset, length) = (number("offset"), number("length"));
        assert_eq!((length, others), (device.alignment - offset % device.alignment, 0), "{scan}");
        let lost = offset..offset + length;
        assert_eq!(*scan, scanned(bed.range.end, std::slice::from_ref(&lost)));
        return;
    }
    panic!("in none of {ROUNDS} rounds the copy was hit");
}
