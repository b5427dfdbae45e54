//! The walk through a tree's tokens, from region to region.

use super::blob::Blob;
use crate::{
    bare::{
        bytes::Bytes,
        fault::TableFault,
        region::{PhysicalRegion, RegionKind, overlap},
    },
    facts::RegionFault,
};

const PROVIDER: &str = "devicetree";

/// The greatest depth of a `pmem-region` node: the root's children are at 1. (Other nodes may lie
/// at any depth.)
const DEPTH: usize = 12;

/// The most `pmem-region` nodes, and the most regions, of a tree: each is compared with all others.
const REGIONS: usize = 256;

/// The number of regions that one walk through the tree compares with all others.
pub(super) const BATCH: usize = 16;

/// The most windows of a bus.
const WINDOWS: usize = 64;

/// Tokens of the structure block.
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// The properties of a node that its children inherit, or that describe their addresses.
#[derive(Clone, Copy)]
struct Level {
    /// Values that make no sense become ones that are too large: only a region with such an address
    /// is refused.
    address_cells: u8,
    size_cells: u8,
    /// `numa-node-id`.
    node: Option<u32>,
    /// The offset of the property `ranges`; 0, where the first node begins, stands for none.
    windows: u32,
}

/// A node whose properties are being read.
#[derive(Clone, Copy)]
struct Open<'t> {
    level: Level,
    name: Bytes<'t>,
    disabled: bool,
    persistent: bool,
    volatile: bool,
    reg: Option<Bytes<'t>>,
}

/// Ranges of a node that were not returned yet.
#[derive(Clone, Copy)]
struct Ranges<'t> {
    /// Whole ranges; `None` where the node has no address.
    rest: Option<Bytes<'t>>,
    /// The parent's depth.
    parent: usize,
    name: Bytes<'t>,
    volatile: bool,
    node: Option<u32>,
}

/// A walk through the structure block, from region to region. Ends after the first fault.
#[derive(Clone)]
pub(super) struct Walk<'t> {
    tree: Blob<'t>,
    /// The next token.
    at: usize,
    ended: bool,
    /// Whether the root was seen.
    rooted: bool,
    /// The number of nodes that were begun and not ended.
    depth: usize,
    /// The number of nodes around the outermost one that is disabled, with all that is in it.
    disabled: Option<usize>,
    /// The levels of these, from the root; deeper ones are not kept.
    levels: [Level; DEPTH],
    /// The innermost node, until its properties are all read.
    open: Option<Open<'t>>,
    ranges: Option<Ranges<'t>>,
    nodes: usize,
    /// The number of regions so far.
    pub(super) found: usize,
}

impl Level {
    /// Reads the address and the length at the beginning of a `reg` of the node's children, and
    /// returns them with the rest.
    fn range<'t>(&self, reg: Bytes<'t>) -> Option<(u64, u64, Bytes<'t>)> {
        let (address, rest) = number(reg, self.address_cells)?;
        let (length, rest) = number(rest, self.size_cells)?;
        Some((address, length, rest))
    }

    /// Tells whether a `reg` of the node's children consists of ranges, at least one, and nothing
    /// else.
    fn is_of_ranges(&self, reg: Bytes<'_>) -> bool {
        let all = reg.len();
        let first = self.range(reg).and_then(|(.., rest)| all.checked_sub(rest.len()));
        first.is_some_and(|first| all.is_multiple_of(first))
    }
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
                    return Some(Err(
                        self.end(TableFault::Structure(u32::try_from(at).unwrap_or(u32::MAX)))
                    ));
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
    /// Begins at the first token.
    pub(super) fn new(tree: Blob<'t>) -> Self {
        let none = Level { address_cells: 0, size_cells: 0, node: None, windows: 0 };
        Self {
            tree,
            at: 0,
            ended: false,
            rooted: false,
            depth: 0,
            disabled: None,
            levels: [none; DEPTH],
            open: None,
            ranges: None,
            nodes: 0,
            found: 0,
        }
    }

    /// Returns one bit for each region of the next batch: whether it has a byte in common with any
    /// other of the tree.
    pub(super) fn overlapping(self) -> u32 {
        let (tree, first) = (self.tree, self.found);
        let mut batch = [(0, 0); BATCH];
        for (place, region) in batch.iter_mut().zip(self.filter_map(Result::ok)) {
            *place = (region.base(), region.length());
        }
        let mut bits = 0;
        for (number, other) in Walk::new(tree).filter_map(Result::ok).enumerate() {
            for (place, &(base, length)) in batch.iter().enumerate() {
                if first.checked_add(place) != Some(number)
                    && overlap(base, length, other.base(), other.length())
                {
                    bits |= 1_u32.wrapping_shl(u32::try_from(place).unwrap_or(0));
                }
            }
        }
        bits
    }

    fn end(&mut self, fault: TableFault) -> TableFault {
        self.ended = true;
        fault
    }

    /// Reads a token; `None` if it is invalid here.
    fn step(&mut self) -> Option<()> {
        let token = self.tree.structure.big32(self.at)?;
        if matches!(token, BEGIN_NODE | END_NODE)
            && let Some(open) = self.open.take()
        {
            // The properties of a node come before the nodes in it. The token is read again next
            // time.
            return self.complete(open);
        }
        let after = self.at.checked_add(4)?;
        match token {
            BEGIN_NODE => {
                // There is one root.
                if self.depth == 0 && core::mem::replace(&mut self.rooted, true) {
                    return None;
                }
                let name = self.tree.structure.tail(after)?.as_slice();
                let length = name.iter().position(|&byte| byte == 0)?;
                let above = self.depth.checked_sub(1).and_then(|above| self.levels.get(above));
                let node = above.and_then(|above| above.node);
                // The specification's defaults.
                let level = Level { address_cells: 2, size_cells: 1, node, windows: 0 };
                let name = Bytes::new(name.get(..length)?);
                self.open = Some(Open {
                    level,
                    name,
                    disabled: false,
                    persistent: false,
                    volatile: false,
                    reg: None,
                });
                self.depth = self.depth.checked_add(1)?;
                self.at = aligned(after.checked_add(length)?.checked_add(1)?)?;
            }
            END_NODE => {
                self.depth = self.depth.checked_sub(1)?;
                self.disabled = self.disabled.filter(|&around| around < self.depth);
                self.at = after;
            }
            PROPERTY => {
                let mut open = self.open?;
                let value = self.tree.value(self.at)?;
                let name =
                    usize::try_from(self.tree.structure.big32(after.checked_add(4)?)?).ok()?;
                self.property(&mut open, name, value)?;
                self.open = Some(open);
                self.at = aligned(self.at.checked_add(12)?.checked_add(value.len())?)?;
            }
            NOP => self.at = after,
            END if self.depth == 0 && self.rooted => self.ended = true,
            _ => return None,
        }
        Some(())
    }

    fn property(&self, open: &mut Open<'t>, name: usize, value: Bytes<'t>) -> Option<()> {
        let is = |expected| self.tree.is_named(name, expected);
        let cells = |value: Bytes<'t>| {
            single(value).and_then(|cells| u8::try_from(cells).ok()).unwrap_or(u8::MAX)
        };
        if is("compatible") {
            open.persistent =
                value.as_slice().split(|&byte| byte == 0).any(|name| name == b"pmem-region");
        } else if is("reg") {
            open.reg = Some(value);
        } else if is("ranges") {
            open.level.windows = u32::try_from(self.at).ok()?;
        } else if is("#address-cells") {
            open.level.address_cells = cells(value);
        } else if is("#size-cells") {
            open.level.size_cells = cells(value);
        } else if is("status") {
            open.disabled |= !matches!(value.as_slice(), b"okay\0" | b"ok\0");
        } else if is("numa-node-id") {
            // As in Linux, the largest number is none, and so is what is no number.
            open.level.node = single(value).filter(|&node| node != u32::MAX);
        } else if is("volatile") {
            open.volatile = true;
        }
        Some(())
    }

    /// Completes the innermost node, whose properties are all read.
    fn complete(&mut self, open: Open<'t>) -> Option<()> {
        let depth = self.depth.checked_sub(1)?;
        if let Some(level) = self.levels.get_mut(depth) {
            *level = open.level;
        }
        if open.disabled && self.disabled.is_none() {
            self.disabled = Some(depth);
        }
        if !open.persistent {
            return Some(());
        }
        self.nodes = self.nodes.saturating_add(1);
        if self.disabled.is_some() {
            return Some(());
        }
        if depth > DEPTH {
            return None;
        }
        // The root has no parent that states the length of its addresses.
        let parent = depth.checked_sub(1);
        let above = parent.and_then(|parent| self.levels.get(parent));
        let rest = open.reg.filter(|&reg| above.is_some_and(|above| above.is_of_ranges(reg)));
        let Open { level, name, volatile, .. } = open;
        self.ranges =
            Some(Ranges { rest, parent: parent.unwrap_or(0), name, volatile, node: level.node });
        Some(())
    }

    /// Returns the first of these ranges as a region.
    fn region(&mut self, ranges: Ranges<'t>) -> Option<PhysicalRegion<'t>> {
        let range = ranges.rest.and_then(|rest| self.levels.get(ranges.parent)?.range(rest));
        if let Some((.., rest)) = range.filter(|(.., rest)| rest.len() > 0) {
            self.ranges = Some(Ranges { rest: Some(rest), ..ranges });
        }
        let addressed = range.and_then(|(address, length, _)| {
            Some((self.translate(address, length, ranges.parent)?, length))
        });
        let kind = if ranges.volatile { RegionKind::Volatile } else { RegionKind::Persistent };
        let (base, length) = addressed.unwrap_or((0, 0));
        let mut region = PhysicalRegion::new(base, length, kind);
        region.provider = PROVIDER;
        if addressed.is_none() {
            region.fault = Some(RegionFault::Unaddressed);
            region.provider = shown(ranges.name).unwrap_or(PROVIDER);
        }
        region.number = u32::try_from(self.found).ok()?;
        region.numa_node = ranges.node;
        self.found = self.found.checked_add(1)?;
        Some(region)
    }

    /// Translates an address of the children of the node at this depth to the processor's.
    fn translate(&self, mut address: u64, length: u64, parent: usize) -> Option<u64> {
        // The root's addresses are the processor's.
        for depth in (1..=parent).rev() {
            let (above, bus) = (self.levels.get(depth.checked_sub(1)?)?, self.levels.get(depth)?);
            // The addresses of a bus without windows are no memory.
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

/// Tells whether `length` bytes at `offset` lie in `size` bytes.
fn within(offset: u64, length: u64, size: u64) -> bool {
    offset.checked_add(length).is_some_and(|end| end <= size)
}

/// Reads a number of this many cells, and returns it with the rest.
fn number(bytes: Bytes<'_>, cells: u8) -> Option<(u64, Bytes<'_>)> {
    let (value, length) = match cells {
        1 => (bytes.big32(0)?.into(), 4),
        2 => (bytes.array(0).map(u64::from_be_bytes)?, 8),
        _ => return None,
    };
    Some((value, bytes.tail(length)?))
}

/// Returns the name of a node, if people can read it.
fn shown(name: Bytes<'_>) -> Option<&str> {
    let readable = !name.as_slice().is_empty() && name.as_slice().iter().all(u8::is_ascii_graphic);
    str::from_utf8(name.as_slice()).ok().filter(|_| readable)
}

/// Returns the number that is the whole value of a property.
fn single(value: Bytes<'_>) -> Option<u32> {
    value.big32(0).filter(|_| value.len() == 4)
}

/// Returns the offset of the next token, which is a multiple of 4.
fn aligned(at: usize) -> Option<usize> {
    at.checked_next_multiple_of(4)
}
