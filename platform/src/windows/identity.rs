//! The check that a handle still refers to the file that was described.

use super::{errors::Code, handle::RawWinHandle, id::WinFileId, sys::Sys};
use crate::{
    facts::Facts,
    fail::{Fail, Subject},
};

/// Returns the failure of a question about a handle: ERROR_INVALID_HANDLE means that there is no
/// such file, any other error is the system's.
pub(super) fn handle(code: Code) -> Fail {
    no_answer(Subject::Handle, code)
}

/// Returns the failure of a question about `subject`, likewise.
pub(super) fn no_answer(subject: Subject, code: Code) -> Fail {
    match code {
        Code::INVALID_HANDLE => Fail::Absent(Subject::Handle),
        code => code.fail(subject),
    }
}

/// Returns the id of the file that the handle refers to; `narrow` makes it where the file system
/// has only short ids.
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

/// Checks that the handle still refers to the object of `facts`.
pub(super) fn same<S: Sys>(
    sys: S,
    raw: RawWinHandle,
    facts: &Facts<WinFileId>,
) -> Result<(), Fail> {
    match identify(sys, raw, || sys.information(raw).map(|information| information.id)) {
        Ok(now) if now == facts.id => Ok(()),
        Ok(_) => Err(Fail::Replaced),
        // A pipe or a volume is another object, since the file had an id.
        Err(code) if code.is_question_unknown() => Err(Fail::Replaced),
        Err(code) => Err(handle(code)),
    }
}
