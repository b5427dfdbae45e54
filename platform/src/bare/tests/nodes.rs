//! Nodes of a devicetree: properties that are inherited, those of the parent, and unused ones. The
//! limits of a tree.

use std::{vec, vec::Vec};

use super::{
    blob::{Blob, UNADDRESSED, kinds, ranges, regions, unaddressed},
    tables::answers,
};
use crate::{Extent, Kind, RegionFault, TableFault};

fn node(blob: &[u8]) -> Option<u32> {
    answers(Extent::new(&regions(blob).unwrap()[0])).1.numa_node
}

/// Names that begin or end like those that matter.
#[test]
fn names_of_properties_are_whole() {
    let persistent =
        || Blob::root().begin("p").property("compatible", b"pmem-region\0").cells("reg", &[1, 2]);
    let one = Ok([(1, 2)].into());
    let others: [(&str, &[u8]); 16] = [
        ("reg-names", b"name\0"),
        ("re", &[0; 8]),
        ("assigned-reg", &[0; 8]),
        ("compatible-with", b"other\0"),
        ("compatibl", b"other\0"),
        ("status-gpio", b"disabled\0"),
        ("statu", b"disabled\0"),
        ("numa-node-id-map", &[1]),
        ("numa-node-i", &[1]),
        ("#address-cells-x", &[0; 3]),
        ("#address-cell", &[0; 3]),
        ("#size-cells-x", &[0; 3]),
        ("volatile-x", &[]),
        ("volatil", &[]),
        ("ranges-x", &[]),
        ("", &[]),
    ];
    for (name, value) in others {
        let blob = persistent().property(name, value).end().end().bytes();
        assert_eq!(ranges(&blob), one, "{name}");
        let (facts, there) = answers(Extent::new(&regions(&blob).unwrap()[0]));
        assert_eq!((facts.kind, there.numa_node), (Kind::Region, None), "{name}");
    }
    // Without the one that is meant.
    unaddressed(
        Blob::root()
            .begin("p")
            .property("compatible", b"pmem-region\0")
            .cells("reg-names", &[1, 2])
            .end()
            .end(),
    );
    unaddressed(
        Blob::root()
            .begin("bus")
            .cells("#address-cells", &[1])
            .property("ranges-x", &[])
            .persistent(&[1, 2])
            .end()
            .end(),
    );
}

/// A node in one that is disabled is disabled too, whatever it says itself, and however deep it
/// lies; its neighbours are not.
#[test]
fn disabled_is_inherited() {
    let off =
        || Blob::root().begin("bus").property("status", b"disabled\0").property("ranges", &[]);
    let says = |blob: Blob, status: &[u8]| {
        blob.begin("p")
            .property("compatible", b"pmem-region\0")
            .property("status", status)
            .cells("reg", &[5, 6])
            .end()
    };
    let fine = |blob: Blob| ranges(&blob.persistent(&[1, 2]).end().bytes());
    let one = Ok([(1, 2)].into());
    assert_eq!(fine(off().persistent(&[5, 6]).end()), one);
    assert_eq!(fine(says(off(), b"okay\0").end()), one);
    assert_eq!(
        fine(off().begin("in").property("status", b"okay\0").persistent(&[5, 6]).end().end()),
        one
    );
    // Behind one that is disabled itself, in the same node.
    assert_eq!(fine(says(off(), b"disabled\0").persistent(&[5, 6]).end()), one);
    assert_eq!(fine(says(Blob::root(), b"disabled\0")), one);
    // One that says both.
    let both =
        Blob::root().begin("p").property("compatible", b"pmem-region\0").cells("reg", &[5, 6]);
    assert_eq!(
        fine(both.property("status", b"disabled\0").property("status", b"okay\0").end()),
        one
    );
    // Deeper than is kept, where a region that is not disabled is refused; also one that makes no
    // sense.
    let deep = |blob: Blob, last: fn(Blob) -> Blob| {
        let blob = (0..20).fold(blob, |blob, _| blob.begin("in").property("status", b"okay\0"));
        (0..20).fold(last(blob), |blob, _| blob.end()).end()
    };
    assert_eq!(fine(deep(off(), |blob| blob.persistent(&[5, 6]))), one);
    assert_eq!(fine(deep(off(), |blob| blob.persistent(&[]))), one);
    // The outermost of several counts, and begins where it says so: at the thirteenth node as well.
    let within = (0..14).fold(Blob::root(), |blob, _| blob.begin("in"));
    let within = within.begin("off").property("status", b"fail\0").persistent(&[5, 6]).end();
    assert_eq!(fine((0..14).fold(within, |blob, _| blob.end())), one);
    let on = Blob::root().begin("bus").property("ranges", &[]);
    assert!(matches!(
        fine(deep(on, |blob| blob.persistent(&[5, 6]))),
        Err(TableFault::Structure(_))
    ));
}

/// The cells of a node with regions are about its children.
#[test]
fn cells_are_the_parents() {
    let with = |own: &[(&str, u32)], reg: &[u32]| {
        let blob = Blob::root().begin("p").property("compatible", b"pmem-region\0");
        let blob = own.iter().fold(blob, |blob, (name, cells)| blob.cells(name, &[*cells]));
        ranges(&blob.cells("reg", reg).end().end().bytes())
    };
    for own in
        [("#address-cells", 2), ("#size-cells", 2), ("#size-cells", 0), ("#address-cells", 9)]
    {
        assert_eq!(with(&[own], &[1, 2, 3, 4]), Ok([(1, 2), (3, 4)].into()), "{own:?}");
    }
    // The sizes of windows are counted in the bus's own cells, and the addresses above in those of
    // the node above.
    let bus = |size_above: u32, size: u32, windows: &[u32], reg: &[u32]| {
        let blob = Blob::default()
            .begin("")
            .cells("#address-cells", &[2])
            .cells("#size-cells", &[size_above]);
        let blob = blob
            .begin("bus")
            .cells("#address-cells", &[1])
            .cells("#size-cells", &[size])
            .cells("ranges", windows);
        ranges(&blob.persistent(reg).end().end().bytes())
    };
    assert_eq!(
        bus(1, 2, &[0x10, 7, 0x20, 0, 0x100], &[0x11, 0, 2]),
        Ok([(0x7_0000_0021, 2)].into())
    );
    assert_eq!(bus(2, 1, &[0x10, 7, 0x20, 0x100], &[0x11, 2]), Ok([(0x7_0000_0021, 2)].into()));
    // Two windows, of which the second one is found.
    let windows = [0, 1, 0, 0, 0x10, 0x10, 7, 0x20, 0, 0x100];
    assert_eq!(bus(1, 2, &windows, &[0x11, 0, 2]), Ok([(0x7_0000_0021, 2)].into()));
}

/// Unused values may be as odd as they like.
#[test]
fn oddities_of_others() {
    for (name, value) in
        [("#address-cells", &[0_u8; 3] as &[u8]), ("#size-cells", &[]), ("numa-node-id", &[0; 8])]
    {
        let beside =
            Blob::root().begin("odd").property(name, value).end().persistent(&[1, 2]).end().bytes();
        assert_eq!(ranges(&beside), Ok([(1, 2)].into()), "{name}");
        // Nor is it looked at in a node that is disabled.
        let off = Blob::root()
            .begin("odd")
            .property(name, value)
            .property("status", b"no\0")
            .persistent(&[5, 6])
            .end();
        assert_eq!(ranges(&off.persistent(&[1, 2]).end().bytes()), Ok([(1, 2)].into()), "{name}");
        let bus = Blob::root()
            .begin("bus")
            .property(name, value)
            .property("ranges", &[])
            .persistent(&[1, 2, 3]);
        let expected = if name == "numa-node-id" { Kind::Region } else { UNADDRESSED };
        assert_eq!(kinds(&bus.end().end().bytes()), Ok([expected].into()), "{name}");
    }
}

#[test]
fn numa_nodes_are_inherited() {
    let bus = |id: &[u8]| {
        Blob::root()
            .begin("bus")
            .cells("#address-cells", &[1])
            .property("ranges", &[])
            .property("numa-node-id", id)
    };
    let own = |blob: Blob, id: u32| {
        blob.begin("p")
            .property("compatible", b"pmem-region\0")
            .cells("reg", &[1, 2])
            .cells("numa-node-id", &[id])
            .end()
    };
    assert_eq!(node(&bus(&[0, 0, 0, 7]).persistent(&[1, 2]).end().end().bytes()), Some(7));
    assert_eq!(node(&own(bus(&[0, 0, 0, 7]), 8).end().end().bytes()), Some(8));
    // Its own hides one that makes no sense.
    assert_eq!(node(&own(bus(&[7]), 8).end().end().bytes()), Some(8));
    // One that makes no sense is none, as in Linux, and hides what is above.
    for odd in [&[7_u8] as &[u8], &[], &[0, 0, 0, 1, 0, 0, 0, 2]] {
        assert_eq!(node(&bus(odd).persistent(&[1, 2]).end().end().bytes()), None, "{odd:?}");
        let inner =
            bus(&[0, 0, 0, 7]).begin("in").cells("#address-cells", &[1]).property("ranges", &[]);
        let inner =
            inner.property("numa-node-id", odd).persistent(&[1, 2]).end().end().end().bytes();
        assert_eq!((ranges(&inner), node(&inner)), (Ok([(1, 2)].into()), None), "{odd:?}");
    }
    assert_eq!(node(&own(bus(&[0, 0, 0, 7]), u32::MAX).end().end().bytes()), None);
}

/// Regions that overlap are found wherever they are: in the same sixteen, in others, last.
#[test]
fn overlapping_regions_of_many() {
    for (first, second) in [(0, 1), (0, 15), (15, 16), (3, 200), (16, 32), (254, 255), (0, 255)] {
        let reg: Vec<u32> = (0..256)
            .flat_map(|n| [if n == second { first << 8 | 255 } else { n << 8 }, 256])
            .collect();
        let blob = Blob::root().persistent(&reg).end().bytes();
        let all = regions(&blob).unwrap();
        let overlapping: Vec<_> = all
            .iter()
            .filter(|region| {
                answers(Extent::new(region)).0.kind == Kind::InvalidRegion(RegionFault::Overlaps)
            })
            .map(|region| region.number())
            .collect();
        // It goes on into the one after the first, too.
        let mut expected = vec![first, first + 1, second];
        expected.sort_unstable();
        expected.dedup();
        assert_eq!((all.len(), overlapping), (256, expected), "{first} {second}");
    }
}

/// A range that is inside of one that wraps: both are refused.
#[test]
fn inside_of_one_that_wraps() {
    let blob = Blob::default().begin("").cells("#size-cells", &[2]);
    let blob = blob.persistent(&[u32::MAX, 0, 1, 1, u32::MAX, 16, 0, 16]).end().bytes();
    let kinds: Vec<_> =
        regions(&blob).unwrap().iter().map(|region| answers(Extent::new(region)).0.kind).collect();
    assert_eq!(kinds, [RegionFault::Wraps, RegionFault::Overlaps].map(Kind::InvalidRegion));
}

/// As large as Linux takes one: no more, whatever it consists of.
#[test]
fn the_size_of_a_tree_is_limited() {
    let of = |length: usize| {
        let mut blob = Blob::root().persistent(&[1, 2]);
        let fixed = blob.clone().end().bytes().len();
        // Bytes of strings after the last one, so that it is filled to the last byte.
        blob.strings.resize(blob.strings.len() + (length - fixed) % 4, 0);
        (0..(length - fixed) / 4).fold(blob, |blob, _| blob.token(4)).end().bytes()
    };
    let largest = of(2 << 20);
    assert_eq!((largest.len(), ranges(&largest)), (2 << 20, Ok([(1, 2)].into())));
    assert_eq!(ranges(&of((2 << 20) + 1)), Err(TableFault::TooMany));
    // The memory around it may be larger.
    assert_eq!(ranges(&[largest, vec![0; 9]].concat()).unwrap().len(), 1);
}
