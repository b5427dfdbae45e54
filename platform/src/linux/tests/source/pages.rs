//! The page size where the ABI leaves it open.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::vec::Vec;

use crate::linux::tests::world::{Call, World};
use crate::{
    Alignment, Errno, Fail, Subject,
    linux::sys::page::{self, probe, probe_once},
};

/// Every page size that Linux can be built with: 4 KiB to 64 KiB, and 256 KiB on Hexagon and
/// PowerPC 44x.
const SIZES: [usize; 6] = [4096, 8192, 16384, 32768, 65536, 262_144];

fn world(page: usize) -> World {
    let mut world = World::file();
    world.page = page;
    world
}

fn asked(sizes: &[usize]) -> Vec<Call> {
    sizes.iter().copied().map(Call::Msync).collect()
}

fn alignment(page: usize) -> Result<Alignment, Fail> {
    Ok(Alignment::new(page.try_into().unwrap()).unwrap())
}

#[test]
fn every_page_size_is_found() {
    for (index, page) in SIZES.into_iter().enumerate() {
        let world = world(page);
        assert_eq!(probe(world.sys()), alignment(page));
        assert_eq!(world.calls(), asked(&SIZES[..=index]));
    }
    let world = world(1 << 20);
    assert_eq!(probe(world.sys()), Err(Fail::Malformed(Subject::PageSize)));
    assert_eq!(world.calls(), asked(&SIZES));
}

#[test]
fn every_errno_in_every_call() {
    for page in [4096, 16384, 65536, 262_144, 1 << 20] {
        let calls =
            SIZES.iter().position(|size| *size >= page).map_or(SIZES.len(), |index| index + 1);
        for call in 0..calls {
            for errno in 1..=133 {
                let world = world(page).failing(call, errno);
                // EINVAL is the kernel's way to say that the address is not aligned: the next size
                // is tried.
                let (expected, made) = if errno == Errno::EINVAL.raw() {
                    match SIZES
                        .iter()
                        .enumerate()
                        .find(|(index, size)| *index != call && **size >= page)
                    {
                        Some((index, size)) => (alignment(*size), index + 1),
                        None => (Err(Fail::Malformed(Subject::PageSize)), SIZES.len()),
                    }
                } else {
                    (Err(Fail::Os(Subject::PageSize, Errno::from_raw(errno))), call + 1)
                };
                assert_eq!(probe(world.sys()), expected, "page {page}, call {call}, errno {errno}");
                assert_eq!(world.calls(), asked(&SIZES[..made]));
            }
        }
    }
}

#[test]
fn the_kernel_is_asked_until_it_answers_and_then_never_again() {
    let known = AtomicU32::new(0);
    let broken = world(16384).failing(0, Errno::EPERM.raw());
    assert_eq!(probe_once(broken.sys(), &known), Err(Fail::Os(Subject::PageSize, Errno::EPERM)));
    assert_eq!(known.load(Relaxed), 0, "a failure is not kept");
    let world = world(16384);
    assert_eq!(probe_once(world.sys(), &known), alignment(16384));
    assert_eq!(world.calls(), asked(&SIZES[..3]));
    assert_eq!(probe_once(world.sys(), &known), alignment(16384));
    assert_eq!(world.calls(), []);
}

#[test]
fn the_abi_fixes_the_page_size_where_it_can() {
    if let Some(fixed) = page::FIXED {
        let world = world(65536);
        assert_eq!(page::size(world.sys()), Ok(fixed));
        assert_eq!(world.calls(), []);
    }
    let fixed = page::FIXED.map(Alignment::bytes);
    if cfg!(any(target_arch = "x86_64", target_arch = "x86", target_arch = "riscv64")) {
        assert_eq!(fixed, Some(4096));
    } else if cfg!(target_arch = "aarch64") {
        assert_eq!(fixed, None);
    }
}
