//! Mappings: mmap(2), munmap(2), msync(2), and the storage of the file below them.

use core::{ops::Range, ptr::NonNull};

use super::{
    file_id::FileId,
    object::{Object, failed},
    place::locate,
    sys::{Linux, fd::retry, map::Mappings, page},
    sysfs::{self, Path},
};
use crate::{
    alignment::Alignment,
    cpu::processor::Cpu,
    errno::Errno,
    facts::Facts,
    fail::{Fail, Subject},
    map::{Map, Mapped, Protection, Request, Span},
    place::MapSync,
    source::{Borrowed, Handle},
};

// SAFETY: without MAP_FIXED the kernel maps at addresses that nobody has, of the length and with
// the protection that it is told. An access beyond the end of the file, or to bad memory, raises
// SIGBUS.
unsafe impl Map for Linux {
    type Steps = Cpu;

    fn steps(self, flushes: bool) -> Result<Cpu, Fail> {
        if flushes { Cpu::detect_once() } else { Ok(Cpu::fence_only()) }
    }

    #[inline]
    fn map(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        request: &Request,
    ) -> Result<Mapped, Fail> {
        map(Self, Some(handle.raw()), facts.alignment, request)
    }

    fn map_anonymous(self, request: &Request) -> Result<Mapped, Fail> {
        map(self, None, None, request)
    }

    #[inline]
    unsafe fn unmap(self, taken: Span) -> Result<(), Fail> {
        // SAFETY: the caller's.
        unsafe { Mappings::unmap(self, taken) }.map_err(os)
    }

    unsafe fn sync(_: Borrowed<'_, Self>, bytes: Span) -> Result<(), Fail> {
        // SAFETY: the caller's.
        unsafe { sync(Self, bytes) }
    }

    fn deep_flush(handle: Borrowed<'_, Self>, facts: &Facts<FileId>) -> Result<(), Fail> {
        deep_flush(Object::new(handle, facts))
    }

    fn extend(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        range: Range<u64>,
        durable: bool,
    ) -> Result<(), Fail> {
        extend(Object::new(handle, facts), range, durable)
    }

    fn truncate(handle: Borrowed<'_, Self>, facts: &Facts<FileId>, size: u64) -> Result<(), Fail> {
        truncate(Object::new(handle, facts), size)
    }

    fn deallocate(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        range: Range<u64>,
    ) -> Result<(), Fail> {
        deallocate(Object::new(handle, facts), range)
    }

    unsafe fn populate(self, bytes: Span, write: bool) -> Result<(), Fail> {
        // SAFETY: the caller's.
        unsafe { populate(self, bytes, write) }
    }
}

#[cold]
fn os(errno: Errno) -> Fail {
    failed(Subject::Mapping, errno)
}

/// The failure of mmap(2): a seal or a mount forbids stores, and not the mapping as such.
#[cold]
fn refused(request: &Request, errno: Errno) -> Fail {
    let stores = request.protection.contains(Protection::WRITE) && !request.private;
    match errno {
        Errno::EPERM if stores => Fail::Os(Subject::WritableMapping, errno),
        errno => os(errno),
    }
}

/// Maps at an address of the kernel's choice: by one call, or two where a synchronous mapping is
/// refused. `unit` is the size of the object's pages.
#[inline]
pub(super) fn map<S: Mappings>(
    sys: S,
    fd: Option<i32>,
    unit: Option<Alignment>,
    request: &Request,
) -> Result<Mapped, Fail> {
    let unit = match unit {
        Some(unit) => unit,
        None => page::size(sys)?,
    };
    let taken = usize::try_from(unit.bytes()).ok();
    let taken = taken.and_then(|unit| request.length.checked_next_multiple_of(unit));
    let taken = taken.ok_or(Fail::TooLarge(Subject::Mapping))?;
    let (at, synchronous) = choose(sys, fd, request)?;
    let mapped = Mapped { at, taken, synchronous };
    match request.alignment {
        Some(alignment) if !is_congruent(request, alignment, at) => {
            aligned(sys, fd, request, alignment, mapped)
        }
        _ => Ok(mapped),
    }
}

#[inline]
fn choose<S: Mappings>(
    sys: S,
    fd: Option<i32>,
    request: &Request,
) -> Result<(NonNull<u8>, MapSync), Fail> {
    let mut synchronous = MapSync::Refused;
    if request.synchronous {
        match sys.map(fd, request, true, 0) {
            Ok(at) => return Ok((at, MapSync::Granted)),
            Err(Errno::ENOTSUP) => {}
            // Before Linux 4.15; or the call is wrong, which the next one says, too.
            Err(Errno::EINVAL) => synchronous = MapSync::Unknown,
            Err(errno) => return Err(refused(request, errno)),
        }
    }
    match sys.map(fd, request, false, 0) {
        Ok(at) => Ok((at, synchronous)),
        Err(errno) => Err(refused(request, errno)),
    }
}

/// Whether the address has the offset's remainder.
fn is_congruent(request: &Request, alignment: Alignment, at: NonNull<u8>) -> bool {
    distance(request, alignment, at.addr().get()) == 0
}

/// The distance from an address to the next one that has the offset's remainder.
fn distance(request: &Request, alignment: Alignment, address: usize) -> usize {
    let mask = alignment.bytes().wrapping_sub(1);
    let address = u64::try_from(address).unwrap_or(0);
    usize::try_from(request.offset.wrapping_sub(address) & mask).unwrap_or(0)
}

/// The number of tries to map at an aligned address, which other threads may take first.
const TRIES: usize = 32;

/// Maps again, at an aligned address. Seldom: the kernel aligns what is DAX by itself.
///
/// A range that is large enough is reserved and given back, and the kernel is told the address in
/// it as a hint. MAP_FIXED would need a reservation that stays, and with MAP_SYNC some file systems
/// refuse after the kernel has taken that away: another thread's mapping could come to lie there.
#[cold]
fn aligned<S: Mappings>(
    sys: S,
    fd: Option<i32>,
    request: &Request,
    alignment: Alignment,
    mut mapped: Mapped,
) -> Result<Mapped, Fail> {
    let wide = usize::try_from(alignment.bytes()).ok();
    let wide = wide.and_then(|alignment| mapped.taken.checked_add(alignment));
    let wide = wide.ok_or(Fail::TooLarge(Subject::Mapping));
    let synchronous = mapped.synchronous == MapSync::Granted;
    for _ in 0..TRIES {
        let near = wide.and_then(|length| {
            let at = sys.reserve(length).map_err(os)?;
            // SAFETY: unmap requires pages of one's own: they were reserved just now.
            unsafe { sys.unmap(Span { at, length }) }.map_err(os)?;
            Ok(at.addr().get())
        });
        let hint = near.map(|near| near.wrapping_add(distance(request, alignment, near)));
        let again = hint.and_then(|hint| {
            sys.map(fd, request, synchronous, hint).map_err(|errno| refused(request, errno))
        });
        let pages = Span { at: mapped.at, length: mapped.taken };
        // SAFETY: unmap requires pages of one's own: nobody else has the address yet.
        unsafe { sys.unmap(pages) }.map_err(os)?;
        mapped.at = again?;
        if is_congruent(request, alignment, mapped.at) {
            return Ok(mapped);
        }
    }
    // SAFETY: as above.
    unsafe { sys.unmap(Span { at: mapped.at, length: mapped.taken }) }.map_err(os)?;
    Err(os(Errno::ENOMEM))
}

/// Widens a range of bytes to the beginning of its first page.
fn pages<S: Mappings>(sys: S, bytes: Span) -> Result<Span, Fail> {
    let page = usize::try_from(page::size(sys)?.bytes()).map_err(|_| os(Errno::EOVERFLOW))?;
    let before = bytes.at.addr().get() & page.wrapping_sub(1);
    let at = bytes.at.as_ptr().wrapping_sub(before);
    let at = NonNull::new(at).ok_or(os(Errno::EFAULT))?;
    Ok(Span { at, length: bytes.length.saturating_add(before) })
}

/// # Safety
///
/// The bytes are mapped.
pub(super) unsafe fn sync<S: Mappings>(sys: S, bytes: Span) -> Result<(), Fail> {
    let pages = pages(sys, bytes)?;
    // SAFETY: msync requires a mapping: the caller has one, which consists of whole pages.
    retry(|| unsafe { sys.msync(pages) }).map_err(Fail::unsynced)
}

/// # Safety
///
/// The bytes are mapped.
pub(super) unsafe fn populate<S: Mappings>(sys: S, bytes: Span, write: bool) -> Result<(), Fail> {
    let pages = pages(sys, bytes)?;
    // SAFETY: as in `sync`.
    retry(|| unsafe { sys.populate(pages, write) }).map_err(|errno| match errno {
        // Before Linux 5.14.
        Errno::EINVAL => Fail::Unsupported,
        errno => os(errno),
    })
}

pub(super) fn deep_flush<S: Mappings>(object: Object<'_, S>) -> Result<(), Fail> {
    let failed = |errno| Fail::Os(Subject::Region, errno);
    let location = locate(object)?;
    if location.regions() == 0 {
        return Err(Fail::Absent(Subject::Region));
    }
    for index in 0..location.regions() {
        let Some(area) = location.area(index) else { break };
        let path = Path::new(sysfs::REGION, area.region, "/deep_flush");
        let path = path.as_c_str(Subject::Region)?;
        let file = object.sys.open_writable(path).map_err(failed)?;
        retry(|| object.sys.write(&file, b"1")).map_err(failed)?;
    }
    Ok(())
}

/// Refuses a range that has no bytes, or none that a file can have.
fn length(range: &Range<u64>) -> Result<u64, Fail> {
    let length = range.end.checked_sub(range.start).filter(|&length| length > 0);
    length.ok_or(Fail::TooLarge(Subject::Allocated))
}

fn unallocated(errno: Errno) -> Fail {
    failed(Subject::Allocated, errno)
}

fn persisted<S: Mappings>(object: Object<'_, S>) -> Result<(), Fail> {
    retry(|| object.sys.fdatasync(object.fd)).map_err(Fail::unsynced)
}

pub(super) fn extend<S: Mappings>(
    object: Object<'_, S>,
    range: Range<u64>,
    durable: bool,
) -> Result<(), Fail> {
    let length = length(&range)?;
    object.confirm()?;
    retry(|| object.sys.extend(object.fd, range.start, length)).map_err(unallocated)?;
    if durable { persisted(object) } else { Ok(()) }
}

pub(super) fn truncate<S: Mappings>(object: Object<'_, S>, size: u64) -> Result<(), Fail> {
    object.confirm()?;
    retry(|| object.sys.truncate(object.fd, size)).map_err(|errno| failed(Subject::Size, errno))?;
    persisted(object)
}

pub(super) fn deallocate<S: Mappings>(
    object: Object<'_, S>,
    range: Range<u64>,
) -> Result<(), Fail> {
    let length = length(&range)?;
    object.confirm()?;
    retry(|| object.sys.punch(object.fd, range.start, length)).map_err(unallocated)?;
    persisted(object)
}
