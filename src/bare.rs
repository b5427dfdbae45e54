//! Regions of physical memory, and the firmware's tables that tell of them: no operating system.
//!
//! A [`PhysicalRegion`] comes from a table of the board's code, from ACPI ([`find_acpi_table`],
//! [`Nfit`]) or from a [`Devicetree`]. An [`Extent`] is a region or a part of one, the handle of a
//! source. [`Extent::mapped`] gives a [`Window`] where the program has it mapped: it stores and
//! makes durable, with a [`Cpu`](crate::persist::Cpu)'s instructions where they are needed. All of
//! it is compiled on every target ([`Bare`]).
//!
//! ```
//! use pmem2::{
//!     Granularity, Sharing, Source,
//!     bare::{Extent, PhysicalRegion, RegionKind},
//!     persist::PersistenceDomain,
//!     transfer::Writer,
//! };
//!
//! /// Memory that keeps its contents without power, and that the processor does not cache.
//! static FRAM: PhysicalRegion<'_> =
//!     PhysicalRegion::new(0x6000_0000, 512 * 1024, RegionKind::Persistent)
//!         .in_domain(PersistenceDomain::CpuCache);
//!
//! let log = Extent::new(&FRAM).part(0, 4096);
//! let source = Source::from_region(log)?;
//! assert_eq!(source.size()?, 4096);
//! let expected = source.expected_granularity(Sharing::Shared)?;
//! assert_eq!(expected.granularity, Granularity::Byte);
//!
//! # let mut memory = vec![0_u8; 4096];
//! # let address = core::ptr::NonNull::new(memory.as_mut_ptr()).unwrap();
//! // SAFETY: the region is mapped there, and nobody else uses these bytes.
//! let window = unsafe { log.mapped(address) };
//! let writer = Writer::with_guard(source, &window)?;
//! assert_eq!(writer.write_at(0, b"kept"), Ok(()));
//! # assert_eq!(memory[..4], *b"kept");
//! # Ok::<(), pmem2::Error>(())
//! ```

pub use pmem2_platform::{
    Bare, BareDimm, BoardDimm, Devicetree, DimmTable, Extent, ExtentId, Guid, Nfit, PhysicalRegion,
    RegionFault, RegionKind, TableFault, TableWarning, Window, WindowFault, acpi_root_warning,
    find_acpi_table,
};

use pmem2_platform::Handle;

use crate::{error::Error, source::Source};

impl<'t> Source<Extent<'t>> {
    /// Makes a source of a region of physical memory, or of a part of it. No memory is touched
    /// except the region's tables.
    ///
    /// A board's code that has a constant region, and the chips that it is made of, can tell
    /// whether one was replaced:
    ///
    /// ```
    /// use pmem2::{
    ///     Source,
    ///     bare::{BoardDimm, Extent, PhysicalRegion, RegionKind},
    ///     persist::PersistenceDomain,
    /// };
    ///
    /// static CHIPS: [BoardDimm<'_>; 2] = [
    ///     BoardDimm { id: "MB85R4M2T-0007", dirty_shutdowns: Some(1) },
    ///     BoardDimm { id: "MB85R4M2T-0008", dirty_shutdowns: Some(0) },
    /// ];
    /// static FRAM: PhysicalRegion<'_> =
    ///     PhysicalRegion::new(0x6000_0000, 512 * 1024, RegionKind::Persistent)
    ///         .in_domain(PersistenceDomain::CpuCache)
    ///         .made_of(&CHIPS);
    ///
    /// let source = Source::from_region(Extent::new(&FRAM))?;
    /// assert_eq!(source.size()?, 512 * 1024);
    /// assert_eq!(&*source.device_id()?, "MB85R4M2T-0007MB85R4M2T-0008");
    /// assert_eq!(source.device_usc()?, 1);
    /// # Ok::<(), pmem2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidRegion`](Error::InvalidRegion): it has no bytes, ends beyond the last address or
    ///   beyond the region that it is a part of, or overlaps another one of its table; its
    ///   alignment is no power of two, or its first address no multiple of it; or it is a
    ///   devicetree's node without an address.
    /// - [`InvalidFileType`](Error::InvalidFileType): it is memory that does not keep its contents,
    ///   a virtual disk, or no memory.
    pub fn from_region(extent: Extent<'t>) -> Result<Self, Error> {
        Self::new(extent)
    }
}

impl<'t, H: Handle<P = Bare<'t>>> Source<H> {
    /// Returns the region, or the part of it, that this is a source of, whatever the handle is. A
    /// slot of a pool has it, too; the window may live less long than the pool:
    ///
    /// ```
    /// use pmem2::{
    ///     Pool, Source,
    ///     bare::{Bare, Extent, PhysicalRegion, RegionKind},
    ///     persist::PersistenceDomain,
    ///     transfer::Writer,
    /// };
    ///
    /// static FRAM: PhysicalRegion<'_> =
    ///     PhysicalRegion::new(0x6000_0000, 512 * 1024, RegionKind::Persistent)
    ///         .in_domain(PersistenceDomain::CpuCache);
    /// static SOURCES: Pool<Bare<'static>, 4> = Pool::new();
    ///
    /// let log = Extent::new(&FRAM).part(0, 4096);
    /// let source = SOURCES.source(&log)?;
    /// # let mut memory = vec![0_u8; 4096];
    /// # let mapped_at = core::ptr::NonNull::new(memory.as_mut_ptr()).unwrap();
    /// // SAFETY: these bytes are mapped there, and nobody else has them.
    /// let window = unsafe { source.extent().mapped(mapped_at) };
    /// let writer = Writer::with_guard(Source::from_region(source.extent())?, &window)?;
    /// assert_eq!(writer.write_at(0, b"pmem2"), Ok(()));
    /// # assert_eq!(memory[..5], *b"pmem2");
    /// # Ok::<(), pmem2::Error>(())
    /// ```
    #[inline]
    pub fn extent(&self) -> Extent<'t> {
        self.handle().raw()
    }
}
