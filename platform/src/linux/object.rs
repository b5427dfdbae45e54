//! An open descriptor: whether it still refers to what was described, and its file system.

use super::{
    file_id::FileId,
    sys::{Linux, Stat, Sys},
};
use crate::{
    errno::Errno,
    facts::{Facts, FileSystem},
    fail::{Fail, Subject},
    source::{Borrowed, Handle},
};

/// Converts the error of a call on a descriptor: after EBADF the descriptor is not open.
#[cold]
pub(super) fn failed(subject: Subject, errno: Errno) -> Fail {
    match errno {
        Errno::EBADF => Fail::Absent(Subject::Handle),
        errno => Fail::Os(subject, errno),
    }
}

/// An open descriptor with the facts about it, and the system that answers.
#[derive(Clone, Copy)]
pub(super) struct Object<'f, S> {
    pub(super) sys: S,
    pub(super) fd: i32,
    pub(super) facts: &'f Facts<FileId>,
}

impl<'f> Object<'f, Linux> {
    #[inline]
    pub(super) fn new(handle: Borrowed<'f, Linux>, facts: &'f Facts<FileId>) -> Self {
        Self { sys: Linux, fd: handle.raw(), facts }
    }
}

impl<S: Sys> Object<'_, S> {
    /// Returns fstat(2)'s answer if the descriptor still refers to what was described.
    #[inline]
    pub(super) fn confirm(self) -> Result<Stat, Fail> {
        let stat = self.sys.fstat(self.fd).map_err(|errno| failed(Subject::Handle, errno))?;
        let same = FileId::from_stat(&stat).is_file_of(self.facts.id);
        if same { Ok(stat) } else { Err(Fail::Replaced) }
    }

    /// Returns the type of the file system that the file is in.
    pub(super) fn file_system(self) -> Result<FileSystem, Fail> {
        file_system(self.sys, self.fd)
    }
}

/// Returns the type of the file system that the file is in.
pub(super) fn file_system<S: Sys>(sys: S, fd: i32) -> Result<FileSystem, Fail> {
    let magic = sys.fstatfs(fd).map_err(|errno| failed(Subject::FileSystem, errno))?;
    Ok(FileSystem::from_magic(magic))
}
