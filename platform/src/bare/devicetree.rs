//! A flattened devicetree, read in place for its `pmem-region` nodes: Devicetree Specification 0.4, chapters 2 and 5, and the
//! kernel's `Documentation/devicetree/bindings/pmem/pmem-region.txt`.
//!
//! No byte of the tree is trusted. [`Devicetree::parse`] walks through all of it once; what does not fit is refused as a whole.
//! The walk has no recursion, and its time grows with the size of the tree alone, however it is built.
//!
//! This is no job for a crate: `fdt` 0.1.5 panics in twelve places when one byte of a tree is changed, and `dtoolkit` 0.4.1 looks
//! through all nodes below to find a node's neighbour, which takes the square of the depth.

use super::{PhysicalRegion, RegionKind, TableFault, bytes::Bytes};

/// How deep a `pmem-region` node may lie: the root's children are at 1. (Other nodes may lie at any depth.)
const DEPTH: usize = 12;

/// How many `pmem-region` nodes, and how many regions, a tree may have: each is compared with all others.
const REGIONS: usize = 256;

/// How many windows a bus may have.
const WINDOWS: usize = 64;

const MAGIC: u32 = 0xd00d_feed;
/// The version of the format that this reads, and the first one that is compatible with it.
const VERSION: u32 = 17;
const COMPATIBLE: u32 = 16;

/// Tokens of the structure block.
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// A whole devicetree blob that was checked.
#[derive(Clone, Copy)]
pub struct Devicetree<'t> {
    structure: Bytes<'t>,
    strings: Bytes<'t>,
    /// Where the structure block is in the blob.
    start: usize,
}

impl<'t> Devicetree<'t> {
    /// The tree at the beginning of `bytes`, which may go on behind it.
    ///
    /// # Errors
    ///
    /// What is wrong with it. [`TableFault::Structure`] also stands for a `pmem-region` node without a range of addresses, or
    /// with one that cannot be translated to addresses of the processor.
    pub fn parse(bytes: &'t [u8]) -> Result<Self, TableFault> {
        let all = Bytes::new(bytes);
        let field = |at| all.big32(at).ok_or(TableFault::Length);
        let offset = |at| field(at).and_then(|value| usize::try_from(value).map_err(|_| TableFault::Length));
        if field(0)? != MAGIC {
            return Err(TableFault::Signature);
        }
        let all = all.to(offset(4)?).ok_or(TableFault::Length)?;
        if field(20)? < VERSION || field(24)? > VERSION || field(24)? < COMPATIBLE {
            return Err(TableFault::Version);
        }
        let block = |at, length| all.from(at).and_then(|rest| rest.to(length)).ok_or(TableFault::Length);
        let start = offset(8)?;
        if !start.is_multiple_of(4) {
            return Err(TableFault::Length);
        }
        let (structure, strings) = (block(start, offset(36)?)?, block(offset(12)?, offset(32)?)?);
        let tree = Self { structure, strings, start };
        tree.walk().try_for_each(|region| region.map(drop))?;
        Ok(tree)
    }

    /// The regions of the `pmem-region` nodes that are not disabled, in the order of the tree: one for each range of a node.
    /// One that is marked `volatile` is volatile memory. The others are made durable by the flush of cache lines, until it is
    /// [said otherwise](PhysicalRegion::durable_by): a tree does not say.
    pub fn regions(self) -> impl Iterator<Item = PhysicalRegion<'t>> {
        self.walk().filter_map(Result::ok).map(move |mut region| {
            let mut others = self.walk().filter_map(Result::ok).filter(|other| other.number != region.number);
            region.overlapping = others.any(|other| region.overlaps(&other));
            region
        })
    }

    fn walk(self) -> Walk<'t> {
        let none = Level { address_cells: 0, size_cells: 0, disabled: false, node: NO_NODE, windows: 0 };
        Walk {
            tree: self,
            at: 0,
            ended: false,
            rooted: false,
            depth: 0,
            levels: [none; DEPTH],
            open: None,
            ranges: None,
            nodes: 0,
            found: 0,
        }
    }

    /// Whether this is the name of a property. Names are not looked at beyond that: they may be long, and the same for many.
    fn is_named(self, name: usize, expected: &str) -> bool {
        let (Some(name), expected) = (self.strings.from(name), expected.as_bytes()) else { return false };
        name.as_slice().starts_with(expected) && name.u8(expected.len()) == Some(0)
    }

    /// The value of the property whose token is there.
    fn value(self, at: usize) -> Option<Bytes<'t>> {
        let length = usize::try_from(self.structure.big32(at.checked_add(4)?)?).ok()?;
        self.structure.from(at.checked_add(12)?)?.to(length)
    }
}

/// `numa-node-id` where there is none.
const NO_NODE: u32 = u32::MAX;

/// What a node says of its children, and they inherit.
#[derive(Clone, Copy)]
struct Level {
    address_cells: u8,
    size_cells: u8,
    disabled: bool,
    node: u32,
    /// Where the property `ranges` is, if it is; 0, where the first node begins, stands for none.
    windows: u32,
}

/// A node whose properties are being read.
#[derive(Clone, Copy)]
struct Open<'t> {
    level: Level,
    persistent: bool,
    volatile: bool,
    reg: Option<Bytes<'t>>,
}

/// Ranges of a node that were not handed out yet.
#[derive(Clone, Copy)]
struct Ranges<'t> {
    rest: Bytes<'t>,
    /// The parent's depth.
    parent: usize,
    volatile: bool,
    node: u32,
}

/// A walk through the structure block, from region to region. Ends after the first fault.
struct Walk<'t> {
    tree: Devicetree<'t>,
    /// The next token.
    at: usize,
    ended: bool,
    /// Whether the root was seen.
    rooted: bool,
    /// How many nodes were begun and not ended.
    depth: usize,
    /// Of these, from the root; those below are not kept.
    levels: [Level; DEPTH],
    /// The innermost one, until its properties are all read.
    open: Option<Open<'t>>,
    ranges: Option<Ranges<'t>>,
    nodes: usize,
    found: usize,
}

impl<'t> Iterator for Walk<'t> {
    type Item = Result<PhysicalRegion<'t>, TableFault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let step = match self.ranges.take() {
                Some(ranges) => self.region(ranges).map(Some),
                None => self.step().map(|()| None),
            };
            match step {
                Some(None) => {}
                Some(Some(region)) if self.found <= REGIONS => return Some(Ok(region)),
                Some(Some(_)) => return Some(Err(self.end(TableFault::TooMany))),
                None => {
                    let at = self.tree.start.saturating_add(self.at);
                    return Some(Err(self.end(TableFault::Structure(u32::try_from(at).unwrap_or(u32::MAX)))));
                }
            }
            if self.nodes > REGIONS {
                return Some(Err(self.end(TableFault::TooMany)));
            }
        }
        None
    }
}

impl<'t> Walk<'t> {
    fn end(&mut self, fault: TableFault) -> TableFault {
        self.ended = true;
        fault
    }

    /// Reads a token. `None`: it cannot be.
    fn step(&mut self) -> Option<()> {
        let token = self.tree.structure.big32(self.at)?;
        if matches!(token, BEGIN_NODE | END_NODE)
            && let Some(open) = self.open.take()
        {
            // The properties of a node come before the nodes in it. The token is read the next time.
            return self.complete(open);
        }
        let behind = self.at.checked_add(4)?;
        match token {
            BEGIN_NODE => {
                // There is one root.
                if self.depth == 0 && core::mem::replace(&mut self.rooted, true) {
                    return None;
                }
                let name = self.tree.structure.from(behind)?.as_slice();
                let length = name.iter().position(|&byte| byte == 0)?;
                let above = self.depth.checked_sub(1).and_then(|above| self.levels.get(above));
                let (disabled, node) = above.map_or((false, NO_NODE), |above| (above.disabled, above.node));
                // What the specification says where the node does not.
                let level = Level { address_cells: 2, size_cells: 1, disabled, node, windows: 0 };
                self.open = Some(Open { level, persistent: false, volatile: false, reg: None });
                self.depth = self.depth.checked_add(1)?;
                self.at = aligned(behind.checked_add(length)?.checked_add(1)?)?;
            }
            END_NODE => {
                self.depth = self.depth.checked_sub(1)?;
                self.at = behind;
            }
            PROPERTY => {
                let mut open = self.open?;
                let value = self.tree.value(self.at)?;
                let name = usize::try_from(self.tree.structure.big32(behind.checked_add(4)?)?).ok()?;
                self.property(&mut open, name, value)?;
                self.open = Some(open);
                self.at = aligned(self.at.checked_add(12)?.checked_add(value.len())?)?;
            }
            NOP => self.at = behind,
            END if self.depth == 0 && self.rooted => self.ended = true,
            _ => return None,
        }
        Some(())
    }

    fn property(&self, open: &mut Open<'t>, name: usize, value: Bytes<'t>) -> Option<()> {
        let is = |expected| self.tree.is_named(name, expected);
        // More cells than there can be here stand for numbers that are too large.
        let cells = |value: Bytes<'t>| Some(u8::try_from(single(value)?).unwrap_or(u8::MAX));
        if is("compatible") {
            open.persistent = value.as_slice().split(|&byte| byte == 0).any(|name| name == b"pmem-region");
        } else if is("reg") {
            open.reg = Some(value);
        } else if is("ranges") {
            open.level.windows = u32::try_from(self.at).ok()?;
        } else if is("#address-cells") {
            open.level.address_cells = cells(value)?;
        } else if is("#size-cells") {
            open.level.size_cells = cells(value)?;
        } else if is("status") {
            open.level.disabled |= !matches!(value.as_slice(), b"okay\0" | b"ok\0");
        } else if is("numa-node-id") {
            open.level.node = single(value)?;
        } else if is("volatile") {
            open.volatile = true;
        }
        Some(())
    }

    /// The properties of the innermost node are read.
    fn complete(&mut self, open: Open<'t>) -> Option<()> {
        let depth = self.depth.checked_sub(1)?;
        if let Some(level) = self.levels.get_mut(depth) {
            *level = open.level;
        }
        if !open.persistent {
            return Some(());
        }
        self.nodes = self.nodes.saturating_add(1);
        if open.level.disabled {
            return Some(());
        }
        let rest = open.reg.filter(|reg| reg.len() > 0)?;
        let parent = depth.checked_sub(1).filter(|&parent| parent < DEPTH)?;
        self.ranges = Some(Ranges { rest, parent, volatile: open.volatile, node: open.level.node });
        Some(())
    }

    /// The first one of these ranges.
    fn region(&mut self, mut ranges: Ranges<'t>) -> Option<PhysicalRegion<'t>> {
        let parent = self.levels.get(ranges.parent)?;
        let (address, rest) = number(ranges.rest, parent.address_cells)?;
        let (length, rest) = number(rest, parent.size_cells)?;
        if rest.len() > 0 {
            ranges.rest = rest;
            self.ranges = Some(ranges);
        }
        let base = self.translate(address, length, ranges.parent)?;
        let kind = if ranges.volatile { RegionKind::Volatile } else { RegionKind::Persistent };
        let mut region = PhysicalRegion::new(base, length, kind);
        region.provider = "devicetree";
        region.number = u32::try_from(self.found).ok()?;
        region.numa_node = Some(ranges.node).filter(|&node| node != NO_NODE);
        self.found = self.found.checked_add(1)?;
        Some(region)
    }

    /// The processor's address of what has this one for the children of the node at this depth.
    fn translate(&self, mut address: u64, length: u64, parent: usize) -> Option<u64> {
        // The root's addresses are the processor's.
        for depth in (1..=parent).rev() {
            let (above, bus) = (self.levels.get(depth.checked_sub(1)?)?, self.levels.get(depth)?);
            // A bus without windows has addresses of its own, which are no memory.
            let at = usize::try_from(bus.windows).ok().filter(|&at| at != 0)?;
            let mut windows = self.tree.value(at)?;
            // An empty list: the addresses above are the same.
            let mut found = (windows.len() == 0).then_some(address);
            for _ in 0..WINDOWS {
                if windows.len() == 0 || found.is_some() {
                    break;
                }
                let (below, rest) = number(windows, bus.address_cells)?;
                let (to, rest) = number(rest, above.address_cells)?;
                let (size, rest) = number(rest, bus.size_cells)?;
                windows = rest;
                found = address
                    .checked_sub(below)
                    .filter(|&into| within(into, length, size))
                    .and_then(|into| to.checked_add(into));
            }
            address = found?;
        }
        Some(address)
    }
}

/// Whether `length` bytes at `offset` lie in `size` bytes.
fn within(offset: u64, length: u64, size: u64) -> bool {
    offset.checked_add(length).is_some_and(|end| end <= size)
}

/// The number of this many cells, and what comes behind it.
fn number(bytes: Bytes<'_>, cells: u8) -> Option<(u64, Bytes<'_>)> {
    let (value, length) = match cells {
        1 => (bytes.big32(0)?.into(), 4),
        2 => (bytes.array(0).map(u64::from_be_bytes)?, 8),
        _ => return None,
    };
    Some((value, bytes.from(length)?))
}

/// The number that is all of a property's value.
fn single(value: Bytes<'_>) -> Option<u32> {
    value.big32(0).filter(|_| value.len() == 4)
}

/// The place of the next token, which is a multiple of 4.
fn aligned(at: usize) -> Option<usize> {
    at.checked_next_multiple_of(4)
}
