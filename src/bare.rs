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
    Bare, BareDimm, BoardDimm, DimmTable, ExtentId, Guid, RegionFault, RegionKind, TableFault,
    TableWarning, Window, WindowFault, acpi_root_warning, find_acpi_table,
};

/// Bytes of physical memory: a region or a part of it.
///
/// ```
/// use pmem2::bare::{Extent, PhysicalRegion, RegionKind};
///
/// static NVRAM: PhysicalRegion<'_> =
///     PhysicalRegion::new(0x6000_0000, 512 * 1024, RegionKind::Persistent);
///
/// let log = Extent::new(&NVRAM).part(4096, 8192);
/// assert_eq!((log.base(), log.length()), (Some(0x6000_1000), 8192));
/// ```
pub use pmem2_platform::Extent;

/// A region that a board's code declares, or that a table tells of.
///
/// ```
/// use pmem2::{
///     bare::{PhysicalRegion, RegionKind},
///     persist::PersistenceDomain,
/// };
///
/// // A board's MRAM: no caches in between, the second one, on no DIMM.
/// static MRAM: PhysicalRegion<'_> =
///     PhysicalRegion::new(0x7000_0000, 128 * 1024, RegionKind::Persistent)
///         .in_domain(PersistenceDomain::CpuCache)
///         .numbered(1, "MRAM")
///         .aligned_to(32);
///
/// assert_eq!((MRAM.base(), MRAM.length(), MRAM.number()), (0x7000_0000, 128 * 1024, 1));
/// assert!(!MRAM.is_unarmed() && !MRAM.is_read_only());
/// ```
pub use pmem2_platform::PhysicalRegion;

/// The table by which ACPI tells of persistent memory.
///
/// ```
/// # let mut bytes = vec![0; 96];
/// # bytes[..8].copy_from_slice(b"NFIT\x60\0\0\0");
/// # bytes[40..46].copy_from_slice(&[0, 0, 56, 0, 1, 0]);
/// # let persistent = [0x79, 0xD3, 0xF0, 0x66, 0xF3, 0xB4, 0x74, 0x40];
/// # bytes[56..64].copy_from_slice(&persistent);
/// # bytes[64..72].copy_from_slice(&[0xAC, 0x43, 0x0D, 0x33, 0x18, 0xB7, 0x8C, 0xDB]);
/// # bytes[76] = 1;
/// # bytes[82] = 0x20;
/// use pmem2::{Source, bare::{Extent, Nfit}};
///
/// // The table's bytes: see find_acpi_table.
/// let nfit = Nfit::parse(&bytes)?;
/// for region in nfit.regions() {
///     let source = Source::from_region(Extent::new(&region))?;
///     assert_eq!((region.base(), source.size()?), (1 << 32, 1 << 21));
/// }
/// # assert_eq!(nfit.regions().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub use pmem2_platform::Nfit;

/// A devicetree, which tells of persistent memory by its `pmem-region` nodes.
///
/// ```
/// # let words: [u32; 40] = [
/// #     0xD00D_FEED, 160, 56, 144, 40, 17, 16, 0, 15, 88, 0, 0, 0, 0, 1, 0, 1, 0x706D_656D,
/// #     0x4038_3030, 0x3030_3030, 0x3000_0000, 3, 12, 0, 0x706D_656D, 0x2D72_6567, 0x696F_6E00,
/// #     3, 12, 11, 0, 0x8000_0000, 0x20_0000, 2, 2, 9, 0x636F_6D70, 0x6174_6962, 0x6C65_0072,
/// #     0x6567_0000,
/// # ];
/// # let bytes = words.map(u32::to_be_bytes).concat();
/// use pmem2::{Source, bare::{Devicetree, Extent}};
///
/// // / { pmem@80000000 { compatible = "pmem-region"; reg = <0 0x80000000 0x200000>; }; };
/// let tree = Devicetree::parse(&bytes)?;
/// for region in tree.regions() {
///     let source = Source::from_region(Extent::new(&region))?;
///     assert_eq!((region.base(), source.size()?), (0x8000_0000, 1 << 21));
/// }
/// # assert_eq!(tree.regions().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub use pmem2_platform::Devicetree;

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
