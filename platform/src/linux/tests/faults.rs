//! Every error number in every call. What has to come of it is said by [`expected`], which knows
//! the documentation and not the code: the tables of issue 2 and of [`Platform`](crate::Platform).

use std::{string::String, vec, vec::Vec};

use super::{
    facts::{devices, entry, subsystem},
    inject::{ERRNOS, inject},
    world::{APPEND, Call, FD, MODE_3, PATH, READ_ONLY, READ_WRITE, WRITE_ONLY, World},
};
use crate::{
    Alignment, Errno, Fail, Kind, What,
    linux::{describe, page},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Describe,
    Size,
    Alignment,
    Allocated,
    FileSystem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Facts(Kind, Option<Alignment>),
    Number(u64),
    FileSystem(u32),
}

/// A world, a question, the answer to it, and the calls that it takes.
struct Scenario {
    world: World,
    question: Question,
    answer: Result<Answer, Fail>,
    calls: Vec<Call>,
}

impl Scenario {
    fn new(world: World, question: Question, answer: Result<Answer, Fail>, calls: &[Call]) -> Self {
        Self { world, question, answer, calls: calls.to_vec() }
    }

    /// A descriptor that is described, for each way to have opened it.
    fn described(
        world: &World,
        kind: Kind,
        alignment: Option<Alignment>,
        calls: &[Call],
    ) -> Vec<Self> {
        let modes = [READ_ONLY, READ_WRITE, WRITE_ONLY, MODE_3, PATH, READ_WRITE | APPEND];
        let answer = Ok(Answer::Facts(kind, alignment));
        modes
            .map(|flags| Self::new(world.clone().opened(flags), Question::Describe, answer, calls))
            .into()
    }

    /// The answer, and the calls that were made for it.
    fn run(&self, world: &World) -> (Result<Answer, Fail>, Vec<Call>) {
        // What the question is about was described before anything went wrong.
        let facts = describe::describe(self.world.clone().sys(), FD);
        let sys = world.sys();
        let answer = match self.question {
            Question::Describe => {
                describe::describe(sys, FD).map(|facts| Answer::Facts(facts.kind, facts.alignment))
            }
            Question::Size => describe::size(sys, FD, &facts.unwrap()).map(Answer::Number),
            Question::Alignment => {
                describe::alignment(sys, FD, &facts.unwrap()).map(Answer::Number)
            }
            Question::Allocated => {
                describe::allocated(sys, FD, &facts.unwrap()).map(Answer::Number)
            }
            Question::FileSystem => describe::file_system(sys, FD, &facts.unwrap())
                .map(|system| Answer::FileSystem(system.magic())),
        };
        (answer, world.calls())
    }
}

fn scenarios() -> Vec<Scenario> {
    use Question::{Allocated, FileSystem, Size};
    let look = [Call::Getfl, Call::Fstat];
    let device = |more: &[Call]| [look.as_slice(), more].concat();
    let looked_up = device(&[subsystem(), devices()]);
    let large = device(&[Call::Fstatfs]);
    let open = |name: &str| {
        [
            Call::Fstat,
            Call::Open(String::from("/sys/dev/char/252:5/") + name),
            Call::Read,
            Call::Close,
        ]
        .to_vec()
    };
    // The device is looked at once more after the answer.
    let read = |name: &str| [open(name), vec![entry()]].concat();

    let mut large_blocks = World::file();
    large_blocks.stat.blksize = 1 << 20;
    let mut hugetlbfs = World::file();
    (hugetlbfs.stat.blksize, hugetlbfs.magic) = (2 << 20, 0x9584_58f6);
    let mut directory = World::file();
    directory.stat.mode = 0o040_755;
    let mut no_sysfs = World::device();
    no_sysfs.sysfs = false;
    let mut wrong_size = World::file();
    wrong_size.stat.size = -1;
    let mut empty = World::file();
    empty.stat.size = 0;

    let mut all = vec![
        Scenario::new(World::file(), Size, Ok(Answer::Number(5000)), &[Call::Fstat]),
        Scenario::new(empty, Size, Ok(Answer::Number(0)), &[Call::Fstat]),
        Scenario::new(wrong_size, Size, Err(Fail::Malformed(What::Size)), &[Call::Fstat]),
        Scenario::new(World::dax(), Size, Ok(Answer::Number(1 << 30)), &read("size")),
        Scenario::new(
            World::dax(),
            Question::Alignment,
            Ok(Answer::Number(2 << 20)),
            &read("align"),
        ),
        Scenario::new(
            World::dax().with_contents(b"x"),
            Size,
            Err(Fail::Malformed(What::Size)),
            &open("size"),
        ),
        Scenario::new(World::file(), Allocated, Ok(Answer::Number(8192)), &[Call::Fstat]),
        Scenario::new(World::dax(), Allocated, Err(Fail::Unsupported), &[Call::Fstat]),
        Scenario::new(
            World::file(),
            FileSystem,
            Ok(Answer::FileSystem(0xEF53)),
            &[Call::Fstat, Call::Fstatfs],
        ),
        Scenario::new(
            World::dax(),
            FileSystem,
            Ok(Answer::FileSystem(0x0102_1994)),
            &[Call::Fstat, Call::Fstatfs],
        ),
    ];
    all.extend(
        [
            Scenario::described(&World::file(), Kind::RegularFile, page::FIXED, &look),
            Scenario::described(&large_blocks, Kind::RegularFile, page::FIXED, &large),
            Scenario::described(&hugetlbfs, Kind::RegularFile, Alignment::new(2 << 20), &large),
            Scenario::described(&directory, Kind::Directory, None, &look),
            Scenario::described(
                &World::dax(),
                Kind::DeviceDax,
                None,
                &device(&[subsystem(), entry()]),
            ),
            Scenario::described(
                &World::device().with_link(b"../class/tty"),
                Kind::CharacterDevice,
                None,
                &device(&[subsystem()]),
            ),
            Scenario::described(&World::device(), Kind::CharacterDevice, None, &looked_up),
            Scenario::described(&no_sysfs, Kind::UnknownDevice(What::Sysfs), None, &looked_up),
        ]
        .into_iter()
        .flatten(),
    );
    all
}

/// The answer where the call `at` fails with `errno`, and how many further calls that brings.
fn expected(scenario: &Scenario, at: &Call, errno: i32) -> (Result<Answer, Fail>, Vec<Call>) {
    const EBADF: i32 = 9;
    const NOT_THERE: [i32; 2] = [2, 20]; // ENOENT, ENOTDIR
    let os = |what| Err(Fail::Os(what, Errno::from_raw(errno)));
    let device = |kind| Ok(Answer::Facts(kind, None));
    let describing = scenario.question == Question::Describe;
    // Of a descriptor that cannot be read, that is the fact that matters: what could not be found
    // out is left open.
    let readable = matches!(scenario.world.flags & !APPEND, READ_ONLY | READ_WRITE);
    let unknown = device(Kind::UnknownDevice(What::Subsystem));
    match at {
        Call::Fstatfs if describing && !readable => {
            (Ok(Answer::Facts(Kind::RegularFile, None)), vec![])
        }
        // Closed meanwhile.
        Call::Getfl | Call::Fstat | Call::Fstatfs if errno == EBADF => {
            (Err(Fail::Absent(What::Handle)), vec![])
        }
        Call::Getfl | Call::Fstat => (os(What::Handle), vec![]),
        Call::Fstatfs => (os(What::FileSystem), vec![]),
        // No entry: a character device that is no device DAX, if there is a /sys at all.
        Call::Readlink(_) if NOT_THERE.contains(&errno) && scenario.world.sysfs => {
            (device(Kind::CharacterDevice), vec![devices()])
        }
        Call::Readlink(_) if NOT_THERE.contains(&errno) => {
            (device(Kind::UnknownDevice(What::Sysfs)), vec![devices()])
        }
        Call::Access(_) if NOT_THERE.contains(&errno) => {
            (device(Kind::UnknownDevice(What::Sysfs)), vec![])
        }
        Call::Readlink(_) | Call::Access(_) | Call::Inode(_) if describing && !readable => {
            (unknown, vec![])
        }
        Call::Readlink(_) => (os(What::Subsystem), vec![]),
        Call::Access(_) => (os(What::Sysfs), vec![]),
        Call::Inode(_) => (os(What::Device), vec![]),
        Call::Open(_) | Call::Read => {
            let what =
                if scenario.question == Question::Size { What::Size } else { What::Alignment };
            // What was opened is closed, whatever happens to the read.
            (os(what), if *at == Call::Read { vec![Call::Close] } else { vec![] })
        }
        call => panic!("no scenario has such a call that can fail: {call:?}"),
    }
}

#[test]
fn without_a_fault() {
    for scenario in scenarios() {
        let (answer, calls) = scenario.run(&scenario.world);
        assert_eq!(answer, scenario.answer, "{:?}: {:?}", scenario.question, scenario.world);
        assert_eq!(calls, scenario.calls);
    }
}

#[test]
fn every_errno_in_every_call() {
    let mut injected = 0;
    for scenario in scenarios() {
        let name = std::format!("{:?}", scenario.question);
        let run = |world: &World| scenario.run(world);
        injected += inject(&name, &scenario.world, &scenario.calls, run, |index, errno| {
            expected(&scenario, &scenario.calls[index], errno)
        });
    }
    // 20 calls for the ten questions at the top, and for six ways to open each, 2, 3, 3, 2, 4, 3, 4
    // and 4 calls of describe.
    assert_eq!(injected, (20 + 6 * 25) * ERRNOS.count());
}
