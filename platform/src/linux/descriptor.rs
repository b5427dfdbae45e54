//! An open descriptor: whether it still refers to what was described, and its file system.

use super::{
    file_id::FileId,
    sys::{Stat, Sys},
};
use crate::{
    errno::Errno,
    facts::{Facts, FileSystem},
    fail::{Fail, Subject},
};

/// Converts the error of a call on a descriptor: after EBADF the descriptor is not open.
#[cold]
pub(super) fn failed(subject: Subject, errno: Errno) -> Fail {
    match errno {
        Errno::EBADF => Fail::Absent(Subject::Handle),
        errno => Fail::Os(subject, errno),
    }
}

/// Returns fstat(2)'s answer if the descriptor still refers to what was described.
#[inline]
pub(super) fn confirm<S: Sys>(sys: S, fd: i32, facts: &Facts<FileId>) -> Result<Stat, Fail> {
    let stat = sys.fstat(fd).map_err(|errno| failed(Subject::Handle, errno))?;
    if FileId::from_stat(&stat).is_file_of(facts.id) { Ok(stat) } else { Err(Fail::Replaced) }
}

/// Returns the type of the file system that the file is in.
pub(super) fn file_system<S: Sys>(sys: S, fd: i32) -> Result<FileSystem, Fail> {
    let magic = sys.fstatfs(fd).map_err(|errno| failed(Subject::FileSystem, errno))?;
    Ok(FileSystem::from_magic(magic))
}
