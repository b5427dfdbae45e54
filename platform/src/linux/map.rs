//! Mappings: mmap(2), munmap(2), msync(2), and the storage of the file below them.

use core::{ops::Range, ptr::NonNull};

use rustix::mm::{MapFlags, ProtFlags};

use super::{
    file_id::FileId,
    object::{Object, failed, file_system},
    place::locate,
    sys::{Linux, fd::retry, map::Mappings, page},
    sysfs::{self, Path},
};
use crate::{
    alignment::Alignment,
    cpu::processor::Cpu,
    errno::Errno,
    facts::{Facts, HUGETLBFS},
    fail::{Fail, Subject},
    map::{Map, Mapped, Protection, Request, Span},
    place::MapSync,
    source::{Borrowed, Handle},
};

// SAFETY: without MAP_FIXED the kernel maps at addresses that nobody has, of the length and with
// the protection that it is told. What is unmapped later is what it took, by its own page size and
// that of the file. An access beyond the end of the file, or to bad memory, raises SIGBUS.
unsafe impl Map for Linux {
    type Steps = Cpu;

    #[inline]
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
        unsafe { unmap(self, taken) }
    }

    #[inline]
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
        known: Option<u64>,
        durable: bool,
    ) -> Result<(), Fail> {
        extend(Object::new(handle, facts), range, known, durable)
    }

    fn settle(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        durable: bool,
    ) -> Result<(), Fail> {
        settle(Object::new(handle, facts), durable)
    }

    fn truncate(
        handle: Borrowed<'_, Self>,
        facts: &Facts<FileId>,
        size: Range<u64>,
    ) -> Result<u64, Fail> {
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

/// The failure of mmap(2): a seal forbids stores, and not the mapping as such. (A mount may forbid
/// execution.)
#[cold]
fn refused(request: &Request, errno: Errno) -> Fail {
    let stores = request.protection.contains(Protection::WRITE)
        && !request.protection.contains(Protection::EXEC)
        && !request.private;
    match errno {
        Errno::EPERM if stores => Fail::Os(Subject::WritableMapping, errno),
        errno => os(errno),
    }
}

/// Maps at an address of the kernel's choice: by one call, or two where a synchronous mapping is
/// refused. `alignment` is the object's, as safe code says, and so only a reason to ask.
#[inline]
pub(super) fn map<S: Mappings>(
    sys: S,
    fd: Option<i32>,
    alignment: Option<Alignment>,
    request: &Request,
) -> Result<Mapped, Fail> {
    let page = page::size(sys)?;
    let unit = match (fd, alignment) {
        (Some(fd), Some(alignment)) if alignment > page => {
            huge_page(sys, fd)?.unwrap_or(page).max(page)
        }
        _ => page,
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

/// Returns the size of the file's pages, by which the kernel rounds a mapping up: the file's own
/// answer, since too large a one would unmap what others have mapped. (After one that is too small
/// munmap(2) refuses.)
#[cold]
fn huge_page<S: Mappings>(sys: S, fd: i32) -> Result<Option<Alignment>, Fail> {
    if file_system(sys, fd)?.magic() != HUGETLBFS {
        return Ok(None);
    }
    Ok(Alignment::new(sys.fstat(fd).map_err(os)?.blksize))
}

#[inline]
fn choose<S: Mappings>(
    sys: S,
    fd: Option<i32>,
    request: &Request,
) -> Result<(NonNull<u8>, MapSync), Fail> {
    let mut synchronous = MapSync::Refused;
    if request.synchronous && !request.private {
        match mmap(sys, fd, request, true, 0) {
            Ok(at) => return Ok((at, MapSync::Granted)),
            Err(Errno::ENOTSUP) => {}
            // Before Linux 4.15; or the call is wrong, which the next one says, too.
            Err(Errno::EINVAL) => synchronous = MapSync::Unknown,
            Err(errno) => return Err(refused(request, errno)),
        }
    }
    match mmap(sys, fd, request, false, 0) {
        Ok(at) => Ok((at, synchronous)),
        Err(errno) => Err(refused(request, errno)),
    }
}

/// Maps near `hint` if nothing is there. MAP_FIXED is never among the flags.
#[inline]
fn mmap<S: Mappings>(
    sys: S,
    fd: Option<i32>,
    request: &Request,
    synchronous: bool,
    hint: usize,
) -> Result<NonNull<u8>, Errno> {
    let flags = match (request.private, synchronous) {
        (true, _) => MapFlags::PRIVATE,
        (false, true) => MapFlags::SHARED_VALIDATE | MapFlags::SYNC,
        (false, false) => MapFlags::SHARED,
    };
    let mut protection = ProtFlags::empty();
    protection.set(ProtFlags::READ, request.protection.contains(Protection::READ));
    protection.set(ProtFlags::WRITE, request.protection.contains(Protection::WRITE));
    protection.set(ProtFlags::EXEC, request.protection.contains(Protection::EXEC));
    let file = fd.map(|fd| (fd, request.offset));
    // SAFETY: mmap requires pages of one's own with MAP_FIXED, which is not set.
    unsafe { sys.mmap(file, hint, request.length, protection, flags) }
}

/// # Safety
///
/// The caller owns the pages, and nobody uses them any more.
#[inline]
pub(super) unsafe fn unmap<S: Mappings>(sys: S, pages: Span) -> Result<(), Fail> {
    // SAFETY: the caller's.
    unsafe { sys.munmap(pages) }.map_err(|errno| Fail::Os(Subject::Unmapping, errno))
}

/// Whether the address has the offset's remainder.
fn is_congruent(request: &Request, alignment: Alignment, at: NonNull<u8>) -> bool {
    distance(request, alignment, at.addr().get()) == 0
}

/// The distance from an address to the next one that has the offset's remainder.
fn distance(request: &Request, alignment: Alignment, address: usize) -> u64 {
    let mask = alignment.bytes().wrapping_sub(1);
    let address = u64::try_from(address).unwrap_or(0);
    request.offset.wrapping_sub(address) & mask
}

/// The number of tries to map at an aligned address, which other threads may take first.
const TRIES: usize = 32;

/// Maps again, at an aligned address. Seldom: the kernel aligns what is DAX by itself.
///
/// A range that is large enough is reserved and given back, and the kernel is told the address in
/// it as a hint. MAP_FIXED would need a reservation that stays, and with MAP_SYNC some file systems
/// refuse after the kernel has taken that away: another thread's mapping could come to lie there.
///
/// There is one mapping at most at any time, so that one at most is left where the system refuses
/// to unmap it.
#[cold]
fn aligned<S: Mappings>(
    sys: S,
    fd: Option<i32>,
    request: &Request,
    alignment: Alignment,
    mut mapped: Mapped,
) -> Result<Mapped, Fail> {
    let synchronous = mapped.synchronous == MapSync::Granted;
    let wide = usize::try_from(alignment.bytes()).ok();
    let wide = wide.and_then(|alignment| mapped.taken.checked_add(alignment));
    for _ in 0..TRIES {
        let pages = Span { at: mapped.at, length: mapped.taken };
        // SAFETY: unmap requires pages of one's own: nobody else has the address yet.
        unsafe { unmap(sys, pages) }?;
        let length = wide.ok_or(Fail::TooLarge(Subject::Mapping))?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: mmap requires pages of one's own with MAP_FIXED, which is not set.
        let at = unsafe { sys.mmap(None, 0, length, ProtFlags::empty(), flags) }.map_err(os)?;
        // SAFETY: as above: they were reserved just now.
        unsafe { unmap(sys, Span { at, length }) }?;
        let near = at.addr().get();
        // It is less than the alignment, which is not over `length`.
        let distance = usize::try_from(distance(request, alignment, near)).unwrap_or(0);
        let hint = near.wrapping_add(distance);
        let again = mmap(sys, fd, request, synchronous, hint);
        mapped.at = again.map_err(|errno| refused(request, errno))?;
        if is_congruent(request, alignment, mapped.at) {
            return Ok(mapped);
        }
    }
    // SAFETY: as above.
    unsafe { unmap(sys, Span { at: mapped.at, length: mapped.taken }) }?;
    Err(os(Errno::ENOMEM))
}

/// Widens a range of bytes to the beginning of its first page.
#[inline]
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
#[inline]
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
        // Before Linux 5.14, and where a kernel is built without madvise(2).
        Errno::EINVAL | Errno::ENOSYS => Fail::Unsupported,
        errno => Fail::Os(Subject::Populate, errno),
    })
}

pub(super) fn deep_flush<S: Mappings>(object: Object<'_, S>) -> Result<(), Fail> {
    let failed = |errno| Fail::Os(Subject::DeepFlush, errno);
    let location = locate(object)?;
    if location.regions() == 0 {
        return Err(Fail::Absent(Subject::Region));
    }
    for index in 0..location.regions() {
        let Some(area) = location.area(index) else { break };
        let path = Path::new(sysfs::REGION, area.region, "/deep_flush");
        match sysfs::text(object.sys, &path, Subject::DeepFlush, &mut [0; 8]) {
            // Nothing stays in buffers; the kernel lets nobody write to the file then.
            Ok(b"0") => continue,
            Ok(b"1") => {}
            Ok(_) => return Err(Fail::Malformed(Subject::DeepFlush)),
            // The kernel does not know (a region without DIMMs).
            Err(Fail::Os(_, Errno::ENOENT)) => return Err(Fail::Unsupported),
            Err(fail) => return Err(fail),
        }
        let path = path.as_c_str(Subject::DeepFlush)?;
        let file = object.sys.open_writable(path).map_err(failed)?;
        if retry(|| object.sys.write(&file, b"1")).map_err(failed)? != 1 {
            return Err(Fail::Malformed(Subject::DeepFlush));
        }
    }
    Ok(())
}

/// Refuses a range that has no bytes, or none that a file can have.
fn length(range: &Range<u64>, subject: Subject) -> Result<u64, Fail> {
    let length = range.end.checked_sub(range.start).filter(|&length| length > 0);
    length.ok_or(Fail::TooLarge(subject))
}

fn persisted<S: Mappings>(object: Object<'_, S>) -> Result<(), Fail> {
    retry(|| object.sys.fdatasync(object.fd)).map_err(Fail::unsynced)
}

pub(super) fn extend<S: Mappings>(
    object: Object<'_, S>,
    range: Range<u64>,
    known: Option<u64>,
    durable: bool,
) -> Result<(), Fail> {
    let subject = Subject::Allocation;
    length(&range, subject)?;
    let size = object.confirm()?.size()?;
    let start = known.map_or(range.start, |known| known.min(size).max(range.start));
    if let Some(length) = range.end.checked_sub(start).filter(|&length| length > 0) {
        retry(|| object.sys.extend(object.fd, start, length, known.is_none()))
            .map_err(|errno| failed(subject, errno))?;
    }
    if durable { persisted(object) } else { Ok(()) }
}

pub(super) fn settle<S: Mappings>(object: Object<'_, S>, durable: bool) -> Result<(), Fail> {
    // No file has a byte there. Whatever the answer, it came after the file's lock was free.
    let _ = object.sys.seek_data(object.fd, i64::MAX.unsigned_abs());
    if durable { persisted(object) } else { Ok(()) }
}

pub(super) fn truncate<S: Mappings>(object: Object<'_, S>, size: Range<u64>) -> Result<u64, Fail> {
    let had = object.confirm()?.size()?;
    if had > size.end {
        return Ok(had);
    }
    if had >= size.start {
        retry(|| object.sys.truncate(object.fd, size.start))
            .map_err(|errno| failed(Subject::Resize, errno))?;
    }
    persisted(object)?;
    Ok(had)
}

pub(super) fn deallocate<S: Mappings>(
    object: Object<'_, S>,
    range: Range<u64>,
) -> Result<(), Fail> {
    let subject = Subject::Deallocation;
    let length = length(&range, subject)?;
    object.confirm()?;
    retry(|| object.sys.punch(object.fd, range.start, length))
        .map_err(|errno| failed(subject, errno))?;
    persisted(object)
}
