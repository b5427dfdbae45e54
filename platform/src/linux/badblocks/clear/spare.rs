//! The spare file.

use core::ffi::CStr;

use crate::{
    errno::Errno,
    fail::Subject,
    linux::{file_id::FileId, sys::blocks::Blocks, sysfs::Path},
};

const EXDEV: Errno = Errno::from_raw(rustix::io::Errno::XDEV.raw_os_error());

/// Creates a file without a name, in the directory of the file `id` and with the same owner.
#[inline(never)]
pub(super) fn create<S: Blocks>(
    sys: S,
    fd: i32,
    id: FileId,
    owner: (u32, u32),
) -> Result<S::File, Errno> {
    let link = Path::new("/proc/self/fd/", fd.unsigned_abs(), "");
    let link = link.as_c_str(Subject::Spare).map_err(|_| Errno::ENOENT)?;
    let mut path = [0; 4097];
    let (target, _) = path.split_at_mut(4096);
    let length = sys.readlink(link, target)?;
    let slash = path.iter().take(length).rposition(|&byte| byte == b'/');
    let name = path.iter_mut().skip(slash.ok_or(Errno::ENOENT)?.saturating_add(1));
    name.for_each(|byte| *byte = 0);
    let directory = CStr::from_bytes_until_nul(&path).map_err(|_| Errno::ENOENT)?;
    let spare = sys.spare(directory)?;
    let made = sys.fstat(sys.raw(&spare))?;
    // The path may lead to another file system here.
    if made.dev != id.dev {
        return Err(EXDEV);
    }
    // The owner's quotas count.
    if made.owner != owner {
        sys.give(sys.raw(&spare), owner)?;
    }
    Ok(spare)
}
