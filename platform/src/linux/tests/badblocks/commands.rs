//! Clearing by the bus's command.

use std::{fs, process::Command, string::String, vec, vec::Vec};

use super::super::{
    machine::{DEVDAX, of_region},
    world::{Call, FD, World, object},
};
use super::places::device;
use crate::{
    ClearBy, Errno, Fail, Subject,
    linux::{
        badblocks,
        sys::ioctl::{
            ARS_CAP, ArsCap, CLEAR_ERROR, ClearError, DM_TABLE_STATUS, Extent, FIEMAP, FSGETXATTR,
        },
    },
};

const EIO: Fail = Fail::Os(Subject::ClearBadBlock, Errno::EIO);

/// The address of the device's first byte.
const BASE: u64 = 0x1_0000_c800;

/// A device of which this is bad, on a bus that clears units of 256 bytes, and the list that is
/// there afterwards.
pub(super) fn bus(before: &str, after: &str) -> World {
    let mut world = device(before).with_file("/dev/ndctl0", "");
    world.disk.cap = ArsCap { clear_err_unit: 256, ..ArsCap::default() };
    world.disk.cleared = ClearError { cleared: 1 << 20, ..ClearError::default() };
    world.then = Some((of_region(1, "badblocks"), after.into()));
    world
}

fn clear(world: &World, range: core::ops::Range<u64>) -> Result<(), Fail> {
    badblocks::clear(object(world.sys(), FD, &world.facts()), range, ClearBy::DeviceCommand)
}

fn commands(world: &World) -> Vec<Call> {
    let command = |call: &Call| {
        matches!(call, Call::ArsCap(..) | Call::ClearError(..) | Call::OpenWritable(_))
    };
    world.calls().into_iter().filter(command).collect()
}

#[test]
fn the_command() {
    for (range, cleared) in [(512..1024, 512), (512..1536, 1024), (768..1024, 256)] {
        let mut world = bus("101 2\n", "");
        world.disk.cleared.cleared = cleared;
        // What the upper half says does not matter.
        (world.disk.cleared.status, world.disk.cap.status) = (0x10000, 0x30000);
        assert_eq!(clear(&world, range.clone()), Ok(()), "{range:?}");
        let (at, length) = (BASE + range.start, range.end - range.start);
        let expected = [
            Call::OpenWritable("/dev/ndctl0".into()),
            Call::ArsCap(at, length),
            Call::ClearError(at, length),
        ];
        assert_eq!(commands(&world), expected);
    }
    // On the device's own bus.
    let world =
        bus("101 1\n", "").linked("/sys/dev/char/252:5", DEVDAX.replace("ndbus0", "ndbus7"));
    assert_eq!(clear(&world.with_file("/dev/ndctl7", ""), 512..1024), Ok(()));
}

#[test]
fn what_is_not_bad_is_not_touched() {
    for range in [0..512, 511..1024, 512..1025, 0..u64::MAX, 512..512, u64::MAX - 1..u64::MAX] {
        let world = bus("101 1\n", "");
        assert_eq!(clear(&world, range), Err(Fail::NotBad));
        assert_eq!(commands(&world), []);
    }
    // Not whole units.
    for range in [513..1024, 512..1023, 640..768, 640..896] {
        let world = bus("101 1\n", "");
        assert_eq!(clear(&world, range), Err(Fail::Os(Subject::ClearBadBlock, Errno::EINVAL)));
        assert!(!commands(&world).iter().any(|call| matches!(call, Call::ClearError(..))));
    }
}

#[test]
fn a_bus_that_cannot() {
    let no_unit = [0, 3, 255].map(|clear_err_unit| ArsCap { clear_err_unit, ..ArsCap::default() });
    let refused =
        [1, 2, 0xFFFF].map(|status| ArsCap { status, clear_err_unit: 256, ..ArsCap::default() });
    for cap in no_unit.into_iter().chain(refused) {
        let mut world = bus("101 1\n", "");
        world.disk.cap = cap;
        assert_eq!(clear(&world, 512..1024), Err(Fail::Unsupported), "{cap:?}");
        assert!(!commands(&world).iter().any(|call| matches!(call, Call::ClearError(..))));
    }
    let world = device("101 1\n");
    assert_eq!(clear(&world, 512..1024), Err(Fail::Os(Subject::ClearBadBlock, Errno::ENOENT)));
    assert_eq!(
        badblocks::clear(object(world.sys(), FD, &world.facts()), 512..1024, ClearBy::Allocation),
        Err(Fail::Unsupported)
    );
}

#[test]
fn what_it_says_of_it_is_checked() {
    for (status, cleared, after) in [
        (1, 512, ""),
        (0xFFFF, 512, ""),
        (0, 511, ""),
        (0, 0, ""),
        (0, 512, "101 1\n"),
        (0, 512, "0 512\n"),
    ] {
        let mut world = bus("101 1\n", after);
        world.disk.cleared = ClearError { status, cleared, ..ClearError::default() };
        assert_eq!(clear(&world, 512..1024), Err(EIO), "{status} {cleared} {after:?}");
    }
    // Another one is bad still; or there are more than are known.
    for after in ["100 1\n102 5\n", "100 1\n1"] {
        assert_eq!(clear(&bus("100 1\n101 1\n102 5\n", after), 512..1024), Ok(()), "{after:?}");
    }
}

/// The numbers and structures, as the kernel's own headers have them.
#[test]
fn as_in_the_headers() {
    let source = r#"
        #include <stddef.h>
        #include <stdio.h>
        #include <linux/ndctl.h>
        #include <linux/fiemap.h>
        #include <linux/fs.h>
        #include <linux/dm-ioctl.h>
        #define N(x) printf("%llu ", (unsigned long long)(x))
        #define M(s, m) N(offsetof(struct s, m)); N(sizeof(((struct s *)0)->m))
        int main(void) {
            N(ND_IOCTL_ARS_CAP); N(sizeof(struct nd_cmd_ars_cap)); M(nd_cmd_ars_cap, address); M(nd_cmd_ars_cap, length);
            M(nd_cmd_ars_cap, status); M(nd_cmd_ars_cap, clear_err_unit);
            N(ND_IOCTL_CLEAR_ERROR); N(sizeof(struct nd_cmd_clear_error)); M(nd_cmd_clear_error, address);
            M(nd_cmd_clear_error, length); M(nd_cmd_clear_error, status); M(nd_cmd_clear_error, cleared);
            N(FS_IOC_FIEMAP); N(sizeof(struct fiemap_extent)); M(fiemap_extent, fe_logical); M(fiemap_extent, fe_physical);
            M(fiemap_extent, fe_length); M(fiemap_extent, fe_flags);
            N(FS_IOC_FSGETXATTR); N(sizeof(struct fsxattr)); M(fsxattr, fsx_xflags);
            N(DM_TABLE_STATUS); N(sizeof(struct dm_ioctl)); N(sizeof(struct dm_target_spec));
            return 0;
        }"#;
    macro_rules! member {
        ($type:ty, $member:ident) => {{
            let value = <$type>::default();
            [core::mem::offset_of!($type, $member) as u64, size_of_val(&value.$member) as u64]
        }};
    }
    let mut expected = vec![u64::from(ARS_CAP), size_of::<ArsCap>() as u64];
    expected.extend([member!(ArsCap, address), member!(ArsCap, length)].concat());
    expected.extend([member!(ArsCap, status), member!(ArsCap, clear_err_unit)].concat());
    expected.extend([u64::from(CLEAR_ERROR), size_of::<ClearError>() as u64]);
    expected.extend([member!(ClearError, address), member!(ClearError, length)].concat());
    expected.extend([member!(ClearError, status), member!(ClearError, cleared)].concat());
    expected.extend([u64::from(FIEMAP), size_of::<Extent>() as u64]);
    expected.extend([member!(Extent, logical), member!(Extent, physical)].concat());
    expected.extend([member!(Extent, length), member!(Extent, flags)].concat());
    expected.extend([u64::from(FSGETXATTR), 28, 0, 4, u64::from(DM_TABLE_STATUS), 312, 40]);

    let directory = tempfile::tempdir().unwrap();
    let (file, program) = (directory.path().join("headers.c"), directory.path().join("headers"));
    fs::write(&file, source).unwrap();
    let compiled =
        Command::new("cc").arg("-o").args([&program, &file]).status().expect("cc, of Debian's gcc");
    let said = compiled.success().then(|| Command::new(&program).output().unwrap().stdout);
    let said = String::from_utf8(said.expect("the headers of Debian's linux-libc-dev")).unwrap();
    let said: Vec<u64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    assert_eq!(expected, said);
}
