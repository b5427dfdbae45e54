//! Every error number in every call of mappings. The expected outcome comes from what the
//! documentation of [`Map`](crate::Map) says, and not from the code.

use std::{format, string::String, vec, vec::Vec};

use rustix::mm::{MapFlags, ProtFlags};

use crate::linux::tests::{
    inject::{ERRNOS, Outcome, inject},
    machine::{DEVDAX, DM, HMEM, SDA1, pmem},
    world::{Call, FD, READ_WRITE, Scripted, World, object},
};
use crate::{
    Alignment, Errno, Fail, MapSync, Protection, Request, Span, Subject,
    linux::{map, object::Object, place::locate, sys::page},
};

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const EINTR: i32 = 4;
const EIO: i32 = 5;
const EBADF: i32 = 9;
const EINVAL: i32 = 22;
const ENOSYS: i32 = 38;
const EOPNOTSUPP: i32 = 95;

pub(super) const READ: Protection = Protection::READ;
pub(super) const BOTH: Protection = READ.union(Protection::WRITE);
pub(super) const SHARED: MapFlags = MapFlags::SHARED;
pub(super) const SYNC: MapFlags = MapFlags::SHARED_VALIDATE.union(MapFlags::SYNC);

const SIZE: usize = 5000;

pub(super) fn os(subject: Subject, errno: i32) -> Fail {
    Fail::Os(subject, Errno::from_raw(errno))
}

/// The failure of a call about a descriptor.
fn of_descriptor(subject: Subject, errno: i32) -> Fail {
    if errno == EBADF { Fail::Absent(Subject::Handle) } else { os(subject, errno) }
}

/// The failure of mmap(2).
pub(super) fn unmapped(request: &Request, errno: i32) -> Fail {
    let stores = request.protection.contains(Protection::WRITE) && !request.private;
    match errno {
        EPERM if stores => os(Subject::WritableMapping, errno),
        errno => of_descriptor(Subject::Mapping, errno),
    }
}

/// The failure of a call that makes bytes durable.
fn unsynced(errno: i32) -> Fail {
    if errno == EIO { Fail::NotSynced } else { os(Subject::Sync, errno) }
}

pub(super) fn request(protection: Protection, synchronous: bool) -> Request {
    let mut request = Request::new(8192, SIZE);
    (request.protection, request.synchronous) = (protection, synchronous);
    request
}

/// The call for it, with these flags.
pub(super) fn mmap(request: &Request, flags: MapFlags, hint: usize) -> Call {
    let mut protection = ProtFlags::empty();
    protection.set(ProtFlags::READ, request.protection.contains(Protection::READ));
    protection.set(ProtFlags::WRITE, request.protection.contains(Protection::WRITE));
    protection.set(ProtFlags::EXEC, request.protection.contains(Protection::EXEC));
    Call::Mmap {
        offset: Some(request.offset),
        hint,
        length: request.length,
        protection: protection.bits(),
        flags: flags.bits(),
    }
}

/// The address, the bytes that were taken, and the result of MAP_SYNC.
pub(super) type Answer = (usize, usize, MapSync);

/// Maps the descriptor. What is mapped then is the answer and nothing else; after a failure it is
/// nothing, or where munmap(2) failed what that was called for.
pub(super) fn run(world: &World, request: &Request) -> Outcome<Answer> {
    let others = world.addresses.others();
    let unit = Alignment::new(world.addresses.unit as u64);
    let answer = map::map(world.sys(), Some(FD), unit, request)
        .map(|mapped| (mapped.at.addr().get(), mapped.taken, mapped.synchronous));
    let calls = world.calls();
    let left = match (&answer, calls.last()) {
        (Ok((at, taken, _)), _) => vec![(*at, *taken)],
        (Err(Fail::Os(Subject::Unmapping, _)), Some(&Call::Munmap(at, length))) => {
            vec![(at, length)]
        }
        _ => vec![],
    };
    assert_eq!(world.addresses.ours(), left, "{answer:?}");
    for theirs in others {
        assert!(world.addresses.others().contains(&theirs), "others have what they had");
    }
    (answer, calls)
}

/// A file that can be mapped as `sync` says with MAP_SYNC.
pub(super) fn file(sync: Result<(), i32>) -> World {
    let mut world = World::file().opened(READ_WRITE);
    world.map = sync;
    world
}

#[test]
fn a_file_is_mapped_by_one_call_or_two() {
    const AT: usize = 0x7000_1000;
    for protection in [BOTH, READ, Protection::WRITE, Protection::EXEC, Protection::empty()] {
        let asked = request(protection, true);
        let (sync, shared) = (mmap(&asked, SYNC, 0), mmap(&asked, SHARED, 0));
        let mut private = request(protection, false);
        private.private = true;
        let plain = request(protection, false);
        for (world, request, calls, synchronous) in [
            (file(Ok(())), asked, vec![sync.clone()], MapSync::Granted),
            (file(Err(EOPNOTSUPP)), asked, vec![sync.clone(), shared.clone()], MapSync::Refused),
            // Before Linux 4.15.
            (file(Err(EINVAL)), asked, vec![sync.clone(), shared.clone()], MapSync::Unknown),
            // Not tried where that is not asked for.
            (file(Ok(())), plain, vec![shared.clone()], MapSync::Refused),
            (file(Ok(())), private, vec![mmap(&private, MapFlags::PRIVATE, 0)], MapSync::Refused),
        ] {
            let answer = (AT, 8192, synchronous);
            assert_eq!(run(&world.clone(), &request), (Ok(answer), calls.clone()));
            let injected = inject(
                &format!("{request:?}"),
                &world,
                &calls,
                |world| run(world, &request),
                |index, errno| match errno {
                    EOPNOTSUPP if calls[index] == sync => {
                        (Ok((AT, 8192, MapSync::Refused)), vec![shared.clone()])
                    }
                    EINVAL if calls[index] == sync => {
                        (Ok((AT, 8192, MapSync::Unknown)), vec![shared.clone()])
                    }
                    errno => (Err(unmapped(&request, errno)), vec![]),
                },
            );
            assert_eq!(injected, calls.len() * ERRNOS.count());
        }
    }
}

#[test]
fn anonymous_memory_is_mapped_by_one_call() {
    for (private, flags) in [(true, MapFlags::PRIVATE), (false, SHARED)] {
        let mut request = request(BOTH, false);
        (request.private, request.offset) = (private, 0);
        let world = World::file();
        know_page_size(&world);
        let mapped = map::map(world.sys(), None, None, &request).unwrap();
        assert_eq!((mapped.taken, mapped.synchronous), (8192, MapSync::Refused));
        let Call::Mmap { hint, length, protection, .. } = mmap(&request, flags, 0) else {
            panic!()
        };
        let flags = flags.bits();
        assert_eq!(world.calls(), [Call::Mmap { offset: None, hint, length, protection, flags }]);
        for errno in ERRNOS {
            let failing = World::file().failing(0, errno);
            let fail = map::map(failing.sys(), None, None, &request).unwrap_err();
            assert_eq!(fail, unmapped(&request, errno));
            assert_eq!(failing.addresses.ours(), []);
        }
    }
}

/// HUGETLBFS_MAGIC of linux/magic.h.
const HUGETLBFS: u32 = 0x9584_58f6;

/// Safe code can say any alignment: no more is unmapped than was mapped.
#[test]
fn alignments_that_are_made_up() {
    for blksize in [512, 4096, 2 << 20] {
        for magic in [0xEF53, HUGETLBFS] {
            for power in 0..64 {
                let mut world = file(Err(EOPNOTSUPP));
                (world.stat.blksize, world.magic) = (blksize, magic);
                let huge = magic == HUGETLBFS && blksize > 4096;
                world.addresses.unit = if huge { blksize as usize } else { 4096 };
                let unit = Alignment::new(1 << power);
                let mapped = map::map(world.sys(), Some(FD), unit, &request(BOTH, true)).unwrap();
                let [(at, length)] = world.addresses.ours()[..] else { panic!("one mapping") };
                assert_eq!(mapped.at.addr().get(), at);
                // After too small a number munmap(2) refuses.
                assert!(mapped.taken <= length && mapped.taken >= 5000, "{power}, {blksize}");
                assert_eq!(mapped.taken == length, power > 12 || !huge, "{power}, {blksize}");
            }
        }
    }
}

/// Huge pages are unmapped whole, too.
#[test]
fn whole_pages_of_the_object_are_taken() {
    for (unit, length, taken) in [
        (4096, 1, 4096),
        (4096, 4096, 4096),
        (4096, 4097, 8192),
        (2 << 20, 1, 2 << 20),
        (2 << 20, (2 << 20) + 1, 4 << 20),
    ] {
        let mut world = file(Err(EOPNOTSUPP));
        world.addresses.unit = unit;
        if unit > 4096 {
            (world.stat.blksize, world.magic) = (unit as u64, HUGETLBFS);
        }
        let asked = Request { length, ..request(BOTH, true) };
        let (answer, _) = run(&world, &asked);
        let (at, now, _) = answer.unwrap();
        assert_eq!(now, taken);
        let pages = span(at, now);
        // SAFETY: the script's addresses are numbers.
        assert_eq!(unsafe { map::unmap(world.sys(), pages) }, Ok(()));
        assert_eq!(world.addresses.ours(), []);
    }
    let world = file(Ok(()));
    let asked = Request { length: usize::MAX - 1, ..request(BOTH, true) };
    assert_eq!(run(&world, &asked), (Err(Fail::TooLarge(Subject::Mapping)), vec![]));
}

fn span(at: usize, length: usize) -> Span {
    Span { at: core::ptr::NonNull::new(std::ptr::without_provenance_mut(at)).unwrap(), length }
}

/// The page size is asked for once, where the ABI does not fix it.
fn know_page_size(world: &World) {
    page::size(world.sys()).unwrap();
    world.calls();
}

/// A world in which 5000 bytes are mapped, and where.
fn mapped() -> (World, usize) {
    let world = file(Ok(()));
    know_page_size(&world);
    let (answer, _) = run(&world, &request(BOTH, true));
    let at = answer.unwrap().0;
    (world, at)
}

#[test]
fn memory_that_is_not_unmapped_is_still_mapped() {
    let (world, at) = mapped();
    let taken = span(at, 8192);
    for errno in ERRNOS {
        let failing = world.failing(0, errno);
        // SAFETY: the script's addresses are numbers.
        let answer = unsafe { map::unmap(failing.sys(), taken) };
        assert_eq!(answer, Err(os(Subject::Unmapping, errno)));
        assert_eq!(failing.addresses.ours(), [(at, 8192)]);
        // SAFETY: as above.
        assert_eq!(unsafe { map::unmap(failing.sys(), taken) }, Ok(()));
        assert_eq!(failing.addresses.ours(), []);
        assert_eq!(failing.calls(), [Call::Munmap(at, 8192), Call::Munmap(at, 8192)]);
    }
}

/// The pages of bytes are synchronized and populated, from the beginning of the first; a signal
/// does not end that.
#[test]
fn bytes_are_synchronized_and_populated() {
    let (world, at) = mapped();
    for (from, length, start, whole) in [
        (0, 5000, 0, 5000),
        (0, 1, 0, 1),
        (4095, 2, 0, 4097),
        (4096, 904, 4096, 904),
        (4999, 1, 4096, 904),
    ] {
        let bytes = span(at + from, length);
        let calls = [Call::MsyncPages(at + start, whole)];
        let run = |world: &World| {
            // SAFETY: the script's addresses are numbers.
            (unsafe { map::sync(world.sys(), bytes) }, world.calls())
        };
        assert_eq!(run(&world), (Ok(()), calls.to_vec()));
        inject("sync", &world, &calls, run, |_, errno| match errno {
            EINTR => (Ok(()), calls.to_vec()),
            errno => (Err(unsynced(errno)), vec![]),
        });
        for write in [false, true] {
            let calls = [Call::Populate(at + start, whole, write)];
            let run = |world: &World| {
                // SAFETY: the script's addresses are numbers.
                (unsafe { map::populate(world.sys(), bytes, write) }, world.calls())
            };
            assert_eq!(run(&world), (Ok(()), calls.to_vec()));
            inject("populate", &world, &calls, run, |_, errno| match errno {
                EINTR => (Ok(()), calls.to_vec()),
                // Before Linux 5.14; and where there is no madvise(2).
                EINVAL | ENOSYS => (Err(Fail::Unsupported), vec![]),
                errno => (Err(os(Subject::Populate, errno)), vec![]),
            });
        }
    }
}

#[test]
fn a_file_that_grows_shrinks_and_gives_back() {
    type Run = fn(Object<'_, Scripted<'_>>) -> Result<(), Fail>;
    let mut world = World::file().opened(READ_WRITE);
    world.disk.unread = true;
    // Described before anything goes wrong.
    let facts = world.facts();
    // The file has 5000 bytes.
    let table: [(&str, Run, &[Call]); 9] = [
        (
            "extend",
            |object| map::extend(object, 4096..12288, Some(4096), true),
            &[Call::Fstat, Call::Extend(4096, 8192, false), Call::Fdatasync],
        ),
        (
            "extend without its length",
            |object| map::extend(object, 4096..5001, Some(5000), false),
            &[Call::Fstat, Call::Extend(5000, 1, false)],
        ),
        (
            "extend what was cut meanwhile",
            |object| map::extend(object, 4096..12288, Some(12288), false),
            &[Call::Fstat, Call::Extend(5000, 7288, false)],
        ),
        (
            "extend what is cut to less than the range begins with",
            |object| map::extend(object, 8192..12288, Some(12288), false),
            &[Call::Fstat, Call::Extend(8192, 4096, false)],
        ),
        (
            "allocate what it has",
            |object| map::extend(object, 0..8192, None, false),
            &[Call::Fstat, Call::Extend(0, 8192, true)],
        ),
        (
            "extend what is as long already",
            |object| map::extend(object, 0..5000, Some(5000), true),
            &[Call::Fstat, Call::Fdatasync],
        ),
        (
            "truncate",
            |object| map::truncate(object, 100..5000).map(|had| assert_eq!(had, 5000)),
            &[Call::Fstat, Call::Truncate(100), Call::Fdatasync],
        ),
        (
            "truncate what is longer than known",
            |object| map::truncate(object, 100..4999).map(|had| assert_eq!(had, 5000)),
            &[Call::Fstat],
        ),
        (
            "deallocate",
            |object| map::deallocate(object, 4096..8192),
            &[Call::Fstat, Call::Punch(4096, 4096), Call::Fdatasync],
        ),
    ];
    for (name, ask, calls) in table {
        let run = |world: &World| {
            let answer = ask(object(world.sys(), FD, &facts));
            (answer, world.calls())
        };
        assert_eq!(run(&world), (Ok(()), calls.to_vec()), "{name}");
        let injected = inject(name, &world, calls, run, |index, errno| {
            let fail = match &calls[index] {
                Call::Fstat => of_descriptor(Subject::Handle, errno),
                _ if errno == EINTR => return (Ok(()), calls[index..].to_vec()),
                Call::Extend(..) => of_descriptor(Subject::Allocation, errno),
                Call::Truncate(_) => of_descriptor(Subject::Resize, errno),
                Call::Punch(..) => of_descriptor(Subject::Deallocation, errno),
                Call::Fdatasync => unsynced(errno),
                call => panic!("{call:?}"),
            };
            (Err(fail), vec![])
        });
        assert_eq!(injected, calls.len() * ERRNOS.count());
        // Nothing is done to another file that has the descriptor's number now.
        let mut replaced = world.clone();
        replaced.disk.replaced = Some(0);
        assert_eq!(run(&replaced), (Err(Fail::Replaced), vec![Call::Fstat]), "{name}");
    }
}

/// Nor is it made longer. That it is shorter gets durable.
#[test]
fn a_file_that_is_shorter_already_is_not_cut() {
    let mut world = World::file().opened(READ_WRITE);
    world.disk.unread = true;
    let facts = world.facts();
    assert_eq!(map::truncate(object(world.sys(), FD, &facts), 8192..12288), Ok(5000));
    assert_eq!(world.calls(), [Call::Fstat, Call::Fdatasync]);
}

/// Whether the system can wait or not, the length is made durable, and that has to succeed.
#[test]
fn a_length_settles() {
    let mut world = World::file().opened(READ_WRITE);
    world.disk.unread = true;
    let facts = world.facts();
    let calls = [Call::Seek(i64::MAX as u64), Call::Fdatasync];
    for durable in [false, true] {
        let calls = &calls[..=usize::from(durable)];
        let run =
            |world: &World| (map::settle(object(world.sys(), FD, &facts), durable), world.calls());
        assert_eq!(run(&world), (Ok(()), calls.to_vec()));
        inject("settle", &world, calls, run, |index, errno| match calls[index] {
            Call::Seek(_) => (Ok(()), calls[1..].to_vec()),
            _ if errno == EINTR => (Ok(()), calls[index..].to_vec()),
            _ => (Err(unsynced(errno)), vec![]),
        });
    }
}

#[test]
fn a_range_without_bytes_is_refused_before_any_call() {
    let mut world = World::file().opened(READ_WRITE);
    world.disk.unread = true;
    let facts = world.facts();
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    for range in [0..0, 4096..4096, 1..0] {
        let object = || object(world.sys(), FD, &facts);
        let too_large = |subject| Err(Fail::TooLarge(subject));
        assert_eq!(
            map::extend(object(), range.clone(), Some(0), true),
            too_large(Subject::Allocation)
        );
        assert_eq!(map::deallocate(object(), range), too_large(Subject::Deallocation));
        assert_eq!(world.calls(), []);
    }
}

fn deep(region: u32) -> String {
    format!("/sys/bus/nd/devices/region{region}/deep_flush")
}

/// The calls that look whether the region has anything to flush.
fn looked(region: u32) -> Vec<Call> {
    vec![Call::Open(deep(region)), Call::Read, Call::Close]
}

/// Those calls, and the ones that tell it to.
fn told(region: u32) -> Vec<Call> {
    let tell = vec![Call::OpenWritable(deep(region)), Call::Put(b"1".to_vec()), Call::Close];
    [looked(region), tell].concat()
}

fn flushed(world: &World) -> Outcome<()> {
    let mut clean = world.clone();
    clean.fault = None;
    let facts = clean.facts();
    let answer = map::deep_flush(object(world.sys(), FD, &facts));
    (answer, world.calls())
}

/// Each region below a device, or a volume, that has anything to flush is told.
#[test]
fn regions_are_flushed() {
    let device = World::dax_in(DEVDAX).with_region(1, &[0]).with_file(&deep(1), "1\n");
    let [one, two] = [1, 2].map(|region| pmem(0, region, "pfn", 0));
    let volume = World::on(DM)
        .with_volume("dm-0", &[("pmem1", &one), ("pmem2", &two)])
        .with_file(&deep(1), "1\n")
        .with_file(&deep(2), "1\n");
    for (world, regions) in [(device, vec![1]), (volume, vec![1, 2])] {
        let facts = world.facts();
        assert_eq!(locate(object(world.sys(), FD, &facts)).unwrap().regions(), regions.len());
        let before = world.calls();
        let calls = [before.clone(), regions.iter().copied().flat_map(told).collect()].concat();
        assert_eq!(flushed(&world), (Ok(()), calls.clone()));
        let injected = inject("deep_flush", &world, &calls, flushed, |index, errno| {
            match &calls[index] {
                Call::OpenWritable(_) => (Err(os(Subject::DeepFlush, errno)), vec![]),
                call @ (Call::Open(_) | Call::Read) if index >= before.len() => {
                    let fail = match errno {
                        ENOENT => Fail::Unsupported,
                        errno => os(Subject::DeepFlush, errno),
                    };
                    let opened = *call == Call::Read;
                    (Err(fail), Vec::from_iter(opened.then_some(Call::Close)))
                }
                Call::Put(_) if errno == EINTR => (Ok(()), calls[index..].to_vec()),
                Call::Put(_) => (Err(os(Subject::DeepFlush, errno)), vec![Call::Close]),
                // What the place says when it cannot be found, or is on no region then.
                _ => {
                    let number =
                        before[..index].iter().filter(|call| **call != Call::Close).count();
                    let failing = world.failing(number, errno);
                    let location = locate(object(failing.sys(), FD, &facts));
                    let more = failing.calls().split_off(index + 1);
                    match location {
                        Ok(none) if none.regions() == 0 => {
                            (Err(Fail::Absent(Subject::Region)), more)
                        }
                        Ok(_) => panic!("it cannot be found where a call fails"),
                        Err(fail) => (Err(fail), more),
                    }
                }
            }
        });
        assert!(injected >= 4 * ERRNOS.count());
        // A number that is not taken is no success.
        let mut deaf = world;
        deaf.chunk = 0;
        assert_eq!(flushed(&deaf).0, Err(Fail::Malformed(Subject::DeepFlush)));
    }
}

/// "0": a region whose memory has no buffers that are to be flushed, of which the kernel lets
/// nobody write the file; no file: the kernel does not know.
#[test]
fn a_region_with_nothing_to_flush_is_not_told() {
    let world = || World::dax_in(DEVDAX).with_region(1, &[0]);
    let nothing = world().with_file(&deep(1), "0\n");
    let facts = nothing.facts();
    locate(object(nothing.sys(), FD, &facts)).unwrap();
    let calls = [nothing.calls(), looked(1)].concat();
    assert_eq!(flushed(&nothing), (Ok(()), calls));
    assert_eq!(flushed(&world()).0, Err(Fail::Unsupported));
    for text in ["", "2\n", "1\n0\n", "a line that is too long\n"] {
        let odd = world().with_file(&deep(1), text);
        assert_eq!(flushed(&odd).0, Err(Fail::Malformed(Subject::DeepFlush)), "{text:?}");
    }
}

#[test]
fn without_a_region_there_is_nothing_to_flush() {
    for world in [World::on(SDA1), World::dax_in(HMEM)] {
        assert_eq!(flushed(&world).0, Err(Fail::Absent(Subject::Region)));
        assert!(!world.has(|call| matches!(call, Call::OpenWritable(_))));
    }
}
