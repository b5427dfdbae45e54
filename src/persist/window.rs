//! PersistenceDomain of what is stored through a window.

use pmem2_platform::{Undurable, Window, WindowFault};

use super::decide::route;

/// Makes stores to mapped memory durable, as [`route`](super::route()) decides.
///
/// # Examples
///
/// ```
/// use pmem2::{
///     bare::{Extent, PhysicalRegion, RegionKind, WindowFault},
///     persist::{Persist, PersistenceDomain, Undurable},
/// };
/// use std::ptr::NonNull;
///
/// # fn main() -> Result<(), WindowFault> {
/// static FRAM: PhysicalRegion<'_> = PhysicalRegion::new(0x6000_0000, 64, RegionKind::Persistent)
///     .in_domain(PersistenceDomain::CpuCache);
///
/// let mut memory = [0_u8; 64];
/// // SAFETY: these bytes stand for the region's, and nobody else has them meanwhile.
/// let mut window = unsafe { Extent::new(&FRAM).mapped(NonNull::from(&mut memory).cast()) };
/// window.write(0, b"kept")?;
/// window.persist(0, 4)?;
///
/// // Where nothing was stated, cache lines have to be flushed: by a processor that can.
/// let unstated = PhysicalRegion::new(0x6000_0000, 64, RegionKind::Persistent);
/// // SAFETY: as above.
/// let window = unsafe { Extent::new(&unstated).mapped(NonNull::from(&mut memory).cast()) };
/// assert_eq!(window.persist(0, 4), Err(WindowFault::NotDurable(Undurable::NoInstruction)));
/// # Ok(()) }
/// ```
pub trait Persist {
    /// Begins to make the bytes durable that are stored in this range. Several ranges may be
    /// flushed before one [`drain`](Window::drain). A range of no bytes needs neither a processor
    /// nor a call nor hints; in a region that never keeps anything ([`Undurable::Never`],
    /// [`Undurable::Unarmed`]) it is refused like any other.
    ///
    /// # Errors
    ///
    /// The reason why they do not become durable.
    fn flush(&self, offset: usize, length: usize) -> Result<(), WindowFault>;

    /// Makes the bytes durable that are stored in this range: [`flush`](Persist::flush) and
    /// [`drain`](Window::drain).
    ///
    /// # Errors
    ///
    /// The reason why they do not become durable.
    fn persist(&self, offset: usize, length: usize) -> Result<(), WindowFault>;
}

impl Persist for Window<'_> {
    fn flush(&self, offset: usize, length: usize) -> Result<(), WindowFault> {
        self.check_range(offset, length)?;
        match route(&self.means()) {
            Ok(route) => self.flush_by(route, offset, length),
            // What only the flush of some bytes needs.
            Err(Undurable::NoInstruction | Undurable::NoHints | Undurable::NoCall)
                if length == 0 =>
            {
                Ok(())
            }
            Err(why) => Err(WindowFault::NotDurable(why)),
        }
    }

    fn persist(&self, offset: usize, length: usize) -> Result<(), WindowFault> {
        self.flush(offset, length)?;
        self.drain();
        Ok(())
    }
}
