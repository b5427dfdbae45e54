//! Questions with one answer.

use core::ffi::c_int;

use pmem2::platform::Platform;

use crate::{
    failure::Failure,
    library::{CSource, Library, finish},
    owned::{Owned, aligned},
    source::Source,
};

/// Writes what `question` answers of a source to `*place`, or nothing.
///
/// # Safety
///
/// `src` is NULL or a source; `place` is NULL or valid for writes.
#[inline]
pub(super) unsafe fn answer<L: Library, T>(
    src: *const CSource<L>,
    place: *mut T,
    argument: &'static str,
    question: impl FnOnce(&Source<L::Platform>) -> Result<T, Failure>,
) -> c_int {
    let answer = |source: &Source<L::Platform>| {
        let place = unless_anonymous(source, aligned(place, argument))?;
        let answer = question(source)?;
        // SAFETY: place is valid for writes.
        unsafe { place?.write(answer) };
        Ok(())
    };
    // SAFETY: src is valid or NULL, as here.
    finish::<L>(unsafe { Owned::get(src) }.and_then(answer))
}

/// Refuses a wrong argument at once, except of an anonymous source: libpmem2 looks at no argument
/// of a question that such a source has no answer to.
#[inline]
pub(super) fn unless_anonymous<P: Platform, T>(
    source: &Source<P>,
    argument: Result<T, Failure>,
) -> Result<Result<T, Failure>, Failure> {
    match source {
        Source::Descriptor(_) => argument.map(Ok),
        Source::Anonymous(_) => Ok(argument),
    }
}

/// Returns a number of bytes as C has it.
#[inline]
pub(super) fn narrow<T: TryFrom<u64>>(bytes: u64) -> Result<T, Failure> {
    T::try_from(bytes).map_err(|_| Failure::Overflow(bytes))
}

#[cfg(test)]
mod tests {
    use super::narrow;
    use crate::failure::{Coded, Failure};

    #[test]
    fn numbers_are_never_cut() {
        assert!(matches!(narrow::<u32>(0xffff_ffff), Ok(0xffff_ffff)));
        assert!(matches!(narrow::<u32>(0x1_0000_0000), Err(Failure::Overflow(0x1_0000_0000))));
        assert!(matches!(narrow::<u64>(u64::MAX), Ok(u64::MAX)));
        let failure = narrow::<u16>(65536).unwrap_err();
        assert_eq!(failure.code(), -75, "-EOVERFLOW");
        assert_eq!(
            std::format!("{failure}"),
            "the answer, 65536 bytes, is more than size_t can hold here"
        );
    }
}
