//! The contract for where an object lies.

use crate::{Backing, Borrowed, DaxState, Facts, Fail, MapSync, Platform, Region, Text};

/// A system that knows where its objects lie: on which regions of persistent memory, on which
/// DIMMs.
///
/// Every method has an answer until it is written, in most cases [`Fail::Unsupported`], so a
/// platform that knows nothing of this says `impl Locate for MyKernel { type Spot = Nowhere; type
/// Dimm = Nowhere; }`. Persistent memory without DIMMs takes five: [`locate`](Locate::locate),
/// [`confirm`](Locate::confirm), [`backing`](Locate::backing), [`regions`](Locate::regions),
/// [`region`](Locate::region); files on it also [`synchronous`](Locate::synchronous), without which
/// their granularity is not known.
///
/// [`locate`](Locate::locate) is called once for a question; the other methods are asked about what
/// it found, and need no handle. [`Platform`] says what those that take one may rely on.
pub trait Locate: Platform {
    /// Where an object lies: what the platform finds its regions by.
    type Location: Copy;

    /// What the platform finds a DIMM by.
    type Dimm: Copy;

    /// Where the object lies.
    fn locate(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<Self::Location, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Whether the object still lies there, and a number that tells its device from a later one
    /// with the same name. A device that was taken away while another got its name is
    /// [`Fail::DeviceReplaced`]. Asked when everything else was, before an answer is given.
    fn confirm(self, spot: &Self::Location) -> Result<u64, Fail> {
        let _ = spot;
        Err(Fail::Unsupported)
    }

    /// What is below the object.
    fn backing(self, spot: &Self::Location) -> Result<Backing, Fail> {
        let _ = spot;
        Err(Fail::Unsupported)
    }

    /// The name of the device that the object is on, or is, for people: `pmem0`, `dax0.0`, `sda1`.
    /// [Cut](Text::cut) where it has more than 32 bytes; until it is written, there is none.
    fn device(self, spot: &Self::Location) -> Result<Text<32>, Fail> {
        let _ = spot;
        Ok(Text::new())
    }

    /// How many regions there are: at least one if the backing is [`Backing::Regions`], else none.
    fn regions(self, spot: &Self::Location) -> Result<usize, Fail> {
        let _ = spot;
        Err(Fail::Unsupported)
    }

    /// Everything about the region with this index, from 0; `None` behind the last one. Their order
    /// is that of their buses and numbers, the lowest first.
    fn region(self, spot: &Self::Location, index: usize) -> Result<Option<Region>, Fail> {
        let _ = (spot, index);
        Err(Fail::Unsupported)
    }

    /// The NUMA node of the region with this index, or, where there are no regions and the index is
    /// 0, of the device: the outer `None` behind the last one, the inner one where the platform
    /// does not say.
    fn numa_node(self, spot: &Self::Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        Ok(self.region(spot, index)?.map(|region| region.numa_node))
    }

    /// Likewise the NUMA node that the memory is when the system takes it for ordinary memory.
    fn target_node(self, spot: &Self::Location, index: usize) -> Result<Option<Option<u32>>, Fail> {
        Ok(self.region(spot, index)?.map(|region| region.target_node))
    }

    /// The DIMM with index `dimm` of the region with index `region`, both from 0, in the order of
    /// the region's mappings; `None` behind the last one of either. (Persistent memory may have no
    /// DIMMs that the system knows: virtio-pmem, a board's RAM with a battery.) Until it is
    /// written, the DIMMs cannot be told, which is another answer than that there are none.
    fn dimm(
        self,
        spot: &Self::Location,
        region: usize,
        dimm: usize,
    ) -> Result<Option<Self::Dimm>, Fail> {
        let _ = (spot, region, dimm);
        Err(Fail::Unsupported)
    }

    /// The number that the system gives the DIMM until the next boot: on Linux the K of `nmemK`.
    fn dimm_number(self, dimm: Self::Dimm) -> Result<u32, Fail> {
        let _ = dimm;
        Err(Fail::Unsupported)
    }

    /// What identifies the DIMM wherever it is: `8680-56341200`, of the vendor, the place and time
    /// of its making if known, and its serial number.
    fn dimm_id(self, dimm: Self::Dimm) -> Result<Text<32>, Fail> {
        let _ = dimm;
        Err(Fail::Unsupported)
    }

    /// How often the DIMM lost power before its data was safe. [`Fail::Unsupported`] where it does
    /// not count.
    fn dimm_dirty_shutdowns(self, dimm: Self::Dimm) -> Result<u64, Fail> {
        let _ = dimm;
        Err(Fail::Unsupported)
    }

    /// Whether the system can map the device that the object is on directly: DAX. `None` where
    /// there is no such device, or it makes no difference.
    fn dax_capable(self, spot: &Self::Location) -> Result<Option<bool>, Fail> {
        let _ = spot;
        Err(Fail::Unsupported)
    }

    /// Whether a store to a mapping of the file is durable without a call to the file system. Linux
    /// tries such a mapping, and undoes it; the file is not changed.
    ///
    /// A file that cannot be mapped at all is [`Fail::Os`] with
    /// [`Subject::Mapping`](crate::Subject::Mapping), one that cannot be mapped for writing, though the
    /// handle was opened for that, with [`Subject::WritableMapping`](crate::Subject::WritableMapping).
    fn synchronous(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<MapSync, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }

    /// Why the file is, or is not, mapped directly. Asked where
    /// [`synchronous`](Locate::synchronous) says that it is refused.
    fn direct(handle: Borrowed<'_, Self>, facts: &Facts<Self::Id>) -> Result<DaxState, Fail> {
        let _ = (handle, facts);
        Err(Fail::Unsupported)
    }
}

/// The [`Locate::Location`] and [`Locate::Dimm`] of a platform that has none: there is no such value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nowhere {}
