//! The store granularity to expect.

use core::{
    ffi::c_int,
    fmt::{self, Display},
    ptr::NonNull,
};

use pmem2::{
    Code, Sharing,
    place::{Expected, Reason},
    platform::Locate,
};

use super::answer::answer;
use crate::{
    failure::Failure,
    library::{CSource, Library, finish},
    owned::Owned,
    source::{Source, each},
    text::put,
};

/// `enum pmem2_granularity`, of the size that enumerations have in C here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Granularity {
    /// `PMEM2_GRANULARITY_BYTE`.
    Byte = 0,
    /// `PMEM2_GRANULARITY_CACHE_LINE`.
    CacheLine = 1,
    /// `PMEM2_GRANULARITY_PAGE`.
    Page = 2,
}

impl From<pmem2::Granularity> for Granularity {
    fn from(granularity: pmem2::Granularity) -> Self {
        match granularity {
            pmem2::Granularity::Byte => Self::Byte,
            pmem2::Granularity::CacheLine => Self::CacheLine,
            pmem2::Granularity::Page => Self::Page,
        }
    }
}

#[doc = include_str!("../../man/pmem2_source_expected_granularity.md")]
///
/// # Safety
///
/// `src` is NULL or a source; `granularity` is NULL or valid for writes.
pub unsafe fn source_expected_granularity<L: Library>(
    src: *const CSource<L>,
    sharing: c_int,
    granularity: *mut Granularity,
) -> c_int {
    // SAFETY: src and granularity are valid or NULL, as here.
    unsafe {
        answer::<L, _>(src, granularity, "granularity", |source| {
            Ok(expected(source, sharing)?.granularity.into())
        })
    }
}

/// Writes why a granularity is the one to expect: see [`source_expected_granularity`].
///
/// # Safety
///
/// `src` is NULL or a source; `buf` is NULL or valid for writes of `len` bytes.
pub unsafe fn source_expected_granularity_reason<L: Library>(
    src: *const CSource<L>,
    sharing: c_int,
    buf: *mut u8,
    len: usize,
) -> c_int {
    let explain = |source: &Source<L::Platform>| {
        let buf = NonNull::new(buf).ok_or(Failure::Null("buf"))?;
        let reason = Explained(expected(source, sharing)?.reason);
        // SAFETY: buf is valid for writes of len bytes.
        unsafe { put(&reason, buf, len) }
    };
    // SAFETY: src is valid or NULL, as here.
    finish::<L>(unsafe { Owned::get(src) }.and_then(explain))
}

fn expected<P: Locate>(source: &Source<P>, sharing: c_int) -> Result<Expected, Failure> {
    // A number, since C may pass any. The caller extends an enumeration that is shorter than int
    // (AAPCS).
    let sharing = match sharing {
        0 => Sharing::Shared,
        1 => Sharing::Private,
        _ => {
            return Err(Failure::Said(
                Code::InvalidSharingValue,
                "there is no such kind of sharing: shared or private",
            ));
        }
    };
    Ok(each!(source, source => source.expected_granularity(sharing))?)
}

/// A reason and, after a semicolon, its remedy.
pub(crate) struct Explained(pub(crate) Reason);

impl Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        let Some(remedy) = self.0.remedy() else { return Ok(()) };
        write!(f, "; {remedy}")?;
        match self.0 {
            Reason::TableUnstated => f.write_str(" (PMEM2_DURABLE_BY_FENCE)"),
            _ => Ok(()),
        }
    }
}
