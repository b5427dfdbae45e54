//! Every error number in every call of the questions about a place. The expected outcome comes from
//! [`expected`], which knows the documentation (of [`Linux`](crate::Linux),
//! [`Locate`](crate::Locate) and [`Fail`](crate::Fail)) and not the code.

use std::{format, vec, vec::Vec};

use crate::linux::tests::{
    inject::{ERRNOS, Outcome, inject},
    machine::{DEVDAX, DISK, DM, FSDAX, HMEM, SDA1, of_dimm, of_region, pmem, read, slaves},
    place::regions::{HCALL, facts, usual, usual_region},
    world::{Call, FD, World, object},
};
use crate::{
    Access, Backing, DaxOption, DaxState, Errno, Fail, FileSystem, MapSync, PersistenceDomain,
    Region, Subject, Text,
    linux::{
        place::{self, dax, region},
        sys::{Attributes, page},
    },
};

const ENOENT: i32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Locate,
    Confirm,
    Region,
    /// Whether the memory is mapped synchronously.
    Domain(bool),
    ReadOnly,
    Armed,
    NumaNode,
    Dimm(usize),
    DimmId,
    DirtyShutdowns,
    Capable,
    MapSync,
    DaxState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Location(Backing, usize),
    Inode(u64),
    Region(Option<Region>),
    Domain(Option<PersistenceDomain>),
    Is(Option<bool>),
    Node(Option<Option<u32>>),
    Dimm(Option<u32>),
    Id(Text<32>),
    Count(u64),
    Capable(Option<bool>),
    MapSync(MapSync),
    DaxState(DaxState),
}

struct Scenario {
    world: World,
    question: Question,
    answer: Answer,
    calls: Vec<Call>,
}

impl Scenario {
    fn run(&self, world: &World) -> Outcome<Answer> {
        // What the question is about was found before anything went wrong.
        let clean = self.world.clone();
        let (sys, facts) = (world.sys(), clean.facts());
        let spot = || clean.located().unwrap();
        let dimm = || region::dimm(clean.sys(), &spot(), 0, 0).unwrap().unwrap();
        let answer = match self.question {
            Question::Locate => place::locate(object(sys, FD, &facts))
                .map(|spot| Answer::Location(spot.backing, spot.regions())),
            Question::Confirm => place::confirm(sys, &spot()).map(Answer::Inode),
            Question::Region => region::region(sys, &spot(), 0).map(Answer::Region),
            Question::Domain(synchronous) => {
                region::domain(sys, &spot(), 0, synchronous).map(Answer::Domain)
            }
            Question::ReadOnly => region::read_only(sys, &spot(), 0).map(Answer::Is),
            Question::Armed => region::armed(sys, &spot(), 0).map(Answer::Is),
            Question::NumaNode => region::node(sys, &spot(), 0, "/numa_node").map(Answer::Node),
            Question::Dimm(index) => region::dimm(sys, &spot(), 0, index)
                .map(|dimm| Answer::Dimm(dimm.map(|dimm| dimm.number))),
            Question::DimmId => region::dimm_id(sys, dimm()).map(Answer::Id),
            Question::DirtyShutdowns => region::dirty_shutdowns(sys, dimm()).map(Answer::Count),
            Question::Capable => dax::capable(sys, &spot()).map(Answer::Capable),
            Question::MapSync => dax::map_sync(object(sys, FD, &facts)).map(Answer::MapSync),
            Question::DaxState => dax::state(object(sys, FD, &facts)).map(Answer::DaxState),
        };
        (answer, world.calls())
    }
}

const XFS: u32 = 0x5846_5342;

/// A file of XFS, with these flags.
fn xfs(flags: u32) -> World {
    let mut world = World::on(FSDAX);
    (world.magic, world.disk.xflags) = (XFS, flags);
    world
}

fn located() -> Vec<Scenario> {
    let row = |world, answer, more: Vec<Call>| Scenario {
        world,
        question: Question::Locate,
        answer,
        calls: [vec![Call::Fstat], more].concat(),
    };
    let disk = |(major, minor)| Answer::Location(Backing::Disk { major, minor }, 0);
    let regions = |count| Answer::Location(Backing::Regions, count);
    let block = || vec![Call::Fstatfs, Call::Readlink("/sys/dev/block/259:3".into())];
    let char = || vec![Call::Readlink("/sys/dev/char/252:5".into())];
    let list = |name: &str| vec![Call::Open(slaves(name)), Call::Entries, Call::Close];
    let follow = |name: &str| vec![Call::Readlink(format!("/sys/class/block/{name}"))];
    let number = |name: &str| read(format!("/sys/class/block/{name}/dev"));

    let tmpfs = FileSystem::from_magic(0x0102_1994);
    let mut no_sysfs = World::on(FSDAX);
    no_sysfs.sysfs = false;
    let (one, two) = (pmem(0, 1, "pfn", 0), pmem(0, 2, "pfn", 0));
    let md = "../../devices/virtual/block/md0";
    let volume = World::on(DM)
        .with_volume("dm-0", &[("pmem1", &one), ("md0", md)])
        .with_volume("md0", &[("b", &two)]);
    let volume_calls =
        [block(), list("dm-0"), follow("pmem1"), follow("md0"), list("md0"), follow("b")].concat();
    let mixed = World::on(DM).with_volume("dm-0", &[("sda1", SDA1)]).numbered("sda1", "8:1");
    let ram = World::on(DM).with_volume("dm-0", &[("md0", md)]).with_volume("md0", &[]);
    let ram_calls = [block(), list("dm-0"), follow("md0"), list("md0"), number("md0")].concat();
    vec![
        row(
            World::without_device(0x0102_1994),
            Answer::Location(Backing::Memory(tmpfs), 0),
            vec![Call::Fstatfs],
        ),
        row(World::on(FSDAX), regions(1), block()),
        row(
            xfs(0),
            regions(1),
            vec![Call::Fstatfs, Call::Xflags, Call::Readlink("/sys/dev/block/259:3".into())],
        ),
        row(
            xfs(1),
            Answer::Location(Backing::Hidden(FileSystem::from_magic(XFS)), 0),
            vec![Call::Fstatfs, Call::Xflags],
        ),
        row(no_sysfs, regions(1), block()),
        row(World::dax_in(DEVDAX), regions(1), char()),
        row(World::dax_in(HMEM), Answer::Location(Backing::DeviceDax, 0), char()),
        row(World::on(SDA1), disk(DISK), block()),
        row(volume.numbered("md0", "9:0"), regions(2), volume_calls),
        row(mixed, disk((8, 1)), [block(), list("dm-0"), follow("sda1"), number("sda1")].concat()),
        row(ram.numbered("md0", "9:0"), disk((9, 0)), ram_calls),
        row(World::on(DM).with_volume("dm-0", &[]), disk(DISK), [block(), list("dm-0")].concat()),
    ]
}

fn others() -> Vec<Scenario> {
    let row = |world: &World, question, answer, calls| Scenario {
        world: world.clone(),
        question,
        answer,
        calls,
    };
    let usual = usual();
    let mut files = vec!["/sys/bus/nd/devices/pfn1.2/namespace".into()];
    for (mapping, dimm) in [("mapping0", 4), ("mapping1", 2)] {
        files.extend([of_region(1, mapping), of_dimm(dimm, "nfit/flags")]);
    }
    let mut region = facts();
    region.extend(files.into_iter().flat_map(read));
    region.push(Call::Open(of_region(1, "mapping2")));
    let fact = |name| read(of_region(1, name));
    let mut domain = [fact("../provider"), fact("devtype")].concat();
    domain.push(Call::Open(of_region(1, HCALL)));
    domain.extend(fact("persistence_domain"));
    let mut armed: Vec<_> = [("mapping0", 4), ("mapping1", 2)]
        .into_iter()
        .flat_map(|(mapping, dimm)| [fact(mapping), read(of_dimm(dimm, "nfit/flags"))].concat())
        .collect();
    armed.push(Call::Open(of_region(1, "mapping2")));
    let eadr = usual.clone().with_file(&of_region(1, "persistence_domain"), "cpu_cache\n");
    let controller = Answer::Domain(Some(PersistenceDomain::MemoryController));
    let caches = Answer::Domain(Some(PersistenceDomain::CpuCache));
    let hmem = World::dax_in(HMEM).with_file("/sys/dev/char/252:5/numa_node", "1\n");
    let id = Text::fit("8680-56341204").unwrap();
    let disk = usual.clone().with_file("/sys/dev/block/259:3/queue/dax", "1\n");
    let mut granted = World::file();
    granted.map = Ok(());
    let mountinfo = "36 35 259:3 / / rw - ext4 /dev/pmem1 rw,dax=always\n";
    let mut mounted = World::file().with_file("/proc/thread-self/mountinfo", mountinfo);
    mounted.attributes = Attributes { dax: Some(true), mount: Some(36) };
    // Two reads.
    mounted.chunk = 40;
    let always = DaxState::new(Some(true), Some(DaxOption::Always));
    let reads =
        [Call::Open("/proc/thread-self/mountinfo".into()), Call::Read, Call::Read, Call::Close];
    vec![
        row(
            &usual,
            Question::Confirm,
            Answer::Inode(crate::linux::tests::machine::INODE_OF_DISK),
            vec![Call::Inode("/sys/dev/block/259:3".into())],
        ),
        row(
            &hmem,
            Question::Confirm,
            Answer::Inode(crate::linux::tests::world::ENTRY),
            vec![Call::Inode("/sys/dev/char/252:5".into())],
        ),
        row(&usual, Question::Region, Answer::Region(Some(usual_region())), region),
        row(&usual, Question::Domain(false), controller, domain),
        row(&usual, Question::Domain(true), controller, fact("persistence_domain")),
        row(
            &eadr,
            Question::Domain(true),
            caches,
            [fact("persistence_domain"), fact("devtype")].concat(),
        ),
        row(&usual, Question::ReadOnly, Answer::Is(Some(false)), fact("read_only")),
        row(&usual, Question::Armed, Answer::Is(Some(true)), armed),
        row(
            &usual,
            Question::NumaNode,
            Answer::Node(Some(Some(0))),
            read(of_region(1, "numa_node")),
        ),
        row(
            &hmem,
            Question::NumaNode,
            Answer::Node(Some(Some(1))),
            read("/sys/dev/char/252:5/numa_node".into()),
        ),
        row(&usual, Question::Dimm(1), Answer::Dimm(Some(2)), read(of_region(1, "mapping1"))),
        row(
            &usual,
            Question::Dimm(2),
            Answer::Dimm(None),
            vec![Call::Open(of_region(1, "mapping2"))],
        ),
        row(&usual, Question::DimmId, Answer::Id(id), read(of_dimm(4, "nfit/id"))),
        row(
            &usual,
            Question::DirtyShutdowns,
            Answer::Count(14),
            read(of_dimm(4, "nfit/dirty_shutdown")),
        ),
        row(
            &disk,
            Question::Capable,
            Answer::Capable(Some(true)),
            read("/sys/dev/block/259:3/queue/dax".into()),
        ),
        row(
            &granted,
            Question::MapSync,
            Answer::MapSync(MapSync::Granted),
            vec![Call::Fstat, tried(true)],
        ),
        row(
            &World::file(),
            Question::MapSync,
            Answer::MapSync(MapSync::Refused),
            vec![Call::Fstat, tried(true), tried(false)],
        ),
        row(
            &mounted,
            Question::DaxState,
            Answer::DaxState(always),
            [vec![Call::Fstat, Call::Attributes], reads.into()].concat(),
        ),
    ]
}

/// The trial of a mapping for reading.
fn tried(synchronous: bool) -> Call {
    Call::Map(if page::FIXED.is_some() { 4096 } else { 1 }, Access::READ, synchronous)
}

/// Returns the subject of a file or directory.
fn about(path: &str) -> Subject {
    let name = path.rsplit('/').next().unwrap();
    match name {
        "numa_node" | "target_node" => Subject::NumaNode,
        "persistence_domain" | "ibm,hcall-flush-required" => Subject::PersistenceDomain,
        "provider" | "read_only" | "namespace" | "devtype" => Subject::Region,
        "flags" => Subject::Dimm,
        "id" => Subject::DeviceId,
        "dirty_shutdown" => Subject::UnsafeShutdowns,
        "dax" | "mountinfo" => Subject::Dax,
        "slaves" => Subject::Volume,
        "dev" => Subject::Device,
        mapping => {
            assert!(mapping.starts_with("mapping"), "{path}");
            Subject::Dimm
        }
    }
}

/// The answer where the call with this index fails with `errno`, and the calls that come then.
fn expected(scenario: &Scenario, index: usize, errno: i32) -> Outcome<Answer> {
    const EBADF: i32 = 9;
    const NOT_THERE: [i32; 2] = [ENOENT, 20]; // ENOTDIR
    let (calls, call) = (&scenario.calls, &scenario.calls[index]);
    let os = |what| (Err(Fail::Os(what, Errno::from_raw(errno))), vec![]);
    match call {
        // Closed meanwhile.
        Call::Fstat | Call::Fstatfs if errno == EBADF => {
            (Err(Fail::Absent(Subject::Handle)), vec![])
        }
        Call::Fstat => os(Subject::Handle),
        Call::Fstatfs => os(Subject::FileSystem),
        Call::Xflags => os(Subject::Device),
        Call::Inode(_) => os(Subject::Device),
        // Not a link.
        Call::Readlink(_) if errno == 22 => (Err(Fail::Malformed(Subject::Device)), vec![]),
        // No entry for the device's number: no device, or no sysfs. A name from sysfs itself is
        // another matter.
        Call::Readlink(path) if path.starts_with("/sys/dev/") && NOT_THERE.contains(&errno) => {
            let what = if scenario.world.sysfs { Subject::Device } else { Subject::Sysfs };
            (Err(Fail::Absent(what)), vec![Call::Access("/sys/dev".into())])
        }
        Call::Readlink(_) => os(Subject::Device),
        Call::Map(.., false) => os(Subject::Mapping),
        // It can be mapped in the ordinary way: ENOTSUP; EINVAL.
        Call::Map(..) => {
            let answer = match errno {
                95 => Ok(Answer::MapSync(MapSync::Refused)),
                22 => Ok(Answer::MapSync(MapSync::Unknown)),
                _ => os(Subject::MapSync).0,
            };
            (answer, vec![tried(false)])
        }
        // ENOSYS.
        Call::Attributes if errno == 38 => {
            (Ok(Answer::DaxState(DaxState::new(None, None))), vec![])
        }
        Call::Attributes => os(Subject::Dax),
        Call::Open(path) if errno == ENOENT => {
            // What would have been read and closed.
            let rest = calls.get(index + 1).filter(|call| **call == Call::Read).map_or(1, |_| 3);
            not_there(scenario, path, &calls[(index + rest).min(calls.len())..])
        }
        Call::Open(path) => os(about(path)),
        Call::Entries | Call::Read => {
            let path = calls[..index].iter().rev().find_map(|call| match call {
                Call::Open(path) => Some(path),
                _ => None,
            });
            let path = path.unwrap();
            // sysfs has a file that goes away give ENODEV; ENOENT is taken as what it says, of
            // files that may be missing.
            let optional = *call == Call::Read && errno == ENOENT && !path.ends_with("mountinfo");
            let (answer, more) = if optional {
                not_there(scenario, path, &calls[index + 2..])
            } else {
                os(about(path))
            };
            // What was opened is closed, whatever happens to the read.
            (answer, [vec![Call::Close], more].concat())
        }
        other => panic!("no scenario has such a call that can fail: {other:?}"),
    }
}

/// Returns the outcome where there is no such file, and the calls after it would be `rest`.
fn not_there(scenario: &Scenario, path: &str, rest: &[Call]) -> Outcome<Answer> {
    let name = path.rsplit('/').next().unwrap();
    let answer = match (name, scenario.question) {
        // Nothing more matters then.
        ("persistence_domain", Question::Domain(_)) => {
            return (Ok(Answer::Domain(Some(PersistenceDomain::Unstated))), vec![]);
        }
        ("persistence_domain", _) => {
            Answer::Region(Some(Region { domain: PersistenceDomain::Unstated, ..usual_region() }))
        }
        // A kernel without NUMA.
        ("numa_node", Question::Region) => {
            Answer::Region(Some(Region { numa_node: None, ..usual_region() }))
        }
        ("target_node", _) => Answer::Region(Some(Region { target_node: None, ..usual_region() })),
        // Nor is it there where the call does not fail.
        ("ibm,hcall-flush-required", _) => return (Ok(scenario.answer), rest.to_vec()),
        ("numa_node", _) => Answer::Node(Some(None)),
        // A region that does not say of which kind it is, is of the kind that it should be; a DIMM
        // without flags is armed.
        ("devtype" | "flags", _) => return (Ok(scenario.answer), rest.to_vec()),
        // Behind the last one.
        (mapping, Question::Dimm(_)) if mapping.starts_with("mapping") => {
            return (Ok(Answer::Dimm(None)), vec![]);
        }
        (mapping, _) if mapping.starts_with("mapping") => return (Ok(scenario.answer), vec![]),
        ("id" | "dirty_shutdown", _) => return (Err(Fail::Unsupported), vec![]),
        ("mountinfo", _) => return (Ok(Answer::DaxState(DaxState::new(Some(true), None))), vec![]),
        ("slaves", _) => return without_slaves(path),
        _ => return (Err(Fail::Os(about(path), Errno::ENOENT)), vec![]),
    };
    (Ok(answer), rest.to_vec())
}

/// A disk that is made of nothing is the one that the object lies on: by the number of the object's
/// own device, or, further down, by the disk's.
fn without_slaves(path: &str) -> Outcome<Answer> {
    let disk = |(major, minor)| Ok(Answer::Location(Backing::Disk { major, minor }, 0));
    if path == slaves("dm-0") {
        return (disk(DISK), vec![]);
    }
    assert_eq!(path, slaves("md0"));
    (disk((9, 0)), read("/sys/class/block/md0/dev".into()))
}

#[test]
fn without_a_fault() {
    for scenario in located().into_iter().chain(others()).filter(|scenario| scenario.world.sysfs) {
        let (answer, calls) = scenario.run(&scenario.world);
        assert_eq!(answer, Ok(scenario.answer), "{:?}: {:?}", scenario.question, scenario.world);
        assert_eq!(calls, scenario.calls, "{:?}", scenario.question);
    }
}

#[test]
fn every_errno_in_every_call() {
    let mut injected = 0;
    for scenario in located().into_iter().chain(others()) {
        let run = |world: &World| scenario.run(world);
        let name = format!("{:?}", scenario.question);
        injected += inject(&name, &scenario.world, &scenario.calls, run, |index, errno| {
            expected(&scenario, index, errno)
        });
    }
    // 2, 3, 4, 3, 3, 2, 2, 3, 10, 8, 10 and 5 calls that locate, 1 and 1 that confirm, 24 about a
    // region, 7, 2, 4, 2 and 9 about a fact alone, 2 and 2 about its node, 2 and 1 about its
    // mappings, 2 and 2 about a DIMM, 2 about a queue, 2 and 3 for the trials, 5 about the mount.
    let calls = 22 + 10 + 8 + 10 + 5 + 2 + 24 + 24 + 4 + 3 + 4 + 2 + 2 + 3 + 5;
    assert_eq!(injected, calls * ERRNOS.count());
}

/// Without /sys/dev, or where it cannot be read, there is no device.
#[test]
fn every_errno_of_the_look_at_sysfs() {
    let mut world = World::on(FSDAX);
    world.links.clear();
    let calls = [
        Call::Fstat,
        Call::Fstatfs,
        Call::Readlink("/sys/dev/block/259:3".into()),
        Call::Access("/sys/dev".into()),
    ];
    for errno in ERRNOS {
        let what = if [ENOENT, 20].contains(&errno) { Subject::Sysfs } else { Subject::Device };
        let failing = world.failing(3, errno);
        assert_eq!(failing.located().err(), Some(Fail::Absent(what)), "{errno}");
        assert_eq!(failing.calls(), calls);
    }
}
