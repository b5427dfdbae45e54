//! A device DAX, with a file in its place: its mapping, and failures of the mapping.

use core::ops::Range;
use std::{
    fs::File,
    os::{fd::FromRawFd, unix::fs::FileExt},
    sync::Arc,
    vec,
    vec::Vec,
};

use super::{FD, channel, halted};
use crate::{
    Access, Cpu, Errno, Fail, Means, Partial, PersistenceDomain, SigbusHandler, Subject,
    linux::{
        sys::page,
        tests::{
            inject::{ERRNOS, inject},
            world::{Call, ENTRY, READ_WRITE, World, object},
        },
        transfer::{self, Channel},
    },
};

const UNIT: u64 = 2 << 20;
const SIZE: u64 = 4 * UNIT;
const ENTRY_OF_DEVICE: &str = "/sys/dev/char/252:5";

fn device() -> (World, Arc<File>) {
    // SAFETY: it takes a text and a number, and makes a descriptor that nobody else has.
    let file =
        unsafe { File::from_raw_fd(libc::memfd_create(c"device".as_ptr(), libc::MFD_CLOEXEC)) };
    let file = Arc::new(file);
    file.set_len(SIZE).unwrap();
    let mut world = World::dax().opened(READ_WRITE);
    world.medium.device = Some(file.clone());
    (world, file)
}

/// The device, where this processor can map one. Where it has no copy that survives bad memory,
/// the device is refused before it is mapped.
fn mapped() -> Option<(World, Arc<File>)> {
    let (world, file) = device();
    let has_copy = !matches!(SigbusHandler::install(), Err(Errno::ENOTSUP));
    let known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"));
    assert_eq!(has_copy, known);
    if has_copy {
        return Some((world, file));
    }
    for writable in [false, true] {
        let refused = !writable || Cpu::detect().is_ok();
        let expected = refused.then_some(Fail::Unsupported);
        assert_eq!(channel(&world, 0..SIZE, writable).err(), expected);
        assert!(!world.calls().iter().any(|call| matches!(call, Call::Mapping { .. })));
    }
    None
}

/// The calls that make a channel of a device.
fn calls(range: Range<u64>, writable: bool) -> Vec<Call> {
    let length = (range.end - range.start) as usize;
    vec![
        Call::Fstat,
        Call::Open("/sys/dev/char/252:5/align".into()),
        Call::Read,
        Call::Close,
        Call::Inode(ENTRY_OF_DEVICE.into()),
        Call::Handler,
        Call::Mapping { offset: range.start, length, writable },
    ]
}

/// The calls that ask for an alignment that the device's own file does not tell.
fn asked_elsewhere(region: bool) -> Vec<Call> {
    let page = page::size(World::dax().sys()).unwrap().bytes() as usize;
    let names = ["../dax_region/align", "device/dax_region/align"].iter().filter(|_| region);
    let opens = names.map(|name| Call::Open(std::format!("{ENTRY_OF_DEVICE}/{name}")));
    opens.chain([Call::Map(page, Access::empty(), false)]).collect()
}

fn read(world: &World, channel: &Channel, offset: u64, length: usize) -> Result<Vec<u8>, Partial> {
    let mut buffer = vec![0xEE; length];
    let read = transfer::read(world.sys(), FD, channel, offset, buffer.as_mut_slice().into());
    assert_eq!(world.calls(), [], "a mapping needs no call");
    read.map(|()| buffer)
}

fn write(world: &World, channel: &Channel, offset: u64, bytes: &[u8]) -> Result<(), Partial> {
    let written = transfer::write(world.sys(), FD, channel, offset, bytes.into());
    assert_eq!(world.calls(), []);
    written
}

#[test]
fn whole_units_are_mapped() {
    let Some((world, _)) = mapped() else { return };
    for (range, mapped) in [
        (0..SIZE, 0..SIZE),
        (0..1, 0..UNIT),
        (UNIT - 1..UNIT, 0..UNIT),
        (UNIT..UNIT + 1, UNIT..2 * UNIT),
        (UNIT - 1..UNIT + 1, 0..2 * UNIT),
        (3 * UNIT + 5..SIZE, 3 * UNIT..SIZE),
    ] {
        channel(&world, range, false).unwrap();
        assert_eq!(world.calls(), calls(mapped, false));
    }
    let empty = channel(&world, 0..0, false).unwrap();
    assert_eq!(world.calls(), calls(0..0, false)[..5], "there is nothing to map");
    assert_eq!(read(&world, &empty, 0, 0), Ok(vec![]));
    assert_eq!(read(&world, &empty, 0, 1), halted(0, Fail::Ended));
    let too_long = channel(&world, u64::MAX - 5..u64::MAX, false);
    assert_eq!(too_long.err(), Some(Fail::Os(Subject::Mapping, Errno::EOVERFLOW)));
}

/// A handler of the program's own is not installed by us.
#[test]
fn a_handler_that_is_given() {
    let Some((world, _)) = mapped() else { return };
    let via = crate::SigbusHandler::assume_installed().ok();
    transfer::channel(object(world.sys(), FD, &world.facts()), via, 0..SIZE, false).unwrap();
    assert!(!world.calls().contains(&Call::Handler));
}

#[test]
fn another_device_is_not_mapped() {
    let (mut world, _) = device();
    let facts = world.facts();
    let refusal = |world: &World| {
        transfer::channel(object(world.sys(), FD, &facts), None, 0..SIZE, false).err()
    };
    world.stat.ino += 1;
    assert_eq!(refusal(&world), Some(Fail::Replaced));
    world.stat.ino -= 1;
    world = world.with_inode(ENTRY_OF_DEVICE, ENTRY + 1);
    assert_eq!(refusal(&world), Some(Fail::DeviceReplaced));
    assert!(!world.calls().iter().any(|call| matches!(call, Call::Mapping { .. })));
    for align in ["0\n", "3\n", "x\n"] {
        let (world, _) = device();
        let world = world.with_file("/sys/dev/char/252:5/align", align);
        assert_eq!(refusal(&world), Some(Fail::Malformed(Subject::Alignment)), "{align}");
    }
}

#[test]
fn every_errno_in_every_call_of_a_channel() {
    let Some((world, _)) = mapped() else { return };
    let facts = world.facts();
    let run = |world: &World| {
        let made = transfer::channel(object(world.sys(), FD, &facts), None, 0..SIZE, false);
        (made.map(drop), world.calls())
    };
    let calls = calls(0..SIZE, false);
    let injected = inject("channel", &world, &calls, run, |index, errno| {
        let os = |what| Err(Fail::Os(what, Errno::from_raw(errno)));
        match (&calls[index], Errno::from_raw(errno)) {
            (Call::Fstat | Call::Mapping { .. }, Errno::EBADF) => {
                (Err(Fail::Absent(Subject::Handle)), vec![])
            }
            (Call::Fstat, _) => (os(Subject::Handle), vec![]),
            // Its region is asked then, and the driver.
            (Call::Open(_), Errno::ENOENT) => (os(Subject::Alignment), asked_elsewhere(true)),
            (Call::Open(_), _) => (os(Subject::Alignment), asked_elsewhere(false)),
            (Call::Read, errno) => (
                os(Subject::Alignment),
                [vec![Call::Close], asked_elsewhere(errno == Errno::ENOENT)].concat(),
            ),
            (Call::Inode(_), _) => (os(Subject::Device), asked_elsewhere(false)),
            (Call::Handler, Errno::ENOTSUP) => (Err(Fail::Unsupported), vec![]),
            (Call::Handler, _) => (os(Subject::SignalHandler), vec![]),
            (Call::Mapping { .. }, _) => (os(Subject::Mapping), vec![]),
            (call, _) => panic!("{call:?}"),
        }
    });
    assert_eq!(injected, 6 * ERRNOS.count());
}

#[test]
fn bytes_of_the_mapping() {
    let Some((world, file)) = mapped() else { return };
    file.write_all_at(&[1, 2, 3, 4, 5], UNIT + 10).unwrap();
    let reader = channel(&world, UNIT + 8..UNIT + 20, false).unwrap();
    world.calls();
    assert_eq!(read(&world, &reader, UNIT + 9, 5), Ok(vec![0, 1, 2, 3, 4]));
    assert_eq!(read(&world, &reader, 0, 5), halted(0, Fail::Ended), "in front of what is mapped");
    assert_eq!(read(&world, &reader, 2 * UNIT, 1), halted(0, Fail::Ended), "and behind it");
    let refused = Fail::Os(Subject::Write, Errno::EBADF);
    assert_eq!(
        write(&world, &reader, UNIT + 8, &[1]),
        halted(0, refused),
        "it is mapped to be read"
    );
    let writer = channel(&world, 0..SIZE, true).unwrap();
    let cpu = Cpu::detect().ok();
    let made = if cpu.is_some() { calls(0..SIZE, true) } else { vec![] };
    assert_eq!(world.calls(), made, "without a flush there is no use for a handler or a mapping");
    assert_eq!(
        transfer::means(&writer),
        Means { cpu, ..Means::new(PersistenceDomain::Unstated) },
        "as much as is known without another call"
    );
    if cpu.is_none() {
        // Nothing is written that would not be durable.
        assert_eq!(write(&world, &writer, 0, &[1]), halted(0, refused));
        return;
    }
    let bytes: Vec<u8> = (0..100_000).map(|index| (index * 11 + index / 77) as u8).collect();
    for offset in [0, 1, UNIT - 50_000, SIZE - 100_000] {
        assert_eq!(write(&world, &writer, offset, &bytes), Ok(()));
        assert!(read(&world, &writer, offset, bytes.len()).unwrap() == bytes);
        let mut found = vec![0; bytes.len()];
        file.read_exact_at(&mut found, offset).unwrap();
        assert!(found == bytes);
    }
    assert_eq!(write(&world, &writer, SIZE, &[]), Ok(()));
}

/// A device that went away, as far as a file can be one.
#[test]
fn memory_that_fails() {
    let Some((world, file)) = mapped() else { return };
    let reader = channel(&world, 0..SIZE, false).unwrap();
    world.calls();
    let left = UNIT + 5 * 65536;
    file.set_len(left).unwrap();
    let gone = |done| halted(done, Fail::bad_memory(1));
    let gone_after = |done| halted(done, Fail::bad_memory(1));
    assert_eq!(read(&world, &reader, left - 100, 200), gone(100));
    assert_eq!(read(&world, &reader, left, 1), gone(0));
    assert_eq!(read(&world, &reader, left - 1, 1), Ok(vec![0]));
    if Cpu::detect().is_err() {
        return;
    }
    let writer = channel(&world, 0..SIZE, true).unwrap();
    world.calls();
    assert_eq!(write(&world, &writer, left, &[1; 100]), halted(0, Fail::bad_memory(1)));
    assert_eq!(write(&world, &writer, left - 300, &[1; 400]), gone_after(300));
    assert_eq!(read(&world, &writer, left - 300, 300), Ok(vec![1; 300]));
    assert_eq!(write(&world, &writer, left - 3001, &[2; 4000]), gone_after(3001));
    assert_eq!(read(&world, &writer, left - 3001, 3001), Ok(vec![2; 3001]));
}
