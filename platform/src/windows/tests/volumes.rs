//! Where a file lies: what its volume says, and how the volume is found.

use std::{string::String, vec, vec::Vec};

use super::world::{Call, HANDLE, VOLUME, World};
use crate::{
    Backing, Errno, Fail, MapSync, Subject, Text,
    windows::{
        place::{WinVolume, device_id, locate, synchronous, unsafe_shutdowns},
        source::describe,
    },
};

/// STORAGE_DEVICE_NUMBER_EX with these flags and the GUID {00112233-4455-6677-8899-aabbccddeeff}.
pub(super) fn number_ex(flags: u32) -> Vec<u8> {
    let mut answer = [40_u32, 40, flags, 7, 3].map(u32::to_le_bytes).concat();
    answer.extend([
        0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ]);
    answer.extend(1_u32.to_le_bytes());
    answer
}

/// STORAGE_DEVICE_UNSAFE_SHUTDOWN_COUNT.
pub(super) fn count(count: u32) -> Vec<u8> {
    [12, 12, count].map(u32::to_le_bytes).concat()
}

/// The volume of a file.
pub(super) fn volume(world: &World) -> WinVolume {
    let facts = describe(world, HANDLE).unwrap();
    let location = locate(world, HANDLE, &facts).unwrap();
    world.calls();
    assert!(location.volume(0, 1).is_none() && location.volume(1, 0).is_none());
    location.volume(0, 0).unwrap()
}

#[test]
fn dax_is_what_the_volume_says() {
    for (flags, dax) in [(0x03e7_06ff, false), (0x23e7_06ff, true), (0x2000_0000, true), (0, false)]
    {
        let world = World { flags, ..World::file() };
        let facts = describe(&world, HANDLE).unwrap();
        let location = locate(&world, HANDLE, &facts).unwrap();
        assert_eq!((location.backing(), location.dax()), (Backing::Volume { dax }, dax));
        assert_eq!(location.serial(), 0x1234_5678_9abc_def0);
        let granted = if dax { MapSync::Granted } else { MapSync::Refused };
        assert_eq!(synchronous(&world, HANDLE, &facts), Ok(granted));
        let replaced = World { wide: Ok((1, [1; 16])), ..World::file() };
        assert_eq!(locate(&replaced, HANDLE, &facts).unwrap_err(), Fail::Replaced);
    }
    let directory = World::with_attributes(0x10);
    let facts = describe(&directory, HANDLE).unwrap();
    assert_eq!(locate(&directory, HANDLE, &facts).unwrap_err(), Fail::Unsupported);
}

#[test]
fn ids_of_devices() {
    let ask = |answer| {
        let world = World { answer, ..World::file() };
        device_id(&world, volume(&world))
    };
    assert_eq!(ask(Ok(number_ex(0))), Ok(Text::fit("00112233445566778899aabbccddeeff").unwrap()));
    // STORAGE_DEVICE_FLAGS_PAGE_83_DEVICEGUID.
    assert!(ask(Ok(number_ex(4))).is_ok());
    // Made up for this boot.
    for random in [1, 2, 3, 5, 6] {
        assert_eq!(ask(Ok(number_ex(random))), Err(Fail::Unsupported));
    }
    assert_eq!(ask(Ok(vec![0; 40])), Err(Fail::Malformed(Subject::DeviceId)));
    for short in [0, 8, 39] {
        assert_eq!(
            ask(Ok(number_ex(0)[..short].to_vec())),
            Err(Fail::Malformed(Subject::DeviceId))
        );
    }
}

#[test]
fn counts_of_unsafe_shutdowns() {
    let ask = |answer| {
        let world = World { answer, ..World::file() };
        unsafe_shutdowns(&world, volume(&world))
    };
    for number in [0, 1, 77, u32::MAX] {
        assert_eq!(ask(Ok(count(number))), Ok(number.into()));
    }
    for short in [0, 4, 11] {
        assert_eq!(
            ask(Ok(count(1)[..short].to_vec())),
            Err(Fail::Malformed(Subject::UnsafeShutdowns))
        );
    }
}

/// And not by the file's handle, which may be closed by then, and its number another file's.
#[test]
fn a_volume_is_opened_by_its_name() {
    let world = World { answer: Ok(count(4)), ..World::file() };
    let of_file = volume(&world);
    assert_eq!(std::format!("{of_file:?}"), std::format!("WinVolume({VOLUME})"));
    assert_eq!(unsafe_shutdowns(&world, of_file), Ok(4));
    // StorageDeviceUnsafeShutdownCount, PropertyStandardQuery.
    let query = [&[61, 0, 0, 0], [0; 8].as_slice()].concat();
    let calls =
        vec![Call::OpenVolume(VOLUME.into()), Call::Control(0x2d_1400, query), Call::CloseVolume];
    assert_eq!(world.calls(), calls);

    // Why it has no name is told by those who ask it; that the handle was closed, too.
    for (code, fail) in
        [(5, Fail::Os(Subject::Volume, Errno::EACCES)), (6, Fail::Absent(Subject::Handle))]
    {
        let nameless = volume(&World::file().failing(6, code));
        assert_eq!(device_id(&world, nameless), Err(fail));
        assert_eq!(unsafe_shutdowns(&world, nameless), Err(fail));
        assert_eq!(world.calls(), []);
    }

    let asked = |path: String| {
        let [answer, other] = [true, false].map(|counts_zero| {
            let world =
                World { path: path.clone(), counts_zero, answer: Ok(count(4)), ..World::file() };
            let answer = unsafe_shutdowns(&world, volume(&world));
            (answer, world.calls().len())
        });
        assert_eq!(answer, other);
        answer
    };
    let long = |units: usize| {
        VOLUME.chars().chain(['\\']).chain(std::iter::repeat('x')).take(units).collect()
    };
    assert_eq!(asked(long(1023)), (Ok(4), 3));
    assert_eq!(asked(long(1024)), (Err(Fail::TooLarge(Subject::Volume)), 0));
    assert_eq!(asked(long(32_767)), (Err(Fail::TooLarge(Subject::Volume)), 0));
    let too_long_a_name = [r"\\?\", &"v".repeat(60), r"\file"].concat();
    let longest = [r"\\?\", &"v".repeat(59), r"\file"].concat();
    assert_eq!(asked(longest), (Ok(4), 3));
    for wrong in [
        "",
        r"\\?",
        r"\\?\",
        r"\\?\\file",
        r"\\?\Volume{1}",
        r"C:\file",
        r"\\server\share\file",
        &too_long_a_name,
    ] {
        assert_eq!(asked(wrong.into()), (Err(Fail::Malformed(Subject::Volume)), 0), "{wrong}");
    }
}
