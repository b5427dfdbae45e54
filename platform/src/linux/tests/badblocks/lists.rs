//! The kernel's text, and the list that becomes of it.

use core::ops::Range;
use std::{collections::BTreeSet, format, string::String, vec, vec::Vec};

use proptest::{collection::vec as vector, prelude::*};

use super::super::{
    machine::{ENTRY_OF_DISK, FSDAX},
    world::{Call, FD, World, object},
};
use super::list_of_disk;
use crate::{
    Errno, Fail, Subject,
    linux::{
        BadSectors,
        badblocks::{
            self,
            sectors::{SECTORS, SPANS},
        },
    },
};

const GARBAGE: Fail = Fail::Malformed(Subject::BadBlocks);

/// Reads a text: the sectors, and whether there are more.
fn made_of(text: impl AsRef<[u8]>) -> Result<(Vec<Range<u64>>, bool), Fail> {
    // The result does not depend on how the text is cut into reads.
    let [whole, other] = [usize::MAX, 3].map(|chunk| {
        let mut world = World::on(FSDAX).with_file(&list_of_disk(), &text);
        world.chunk = chunk;
        let list = badblocks::known::list(object(world.sys(), FD, &world.facts()));
        world.calls();
        list
    });
    assert_eq!(whole, other);
    whole.map(|list| (sectors(&list), list.is_cut()))
}

fn sectors(list: &BadSectors) -> Vec<Range<u64>> {
    list.within(0..u64::MAX).map(|bad| bad.start / 512..bad.end / 512).collect()
}

#[test]
fn texts() {
    let end = SECTORS - 1;
    let last = format!("{end} 1\n");
    let rows: &[(&str, &[Range<u64>])] = &[
        ("", &[]),
        ("0 1\n", &[0..1]),
        ("8 8\n", &[8..16]),
        ("1 2\n7 1\n", &[1..3, 7..8]),
        // Adjoining lines, which the kernel writes where more than 512 sectors are bad.
        ("0 512\n512 512\n1024 1\n", &[0..1025]),
        ("0 3000000\n3000000 3000000\n", &[0..6_000_000]),
        ("5 2097151\n2097156 1\n", &[5..2_097_157]),
        // In no order, twice, or partly.
        ("7 1\n1 2\n", &[1..3, 7..8]),
        ("1 4\n3 4\n", &[1..7]),
        ("1 4\n1 4\n2 1\n", &[1..5]),
        ("10 2\n20 2\n0 30\n", &[0..30]),
        (&last, &[end..end + 1]),
        ("00000000000000000000008 08\n", &[8..16]),
    ];
    for (text, expected) in rows {
        assert_eq!(made_of(text), Ok((expected.to_vec(), false)), "{text:?}");
    }
}

#[test]
fn texts_that_make_no_sense() {
    let beyond = [SECTORS, u64::MAX / 512, u64::MAX].map(|sector| format!("{sector} 1\n"));
    let over = [
        format!("{} 2\n", SECTORS - 1),
        format!("1 {}\n", u64::MAX),
        format!("{} 1\n", u128::from(u64::MAX) + 1),
    ];
    let rows = [
        "x\n",
        "-1 8\n",
        "1 -8\n",
        "0x8 1\n",
        "1,1\n",
        "1\t1\n",
        " 1 1\n",
        "1  1\n",
        "1 1 \n",
        "1 1 1\n",
        "1\n",
        "1 \n",
        " \n",
        "1 0\n",
        "1 1\n\n",
        "\n\n",
        "\n1 1\n",
        "1 1\r\n",
        "1 1\0\n",
        "1 1\nx",
        "\u{e9} 1\n",
        "\0",
        "1 99999999999999999999\n",
    ];
    for text in rows.into_iter().map(String::from).chain(beyond).chain(over) {
        assert_eq!(made_of(&text), Err(GARBAGE), "{text:?}");
    }
    // Endless, but not for us.
    assert_eq!(made_of(vec![b'7'; 1 << 20]), Err(GARBAGE));
}

/// A disk without a list, before Linux 5.12, and one without the file.
#[test]
fn no_list() {
    assert_eq!(made_of("\n"), Err(Fail::Unsupported));
    let world = World::on(FSDAX);
    assert_eq!(
        badblocks::known::list(object(world.sys(), FD, &world.facts())),
        Err(Fail::Unsupported)
    );
    let world = World::on(FSDAX).with_file(&format!("{ENTRY_OF_DISK}/other"), "");
    assert_eq!(
        badblocks::known::list(object(world.sys(), FD, &world.facts())),
        Err(Fail::Unsupported)
    );
}

/// The kernel's text of a page: sectors from here on, each bad alone, and cut off at the last byte
/// but one.
fn page_of(page: usize, first: u64) -> String {
    let mut text: String = (0..page as u64 / 4).map(|n| format!("{} 1\n", first + 2 * n)).collect();
    text.truncate(page - 1);
    text
}

#[test]
fn texts_that_were_cut() {
    // 512 entries of the kernel, of which a page has 342.
    let first = 1_000_000_000;
    let (found, cut) = made_of(page_of(4096, first)).unwrap();
    assert_eq!((found.len(), cut), (4095 / 13, true));
    assert!(
        found
            .iter()
            .enumerate()
            .all(|(n, bad)| *bad == (first + 2 * n as u64..first + 2 * n as u64 + 1))
    );
    // A fragment is not believed, wherever it ends.
    for fragment in ["1 1\n2", "1 1\n25 ", "1 1\n25 3", "1 1\n25 34"] {
        assert_eq!(made_of(fragment), Ok((vec![1..2], true)), "{fragment:?}");
    }
    assert_eq!(made_of("1"), Ok((vec![], true)));
    // Whole lines, which happen to fill the page.
    for page in [4096, 8192, 16384, 65536] {
        for (length, expected) in [(page - 2, false), (page - 1, true), (page, false)] {
            // The same sector again and again; the last number fills up.
            let mut text = "1 1\n".repeat(length / 4 - 1);
            text += &format!("{:0>1$} 1\n", 1, length - text.len() - 3);
            assert_eq!((text.len(), made_of(&text)), (length, Ok((vec![1..2], expected))));
        }
    }
    // As long as a page of 16 bytes would have it: there is none.
    assert_eq!(made_of("0000001 000001\n"), Ok((vec![1..2], false)));
}

/// More than the kernel keeps: as many as there is room for.
#[test]
fn as_many_as_there_is_room_for() {
    let many = |count: u64| -> String { (0..count).map(|n| format!("{} 1\n", 2 * n)).collect() };
    let most = SPANS as u64;
    let (found, cut) = made_of(many(most)).unwrap();
    assert_eq!((found.len(), cut), (SPANS, false));
    let (found, cut) = made_of(many(most + 1)).unwrap();
    assert_eq!(
        (found.len(), cut, found.last()),
        (SPANS, true, Some(&(2 * most - 2..2 * most - 1)))
    );
    // One that is there already, or fills a gap, needs no room of its own.
    assert!(!made_of(many(most) + "4 1\n").unwrap().1);
    assert_eq!(
        made_of(many(most) + "1 1\n").unwrap(),
        (core::iter::once(0..3).chain((2..most).map(|n| 2 * n..2 * n + 1)).collect(), false)
    );
    // A text that does not end is read up to somewhere.
    let endless = "1 1\n".repeat(1 << 18);
    let world = World::on(FSDAX).with_file(&list_of_disk(), endless);
    let list = badblocks::known::list(object(world.sys(), FD, &world.facts())).unwrap();
    assert_eq!((sectors(&list), list.is_cut()), (vec![1..2], true));
    let reads = world.calls().iter().filter(|call| **call == Call::Read).count();
    assert!((128..140).contains(&reads), "{reads}");
}

#[test]
fn one_snapshot_and_no_file_left_open() {
    let world = World::eight_blocks("1000 1\n");
    let facts = world.facts();
    assert!(badblocks::known::list(object(world.sys(), FD, &facts)).is_ok());
    assert_eq!(
        world.calls(),
        [
            Call::Fstat,
            Call::Fstatfs,
            Call::Readlink(ENTRY_OF_DISK.into()),
            Call::Open(list_of_disk()),
            Call::Read,
            Call::Read,
            Call::Close
        ]
    );
    let malformed = World::eight_blocks("x");
    assert_eq!(badblocks::known::list(object(malformed.sys(), FD, &facts)), Err(GARBAGE));
    assert_eq!(malformed.calls().last(), Some(&Call::Close));
    assert_eq!(
        badblocks::known::list(object(world.failing(3, 5).sys(), FD, &facts)),
        Err(Fail::Os(Subject::BadBlocks, Errno::EIO))
    );
}

/// A list keeps to its size.
#[test]
fn the_size_of_a_list() {
    assert!(size_of::<BadSectors>() <= 4096 + 16);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// All that is added, in any order, is in the list, and a query returns a part of it.
    #[test]
    fn a_list_is_a_set(
        added in vector((0..2000_u64, 1..90_u64), 0..60),
        asked in vector((0..3000_u64 * 512, 0..300_u64 * 512), 1..10),
    ) {
        let (mut list, mut set) = (BadSectors::new(), BTreeSet::new());
        for (start, count) in added {
            list.add(start..start + count);
            set.extend(start..start + count);
            prop_assert!(!list.is_cut());
        }
        let found = sectors(&list);
        prop_assert!(found.windows(2).all(|two| two[0].end < two[1].start), "{:?}", found);
        prop_assert_eq!(found.into_iter().flatten().collect::<BTreeSet<_>>(), set.clone());
        for (start, length) in asked {
            let parts: Vec<_> = list.within(start..start + length).collect();
            prop_assert!(parts.iter().all(|part| start <= part.start && part.end <= start + length && !part.is_empty()));
            prop_assert!(parts.windows(2).all(|two| two[0].end < two[1].start), "{:?}", parts);
            for at in (start..start + length).step_by(101) {
                prop_assert_eq!(parts.iter().any(|part| part.contains(&at)), set.contains(&(at / 512)), "{}", at);
            }
        }
    }

    /// The same where counts are long and there is no room for all.
    #[test]
    fn a_list_that_is_cut_has_nothing_wrong(added in vector((0..SECTORS, 1..40_000_000_u64), 0..12)) {
        let mut list = BadSectors::new();
        let mut all: Vec<Range<u64>> = Vec::new();
        for (start, count) in added {
            list.add(start..start + count);
            all.push(start..(start + count).min(SECTORS));
        }
        for bad in sectors(&list) {
            // Each end is in something that was added.
            prop_assert!(all.iter().any(|one| one.contains(&bad.start)) && all.iter().any(|one| one.contains(&(bad.end - 1))));
        }
        if !list.is_cut() {
            for one in all {
                prop_assert!(sectors(&list).iter().any(|bad| bad.start <= one.start && one.end <= bad.end));
            }
        }
    }
}
