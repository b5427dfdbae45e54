//! A platform that is a script: it says what it was told to say, and notes what it was asked.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use pmem2::{
    Access, Handle, Kind,
    badblocks::ClearBy,
    error::Errno,
    place::FileSystem,
    platform::{Alignment, Borrowed, Facts, Fail, Platform},
};

use crate::{land::Land, map::Addresses, medium::Medium};

/// The key that the objects of a script are known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raw(pub(crate) u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) char);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {}", self.0)
    }
}

/// A question that a platform was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Describe,
    Size,
    Alignment,
    Allocated,
    FileSystem,
    PageSize,
    Locate,
    Confirm,
    Backing,
    Device,
    Regions,
    Region(usize),
    /// The region, and whether it is mapped synchronously.
    Domain(usize, bool),
    ReadOnly(usize),
    Armed(usize),
    NumaNode(usize),
    TargetNode(usize),
    /// The DIMM of this region, with this index there; likewise below.
    Dimm(usize, usize),
    DimmNumber(usize, usize),
    DimmId(usize, usize),
    DimmDirtyShutdowns(usize, usize),
    DaxCapable,
    MapSync,
    DaxState,
    /// With what the program provides, the range and whether it is to be written to.
    Channel(Option<u8>, (u64, u64), bool),
    /// The offset and the length; likewise the next.
    Read(u64, usize),
    Write(u64, usize),
    Sync,
    ListBad,
    /// From here on.
    NextBad(u64),
    ClearBad((u64, u64), ClearBy),
    /// The offset and the length, and whether synchronously.
    Map(u64, usize, bool),
    /// The length.
    Unmap(usize),
    Steps(bool),
    /// A mapping: the offset and the length; likewise below.
    Msync(usize, usize),
    Populate(usize, usize, bool),
    DeepFlush,
    /// And whether durably.
    Extend((u64, u64), Option<u64>, bool),
    Settle(bool),
    Truncate((u64, u64)),
    Deallocate((u64, u64)),
    Load(usize, usize),
    Store(usize, usize),
    /// A word of 8 bytes.
    Word(usize),
    Flush(usize, usize),
    Fence,
}

/// The answers. As it is made it has one for each question.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) facts: Result<Facts<Id>, Fail>,
    pub(crate) size: Result<u64, Fail>,
    pub(crate) alignment: Result<u64, Fail>,
    pub(crate) allocated: Result<u64, Fail>,
    pub(crate) file_system: Result<FileSystem, Fail>,
    pub(crate) page_size: Result<Alignment, Fail>,
    /// Where it lies: as it is made, on a platform that does not know.
    pub(crate) land: Land,
    /// Its bytes.
    pub(crate) medium: Medium,
    /// The mapping.
    pub(crate) addresses: Addresses,
    /// The answer of describe from now on, if that is not `facts` any more.
    pub(crate) facts_now: Cell<Option<Result<Facts<Id>, Fail>>>,
    /// The size from now on, likewise.
    pub(crate) size_now: Cell<Option<u64>>,
    calls: RefCell<Vec<Call>>,
    /// How many of its handles were dropped.
    pub(crate) dropped: Cell<usize>,
}

pub(crate) const READ_WRITE: Access = Access::READ.union(Access::WRITE);

impl Script {
    /// A file of 64 KiB, half of them allocated, whose alignment has to be asked for.
    pub(crate) fn new() -> Self {
        Self {
            facts: Ok(Facts::new(Id('a'), Kind::RegularFile, READ_WRITE, None)),
            size: Ok(0x1_0000),
            alignment: Ok(4096),
            allocated: Ok(0x8000),
            file_system: Ok(FileSystem::from_magic(0x5846_5342)),
            page_size: Ok(Alignment::new(0x4000).expect("a power of two")),
            land: Land::unknown(),
            medium: Medium::new(),
            addresses: Addresses::default(),
            facts_now: Cell::new(None),
            size_now: Cell::new(None),
            calls: RefCell::default(),
            dropped: Cell::new(0),
        }
    }

    /// The same, but the answer to one question is a failure.
    pub(crate) fn failing(call: Call, fail: Fail) -> Self {
        let mut script = Self::new();
        match call {
            Call::Describe => script.facts = Err(fail),
            Call::Size => script.size = Err(fail),
            Call::Alignment => script.alignment = Err(fail),
            Call::Allocated => script.allocated = Err(fail),
            Call::FileSystem => script.file_system = Err(fail),
            Call::PageSize => script.page_size = Err(fail),
            Call::Channel(..)
            | Call::Sync
            | Call::ListBad
            | Call::NextBad(_)
            | Call::ClearBad(..) => {
                script.medium.fail(call, fail);
            }
            of_place => script.land.fail(of_place, fail),
        }
        script
    }

    pub(crate) fn with(kind: Kind, access: Access) -> Self {
        let mut script = Self::new();
        script.facts = Ok(Facts::new(Id('a'), kind, access, None));
        script
    }

    /// The same object, where this is.
    pub(crate) fn at(kind: Kind, land: Land) -> Self {
        Self { land, ..Self::with(kind, READ_WRITE) }
    }

    /// The same, of this many bytes.
    pub(crate) fn sized(mut self, size: u64) -> Self {
        self.size = Ok(size);
        self
    }

    /// A handle that counts when it is dropped.
    pub(crate) fn object(&self) -> Object<'_> {
        Object { script: self }
    }

    /// The calls since the last time.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.take()
    }

    pub(crate) fn answer<T>(&self, call: Call, answer: Result<T, Fail>) -> Result<T, Fail> {
        self.calls.borrow_mut().push(call);
        answer
    }

    /// As answer, for questions that come with what was described before.
    pub(crate) fn ask<T>(
        &self,
        call: Call,
        raw: Raw,
        facts: &Facts<Id>,
        answer: Result<T, Fail>,
    ) -> Result<T, Fail> {
        assert_eq!(raw, RAW);
        let described = self.facts_now.get().unwrap_or(self.facts);
        assert!(
            [self.facts, described].contains(&Ok(*facts)),
            "the core hands on what it was told"
        );
        self.answer(call, answer)
    }
}

pub(crate) const RAW: Raw = Raw(0x0511);

impl Platform for &Script {
    type Raw = Raw;
    type Id = Id;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<Id>, Fail> {
        let script = handle.platform();
        assert_eq!(handle.raw(), RAW);
        script.answer(Call::Describe, script.facts_now.get().unwrap_or(script.facts))
    }
    fn size(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<u64, Fail> {
        let script = handle.platform();
        script.ask(Call::Size, handle.raw(), facts, script.size_now.get().map_or(script.size, Ok))
    }
    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<u64, Fail> {
        let script = handle.platform();
        script.ask(Call::Alignment, handle.raw(), facts, script.alignment)
    }
    fn allocated(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<u64, Fail> {
        let script = handle.platform();
        script.ask(Call::Allocated, handle.raw(), facts, script.allocated)
    }
    fn file_system(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<FileSystem, Fail> {
        let script = handle.platform();
        script.ask(Call::FileSystem, handle.raw(), facts, script.file_system)
    }
    fn page_size(self) -> Result<Alignment, Fail> {
        self.answer(Call::PageSize, self.page_size)
    }
}

#[derive(Debug)]
pub(crate) struct Object<'s> {
    script: &'s Script,
}

impl<'s> Object<'s> {
    pub(crate) fn script(&self) -> &'s Script {
        self.script
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.script.dropped.set(self.script.dropped.get() + 1);
    }
}

// SAFETY: the script is borrowed for as long as the handle lives, and the raw value is a constant:
// both stay the same.
unsafe impl<'s> Handle for Object<'s> {
    type P = &'s Script;
    fn platform(&self) -> &'s Script {
        self.script
    }
    fn raw(&self) -> Raw {
        RAW
    }
}

pub(crate) use crate::whats::WHATS;

/// Every way to fail, about everything, with every error number of Linux and a few that it does not
/// have.
pub(crate) fn fails() -> Vec<Fail> {
    let errnos = (1..=133).chain([4000, i32::MAX]).map(Errno::from_raw);
    let mut fails = vec![
        Fail::Unsupported,
        Fail::Replaced,
        Fail::DeviceReplaced,
        Fail::NotBad,
        Fail::NotSynced,
    ];
    for what in WHATS {
        fails.extend([Fail::Absent(what), Fail::Malformed(what), Fail::TooLarge(what)]);
        fails.extend(errnos.clone().map(|errno| Fail::Os(what, errno)));
        fails.extend([1, u32::MAX].map(|code| Fail::OsCode(what, code)));
    }
    fails
}
