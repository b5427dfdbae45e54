//! Regions of physical memory, and the firmware's tables that tell of them: no operating system.

pub use pmem2_platform::{
    Bare, BareDimm, BoardDimm, Devicetree, DimmTable, Extent, ExtentId, Guid, Nfit, PhysicalRegion,
    RegionFault, RegionKind, TableFault, TableWarning, Window, WindowFault, find_acpi_table,
};

use pmem2_platform::Handle;

use crate::{error::Error, source::Source};

impl<'t> Source<Extent<'t>> {
    /// Makes a source of a region of physical memory, or of a part of it. No memory but the
    /// region's tables is touched.
    ///
    /// A board's code can have a constant region, and with the chips that it is made of it can tell
    /// whether one was replaced:
    ///
    /// ```
    /// use pmem2::{Source, bare::{BoardDimm, Extent, PhysicalRegion, RegionKind}, persist::PersistenceDomain};
    ///
    /// static CHIPS: [BoardDimm<'_>; 2] = [
    ///     BoardDimm { id: "MB85R4M2T-0007", dirty_shutdowns: Some(1) },
    ///     BoardDimm { id: "MB85R4M2T-0008", dirty_shutdowns: Some(0) },
    /// ];
    /// static FRAM: PhysicalRegion<'_> = PhysicalRegion::new(0x6000_0000, 512 * 1024, RegionKind::Persistent)
    ///     .in_domain(PersistenceDomain::CpuCache)
    ///     .made_of(&CHIPS);
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
    /// - [`InvalidRegion`](Error::InvalidRegion): it has no bytes, goes on beyond the last address,
    ///   or beyond the region that it is a part of, or overlaps another one of its table; its
    ///   alignment is no power of two, or its first address no multiple of it; or it is a
    ///   devicetree's node without an address.
    /// - [`InvalidFileType`](Error::InvalidFileType): it is memory that does not keep its contents,
    ///   a virtual disk, or no memory.
    pub fn from_region(extent: Extent<'t>) -> Result<Self, Error> {
        Self::new(extent)
    }
}

impl<'t, H: Handle<P = Bare<'t>>> Source<H> {
    /// The region, or the part of it, that this is a source of, whatever the handle is: what is
    /// mapped. A slot of a pool has it, too; what it is mapped by may live less long than the pool:
    ///
    /// ```
    /// use pmem2::{Pool, Source, bare::{Bare, Extent, PhysicalRegion, RegionKind}, persist::PersistenceDomain, transfer::Writer};
    ///
    /// static FRAM: PhysicalRegion<'_> = PhysicalRegion::new(0x6000_0000, 512 * 1024, RegionKind::Persistent)
    ///     .in_domain(PersistenceDomain::CpuCache);
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
