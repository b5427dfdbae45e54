//! The port: the facts that pmem2 needs about this kernel.
//!
//! A source needs only `Platform`. `Locate` is for kernels that know where their memory lies;
//! another kernel says `type Location = Nowhere; type Dimm = Nowhere;` and nothing else. `Transfer`
//! and `BadBlocks` are for kernels that read their files for a program, and know which memory is
//! bad; the others say `type Guard = Infallible; type Channel = Infallible;` and `type List =
//! Infallible;`.

use core::{
    convert::Infallible, fmt, marker::PhantomData, ops::Range, sync::atomic::Ordering::Relaxed,
};

use pmem2::{
    Access, Handle, Kind,
    badblocks::ClearBy,
    error::{Errno, Subject},
    persist::PersistenceDomain,
    place::{Backing, DimmState, FileSystem, MapSync, Mode, Region},
    platform::{Alignment, BadBlocks, Borrowed, Facts, Fail, Locate, Platform, Text, Transfer},
    transfer::{Partial, ReadBuffer, WriteBuffer},
};

use crate::kernel::{Bank, Dimm, Inode, Kernel, Node, PAGE, READ, Trouble, WRITE};

/// The kernel's magic number for its files in RAM: one that no other file system has.
const RAM_FILES: FileSystem = FileSystem::from_magic(0x0ac1_d001);

/// A descriptor. For C, it is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor(pub(crate) u16);

impl TryFrom<i32> for Descriptor {
    type Error = core::num::TryFromIntError;
    fn try_from(number: i32) -> Result<Self, Self::Error> {
        number.try_into().map(Self)
    }
}

impl From<Descriptor> for i32 {
    fn from(descriptor: Descriptor) -> Self {
        descriptor.0.into()
    }
}

/// The identity of an object: its inode, since a descriptor's number is reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(u16);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inode {}", self.0)
    }
}

/// Looks at the descriptor anew, and notices if it was closed, or stands for another file now.
fn same<'k>(handle: Borrowed<'_, &'k Kernel>, facts: &Facts<Id>) -> Result<&'k Inode, Fail> {
    match handle.platform().lookup(handle.raw().0) {
        Ok((inode, found, _)) if Id(inode) == facts.id => Ok(found),
        Ok(_) => Err(Fail::Replaced),
        Err(trouble) => Err(fail(trouble)),
    }
}

fn fail(trouble: Trouble) -> Fail {
    match trouble {
        Trouble::NotOpen => Fail::Absent(Subject::Handle),
        _ => Fail::Unsupported,
    }
}

impl Platform for &Kernel {
    type Raw = Descriptor;
    type Id = Id;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<Id>, Fail> {
        let (number, inode, mode) = handle.platform().lookup(handle.raw().0).map_err(fail)?;
        // Facts, without a decision whether they suffice. The page of a bank is asked for later.
        let (kind, alignment) = match inode.node {
            Node::Directory => (Kind::Directory, None),
            Node::Console => (Kind::CharacterDevice, None),
            Node::Queue => (Kind::Pipe, None),
            Node::File { .. } => (Kind::RegularFile, Alignment::new(PAGE)),
            Node::Bank(_) => (Kind::DeviceDax, None),
        };
        let mut access = Access::empty();
        access.set(Access::READ, mode & READ != 0);
        access.set(Access::WRITE, mode & WRITE != 0);
        Ok(Facts::new(Id(number), kind, access, alignment))
    }

    fn size(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<u64, Fail> {
        match &same(handle, facts)?.node {
            Node::File { size, .. } => Ok(size.load(Relaxed)),
            Node::Bank(bank) => Ok(bank.bytes),
            _ => Err(Fail::Unsupported),
        }
    }

    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<u64, Fail> {
        match same(handle, facts)?.node {
            Node::Bank(bank) => Ok(bank.page),
            _ => Ok(PAGE),
        }
    }

    fn file_system(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<FileSystem, Fail> {
        match same(handle, facts)?.node {
            Node::File { on: None, .. } => Ok(RAM_FILES),
            _ => Err(Fail::Unsupported),
        }
    }

    fn page_size(self) -> Result<Alignment, Fail> {
        Alignment::new(PAGE).ok_or(Fail::Malformed(Subject::PageSize))
    }
}

/// Goes through the bytes of a file, with whatever the kernel has to say.
fn transfer(
    handle: Borrowed<'_, &Kernel>,
    offset: u64,
    length: usize,
    mut each: impl FnMut(usize, &core::sync::atomic::AtomicU8),
) -> Result<(), Partial> {
    let (kernel, number) = (handle.platform(), handle.raw().0);
    let mut done = 0;
    while done < length {
        let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        let fail =
            match kernel.bytes(number, at, length - done, |index, byte| each(done + index, byte)) {
                Ok(0) => Fail::Ended,
                Ok(moved) => {
                    done += moved;
                    continue;
                }
                Err(Trouble::BadMemory) => Fail::bad_memory(PAGE),
                Err(trouble) => fail(trouble),
            };
        return Err(Partial { done, fail });
    }
    Ok(())
}

/// The kernel reads and writes files. A program maps banks.
impl Transfer for &Kernel {
    type Guard = Infallible;
    type Channel = ();

    fn channel(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        _: Option<Infallible>,
        _: Range<u64>,
        _: bool,
    ) -> Result<(), Fail> {
        match same(handle, facts)?.node {
            Node::File { .. } => Ok(()),
            _ => Err(Fail::Unsupported),
        }
    }

    fn read_at(
        handle: Borrowed<'_, Self>,
        (): &(),
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        let to = buffer.as_ptr();
        transfer(handle, offset, buffer.len(), |index, byte| {
            // SAFETY: the caller's buffer has as many bytes as it says. This kernel cannot check
            // that.
            unsafe { to.add(index).write(byte.load(Relaxed)) };
        })
    }

    fn write_at(
        handle: Borrowed<'_, Self>,
        (): &(),
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        let from = buffer.as_ptr();
        transfer(handle, offset, buffer.len(), |index, byte| {
            // SAFETY: likewise.
            byte.store(unsafe { from.add(index).read() }, Relaxed);
        })
    }

    /// A file's bytes are in their final place already.
    fn sync(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<(), Fail> {
        same(handle, facts).map(drop)
    }
}

/// The kernel keeps a bit for each page of a file, and is asked each time, so there is no list.
impl BadBlocks for &Kernel {
    type List = ();

    fn list_bad(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<(), Fail> {
        match same(handle, facts)?.node {
            Node::File { .. } => Ok(()),
            _ => Err(Fail::Unsupported),
        }
    }

    fn next_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        (): &mut (),
        from: u64,
    ) -> Result<Option<Range<u64>>, Fail> {
        let kernel = handle.platform();
        let size = Self::size(handle, facts)?;
        let is_bad = |at: u64| kernel.is_bad(handle.raw().0, at / PAGE).map_err(fail);
        let mut start = from;
        while start < size && !is_bad(start)? {
            start = (start / PAGE + 1) * PAGE;
        }
        let mut end = start;
        while end < size && is_bad(end)? {
            end = ((end / PAGE + 1) * PAGE).min(size);
        }
        Ok((start < end).then_some(start..end))
    }

    fn clear_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        range: Range<u64>,
        by: ClearBy,
    ) -> Result<(), Fail> {
        let kernel = handle.platform();
        Self::list_bad(handle, facts)?;
        if by == ClearBy::DeviceCommand {
            return Err(Fail::Unsupported);
        }
        // All or nothing, and whole pages: the kernel does not discard bytes beside without
        // consent.
        let size = Self::size(handle, facts)?;
        let whole = range.start.is_multiple_of(PAGE)
            && (range.end.is_multiple_of(PAGE) || range.end == size);
        let pages = range.start / PAGE..range.end.div_ceil(PAGE);
        for page in pages.clone() {
            if !kernel.is_bad(handle.raw().0, page).map_err(fail)? {
                return Err(Fail::NotBad);
            }
        }
        if !whole && by != ClearBy::LossyAllocation {
            return Err(Fail::Os(Subject::ClearBadBlock, Errno::EINVAL));
        }
        for page in pages {
            kernel
                .mend(
                    handle.raw().0,
                    page.try_into().map_err(|_| Fail::Malformed(Subject::ClearBadBlock))?,
                )
                .map_err(fail)?;
        }
        Ok(())
    }
}

/// The location of an object: a bank, or RAM.
#[derive(Clone, Copy)]
pub(crate) struct Location {
    bank: Option<&'static Bank>,
    kind: Kind,
}

impl Location {
    /// Returns the bank, if the index is that of its only region.
    fn bank(&self, region: usize) -> Option<&'static Bank> {
        self.bank.filter(|_| region == 0)
    }
}

impl Locate for &Kernel {
    type Location = Location;
    type Dimm = &'static Dimm;

    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<Location, Fail> {
        let bank = match same(handle, facts)?.node {
            Node::Bank(bank) => Some(bank),
            Node::File { on, .. } => on,
            _ => return Err(Fail::Unsupported),
        };
        Ok(Location { bank, kind: facts.kind })
    }

    /// Banks are soldered.
    fn confirm(self, spot: &Location) -> Result<u64, Fail> {
        Ok(spot.bank.map_or(0, |bank| bank.number.into()))
    }

    fn backing(self, spot: &Location) -> Result<Backing, Fail> {
        Ok(if spot.bank.is_some() { Backing::Regions } else { Backing::Memory(RAM_FILES) })
    }

    fn device(self, spot: &Location) -> Result<Text<32>, Fail> {
        Ok(spot.bank.map_or(Text::new(), |bank| Text::cut(bank.name)))
    }

    fn regions(self, spot: &Location) -> Result<usize, Fail> {
        Ok(spot.bank.iter().count())
    }

    fn region(self, spot: &Location, index: usize) -> Result<Option<Region>, Fail> {
        let Some(bank) = spot.bank(index) else { return Ok(None) };
        let mode = if spot.kind == Kind::DeviceDax { Mode::Devdax } else { Mode::Fsdax };
        let mut region = Region::new(0, bank.number, mode);
        region.provider = Text::cut("firmware");
        region.domain = if bank.saves_caches {
            PersistenceDomain::CpuCache
        } else {
            PersistenceDomain::MemoryController
        };
        region.state.set(DimmState::NOT_ARMED, !bank.armed);
        region.numa_node = bank.node;
        Ok(Some(region))
    }

    fn dimm(
        self,
        spot: &Location,
        region: usize,
        dimm: usize,
    ) -> Result<Option<&'static Dimm>, Fail> {
        Ok(spot.bank(region).and_then(|bank| bank.dimms.get(dimm)))
    }

    fn dimm_number(self, dimm: &'static Dimm) -> Result<u32, Fail> {
        Ok(dimm.slot)
    }

    fn dimm_id(self, dimm: &'static Dimm) -> Result<Text<32>, Fail> {
        Text::fit(dimm.serial).ok_or(Fail::Malformed(Subject::DeviceId))
    }

    fn dimm_dirty_shutdowns(self, dimm: &'static Dimm) -> Result<u64, Fail> {
        dimm.losses.ok_or(Fail::Unsupported)
    }

    fn dax_capable(self, spot: &Location) -> Result<Option<bool>, Fail> {
        Ok(spot.bank.map(|_| true))
    }

    /// There is no page cache: a mapping of a bank is direct.
    fn synchronous(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<MapSync, Fail> {
        let spot = Self::locate(handle, facts)?;
        Ok(if spot.bank.is_some() { MapSync::Granted } else { MapSync::Refused })
    }
}

/// A descriptor that is open as long as this lives, for programs in Rust.
#[derive(Debug)]
pub(crate) struct File<'k> {
    kernel: &'k Kernel,
    descriptor: Descriptor,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kernel")
    }
}

impl<'k> File<'k> {
    pub(crate) fn open(kernel: &'k Kernel, name: &str, mode: u32) -> Result<Self, Trouble> {
        kernel.open(name, mode).map(|number| Self { kernel, descriptor: Descriptor(number) })
    }

    pub(crate) fn descriptor(&self) -> u16 {
        self.descriptor.0
    }

    pub(crate) fn borrow(&self) -> Number<'_> {
        Number { kernel: self.kernel, descriptor: self.descriptor, lifetime: PhantomData }
    }
}

impl Drop for File<'_> {
    fn drop(&mut self) {
        // SAFETY: `open` made the number for this value alone, and nobody borrows it any more. It
        // was open until now.
        let _ = unsafe { self.kernel.close(self.descriptor.0) };
    }
}

// SAFETY: the number was opened for this value, which closes it when dropped and cannot be cloned.
// Nobody else closes it, by the rule of `Kernel::close`. So it always stands for the same inode.
unsafe impl<'k> Handle for File<'k> {
    type P = &'k Kernel;
    fn platform(&self) -> &'k Kernel {
        self.kernel
    }
    fn raw(&self) -> Descriptor {
        self.descriptor
    }
}

/// A borrowed descriptor, or a number that is no descriptor.
#[derive(Clone, Copy)]
pub(crate) struct Number<'k> {
    kernel: &'k Kernel,
    descriptor: Descriptor,
    lifetime: PhantomData<&'k File<'k>>,
}

impl<'k> Number<'k> {
    /// # Safety
    ///
    /// An open number stays open as long as the value is used. Another number is not opened
    /// meanwhile.
    pub(crate) unsafe fn new(kernel: &'k Kernel, number: u16) -> Self {
        Self { kernel, descriptor: Descriptor(number), lifetime: PhantomData }
    }
}

// SAFETY: it borrows the file, or the caller of `new` has promised it.
unsafe impl<'k> Handle for Number<'k> {
    type P = &'k Kernel;
    fn platform(&self) -> &'k Kernel {
        self.kernel
    }
    fn raw(&self) -> Descriptor {
        self.descriptor
    }
}
