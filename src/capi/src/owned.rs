//! The objects that C has pointers to, the memory that they lie in, and checks of C's pointers.

use core::{
    ffi::c_void,
    mem::MaybeUninit,
    ptr::{self, NonNull},
};

use pmem2::error::Memory;

use crate::failure::Failure;

/// A type that C knows by pointers alone.
pub trait Opaque: Sized {
    /// The caller's memory for one: `struct pmem2_*_storage`.
    type Storage;
    /// Tells the type from everything else in memory: neither 0 nor above `i32::MAX`.
    const MARK: u32;
    /// Its name in messages.
    const NAME: &'static str;
    /// The name of the argument that it is passed as.
    const ARGUMENT: &'static str;
    /// The function that ends one.
    const DELETE: &'static str;
}

/// An object of C's, and a mark that says what it is and who owns its memory.
// The mark comes first, since what C passes may be smaller.
#[repr(C)]
pub struct Owned<T> {
    mark: u32,
    value: T,
}

/// Memory of the caller's for one object, of the same size and alignment on every target.
#[repr(C, align(8))]
pub struct Storage<const WORDS: usize>(MaybeUninit<[u64; WORDS]>);

/// Whose memory an object lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Deleting gives it back.
    Library,
    Caller,
}

impl Owner {
    /// Returns the mark of such an object.
    const fn mark<T: Opaque>(self) -> u32 {
        match self {
            Self::Library => T::MARK,
            Self::Caller => !T::MARK,
        }
    }
}

/// The mark of an object that was deleted.
const ENDED: u32 = 0;

/// Where an object is made.
#[derive(Clone, Copy)]
pub(crate) enum Room<T: Opaque> {
    /// In the library's memory. Where its slots are taken, a function that needs none is named.
    Library { instead: &'static str },
    /// In the caller's.
    Caller(*mut T::Storage),
}

impl<T: Opaque> Owned<T> {
    /// Fails to compile for a platform whose objects do not fit into the storage of C programs.
    const FITS: () = assert!(
        size_of::<Self>() <= size_of::<T::Storage>()
            && align_of::<Self>() <= align_of::<T::Storage>(),
        "an object of this platform does not fit into its struct pmem2_*_storage: Raw, Id or List \
         is too large"
    );

    /// Makes an object of `subject`: `*out` becomes a pointer to it, or NULL on failure. Where the
    /// subject is wrong, no other argument is looked at.
    ///
    /// # Safety
    ///
    /// `out` and the caller's room are NULL or valid for writes.
    // Always: a result that is handed on in memory from one to the next costs a tenth of the whole
    // call.
    #[inline(always)]
    pub(crate) unsafe fn make<A: Allocator<Self>, S, F: Into<Failure>>(
        out: *mut *mut Self,
        room: Room<T>,
        subject: Result<S, Failure>,
        value: impl FnOnce(S) -> Result<T, F>,
    ) -> Result<(), Failure> {
        const { Self::FITS };
        if let Room::Caller(storage) = room
            && within(out, storage)
        {
            return Err(Failure::Within(T::ARGUMENT));
        }
        let out = aligned(out, T::ARGUMENT);
        let make = |subject| {
            let _ = out?;
            let object = |owner: Owner| -> Result<Self, Failure> {
                let value = value(subject).map_err(Into::into)?;
                Ok(Self { mark: owner.mark::<T>(), value })
            };
            match room {
                Room::Library { instead } => {
                    A::allocate(object(Owner::Library)?).map_err(|memory| match memory {
                        Memory::Pool(slots) => Failure::Full { slots, delete: T::DELETE, instead },
                        _ => Failure::NoMemory(T::NAME),
                    })
                }
                Room::Caller(storage) => {
                    let place = aligned(storage, "storage")?.cast::<Self>().as_ptr();
                    let object = object(Owner::Caller)?;
                    // SAFETY: the storage is valid for writes, and an object fits into it (FITS).
                    unsafe { place.write(object) };
                    Ok(place)
                }
            }
        };
        let made = subject.and_then(make);
        if let Ok(out) = out {
            // SAFETY: out is valid for writes.
            unsafe { out.write(*made.as_ref().unwrap_or(&ptr::null_mut())) };
        }
        made.map(|_| ())
    }

    /// Returns the object that C points to.
    ///
    /// # Safety
    ///
    /// `object` is NULL or an object, which nobody writes to during `'a`. Memory of 8 bytes that
    /// holds none is noticed.
    #[inline]
    pub(crate) unsafe fn get<'a>(object: *const Self) -> Result<&'a T, Failure> {
        // SAFETY: as the caller says.
        unsafe { Self::find(object.cast_mut()).map(|object| &(*object.as_ptr()).value) }
    }

    /// Returns the object that C points to, to be changed.
    ///
    /// # Safety
    ///
    /// `object` is NULL or an object, which nobody else uses during `'a`. Memory of 8 bytes that
    /// holds none is noticed.
    pub(crate) unsafe fn get_mut<'a>(object: *mut Self) -> Result<&'a mut T, Failure> {
        // SAFETY: as the caller says.
        unsafe { Self::find(object).map(|object| &mut (*object.as_ptr()).value) }
    }

    /// # Safety
    ///
    /// As [`get`](Self::get).
    #[inline]
    unsafe fn find(object: *mut Self) -> Result<NonNull<Self>, Failure> {
        let object = aligned(object, T::ARGUMENT)?;
        // SAFETY: as the caller says.
        match unsafe { Self::owner(object) } {
            Some(_) => Ok(object),
            None => Err(Failure::NotMade { argument: T::ARGUMENT, object: T::NAME }),
        }
    }

    /// Returns whose memory an object lies in, or `None` where there is no object: in storage that
    /// was zeroed, overwritten or never used.
    ///
    /// # Safety
    ///
    /// `object` is aligned, and valid for reads of 8 bytes.
    #[inline]
    unsafe fn owner(object: NonNull<Self>) -> Option<Owner> {
        // SAFETY: the mark is within these bytes. It is read as a plain number before anything
        // else, and no reference is made: what C passes need not be any value of Rust.
        let mark = unsafe { (&raw const (*object.as_ptr()).mark).read() };
        [Owner::Library, Owner::Caller].into_iter().find(|owner| owner.mark::<T>() == mark)
    }

    /// Ends the object that `*place` points to, gives the library's memory back, and sets `*place`
    /// to NULL. Where there is no object, only that.
    ///
    /// # Safety
    ///
    /// `place` is NULL or valid for reads and writes, aligned or not. `*place` is NULL or an
    /// object, which is used no more. Memory of 8 bytes that holds none is noticed.
    #[inline]
    pub(crate) unsafe fn delete<A: Allocator<Self>>(place: *mut *mut Self) {
        let Some(place) = NonNull::new(place) else { return };
        // SAFETY: place is valid for reads.
        let Some(object) = NonNull::new(unsafe { place.read_unaligned() }) else { return };
        // SAFETY: it is aligned, and memory of 8 bytes at least.
        let owner = object.is_aligned().then(|| unsafe { Self::owner(object) }).flatten();
        if let Some(owner) = owner {
            // SAFETY: it is an object, and this is its one end. The mark stays in memory: used once
            // more it is noticed, until the memory is given to another.
            unsafe {
                (&raw mut (*object.as_ptr()).value).drop_in_place();
                (&raw mut (*object.as_ptr()).mark).write(ENDED);
            }
            if owner == Owner::Library {
                // SAFETY: `make` allocated it, and the caller uses it no more.
                unsafe { A::release(object.as_ptr()) };
            }
        }
        // SAFETY: place is valid for writes.
        unsafe { place.write_unaligned(ptr::null_mut()) };
    }
}

/// Memory for values of one type.
///
/// # Safety
///
/// The memory that [`allocate`](Allocator::allocate) returns stays readable and writable until
/// [`release`](Allocator::release), and nobody except its user writes to it.
pub unsafe trait Allocator<T> {
    /// Puts a value into new memory.
    ///
    /// # Errors
    ///
    /// The memory that is exhausted.
    fn allocate(value: T) -> Result<*mut T, Memory>;

    /// Gives the memory of a value back, without dropping the value.
    ///
    /// # Safety
    ///
    /// `value` is what [`allocate`](Allocator::allocate) returned, and is used no more.
    unsafe fn release(value: *mut T);
}

/// The heap of a C library, or of a process of Windows. The shim.c of `hosted/` and of `windows/`
/// has its two functions; a program that uses this without them is not linked.
pub enum Heap {}

unsafe extern "C" {
    /// Returns NULL, or `size` bytes that are nobody else's until they are freed, aligned for any
    /// type of C. errno stays as it is.
    safe fn pmem2_shim_allocate(size: usize) -> *mut c_void;
    fn pmem2_shim_free(memory: *mut c_void);
}

/// The alignment that every heap gives: on 32 bits no more.
const ALIGNMENT: usize = 8;

// SAFETY: the heap's memory stays until it is freed, which only `release` does.
unsafe impl<T> Allocator<T> for Heap {
    #[inline]
    fn allocate(value: T) -> Result<*mut T, Memory> {
        const { assert!(align_of::<T>() <= ALIGNMENT, "the heap's alignment is not enough") };
        let memory =
            NonNull::new(pmem2_shim_allocate(size_of::<T>())).ok_or(Memory::Heap)?.cast::<T>();
        // SAFETY: the heap gave this many bytes, aligned as above, and nobody else has them.
        unsafe { memory.write(value) };
        Ok(memory.as_ptr())
    }

    #[inline]
    unsafe fn release(value: *mut T) {
        // SAFETY: `allocate` had it from the heap, as the caller says.
        unsafe { pmem2_shim_free(value.cast()) };
    }
}

/// Returns a pointer that is neither NULL nor misaligned (a cast of a buffer of bytes).
#[inline]
pub(crate) fn aligned<T>(pointer: *mut T, argument: &'static str) -> Result<NonNull<T>, Failure> {
    match NonNull::new(pointer) {
        None => Err(Failure::Null(argument)),
        Some(pointer) if !pointer.is_aligned() => Err(Failure::Misaligned(argument)),
        Some(pointer) => Ok(pointer),
    }
}

/// Tells whether `out` points into the storage. Not where either is NULL, which is refused
/// elsewhere.
#[inline]
pub(crate) fn within<T, S>(out: *mut *mut T, storage: *mut S) -> bool {
    let (out, storage) = (out.addr(), storage.addr());
    out != 0
        && storage != 0
        && out < storage.saturating_add(size_of::<S>())
        && storage < out.saturating_add(size_of::<*mut T>())
}
