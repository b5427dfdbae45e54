//! Whether a handle still refers to the file that was described, and why that cannot be told.

use super::{errors::Code, handle::RawWinHandle, id::WinFileId, sys::Sys};
use crate::{
    facts::Facts,
    fail::{Fail, Subject},
};

/// ERROR_INVALID_HANDLE says that there is no such file; any other error is the system's.
pub(super) fn handle(code: Code) -> Fail {
    no_answer(Subject::Handle, code)
}

/// The same, where `what` was asked for.
pub(super) fn no_answer(what: Subject, code: Code) -> Fail {
    match code {
        Code::INVALID_HANDLE => Fail::Absent(Subject::Handle),
        code => code.fail(what),
    }
}

/// Which file the handle refers to; `narrow` is what it has where its file system knows only short
/// ids.
pub(super) fn identify<S: Sys>(
    sys: S,
    handle: RawWinHandle,
    narrow: impl FnOnce() -> Result<WinFileId, Code>,
) -> Result<WinFileId, Code> {
    match sys.file_id(handle) {
        Err(code) if code.is_question_unknown() => narrow(),
        answer => answer,
    }
}

/// Whether the handle still refers to what `facts` are about.
pub(super) fn same<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<(), Fail> {
    match identify(sys, raw, || sys.information(raw).map(|information| information.id)) {
        Ok(now) if now == facts.id => Ok(()),
        Ok(_) => Err(Fail::Replaced),
        // A pipe, a volume: something else, since the file had an id.
        Err(code) if code.is_question_unknown() => Err(Fail::Replaced),
        Err(code) => Err(handle(code)),
    }
}
