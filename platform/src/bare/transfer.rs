//! Reading and writing a region where the program has it mapped.

use core::ops::Range;

use super::{
    map::{Window, WindowFault},
    source::{Bare, Extent, ExtentId},
};
use crate::{
    errno::Errno,
    facts::Facts,
    fail::{Fail, Subject},
    persist::{Means, Route},
    source::{Borrowed, Handle},
    transfer::{Partial, ReadBuffer, Transfer, WriteBuffer},
};

/// A window, and the place of the source's bytes in it.
#[derive(Debug)]
pub struct Channel<'t> {
    window: &'t Window<'t>,
    /// The offset in the window of the source's first byte.
    start: u64,
    /// The way in which what is written becomes durable; `None` where nothing may be written.
    route: Option<Route>,
}

/// Transfers go through a [`Window`] on the region, or on more of it; without one, nothing can be
/// transferred, since only the program maps anything. Written bytes are durable on return.
///
/// # Memory that is bad
///
/// The copy is a plain one. No system turns a failed load from bad memory into an error: it comes
/// to the program's own handler, or ends the machine.
///
/// - x86: a machine check (#MC, vector 18). The address is in IA32_MCi_ADDR; it can be gone on from
///   only if IA32_MCG_STATUS.RIPV is set. At reset CR4.MCE is clear, and then the processor shuts
///   down.
/// - AArch64: a synchronous external abort (ESR_ELx.DFSC 0x10, the address in FAR_ELx), or an
///   SError, which comes later and tells no address.
/// - RISC-V: an access fault (cause 5) or a hardware error (cause 19), the address in mtval or
///   stval, or an interrupt of the platform's.
/// - Cortex-M: a BusFault, precise with the address in BFAR, or imprecise; without a handler a
///   HardFault.
///
/// A handler that knows the window's addresses may leave the copy and not come back: no lock is
/// held, and only the copy itself is incomplete. A store to bad memory is noticed by nobody, or
/// later; on some machines a store of a whole line cures it.
impl<'t> Transfer for Bare<'t> {
    type Guard = &'t Window<'t>;
    type Channel = Channel<'t>;

    // Written in its final place: a small stack has no room for copies.
    #[inline(always)]
    fn channel(
        extent: Borrowed<'_, Self>,
        facts: &Facts<ExtentId>,
        guard: Option<&'t Window<'t>>,
        range: Range<u64>,
        writable: bool,
    ) -> Result<Channel<'t>, Fail> {
        let extent = extent.raw();
        if extent.id() != facts.id {
            return Err(Fail::Replaced);
        }
        let window = guard.ok_or(Fail::Unsupported)?;
        let start = between(window.extent(), &extent).ok_or(Fail::Absent(Subject::Mapping))?;
        let mapped = u64::try_from(window.length()).unwrap_or(u64::MAX);
        if start.checked_add(range.end).is_none_or(|end| end > mapped) {
            return Err(Fail::Absent(Subject::Mapping));
        }
        // The source's own region was checked before.
        if writable && window.extent().region().is_read_only() {
            return Err(fail(WindowFault::ReadOnly));
        }
        Ok(Channel { window, start, route: None })
    }

    fn means(channel: &Channel<'t>) -> Means {
        channel.window.means()
    }

    fn set_route(channel: &mut Channel<'t>, route: Route) {
        channel.route = Some(route);
    }

    fn read_at(
        _: Borrowed<'_, Self>,
        channel: &Channel<'t>,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        // SAFETY: the buffer's bytes can be written to, as from_raw_parts wants where there is no
        // system.
        let read = channel
            .at(offset)
            .and_then(|at| unsafe { channel.window.read_to(at, buffer.as_ptr(), buffer.len()) });
        Ok(read.map_err(fail)?)
    }

    fn write_at(
        _: Borrowed<'_, Self>,
        channel: &Channel<'t>,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        let written = channel.at(offset).and_then(|at| {
            let route = channel.route.ok_or(WindowFault::ReadOnly)?;
            // SAFETY: the buffer's bytes can be read, likewise.
            unsafe { channel.window.write_from(at, buffer.as_ptr(), buffer.len()) }?;
            channel.window.flush_by(route, at, buffer.len())?;
            channel.window.drain();
            Ok(())
        });
        Ok(written.map_err(fail)?)
    }

    /// Written bytes are durable already.
    fn sync(extent: Borrowed<'_, Self>, facts: &Facts<ExtentId>) -> Result<(), Fail> {
        if extent.raw().id() == facts.id { Ok(()) } else { Err(Fail::Replaced) }
    }
}

/// Returns the offset of the first byte of `inner` in `outer`.
fn between(outer: &Extent<'_>, inner: &Extent<'_>) -> Option<u64> {
    inner.base()?.checked_sub(outer.base()?)
}

impl Channel<'_> {
    fn at(&self, offset: u64) -> Result<usize, WindowFault> {
        let at = self.start.checked_add(offset).and_then(|at| usize::try_from(at).ok());
        at.ok_or(WindowFault::Outside)
    }
}

fn fail(fault: WindowFault) -> Fail {
    match fault {
        WindowFault::Outside => Fail::Absent(Subject::Mapping),
        WindowFault::ReadOnly => Fail::Os(Subject::Write, Errno::EROFS),
        // Decided before anything is written.
        WindowFault::NotDurable(_) => Fail::unsynced(Errno::ENOTSUP),
        WindowFault::Host(errno) => Fail::unsynced(errno),
    }
}
