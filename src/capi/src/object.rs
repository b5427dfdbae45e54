//! `struct pmem2_source`, and the memory for one.

use core::{ffi::c_int, mem::MaybeUninit, ptr::NonNull};

use pmem2::{
    Anonymous, Error, Source,
    error::HandleFault,
    platform::{Borrowed, Platform},
};

/// `struct pmem2_source_storage` of libpmem2/base.h: memory for one source, of the same size and
/// alignment on every target.
#[repr(C, align(8))]
pub struct Storage {
    bytes: MaybeUninit<[u64; 8]>,
}

// The other side of this is at the end of the header.
const _: () = assert!(size_of::<Storage>() == 64 && align_of::<Storage>() == 8);

impl Storage {
    /// Memory with nothing in it.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: MaybeUninit::uninit() }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::new()
    }
}

/// `struct pmem2_source`: a source, and whose memory it lies in. It is a plain value without a
/// destructor.
pub struct Object<P: Platform> {
    pub(crate) source: Either<P>,
    pub(crate) home: Home,
}

// Derived, these would ask for more than they need.
impl<P: Platform> Clone for Object<P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Platform> Copy for Object<P> {}

impl<P: Platform> Object<P> {
    /// Fails to compile for a platform whose sources do not fit into the storage that C programs
    /// have.
    pub(crate) const FITS: () = assert!(
        size_of::<Self>() <= size_of::<Storage>() && align_of::<Self>() <= align_of::<Storage>(),
        "a source of this platform does not fit into struct pmem2_source_storage: its Raw or Id is too large"
    );

    /// Whose memory an object lies in, or `None` where there is no object: in storage that no
    /// source was made in, or that was overwritten. It is read as a plain number, before anything
    /// else, since what C passes need not be any value of Rust's.
    ///
    /// # Safety
    ///
    /// `object` is aligned, and valid for reads.
    #[inline]
    pub(crate) unsafe fn home(object: NonNull<Self>) -> Option<Home> {
        // SAFETY: the place is within the object, which is valid for reads; no reference to an
        // object is made, and any bits are a number.
        Home::of(unsafe { (&raw const (*object.as_ptr()).home).cast::<u32>().read() })
    }
}

/// In C both are one type.
pub(crate) enum Either<P: Platform> {
    Descriptor(Source<Descriptor<P>>),
    Anonymous(Source<Anonymous<P>>),
}

impl<P: Platform> Clone for Either<P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Platform> Copy for Either<P> {}

/// What both are asked alike.
macro_rules! each {
    ($either:expr, $source:pat => $answer:expr) => {
        match $either {
            $crate::object::Either::Descriptor($source) => $answer,
            $crate::object::Either::Anonymous($source) => $answer,
        }
    };
}
pub(crate) use each;

/// Whose memory a source, or a context, lies in. The numbers are the mark of a source, too: see
/// [`Object::home`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Home {
    /// Nobody's: it was deleted, or is memory that was zeroed.
    Ended = 0,
    /// The library's: deleting gives it back.
    Library = 0x706d_326c,
    /// The caller's.
    Caller = 0x706d_3263,
}

impl Home {
    /// Its number in memory.
    #[expect(clippy::as_conversions, reason = "the one way to the number of a variant")]
    const fn mark(self) -> u32 {
        self as u32
    }

    /// Whose memory a mark says that something lies in; `None` of what is no mark.
    #[inline]
    pub(crate) fn of(mark: u32) -> Option<Self> {
        [Self::Library, Self::Caller].into_iter().find(|home| home.mark() == mark)
    }
}

/// A descriptor as C has them: a number. Or a region, which is a pointer. C has no lifetimes: its
/// pages say how long the object has to stay what it is, and whoever makes one of these by
/// [`Borrowed::from_raw`] has that promise of C's caller.
pub(crate) type Descriptor<P> = Borrowed<'static, P>;

/// The raw value that a number of C's is.
#[inline]
pub(crate) fn raw<R: TryFrom<c_int>>(number: c_int) -> Result<R, Error> {
    R::try_from(number).map_err(|_| Error::InvalidFileHandle(HandleFault::NotOpen))
}
