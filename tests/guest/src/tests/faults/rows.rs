//! Checks each way in which memory goes bad here: the tests' own
//! footing, without pmem2's sources.

use std::{
    os::{fd::AsRawFd, unix::fs::FileExt},
    ptr::null_mut,
};

use pmem2_guest::machine::{Contents, Device, MIB, Machine, PAGE};
use pmem2_platform::{Fail, Partial};

use super::{
    bed::{Bed, bytes},
    ground::has,
    inject::{EarlyKill, Way, machine_check, wait_for},
    noted::noted,
};

pub(crate) fn as_said(machine: &Machine, device: &Device) {
    for (number, way) in Way::of(&Bed::new(machine, device).ground).into_iter().enumerate() {
        made_bad(machine, device, way, 16 * (number as u64 + 1) * PAGE);
    }
    told_of(machine, device);
    advised(machine, device);
}

/// Checks the lists, and the results of a load and of pread(2).
fn made_bad(machine: &Machine, device: &Device, way: Way, page: u64) {
    let bed = Bed::new(machine, device);
    let page = bed.range.start + page;
    let before = bed.ground.region_list();
    let (at, length) = way.inject(&bed.ground, bed.place(page) + 512);
    assert_eq!(has(&bed.ground.region_list(), at, length), way != Way::Listed, "{way:?}");
    assert_eq!(way == Way::Listed, bed.ground.region_list() == before, "{way:?}");

    let (mapping, mut buffer) = (bed.mapping(false), [0; 512]);
    // Whole pages are bad, where the driver of file systems' memory has a say: that is no error of
    // the memory.
    let bad = if device.is_file() && directly(device) {
        Err(Partial { done: 0, fail: Fail::bad_memory(1) })
    } else {
        Ok(())
    };
    for (around, expected) in
        [(page - 512, Ok(())), (page, bad), (page + PAGE - 512, bad), (page + PAGE, Ok(()))]
    {
        assert_eq!(
            mapping.read(around - bed.range.start, &mut buffer),
            expected,
            "{way:?} {around}"
        );
    }
    if !device.is_file() || !directly(device) {
        return;
    }
    let failed = Err(Some(libc::EIO));
    let read = |at: u64, length: usize| {
        bed.file.read_at(&mut vec![0; length], at).map_err(|e| e.raw_os_error())
    };
    assert_eq!(read(page - PAGE, 4096).ok(), Some(4096), "{way:?}");
    assert_eq!(read(page + PAGE, 4096).ok(), Some(4096), "{way:?}");
    for (at, length) in [(page, 1), (page + PAGE - 1, 1), (page, 4096)] {
        assert_eq!(read(at, length), failed, "{way:?}: {length} at {at}");
    }
    // Not even what is good before it, where it lies together.
    assert_eq!(read(page - PAGE, 8192), failed, "{way:?}");
    // What is written in parts of pages fails as if the program's memory was bad.
    let written = bed.file.write_at(&[1; 512], page + 512).map_err(|e| e.raw_os_error());
    assert_eq!(written, Err(Some(libc::EFAULT)), "{way:?}");
}

/// Whether its file system reads and writes without a cache.
pub(crate) fn directly(device: &Device) -> bool {
    !matches!(device.contents, Contents::Ext4("" | "dax=never"))
}

/// Checks that a program which has mapped memory that goes bad is told, if it is to be told early,
/// and only then.
fn told_of(machine: &Machine, device: &Device) {
    if !directly(device) {
        return;
    }
    let bed = Bed::new(machine, device);
    let mapping = bed.mapping(false);
    let (first, second) = (MIB, MIB + 8 * PAGE);
    let touch = |at: u64| mapping.read(at, &mut [0]).expect("good as yet");
    touch(first);
    touch(second);
    let before = noted();
    let place = |at: u64| bed.ground.physical(bed.place(bed.range.start + at));
    let nvdimm = bed.ground.is_nvdimm();
    let listed = |at: u64| {
        wait_for("a list", || has(&bed.ground.region_list(), bed.place(bed.range.start + at), PAGE))
    };
    {
        let _early = EarlyKill::on();
        machine_check(place(first));
        wait_for("a signal", || noted().told > before.told);
        if nvdimm {
            listed(first);
        }
    }
    let told = noted();
    assert_eq!((told.told, told.used), (before.told + 1, before.used));
    assert!(low_bits(device).contains(&told.lsb), "{told:?}");
    if nvdimm {
        machine_check(place(second));
        listed(second);
        assert_eq!(noted(), told);
    }
}

/// si_addr_lsb: how much is lost, as the kernel has mapped it. Of a file that may be a page or 2
/// MiB, as it lies.
fn low_bits(device: &Device) -> Vec<i32> {
    if device.is_file() {
        vec![12, 21]
    } else {
        vec![device.alignment.trailing_zeros().try_into().expect("few")]
    }
}

/// madvise(MADV_HWPOISON): the signal is for who asks, and nothing is kept of it.
fn advised(machine: &Machine, device: &Device) {
    if !directly(device) {
        return;
    }
    let bed = Bed::new(machine, device);
    let lists =
        || (bed.ground.region_list(), bed.ground.disk.is_some().then(|| bed.ground.disk_list()));
    let (before, listed) = (noted(), lists());
    poison(&bed, MIB);
    let after = noted();
    assert_eq!((after.used, after.told), (before.used + 1, before.told));
    assert!(low_bits(device).contains(&after.lsb), "{after:?}");
    assert_eq!(lists(), listed);
    let mut buffer = [0; 4096];
    assert_eq!(bed.mapping(false).read(MIB, &mut buffer), Ok(()));
    assert_eq!(buffer[..], bytes(bed.range.start + MIB..bed.range.start + MIB + PAGE));
}

/// Poisons the page at an offset of the test's bytes, by a mapping of its own.
pub(crate) fn poison(bed: &Bed, at: u64) {
    let length = (bed.range.end - bed.range.start) as usize;
    // SAFETY: a new mapping at no particular address; the page in it is read before it is poisoned,
    // and then it is taken back.
    unsafe {
        let map = libc::mmap(
            null_mut(),
            length,
            libc::PROT_READ,
            libc::MAP_SHARED,
            bed.file.as_raw_fd(),
            bed.range.start as libc::off_t,
        );
        assert_ne!(map, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        let page = map.cast::<u8>().add(at as usize);
        page.read_volatile();
        let code = libc::madvise(page.cast(), 4096, libc::MADV_HWPOISON);
        assert_eq!(code, 0, "MADV_HWPOISON: {}", std::io::Error::last_os_error());
        assert_eq!(libc::munmap(map, length), 0);
    }
}
