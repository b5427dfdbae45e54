//! Sources of regions of physical memory, and the tables of firmware that tell of regions.

use core::{
    ffi::{c_int, c_void},
    fmt::{self, Display},
    ptr::{self, NonNull},
};

use pmem2::{
    Code, Error,
    bare::{Devicetree, Nfit, PhysicalRegion, TableFault, find_acpi_table},
    error::Subject,
    platform::Fail,
};

use super::source::{borrowed, make};
use crate::{
    failure::{Coded, Failure},
    library::{CSource, Library, finish},
    owned::{Room, aligned},
    region::{
        array::array,
        platform::{RegionAt, Regions},
        structures::{CRegion, CWarning},
    },
    source::{Source, SourceStorage},
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
pub unsafe fn source_from_region<L: Library<Platform = Regions>>(
    src: *mut *mut CSource<L>,
    region: *const CRegion,
) -> c_int {
    let room = Room::Library { instead: "pmem2_source_init_region" };
    // SAFETY: src and region are valid or NULL, as here.
    unsafe { make::<L, _>(src, room, || source(region)) }
}

/// Makes a source in the caller's memory: see [`source_from_region`].
///
/// # Safety
///
/// As there; `storage` is NULL or valid for writes, and left alone until the source is deleted.
pub unsafe fn source_init_region<L: Library<Platform = Regions>>(
    storage: *mut SourceStorage,
    src: *mut *mut CSource<L>,
    region: *const CRegion,
) -> c_int {
    // SAFETY: storage, src and region are valid or NULL, as here.
    unsafe { make::<L, _>(src, Room::Caller(storage), || source(region)) }
}

/// # Safety
///
/// As [`source_from_region`].
unsafe fn source(region: *const CRegion) -> Result<Source<Regions>, Failure> {
    // SAFETY: region is valid or NULL, as here.
    let region = unsafe { checked(region) }?;
    // SAFETY: it stays for as long as the source is used, as the caller says.
    unsafe {
        borrowed(Regions::default(), RegionAt::new(region))
            .map_err(|error| region.as_ref().refusal(error))
    }
}

/// Returns a region whose pointers can be used.
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
pub unsafe fn region_part<L: Library>(
    region: *const CRegion,
    offset: u64,
    length: u64,
    part: *mut CRegion,
) -> c_int {
    let make = || -> Result<(), Failure> {
        // SAFETY: region is valid or NULL, as here.
        let (region, place) = (unsafe { checked(region) }?, aligned(part, "part")?);
        // SAFETY: region is valid, as the caller says.
        let part = unsafe { RegionAt::new(region) }.part(offset, length)?;
        // SAFETY: place is valid for writes.
        unsafe { place.write(part) };
        Ok(())
    };
    finish::<L>(make())
}

/// Finds the NFIT: see [`source_from_region`].
///
/// # Safety
///
/// `reach` is NULL, or returns NULL or the address of as many bytes as it is asked for, which stay
/// and are not written to. `nfit` and `length` are NULL or valid for writes.
pub unsafe fn find_nfit<L: Library>(
    rsdp: u64,
    reach: Reach,
    arg: *mut c_void,
    nfit: *mut *const c_void,
    length: *mut usize,
) -> c_int {
    let find = || -> Result<(), Refusal> {
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
    finish::<L>(find())
}

/// Lists the regions of an NFIT: see [`source_from_region`].
///
/// # Safety
///
/// `nfit` is NULL or has `length` bytes, which stay for as long as a region is used. `count` is
/// NULL or valid for reads and writes, and `regions` is NULL or valid for writes of `*count`
/// regions.
pub unsafe fn regions_from_nfit<L: Library>(
    nfit: *const c_void,
    length: usize,
    regions: *mut CRegion,
    count: *mut usize,
) -> c_int {
    let fill = |bytes: &[u8]| {
        let table = Nfit::parse(bytes).map_err(Refusal::Table)?;
        let one = |region: PhysicalRegion<'_>| CRegion::from_nfit(&region, bytes);
        // SAFETY: as the caller says.
        unsafe { list(|| table.regions(), one, regions, "regions", count) }
    };
    // SAFETY: as the caller says.
    finish::<L>(unsafe { bytes(nfit, length, "nfit") }.and_then(fill))
}

/// Lists the warnings of an NFIT: see [`source_from_region`].
///
/// # Safety
///
/// `nfit` is NULL or has `length` bytes. `count` is NULL or valid for reads and writes, and
/// `warnings` is NULL or valid for writes of `*count` warnings.
pub unsafe fn nfit_warnings<L: Library>(
    nfit: *const c_void,
    length: usize,
    warnings: *mut CWarning,
    count: *mut usize,
) -> c_int {
    let fill = |bytes: &[u8]| {
        let table = Nfit::parse(bytes).map_err(Refusal::Table)?;
        let one = |warning| CWarning::new(warning).ok_or(Fail::Malformed(Subject::Region));
        // SAFETY: as the caller says.
        unsafe { list(|| table.warnings(), one, warnings, "warnings", count) }
    };
    // SAFETY: as the caller says.
    finish::<L>(unsafe { bytes(nfit, length, "nfit") }.and_then(fill))
}

/// Lists the regions of a devicetree: see [`source_from_region`].
///
/// # Safety
///
/// `tree` is NULL or has `length` bytes. `count` is NULL or valid for reads and writes, and
/// `regions` is NULL or valid for writes of `*count` regions.
pub unsafe fn regions_from_devicetree<L: Library>(
    tree: *const c_void,
    length: usize,
    regions: *mut CRegion,
    count: *mut usize,
) -> c_int {
    let fill = |bytes: &[u8]| {
        let tree = Devicetree::parse(bytes).map_err(Refusal::Table)?;
        let one = |region: PhysicalRegion<'_>| CRegion::from_tree(&region);
        // SAFETY: as the caller says.
        unsafe { list(|| tree.regions(), one, regions, "regions", count) }
    };
    // SAFETY: as the caller says.
    finish::<L>(unsafe { bytes(tree, length, "tree") }.and_then(fill))
}

/// Writes all elements that a table has, or only their number.
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

/// Returns a table in the caller's memory.
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

/// Why a call failed. These sentences are not in a library without regions.
enum Refusal {
    Failure(Failure),
    /// The caller's array is too short.
    Room {
        given: usize,
        needed: usize,
        name: &'static str,
    },
    /// The firmware's table is malformed.
    Table(TableFault),
}

impl<F: Into<Failure>> From<F> for Refusal {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

impl Coded for Refusal {
    fn code(&self) -> c_int {
        match self {
            Self::Failure(failure) => failure.code(),
            Self::Room { .. } => Code::BufferTooSmall.raw(),
            Self::Table(_) => Code::InvalidRegionFormat.raw(),
        }
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
