//! libpmem2's C functions over a machine that is made up: a table of regions of memory, as a small
//! kernel might have it. No operating system, no heap.
#![no_std]

use core::{
    fmt,
    panic::PanicInfo,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use pmem2::{
    Access, Handle, Kind,
    error::{Errno, Subject},
    place::FileSystem,
    platform::{Alignment, BadBlocks, Borrowed, Facts, Fail, Locate, Nowhere, Platform, Transfer},
};

/// A region: what it is, its generation (0: there is none), its size.
struct Region {
    kind: Kind,
    access: Access,
    generation: AtomicU64,
    size: u64,
}

/// A machine has a table of them; descriptors are indices into it.
struct Machine {
    regions: [Region; 6],
    page: u64,
}

const fn region(kind: Kind, access: Access, size: u64) -> Region {
    Region { kind, access, generation: AtomicU64::new(1), size }
}

const BOTH: Access = Access::READ.union(Access::WRITE);

static MACHINE: Machine = Machine {
    regions: [
        region(Kind::DeviceDax, BOTH, 1 << 30),
        region(Kind::RegularFile, Access::READ, 12345),
        region(Kind::DeviceDax, Access::WRITE, 4096),
        region(Kind::BlockDevice, BOTH, 512),
        // Malformed.
        region(Kind::DeviceDax, BOTH, u64::MAX),
        Region { kind: Kind::DeviceDax, access: BOTH, generation: AtomicU64::new(0), size: 0 },
    ],
    page: 16384,
};

/// The index of a region, which is a number as C has it.
#[derive(Clone, Copy)]
struct Index(u8);

impl TryFrom<i32> for Index {
    type Error = ();
    fn try_from(number: i32) -> Result<Self, ()> {
        u8::try_from(number).map(Self).map_err(|_| ())
    }
}

impl From<Index> for i32 {
    fn from(index: Index) -> Self {
        index.0.into()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Id {
    index: u8,
    generation: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "region {}, generation {}", self.index, self.generation)
    }
}

impl Machine {
    fn region(&self, index: Index) -> Result<(&Region, Id), Fail> {
        let region = self.regions.get(usize::from(index.0)).ok_or(Fail::Absent(Subject::Handle))?;
        match region.generation.load(Relaxed) {
            0 => Err(Fail::Absent(Subject::Handle)),
            generation => Ok((region, Id { index: index.0, generation })),
        }
    }

    fn same(&self, index: Index, facts: &Facts<Id>) -> Result<&Region, Fail> {
        let (region, id) = self.region(index)?;
        if id == facts.id { Ok(region) } else { Err(Fail::Replaced) }
    }
}

impl Locate for &'static Machine {
    type Location = Nowhere;
    type Dimm = Nowhere;
}

impl Transfer for &'static Machine {
    type Guard = ();
    type Channel = ();
}

impl BadBlocks for &'static Machine {
    type List = ();
}

impl Platform for &'static Machine {
    type Raw = Index;
    type Id = Id;

    fn describe(handle: Borrowed<'_, Self>) -> Result<Facts<Id>, Fail> {
        let (region, id) = handle.platform().region(handle.raw())?;
        Ok(Facts::new(id, region.kind, region.access, None))
    }

    fn size(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<u64, Fail> {
        match handle.platform().same(handle.raw(), facts)?.size {
            u64::MAX => Err(Fail::Malformed(Subject::Size)),
            size => Ok(size),
        }
    }

    fn alignment(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<u64, Fail> {
        handle.platform().same(handle.raw(), facts).map(|_| 2 << 20)
    }

    fn file_system(_: Borrowed<'_, Self>, _: &Facts<Id>) -> Result<FileSystem, Fail> {
        Err(Fail::Os(Subject::FileSystem, Errno::EIO))
    }

    fn page_size(self) -> Result<Alignment, Fail> {
        Alignment::new(self.page).ok_or(Fail::Malformed(Subject::PageSize))
    }
}

/// The C functions, where names of the prelude and of the macro mean something else.
mod c {
    use super::{MACHINE, Machine};

    /// Names that the macro might take for its own, or define once more.
    #[expect(dead_code, reason = "they are there to be in the way")]
    mod names {
        /// A `Result` as many modules have one.
        pub(super) type Result<T> = core::result::Result<T, pmem2::platform::Fail>;
        pub(super) struct Option;
        pub(super) struct Some;
        pub(super) struct None;
        pub(super) struct Default;
        pub(super) struct CLibrary;
        pub(super) struct Source;
        pub(super) struct Context;
        pub(super) struct L;
        pub(super) mod call {}
        pub(super) static POOL: () = ();
        pub(super) static MESSAGE: () = ();
    }
    #[expect(unused_imports, reason = "they are there to be in the way")]
    use names::{
        CLibrary, Context, Default, L, MESSAGE, None, Option, POOL, Result, Some, Source, call,
    };

    #[cfg(not(feature = "messages"))]
    pmem2_capi::export!(&'static Machine = &MACHINE, 4);

    #[cfg(feature = "messages")]
    // SAFETY: it is of the calling thread, for as long as that runs: export.c.
    pmem2_capi::export!(&'static Machine = &MACHINE, 4, unsafe super::message);
}

/// Returns the message of the calling thread of the C program.
#[cfg(feature = "messages")]
fn message() -> *mut pmem2_capi::Message {
    unsafe extern "C" {
        safe fn message_of_thread() -> *mut pmem2_capi::Message;
    }
    message_of_thread()
}

/// Replaces a region by another one, for the C program.
#[unsafe(no_mangle)]
extern "C" fn machine_replace(index: u8) {
    if let Some(region) = MACHINE.regions.get(usize::from(index)) {
        region.generation.fetch_add(1, Relaxed);
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
