//! Every error number in every call. The expected outcome comes from [`expected`], which knows the
//! documentation and not the code: the tables of issue 2 and of [`Platform`](crate::Platform).

use std::{string::String, vec, vec::Vec};

use crate::linux::tests::{
    inject::{ERRNOS, inject},
    source::facts::{devices, entry, subsystem},
    world::{
        APPEND, Call, FD, MODE_3, PATH, READ_ONLY, READ_WRITE, S_IFCHR, WRITE_ONLY, World, object,
    },
};
use crate::{
    Access, Alignment, Errno, Fail, Kind, Subject,
    linux::{source, sys::page},
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
        let facts = source::describe(self.world.clone().sys(), FD);
        let sys = world.sys();
        let answer = match self.question {
            Question::Describe => {
                source::describe(sys, FD).map(|facts| Answer::Facts(facts.kind, facts.alignment))
            }
            Question::Size => source::size(object(sys, FD, &facts.unwrap())).map(Answer::Number),
            Question::Alignment => {
                source::alignment(object(sys, FD, &facts.unwrap())).map(Answer::Number)
            }
            Question::Allocated => {
                source::allocated(object(sys, FD, &facts.unwrap())).map(Answer::Number)
            }
            Question::FileSystem => source::file_system(object(sys, FD, &facts.unwrap()))
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
    no_sysfs.attributes.dax = None;
    let (mut told, mut told_not) = (no_sysfs.clone(), no_sysfs.clone());
    told.attributes.dax = Some(true);
    told_not.attributes.dax = Some(false);
    let mut tried = told.clone();
    tried.driver = Ok(page::size(tried.sys()).unwrap().bytes() as usize);
    let opens = ["align", "../dax_region/align", "device/dax_region/align"];
    let opens = opens.map(|name| Call::Open(String::from("/sys/dev/char/252:5/") + name));
    let trial = trial();
    let region = "/sys/dev/char/252:5/../dax_region/align";
    let old = World::dax().without_file("/sys/dev/char/252:5/align").with_file(region, "2097152\n");
    let mut wrong_size = World::file();
    wrong_size.stat.size = -1;
    let mut empty = World::file();
    empty.stat.size = 0;

    let mut all = vec![
        Scenario::new(World::file(), Size, Ok(Answer::Number(5000)), &[Call::Fstat]),
        Scenario::new(empty, Size, Ok(Answer::Number(0)), &[Call::Fstat]),
        Scenario::new(wrong_size, Size, Err(Fail::Malformed(Subject::Size)), &[Call::Fstat]),
        Scenario::new(World::dax(), Size, Ok(Answer::Number(1 << 30)), &read("size")),
        Scenario::new(
            World::dax(),
            Question::Alignment,
            Ok(Answer::Number(2 << 20)),
            &read("align"),
        ),
        Scenario::new(
            old,
            Question::Alignment,
            Ok(Answer::Number(2 << 20)),
            &[&[Call::Fstat], &opens[..2], &[Call::Read, Call::Close, entry()]].concat(),
        ),
        Scenario::new(
            tried.clone(),
            Question::Alignment,
            Ok(Answer::Number(tried.driver.unwrap() as u64)),
            &[&[Call::Fstat], opens.as_slice(), &[trial]].concat(),
        ),
        Scenario::new(
            told_not,
            Question::Describe,
            Ok(Answer::Facts(Kind::CharacterDevice, None)),
            &[looked_up.as_slice(), &[Call::Attributes, Call::Fstatfs]].concat(),
        ),
        Scenario::new(
            World::dax().with_contents(b"x"),
            Size,
            Err(Fail::Malformed(Subject::Size)),
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
            Scenario::described(
                &no_sysfs,
                Kind::UnknownDevice(Subject::Sysfs),
                None,
                &[looked_up.as_slice(), &[Call::Attributes]].concat(),
            ),
            Scenario::described(
                &told,
                Kind::DeviceDax,
                None,
                &[looked_up.as_slice(), &[Call::Attributes]].concat(),
            ),
        ]
        .into_iter()
        .flatten(),
    );
    all
}

/// The first trial of an alignment.
fn trial() -> Call {
    let page = page::size(World::file().sys()).unwrap().bytes();
    Call::Map(page as usize, Access::empty(), false)
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
    let unknown = device(Kind::UnknownDevice(Subject::Subsystem));
    // What statx says where sysfs says nothing.
    let told = scenario.world.attributes.dax;
    let by_statx = |unless| if told == Some(true) { device(Kind::DeviceDax) } else { unless };
    let no_sysfs = by_statx(device(Kind::UnknownDevice(Subject::Sysfs)));
    let attributes = vec![Call::Attributes];
    let aligning = scenario.question == Question::Alignment;
    match at {
        // Of the file system that the node of a device is on.
        Call::Fstatfs if describing && scenario.world.stat.mode & S_IFCHR != 0 => {
            (device(Kind::UnknownDevice(Subject::Sysfs)), vec![])
        }
        Call::Fstatfs if describing && !readable => {
            (Ok(Answer::Facts(Kind::RegularFile, None)), vec![])
        }
        // Closed meanwhile.
        Call::Getfl | Call::Fstat | Call::Fstatfs if errno == EBADF => {
            (Err(Fail::Absent(Subject::Handle)), vec![])
        }
        Call::Getfl | Call::Fstat => (os(Subject::Handle), vec![]),
        Call::Fstatfs => (os(Subject::FileSystem), vec![]),
        // No entry: a character device that is no device DAX, if there is a /sys at all.
        Call::Readlink(_) if NOT_THERE.contains(&errno) && scenario.world.sysfs => {
            (device(Kind::CharacterDevice), vec![devices()])
        }
        Call::Readlink(_) | Call::Access(_) if NOT_THERE.contains(&errno) => {
            let access = if matches!(at, Call::Readlink(_)) { vec![devices()] } else { vec![] };
            // The inode of O_PATH is one that was not opened.
            let none = told == Some(false) && scenario.world.flags != PATH;
            let of_node = if none { vec![Call::Fstatfs] } else { vec![] };
            let answer = if none { device(Kind::CharacterDevice) } else { no_sysfs };
            (answer, [access, attributes, of_node].concat())
        }
        Call::Readlink(_) | Call::Access(_) | Call::Inode(_) if describing && !readable => {
            (by_statx(unknown), attributes)
        }
        Call::Readlink(_) => (by_statx(os(Subject::Subsystem)), attributes),
        Call::Access(_) => (by_statx(os(Subject::Sysfs)), attributes),
        Call::Inode(_) if describing => (os(Subject::Device), attributes),
        Call::Inode(_) if aligning => (os(Subject::Device), vec![trial()]),
        Call::Inode(_) => (os(Subject::Device), vec![]),
        Call::Attributes => (device(Kind::UnknownDevice(Subject::Sysfs)), vec![]),
        Call::Map(..) if errno == 22 => {
            // Not accepted: it is twice as large.
            let page = scenario.world.driver.unwrap();
            let twice = Call::Map(2 * page, Access::empty(), false);
            (Ok(Answer::Number(2 * page as u64)), vec![twice])
        }
        Call::Map(..) => (Err(Fail::Os(Subject::Alignment, Errno::ENOENT)), vec![]),
        Call::Open(path) if aligning && errno == NOT_THERE[0] => without(scenario, path),
        Call::Read if aligning && errno == NOT_THERE[0] => {
            let opened = scenario.calls.iter().rev().find_map(|call| match call {
                Call::Open(path) => Some(path),
                _ => None,
            });
            let (answer, more) = without(scenario, opened.unwrap());
            (answer, [vec![Call::Close], more].concat())
        }
        Call::Open(_) | Call::Read => {
            let what = if aligning { Subject::Alignment } else { Subject::Size };
            // What was opened is closed, whatever happens to the read; and the driver is asked.
            let close = if *at == Call::Read { vec![Call::Close] } else { vec![] };
            match scenario.world.driver {
                Ok(page) if aligning => (Ok(Answer::Number(page as u64)), vec![trial()]),
                _ if aligning => (os(what), [close, vec![trial()]].concat()),
                _ => (os(what), close),
            }
        }
        call => panic!("no scenario has such a call that can fail: {call:?}"),
    }
}

/// Returns the alignment where this file is not there: from another file, or from the driver.
fn without(scenario: &Scenario, path: &str) -> (Result<Answer, Fail>, Vec<Call>) {
    let names = ["align", "../dax_region/align", "device/dax_region/align"];
    let paths = names.map(|name| String::from("/sys/dev/char/252:5/") + name);
    let at = paths.iter().position(|name| name == path).unwrap();
    let mut more = Vec::new();
    for path in &paths[at + 1..] {
        more.push(Call::Open(path.clone()));
        if scenario.world.files.iter().any(|(name, _)| name == path) {
            more.extend([Call::Read, Call::Close, entry()]);
            return (Ok(Answer::Number(2 << 20)), more);
        }
    }
    more.push(trial());
    let answer = scenario.world.driver.map(|page| Answer::Number(page as u64));
    (answer.map_err(|_| Fail::Os(Subject::Alignment, Errno::ENOENT)), more)
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
    // 36 calls for the thirteen questions at the top, and for six ways to open each, 2, 3, 3, 2, 4,
    // 3, 4, 5 and 5 calls of describe.
    assert_eq!(injected, (36 + 6 * 31) * ERRNOS.count());
}
