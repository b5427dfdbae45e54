//! Every error in every call. What has to come of it is said by [`expected`], which knows the
//! documentation and not the code.

use std::{vec, vec::Vec};

use super::{
    volumes::{count, number_ex, volume},
    world::{Call, HANDLE, VOLUME, World},
};
use crate::{
    Access, Errno, Facts, Fail, Kind, Subject,
    windows::{
        errors::TABLE,
        id::WinFileId,
        place::{device_id, locate, synchronous, unsafe_shutdowns},
        source::{allocated, describe, file_system, size},
    },
};

/// The codes that Win32 has for files, and one that it has not.
fn codes() -> impl Iterator<Item = u32> {
    (0..=2000).chain([4390, 0x2000_0001, u32::MAX])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Describe,
    Size,
    Allocated,
    FileSystem,
    Locate,
    MapSync,
    DeviceId,
    UnsafeShutdowns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Facts(Kind, Access, WinFileId),
    Number(u64),
    /// Something that the tests of facts and volumes look at.
    Known,
}

struct Scenario {
    world: World,
    question: Question,
    answer: Answer,
    calls: Vec<Call>,
}

impl Scenario {
    fn described(world: World, kind: Kind, calls: &[Call]) -> Self {
        let id = match kind {
            Kind::RegularFile | Kind::Directory | Kind::SymbolicLink => match world.wide {
                Ok((volume, file)) => WinFileId::wide(volume, file),
                Err(_) => narrow(&world),
            },
            _ => WinFileId::NONE,
        };
        Self {
            world,
            question: Question::Describe,
            answer: Answer::Facts(kind, Access::READ, id),
            calls: calls.to_vec(),
        }
    }

    fn asked(question: Question, answer: Answer, calls: &[Call]) -> Self {
        let control = match question {
            Question::DeviceId => Ok(number_ex(0)),
            _ => Ok(count(9)),
        };
        Self {
            world: World { answer: control, ..World::file() },
            question,
            answer,
            calls: calls.to_vec(),
        }
    }

    fn run(&self, world: &World) -> (Result<Answer, Fail>, Vec<Call>) {
        // What the question is about was found before anything went wrong.
        let before = self.world.clone();
        let facts = describe(&before, HANDLE).unwrap();
        let answer = match self.question {
            Question::Describe => describe(world, HANDLE)
                .map(|Facts { kind, access, id, .. }| Answer::Facts(kind, access, id)),
            Question::Size => size(world, HANDLE, &facts).map(Answer::Number),
            Question::Allocated => allocated(world, HANDLE, &facts).map(Answer::Number),
            Question::FileSystem => file_system(world, HANDLE, &facts).map(|_| Answer::Known),
            Question::Locate => locate(world, HANDLE, &facts).map(|_| Answer::Known),
            Question::MapSync => synchronous(world, HANDLE, &facts).map(|_| Answer::Known),
            Question::DeviceId => device_id(world, volume(&before)).map(|_| Answer::Known),
            Question::UnsafeShutdowns => {
                unsafe_shutdowns(world, volume(&before)).map(Answer::Number)
            }
        };
        (answer, world.calls())
    }
}

fn narrow(world: &World) -> WinFileId {
    let (volume, high, low) = world.narrow;
    WinFileId::narrow(volume, high, low)
}

fn scenarios() -> Vec<Scenario> {
    use Call::{
        CloseVolume, Control, FileId, FileType, FinalPath, GrantedAccess, Information, NamedPipe,
        Standard,
    };
    let link = |attributes: u32, tag| World { tag, ..World::with_attributes(attributes | 0x400) };
    let usual = [FileType, Information, FileId, GrantedAccess];
    let reparse = [FileType, Information, Call::ReparseTag, FileId, GrantedAccess];
    let device = [FileType, GrantedAccess];
    let ioctl = |code, input: &[u8]| {
        [Call::OpenVolume(VOLUME.into()), Control(code, input.to_vec()), CloseVolume]
    };
    let query = [&[61], [0; 11].as_slice()].concat();
    vec![
        Scenario::described(World::file(), Kind::RegularFile, &usual),
        Scenario::described(World { wide: Err(87), ..World::file() }, Kind::RegularFile, &usual),
        Scenario::described(World::with_attributes(0x10), Kind::Directory, &usual),
        Scenario::described(link(0x20, 0xA000_000C), Kind::SymbolicLink, &reparse),
        Scenario::described(link(0x20, 0x9000_001A), Kind::RegularFile, &reparse),
        Scenario::described(link(0x10, 0x9000_001A), Kind::Directory, &reparse),
        Scenario::described(
            World::of_type(1),
            Kind::BlockDevice,
            &[FileType, Information, GrantedAccess],
        ),
        Scenario::described(World::of_type(2), Kind::CharacterDevice, &device),
        Scenario::described(World::of_type(0), Kind::Other, &device),
        Scenario::described(World::of_type(3), Kind::Socket, &[FileType, NamedPipe, GrantedAccess]),
        Scenario::described(
            World { named_pipe: Ok(()), ..World::of_type(3) },
            Kind::Pipe,
            &[FileType, NamedPipe, GrantedAccess],
        ),
        Scenario::asked(Question::Size, Answer::Number(5000), &[FileId, Standard]),
        Scenario::asked(Question::Allocated, Answer::Number(8192), &[FileId, Standard]),
        Scenario::asked(Question::FileSystem, Answer::Known, &[FileId, Call::VolumeInformation]),
        Scenario::asked(
            Question::Locate,
            Answer::Known,
            &[FileId, Call::VolumeInformation, FinalPath],
        ),
        Scenario::asked(Question::MapSync, Answer::Known, &[FileId, Call::VolumeInformation]),
        Scenario::asked(Question::DeviceId, Answer::Known, &ioctl(0x2d_1084, &[])),
        Scenario::asked(Question::UnsafeShutdowns, Answer::Number(9), &ioctl(0x2d_1400, &query)),
    ]
}

/// The answer where the call `at` fails with `code`, and the calls that come then.
fn expected(scenario: &Scenario, at: &Call, code: u32) -> (Result<Answer, Fail>, Vec<Call>) {
    use Call::{FileId, GrantedAccess, Information};
    const INVALID_HANDLE: u32 = 6;
    // The words in which file systems and drivers say that they do not know a question.
    let unknown = [1, 50, 87, 120, 124].contains(&code);
    let failed = |what| match TABLE.iter().find(|row| row.0 == code) {
        Some(&(_, errno)) => Err(Fail::Os(what, errno)),
        None if code == 0 => Err(Fail::Os(what, Errno::EIO)),
        None => Err(Fail::OsCode(what, code)),
    };
    // Closed meanwhile, where the call is about the handle.
    let os = |what| {
        if code == INVALID_HANDLE { Err(Fail::Absent(Subject::Handle)) } else { failed(what) }
    };
    if let Answer::Facts(kind, access, id) = scenario.answer {
        let is_file = kind == Kind::RegularFile;
        let refused = |kind| Ok(Answer::Facts(kind, access, WinFileId::NONE));
        return match at {
            Call::FileType if unknown || code == 66 => (refused(Kind::Other), vec![GrantedAccess]),
            Call::NamedPipe if code == 5 => (refused(Kind::Pipe), vec![GrantedAccess]),
            Call::NamedPipe if code != INVALID_HANDLE => {
                (refused(Kind::Socket), vec![GrantedAccess])
            }
            Information if [1, 50, 87].contains(&code) => {
                (refused(Kind::BlockDevice), vec![GrantedAccess])
            }
            Call::ReparseTag if unknown => {
                let kind = match scenario.world.attributes {
                    Ok(attributes) if attributes & 0x10 != 0 => Kind::Directory,
                    _ => Kind::RegularFile,
                };
                (Ok(Answer::Facts(kind, access, id)), vec![FileId, GrantedAccess])
            }
            FileId if unknown => {
                (Ok(Answer::Facts(kind, access, narrow(&scenario.world))), vec![GrantedAccess])
            }
            // Of what is refused anyway, that is the fact that matters.
            FileId if !is_file => (refused(kind), vec![GrantedAccess]),
            GrantedAccess if !is_file => (Ok(Answer::Facts(kind, Access::empty(), id)), vec![]),
            _ => (os(Subject::Handle), vec![]),
        };
    }
    match (at, scenario.question) {
        // Only a short id is left, which is not what the file had.
        (FileId, _) if unknown => (Err(Fail::Replaced), vec![Information]),
        (FileId, _) => (os(Subject::Handle), vec![]),
        (Call::Standard, Question::Size) => (os(Subject::Size), vec![]),
        (Call::Standard, _) => (os(Subject::Allocated), vec![]),
        (Call::VolumeInformation, Question::FileSystem) => (os(Subject::FileSystem), vec![]),
        (Call::VolumeInformation, _) => (os(Subject::Dax), vec![]),
        // It is kept for those who ask the volume.
        (Call::FinalPath, _) => (Ok(Answer::Known), vec![]),
        // From here on it is not about the file's handle.
        (Call::OpenVolume(_), _) => (failed(Subject::Volume), vec![]),
        (Call::Control(..), _) if [1, 50, 120].contains(&code) => {
            (Err(Fail::Unsupported), vec![Call::CloseVolume])
        }
        (Call::Control(..), Question::DeviceId) => {
            (failed(Subject::DeviceId), vec![Call::CloseVolume])
        }
        (Call::Control(..), _) => (failed(Subject::UnsafeShutdowns), vec![Call::CloseVolume]),
        (call, question) => panic!("{question:?} does not call {call:?}"),
    }
}

#[test]
fn without_a_fault() {
    for scenario in scenarios() {
        let (answer, calls) = scenario.run(&scenario.world.clone());
        assert_eq!(
            (answer, calls),
            (Ok(scenario.answer), scenario.calls),
            "{:?}",
            scenario.question
        );
    }
}

#[test]
fn every_error_in_every_call() {
    let mut injected = 0;
    for scenario in scenarios() {
        let fallible =
            scenario.calls.iter().enumerate().filter(|(_, call)| **call != Call::CloseVolume);
        for (number, call) in fallible {
            for code in codes() {
                let (answer, more) = expected(&scenario, call, code);
                let (result, calls) = scenario.run(&scenario.world.failing(number, code));
                assert_eq!(
                    result, answer,
                    "{:?}, {call:?} with {code}: {:?}",
                    scenario.question, scenario.world
                );
                assert_eq!(
                    calls,
                    [&scenario.calls[..=number], &more].concat(),
                    "{call:?} with {code}"
                );
                assert_ne!(
                    result,
                    Err(Fail::Os(Subject::Handle, Errno::EBADF)),
                    "a closed handle is told as that"
                );
                injected += 1;
            }
        }
    }
    // 3 times 4, 3 times 5, 3, 2, 2 and 2 times 3 calls of describe; 6 times 2 and 3 of the rest.
    assert_eq!(injected, (12 + 15 + 3 + 4 + 6 + 12 + 3) * codes().count());
}

/// The words of the volume that does not know an IOCTL are the only ones that mean "not supported".
#[test]
fn unsupported_only_where_the_volume_says_so() {
    for scenario in scenarios() {
        let controls = scenario.calls.iter().position(|call| matches!(call, Call::Control(..)));
        for (number, _) in scenario.calls.iter().enumerate() {
            for code in codes() {
                let (result, _) = scenario.run(&scenario.world.failing(number, code));
                let says_so = Some(number) == controls && [1, 50, 120].contains(&code);
                assert_eq!(
                    result == Err(Fail::Unsupported),
                    says_so,
                    "{:?} {number} {code}",
                    scenario.question
                );
            }
        }
    }
}
