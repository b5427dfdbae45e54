//! Memory of facts, requests and terms that safe code made up.

use std::os::fd::AsFd;

use pmem2::{
    Error, Fd, Granularity, MapConfig, Mapping, Source,
    error::{Errno, Subject},
    map::{Memory, Protection, Request},
    persist::Cpu,
    place::MapSync,
    platform::{Alignment, Fail},
};

use crate::{
    DIRECTORIES,
    common::child::{Ended, in_child},
    file_in, is_mapped,
};

/// The memory that others have beside it stays when it is dropped. (In a process of its own, in
/// which no other test maps and unmaps meanwhile.)
#[test]
fn facts() {
    for directory in DIRECTORIES {
        let file = file_in(directory, 4096);
        let ended = in_child(|| {
            let mut facts = *Source::new(&file).unwrap().facts();
            facts.alignment = Alignment::new(2 << 20);
            let byte = MapConfig::new(Granularity::Byte);
            let anonymous = || Source::from_anon(4096).unwrap().map(&byte).unwrap();
            let mapped = || {
                let made = Memory::map(&file, &facts, &Request::new(0, 4096), 4096);
                made.map_err(|(_, fail)| fail).expect("it is mapped").0
            };
            // One of them lies where it would be unmapped, too.
            let made = (0..1000).map(|_| (anonymous(), mapped())).collect::<Vec<_>>();
            let distance = |other: &Mapping<_>, memory: &Memory<_>| {
                (other.as_ptr() as usize).wrapping_sub(memory.as_ptr() as usize)
            };
            let (others, memory) = made.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
            let mut pairs = memory.iter().flat_map(|one| others.iter().map(move |it| (it, one)));
            let near = pairs.any(|(other, memory)| distance(other, memory) < 2 << 20);
            let ats = memory.iter().map(|memory| memory.as_ptr() as usize).collect::<Vec<_>>();
            drop(memory);
            let kept = others.iter().all(|other| is_mapped(other.as_ptr() as usize));
            (near, ats.into_iter().any(is_mapped), kept)
        });
        assert_eq!(ended, Ended::With((true, false, true)), "{directory}");
    }
}

#[test]
fn lengths() {
    let file = file_in(DIRECTORIES[0], 4096);
    let source = Source::new(&file).unwrap();
    let fail = |length| {
        let made = Memory::map(Fd::from(&file), source.facts(), &Request::new(0, length), length);
        made.map(drop).map_err(|(_, fail)| fail)
    };
    assert_eq!(fail(0), Err(Fail::Os(Subject::Mapping, Errno::EINVAL)));
    for length in [1 << (usize::BITS - 1), usize::MAX - 4096, usize::MAX] {
        assert_eq!(fail(length), Err(Fail::TooLarge(Subject::Mapping)));
    }
}

/// Stores that stay in the memory are not said to be durable.
#[test]
fn private_memory_stays_private() {
    let file = file_in(DIRECTORIES[0], 4096);
    let source = Source::new(file.as_fd()).unwrap();
    let mut request = Request::new(0, 4096);
    (request.private, request.synchronous) = (true, true);
    let made = Memory::map(Fd::from(&file), source.facts(), &request, 4096);
    let (memory, synchronous) = made.map_err(|(_, fail)| fail).expect("it is mapped");
    assert_eq!(synchronous, MapSync::Refused, "it was not tried");
    let part = memory.part(0..100).unwrap();
    assert!(memory.is_private() && part.is_private());
    let part = Mapping::from_memory(part, 0, Granularity::Page).map_err(|(_, error)| error);
    assert_eq!(part.expect("a mapping").granularity(), Granularity::Byte);
    let map = Mapping::from_memory(memory, 0, Granularity::Page).map_err(|(_, error)| error);
    let map = map.expect("a mapping");
    // As of a mapping that was made private.
    let made = MapConfig::new(Granularity::Page).sharing(pmem2::Sharing::Private);
    let made = source.by_reference().map(&made).unwrap();
    assert_eq!(map.granularity(), made.granularity());
    assert_eq!(map.expected(), made.expected());
    map.write(0, b"mine").unwrap();
    let mut bytes = [9; 4];
    source.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
}

/// A flush may need a load.
#[test]
fn memory_of_instructions_is_not_flushed() {
    if Cpu::detect().is_err() {
        // Nothing is.
        return;
    }
    let file = file_in(DIRECTORIES[1], 4096);
    let config = MapConfig::new(Granularity::CacheLine).forced(Some(Granularity::CacheLine));
    for (protection, refused) in [
        (Protection::empty(), true),
        (Protection::EXEC, true),
        (Protection::READ, false),
        (Protection::WRITE, false),
        (Protection::READ | Protection::EXEC, false),
    ] {
        let map = Source::new(&file).unwrap().map(&config.protection(protection)).unwrap();
        let expected = if refused { Err(Error::NotMapped(Protection::READ)) } else { Ok(()) };
        assert_eq!(map.flush(..), expected, "{protection:?}");
    }
}

/// The offset that an error names is the mapping's; in a part where that is aligned, the source's.
#[test]
fn a_word_of_a_part() {
    let file = file_in(DIRECTORIES[0], 8192);
    let map = Source::new(&file).unwrap().map(&MapConfig::new(Granularity::Page).offset(4096));
    let map = map.unwrap();
    let unaligned = Err(Error::OffsetUnaligned { offset: 4, alignment: 8 });
    assert_eq!(map.commit(4, 1), unaligned);
    assert_eq!(map.part(8..).unwrap().commit(4, 1), unaligned);
    let part = map.part(4..).unwrap();
    let unaligned = Error::OffsetUnaligned { offset: 4096 + 4 + 8, alignment: 8 };
    assert_eq!(part.word(8).map(drop), Err(unaligned));
    assert_eq!(part.commit(8, 1), Err(unaligned));
    assert_eq!(part.word(4).map(drop), Ok(()));
}
