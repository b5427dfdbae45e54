//! The sentences that are others on Windows. `None`: the same as on any system (system.rs has the
//! same functions).

use pmem2_platform::{Errno, Kind, Subject};

use crate::{
    error::{Error, HandleFault, WriteFault},
    place::granularity::reason::Reason,
};

pub(super) const OF_NO_REGION: &str = "";

pub(super) const fn fault(fault: HandleFault) -> Option<&'static str> {
    Some(match fault {
        HandleFault::NotOpen => {
            "not an open handle of a file, nor a descriptor that stands for one: it is \
             INVALID_HANDLE_VALUE or null (did CreateFile fail?), a descriptor that is not open, \
             was closed, or is that of something else (a mutex, an event, a process, a thread)"
        }
        HandleFault::WriteOnly => {
            "opened write-only, but a mapping has to read: open it with GENERIC_READ | \
             GENERIC_WRITE, or GENERIC_READ to write nothing"
        }
        HandleFault::NoAccess => {
            "opened for neither reading nor writing: open it with GENERIC_READ, or GENERIC_READ | \
             GENERIC_WRITE"
        }
        HandleFault::Replaced => {
            "refers to another file than the source was made of: it was closed and its number was \
             reused (keep it open while the source is in use)"
        }
        _ => return None,
    })
}

pub(super) const fn refused(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::BlockDevice => "a raw volume or disk is not a data source: open a file on it",
        Kind::CharacterDevice => {
            "a console, NUL or another character device is not a data source: it is not known to \
             keep what is stored; open a regular file"
        }
        Kind::Pipe => "a pipe keeps nothing and cannot be mapped: open a regular file",
        Kind::Socket => "a socket keeps nothing: open a regular file",
        Kind::SymbolicLink => {
            "a link itself cannot be mapped: open what it leads to (without \
             FILE_FLAG_OPEN_REPARSE_POINT)"
        }
        Kind::Other => {
            "neither a file nor anything else that Windows has a type for (a mailslot, a device \
             whose driver does not say what it is): open a regular file"
        }
        _ => return None,
    })
}

pub(super) const fn plain(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::SourceEmpty => {
            "the source has no bytes to map: a file needs a size first, by SetEndOfFile, and an \
             anonymous source is made with one"
        }
        Error::NotWritable(WriteFault::ReadOnly) => {
            "opened read-only: open it with GENERIC_READ | GENERIC_WRITE to write"
        }
        Error::NotWritable(WriteFault::Append) => {
            "opened to append (FILE_APPEND_DATA without FILE_WRITE_DATA): the system would write \
             at the end, not at the offset; open it with GENERIC_READ | GENERIC_WRITE"
        }
        Error::Unsupported(Subject::DeviceId) => {
            "the device id cannot be determined: the driver of the source's volume does not answer \
             the question for it, or the source is anonymous"
        }
        Error::Unsupported(Subject::UnsafeShutdowns) => {
            "the count of unsafe shutdowns cannot be determined: the driver of the source's volume \
             does not answer the question for it, or the source is anonymous"
        }
        Error::Unsupported(Subject::Handle) => {
            "nothing is known about the descriptor: pmem2 was built without its feature crt; pass \
             the handle"
        }
        _ => return None,
    })
}

pub(super) const fn lacking(what: Subject) -> Option<&'static str> {
    Some(match what {
        Subject::BadBlocks => {
            "there is no list of bad blocks: Windows keeps none that a program can read"
        }
        Subject::ClearBadBlock => {
            "bad blocks cannot be cleared: Windows keeps no list of them that a program can read"
        }
        _ => return None,
    })
}

pub(super) const fn noun(what: Subject) -> Option<&'static str> {
    Some(match what {
        Subject::Device => "the source's volume",
        Subject::Volume => "the name of the source's volume, or the volume itself",
        Subject::Dax | Subject::MapSync => "whether its volume is mapped directly (DAX)",
        _ => return None,
    })
}

pub(super) const fn reason(_: Reason) -> Option<&'static str> {
    None
}

pub(super) const fn finer(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::VolumeNotDax => {
            "use a file on a DAX volume: NTFS on persistent memory, formatted for it (format /dax)"
        }
        _ => return None,
    })
}

pub(super) fn remedy(what: Subject, errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM | Errno::EACCES if matches!(what, Subject::Write | Subject::Sync) => {
            "; open it with GENERIC_READ | GENERIC_WRITE, on a volume that is not write-protected"
        }
        Errno::EBUSY if matches!(what, Subject::Read | Subject::Write) => {
            "; another program has locked these bytes, or a part of them"
        }
        Errno::EINVAL if matches!(what, Subject::Read | Subject::Write) => {
            "; a file opened with FILE_FLAG_NO_BUFFERING takes whole sectors only, and memory \
             aligned like them"
        }
        Errno::ENOSPC if matches!(what, Subject::Write | Subject::Sync) => {
            "; free some, or raise the quota"
        }
        Errno::EFAULT if matches!(what, Subject::Buffer) => {
            "; give memory that is committed, and that may be written to where bytes are read"
        }
        Errno::EPERM | Errno::EACCES => "; more rights are needed",
        Errno::EBUSY if matches!(what, Subject::Open) => {
            "; another program has it open and does not share it"
        }
        _ => "",
    }
}
