//! Sources from regions of physical memory.

use core::{
    ffi::{c_int, c_void},
    fmt::{self, Display},
    ptr::{self, NonNull},
};

use pmem2::{
    Code, Error, Source,
    bare::{Devicetree, Nfit, TableFault, find_acpi_table},
    error::Subject,
    platform::{Borrowed, Fail},
};

use super::{
    create::{create, keep, put},
    fail,
};
use crate::{
    CRegion, CWarning, Edge, Object, RegionAt, Regions, Storage,
    failure::Failure,
    object::{Descriptor, Either},
    pointer::{aligned, usable, within},
    region::array,
};

/// The function of C's that makes physical memory readable: `reach` of [`find_nfit`].
pub type Reach =
    Option<unsafe extern "C" fn(address: u64, length: usize, arg: *mut c_void) -> *const c_void>;

#[doc = include_str!("../../man/region/pmem2_source_from_region.md")]
///
/// # Safety
///
/// `src` is NULL or valid for writes. `region` is NULL, or as libpmem2/region.h says for as long as
/// the source is used.
pub unsafe fn source_from_region<E: Edge<Platform = Regions>>(
    src: *mut *mut Object<Regions>,
    region: *const CRegion,
) -> c_int {
    // SAFETY: src is valid or NULL, as here, and so is region.
    unsafe {
        create::<E>(src, || source(region), |source| keep::<E>(source, "pmem2_source_init_region"))
    }
}

/// As [`source_from_region`], in the caller's memory.
///
/// # Safety
///
/// As there; `storage` is NULL or valid for writes, and left alone until the source is deleted.
pub unsafe fn source_init_region<E: Edge<Platform = Regions>>(
    storage: *mut Storage,
    src: *mut *mut Object<Regions>,
    region: *const CRegion,
) -> c_int {
    if within(src, storage) {
        return fail::<E>(Failure::Within("src"));
    }
    // SAFETY: region is valid or NULL, as here.
    let source = || usable(storage).and_then(|()| unsafe { source(region) });
    // SAFETY: src is valid or NULL, as here; `put` comes after `usable`.
    unsafe { create::<E>(src, source, |source| Ok(put::<E>(storage, source))) }
}

/// # Safety
///
/// As [`source_from_region`].
unsafe fn source(region: *const CRegion) -> Result<Either<Regions>, Failure> {
    // SAFETY: region is valid or NULL, as here.
    let region = unsafe { checked(region) }?;
    // SAFETY: it stays for as long as the source is used, as the caller says.
    let descriptor: Descriptor<_> =
        unsafe { Borrowed::from_raw(Regions::default(), RegionAt::new(region)) };
    // SAFETY: it is valid, as the caller says.
    let source =
        Source::new(descriptor).map_err(|error| unsafe { region.as_ref() }.refusal(error))?;
    Ok(Either::Descriptor(source))
}

/// A region whose pointers can be used.
///
/// # Safety
///
/// `region` is NULL, or as libpmem2/region.h says.
unsafe fn checked(region: *const CRegion) -> Result<NonNull<CRegion>, Failure> {
    let region = aligned(region.cast_mut(), "region")?;
    // SAFETY: it is valid, as the caller says.
    unsafe { region.as_ref() }.check()?;
    Ok(region)
}

/// Makes a region of a part of a region: see [`source_from_region`].
///
/// # Safety
///
/// `region` is NULL, or as libpmem2/region.h says; `part` is NULL or valid for writes.
pub unsafe fn region_part<E: Edge>(
    region: *const CRegion,
    offset: u64,
    length: u64,
    part: *mut CRegion,
) -> c_int {
    let make = || {
        // SAFETY: region is valid or NULL, as here.
        let (region, place) = (unsafe { checked(region) }?, aligned(part, "part")?);
        // SAFETY: region is valid, as the caller says.
        let part = unsafe { CRegion::part(region, offset, length) }?;
        // SAFETY: place is valid for writes.
        unsafe { place.write(part) };
        Ok(())
    };
    done::<E>(make())
}

/// Finds the NFIT: see [`source_from_region`].
///
/// # Safety
///
/// `reach` is NULL, or returns NULL or the address of as many bytes as it is asked for, which stay
/// and are not written to. `nfit` and `length` are NULL or valid for writes.
pub unsafe fn find_nfit<E: Edge>(
    rsdp: u64,
    reach: Reach,
    arg: *mut c_void,
    nfit: *mut *const c_void,
    length: *mut usize,
) -> c_int {
    let find = || {
        let reach = reach.ok_or(Failure::Null("reach"))?;
        let (nfit, length) = (aligned(nfit, "nfit")?, aligned(length, "length")?);
        let bytes = |address, length| {
            // SAFETY: it may be called so.
            let first = unsafe { reach(address, length, arg) }.cast::<u8>();
            // SAFETY: it returns the address of as many bytes, which stay, or NULL.
            unsafe { array(first, length) }.ok().filter(|_| !first.is_null())
        };
        let table = find_acpi_table(rsdp, *b"NFIT", bytes).map_err(Refusal::Table)?;
        // SAFETY: both are valid for writes.
        unsafe {
            nfit.write(table.map_or(ptr::null(), |table| table.as_ptr().cast()));
            length.write(table.map_or(0, <[u8]>::len));
        }
        Ok(())
    };
    done::<E>(find())
}

/// The regions of an NFIT: see [`source_from_region`].
///
/// # Safety
///
/// `nfit` is NULL or has `length` bytes, which stay for as long as a region is used. `count` is
/// NULL or valid for reads and writes, and `regions` is NULL or valid for writes of `*count`
/// regions.
pub unsafe fn regions_from_nfit<E: Edge>(
    nfit: *const c_void,
    length: usize,
    regions: *mut CRegion,
    count: *mut usize,
) -> c_int {
    let fill = || {
        // SAFETY: as the caller says.
        let bytes = unsafe { bytes(nfit, length, "nfit") }?;
        let table = Nfit::parse(bytes).map_err(Refusal::Table)?;
        // SAFETY: as the caller says.
        unsafe {
            list(
                || table.regions(),
                |region| CRegion::of_nfit(&region, bytes),
                regions,
                "regions",
                count,
            )
        }
    };
    done::<E>(fill())
}

/// The warnings of an NFIT: see [`source_from_region`].
///
/// # Safety
///
/// `nfit` is NULL or has `length` bytes. `count` is NULL or valid for reads and writes, and
/// `warnings` is NULL or valid for writes of `*count` warnings.
pub unsafe fn nfit_warnings<E: Edge>(
    nfit: *const c_void,
    length: usize,
    warnings: *mut CWarning,
    count: *mut usize,
) -> c_int {
    let fill = || {
        // SAFETY: as the caller says.
        let table = Nfit::parse(unsafe { bytes(nfit, length, "nfit") }?).map_err(Refusal::Table)?;
        let one = |warning| CWarning::of(warning).ok_or(Fail::Malformed(Subject::Region));
        // SAFETY: as the caller says.
        unsafe { list(|| table.warnings(), one, warnings, "warnings", count) }
    };
    done::<E>(fill())
}

/// The regions of a devicetree: see [`source_from_region`].
///
/// # Safety
///
/// `tree` is NULL or has `length` bytes. `count` is NULL or valid for reads and writes, and
/// `regions` is NULL or valid for writes of `*count` regions.
pub unsafe fn regions_from_devicetree<E: Edge>(
    tree: *const c_void,
    length: usize,
    regions: *mut CRegion,
    count: *mut usize,
) -> c_int {
    let fill = || {
        // SAFETY: as the caller says.
        let tree =
            Devicetree::parse(unsafe { bytes(tree, length, "tree") }?).map_err(Refusal::Table)?;
        // SAFETY: as the caller says.
        unsafe {
            list(|| tree.regions(), |region| CRegion::of_tree(&region), regions, "regions", count)
        }
    };
    done::<E>(fill())
}

/// Writes the regions that a table tells of, or whatever it has, or only their number.
///
/// # Safety
///
/// `count` is NULL or valid for reads and writes, and `array` is NULL or valid for writes of
/// `*count` elements.
unsafe fn list<I: Iterator, C>(
    all: impl Fn() -> I,
    one: impl Fn(I::Item) -> Result<C, Fail>,
    array: *mut C,
    name: &'static str,
    count: *mut usize,
) -> Result<(), Refusal> {
    let count = aligned(count, "count")?;
    let there = all().count();
    if !array.is_null() {
        let mut next = aligned(array, name)?;
        // SAFETY: count is valid for reads.
        let given = unsafe { count.read() };
        if given < there {
            return Err(Refusal::Room { given, needed: there, name });
        }
        for element in all().take(there) {
            let element = one(element).map_err(|_| Error::InvalidRegionFormat)?;
            // SAFETY: there is room for as many as there are.
            unsafe {
                next.write(element);
                next = next.add(1);
            }
        }
    }
    // SAFETY: count is valid for writes.
    unsafe { count.write(there) };
    Ok(())
}

/// A table in memory of the caller's.
///
/// # Safety
///
/// `first` is NULL or has `length` bytes, which stay for `'a`.
unsafe fn bytes<'a>(
    first: *const c_void,
    length: usize,
    name: &'static str,
) -> Result<&'a [u8], Refusal> {
    if first.is_null() {
        return Err(Failure::Null(name).into());
    }
    // SAFETY: as the caller says.
    unsafe { array(first.cast::<u8>(), length) }.map_err(|_| Refusal::Table(TableFault::TooMany))
}

/// Why a call failed: what the other functions fail with, and what only these can. The sentences
/// are not in a library without regions.
enum Refusal {
    Failure(Failure),
    /// An array has fewer elements than there are of what is named.
    Room {
        given: usize,
        needed: usize,
        name: &'static str,
    },
    /// A firmware's table makes no sense.
    Table(TableFault),
}

impl<F: Into<Failure>> From<F> for Refusal {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(failure) => failure.fmt(f),
            Self::Room { given, needed, name } => {
                write!(f, "there are {needed} {name}, and room for {given}")
            }
            Self::Table(fault) => fault.fmt(f),
        }
    }
}

/// What all do at the end.
fn done<E: Edge>(result: Result<(), Refusal>) -> c_int {
    let Err(refusal) = result else { return 0 };
    // SAFETY: Edge says that it is valid, and that no other thread uses it now; the borrow ends
    // here.
    unsafe { &mut *E::message() }.set(&refusal);
    match refusal {
        Refusal::Failure(failure) => failure.code(),
        Refusal::Room { .. } => Code::BufferTooSmall.raw(),
        Refusal::Table(_) => Code::InvalidRegionFormat.raw(),
    }
}
