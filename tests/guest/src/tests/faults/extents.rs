//! Where on its file system's disk the bytes of a file lie.

use std::{fs::File, os::fd::AsRawFd};

/// FS_IOC_FIEMAP of linux/fs.h.
const FIEMAP: libc::Ioctl = 0xc020_660b;

/// FIEMAP_FLAG_SYNC of linux/fiemap.h.
const SYNC: u32 = 1;

/// FIEMAP_EXTENT_LAST.
const LAST: u32 = 1;

/// struct fiemap_extent
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Raw {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    more: [u32; 3],
}

/// struct fiemap with room for some extents.
#[repr(C)]
struct Request {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    count: u32,
    reserved: u32,
    extents: [Raw; 128],
}

/// A run of bytes that lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) logical: u64,
    pub(crate) physical: u64,
    pub(crate) length: u64,
}

/// All of a file, in the order of the file.
pub(crate) fn extents(file: &File) -> Vec<Extent> {
    let mut found: Vec<Extent> = Vec::new();
    loop {
        let start = found.last().map_or(0, |last| last.logical + last.length);
        let mut request = Request {
            start,
            length: u64::MAX - start,
            flags: SYNC,
            mapped: 0,
            count: 128,
            reserved: 0,
            extents: [Raw::default(); 128],
        };
        // SAFETY: the request is a struct fiemap, with room for as many extents as it says.
        let code = unsafe { libc::ioctl(file.as_raw_fd(), FIEMAP, &raw mut request) };
        assert_eq!(code, 0, "FIEMAP: {}", std::io::Error::last_os_error());
        let extents = &request.extents[..request.mapped as usize];
        found.extend(extents.iter().map(|raw| Extent {
            logical: raw.logical,
            physical: raw.physical,
            length: raw.length,
        }));
        if extents.last().is_none_or(|last| last.flags & LAST != 0) {
            return found;
        }
    }
}

/// Where a byte of the file lies.
pub(crate) fn place(file: &File, offset: u64) -> u64 {
    let extents = extents(file);
    let extent = extents
        .iter()
        .find(|extent| (extent.logical..extent.logical + extent.length).contains(&offset));
    let extent = extent.unwrap_or_else(|| panic!("nothing at {offset}: {extents:?}"));
    extent.physical + (offset - extent.logical)
}
