//! The flags of mmap(2): each mapping has those that it needs and no others, and passes a filter
//! that knows them, as that of Firecracker does.

use pmem2::{
    Error, Fd, Granularity, MapConfig, Mapping, Sharing, Source, map::Protection, place::Place,
};
use rustix::fs::MemfdFlags;

use crate::common::{
    child::{Ended, in_child},
    fd,
    filter::only_mapping,
    made::{self, Made},
};
use seccompiler::apply_filter;

const PRIVATE: i32 = libc::MAP_PRIVATE;
const SHARED: i32 = libc::MAP_SHARED;
const SYNC: i32 = libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC;
/// Addresses for an alignment.
const RESERVED: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;

const ANY: MapConfig<'static> = MapConfig::new(Granularity::Page);
const KILLED: Ended<Result<usize, Error>> = Ended::Killed(libc::SIGSYS);

/// A file in memory, of some pages.
fn file() -> (Made, Source<Fd<'static>>, Place) {
    let made = Made::of(made::memfd(MemfdFlags::empty(), 1 << 16).expect("a file in memory"));
    let source = Source::from_fd(fd(made.raw())).expect("a source");
    let place = source.place().expect("its place");
    (made, source, place)
}

/// Runs it under a filter that has these calls, and these flags of mmap.
fn under(
    calls: &[&str],
    flags: &[i32],
    run: impl FnOnce() -> Result<usize, Error>,
) -> Ended<Result<usize, Error>> {
    let filter = only_mapping(calls, flags);
    in_child(|| {
        apply_filter(&filter).expect("seccomp");
        run()
    })
}

/// No address is a multiple of that by chance.
const FAR: u64 = 1 << 36;

#[test]
fn each_mapping_has_its_flags() {
    needs_root!();
    let (_made, source, place) = file();
    let anonymous = Source::from_anon(4096).expect("memory");
    let (private, byte) = (ANY.sharing(Sharing::Private), MapConfig::new(Granularity::Byte));
    let mapped = |config: &MapConfig<'_>| source.map(config).map(|map| map.length());
    const ALL: usize = 1 << 16;
    let table: [(MapConfig<'_>, usize, &[i32]); 7] = [
        (ANY, ALL, &[SYNC, SHARED]),
        (ANY.by_call(), ALL, &[SHARED]),
        (ANY.at_place(&place), ALL, &[SHARED]),
        (private, ALL, &[PRIVATE]),
        (ANY.protection(Protection::READ), ALL, &[SYNC, SHARED]),
        (ANY.offset(4096).aligned_to(FAR), ALL - 4096, &[SYNC, SHARED, RESERVED]),
        (private.offset(4096).aligned_to(FAR), ALL - 4096, &[PRIVATE, RESERVED]),
    ];
    for (config, length, flags) in table {
        let length = Ended::With(Ok(length));
        let calls = ["fstat", "munmap"];
        assert_eq!(under(&calls, flags, || mapped(&config)), length, "{config:?}");
        for without in flags {
            let fewer: Vec<_> = flags.iter().copied().filter(|flags| flags != without).collect();
            assert_eq!(under(&calls, &fewer, || mapped(&config)), KILLED, "{without:#x}");
        }
    }
    for (sharing, flags) in [(Sharing::Shared, SHARED), (Sharing::Private, PRIVATE)] {
        let mapped = || anonymous.map(&byte.sharing(sharing)).map(|map| map.length());
        let flags = [flags | libc::MAP_ANONYMOUS];
        assert_eq!(under(&["munmap"], &flags, mapped), Ended::With(Ok(4096)));
    }
}

/// The calls of the thread `vmm` of Firecracker that mappings need, and its flags of mmap, as the
/// facts of 2026 about it say: no MAP_SYNC, no fallocate, no fcntl with F_GETFL.
#[test]
fn under_the_filter_of_firecracker() {
    needs_root!();
    let calls = ["fstat", "msync", "munmap"];
    let reserved = SHARED | libc::MAP_NORESERVE;
    let flags = [SHARED, reserved, PRIVATE | libc::MAP_ANONYMOUS, RESERVED];
    let (made, source, place) = file();
    let both = Protection::READ | Protection::WRITE;
    let device = |config: MapConfig<'_>| -> Result<usize, Error> {
        let map = source.map(&config)?;
        map.sync(..)?;
        map.write(100, b"kept").or_else(|error| match error {
            Error::NotMapped(_) => Ok(()),
            error => Err(error),
        })?;
        Ok(map.length())
    };
    let whole = || Ended::With(Ok(1 << 16));
    for protection in [Protection::READ, both] {
        let by_call = ANY.by_call().protection(protection);
        assert_eq!(under(&calls, &flags, || device(by_call)), whole());
        let kept = ANY.at_place(&place).protection(protection);
        assert_eq!(under(&calls, &flags, || device(kept)), whole());
        let aligned = by_call.aligned_to(2 << 20);
        assert_eq!(under(&calls, &flags, || device(aligned)), whole());
        // Where MAP_SYNC is tried there has to be a rule for it.
        let plain = ANY.protection(protection);
        assert_eq!(under(&calls, &flags, || device(plain)), KILLED);
        let more = [flags.as_slice(), &[SYNC]].concat();
        assert_eq!(under(&calls, &more, || device(plain)), whole());
    }
    let map = source.map(&ANY.by_call().room(1 << 20)).expect("a mapping");
    let grown = |map: &Mapping<Fd<'_>>| map.grow(1 << 20).map(|()| map.length());
    assert_eq!(under(&calls, &flags, || grown(&map)), KILLED);
    let new = || Source::from_fd(fd(made.raw())).map(|_| 0);
    assert_eq!(under(&calls, &flags, new), KILLED);
}
