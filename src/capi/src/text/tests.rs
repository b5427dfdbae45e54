use super::{Message, SIZE, WideMessage, Writer, put, size};
use crate::{call::granularity::Explained, failure::Failure, whats::WHATS};
use core::{ffi::CStr, fmt::Write, ptr::NonNull};
use pmem2::{
    Error, Granularity, Kind, Sharing, Source,
    bare::RegionFault,
    error::{HandleFault, Memory, WriteFault},
    map::Protection,
    persist::Undurable,
    place::{Backing, FileSystem, Reason},
};
use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

fn shown(message: &Message) -> String {
    CStr::from_bytes_until_nul(&message.text).unwrap().to_str().unwrap().into()
}

#[test]
fn starts_with_a_sentence() {
    assert_eq!(shown(&Message::new()), Message::NONE);
}

/// The buffers are C's, and this crate writes as much as it thinks they have.
#[test]
fn the_shims_have_the_same_room_and_text() {
    let hosted = format!("message[{}] WITH_THREAD = \"{}\";", SIZE, Message::NONE);
    assert!(include_str!("../../hosted/src/shim.c").contains(&hosted), "{hosted}");
    let windows = include_str!("../../windows/src/shim.c");
    for line in
        [format!("#define SIZE {}\n", SIZE), format!(".message = \"{}\" }};", Message::NONE)]
    {
        assert!(windows.contains(&line), "{line}");
    }
}

#[test]
fn is_replaced_and_cut() {
    let mut message = Message::new();
    message.set(&"x".repeat(SIZE));
    assert_eq!(shown(&message), "x".repeat(SIZE - 1));
    message.set(&"short");
    assert_eq!(shown(&message), "short");
    message.set(&"");
    assert_eq!(shown(&message), "");
}

#[test]
fn cuts_between_characters() {
    for room in 0..10 {
        let mut text = [0xff; 10];
        let mut cut = Writer::new(&mut text[..room]);
        let done = cut.write_str("aé").and_then(|()| cut.write_str("€"));
        assert_eq!(done.is_ok(), room >= 7);
        let expected = match room {
            0 => continue,
            1 => "",
            2 | 3 => "a",
            4..=6 => "aé",
            _ => "aé€",
        };
        assert_eq!(
            CStr::from_bytes_until_nul(&text).unwrap().to_str().unwrap(),
            expected,
            "{room}"
        );
        assert!(text[room..].iter().all(|&byte| byte == 0xff));
    }
}

/// Returns errors of each sort, about each subject, with the longest numbers.
fn errors() -> Vec<Error> {
    let disk = Backing::Disk { major: u32::MAX, minor: u32::MAX };
    let hidden = Backing::Hidden(FileSystem::from_magic(u32::MAX));
    let mut errors = vec![
        Error::OffsetBeyondEnd { offset: u64::MAX, size: u64::MAX },
        Error::MapRange { end: u64::MAX, size: u64::MAX },
        Error::MapRange { end: u64::MAX - 1, size: u64::MAX },
        Error::NoRoom { length: u64::MAX, room: 0 },
        Error::NoRoom { length: u64::MAX, room: u64::MAX },
        Error::NeverDurable,
        Error::RegionNeverDurable,
        Error::RegionUnarmed,
        Error::OffsetOutOfRange { offset: u64::MAX },
        Error::OffsetUnaligned { offset: u64::MAX, alignment: 1 << 63 },
        Error::InvalidAlignmentFormat,
        Error::InvalidAlignmentValue(u64::MAX),
        Error::InvalidSizeFormat,
        Error::LengthUnaligned { length: u64::MAX, alignment: 1 << 63 },
        Error::MappingNotFound,
        Error::SourceEmpty,
        Error::EmptyRange,
        Error::SrcDevdaxPrivate,
        Error::InvalidRegionFormat,
        Error::SeveralNumaNodes,
        Error::InvalidDevFormat,
        Error::CannotReadBounds,
        Error::NotBad,
        Error::LengthOutOfRange { end: u64::MAX, size: u64::MAX },
        Error::LengthOutOfRange { end: u64::MAX - 1, size: u64::MAX },
        Error::SourceShrank { size: u64::MAX },
        Error::NotWritable(WriteFault::ReadOnly),
        Error::NotWritable(WriteFault::Append),
        Error::SourceTypeNotSupported,
        Error::IoFail { offset: u64::MAX, length: u64::MAX },
        Error::NotSynced,
        Error::OutOfMemory(Memory::Pool(usize::MAX)),
        Error::OutOfMemory(Memory::Heap),
    ];
    errors.extend(
        [
            HandleFault::NotOpen,
            HandleFault::WriteOnly,
            HandleFault::NoAccess,
            HandleFault::PathOnly,
            HandleFault::Replaced,
            HandleFault::DeviceReplaced,
        ]
        .map(Error::InvalidFileHandle),
    );
    errors.extend(
        [
            Undurable::Never,
            Undurable::Unarmed,
            Undurable::NoInstruction,
            Undurable::NoHints,
            Undurable::NoCall,
        ]
        .map(Error::NotDurable),
    );
    errors.extend(
        [
            RegionFault::Empty,
            RegionFault::Wraps,
            RegionFault::Outside,
            RegionFault::Overlaps,
            RegionFault::Misaligned,
            RegionFault::Alignment,
            RegionFault::Unaddressed,
        ]
        .map(Error::InvalidRegion),
    );
    errors.extend(
        [
            Kind::RegularFile,
            Kind::CharacterDevice,
            Kind::BlockDevice,
            Kind::Directory,
            Kind::Pipe,
            Kind::Socket,
            Kind::SymbolicLink,
            Kind::AnonymousInode,
            Kind::VolatileMemory,
            Kind::VirtualDisk,
            Kind::ControlRegion,
            Kind::Other,
        ]
        .map(Error::InvalidFileType),
    );
    errors.extend([disk, hidden, Backing::DeviceDax].map(Error::DaxRegionNotFound));
    errors.extend([Protection::READ, Protection::WRITE, Protection::EXEC].map(Error::NotMapped));
    for reason in REASONS.into_iter().chain([disk, hidden].map(Reason::NotPersistentMemory)) {
        let anonymous = Source::from_anon(1).unwrap();
        let mut expected = anonymous.expected_granularity(Sharing::Shared).unwrap();
        (expected.granularity, expected.reason) = (Granularity::Page, reason);
        errors.push(Error::GranularityNotSupported { wanted: Granularity::CacheLine, expected });
    }
    for what in WHATS {
        errors.extend([disk, hidden].map(|on| Error::NotPersistentMemory { asked: what, on }));
        errors.extend([Error::Unknown(what), Error::Unsupported(what), Error::TooLarge(what)]);
        errors.push(Error::UnknownFileType(what));
        errors.push(Error::OsCode { subject: what, code: u32::MAX });
        let os = |errno| Error::Os { subject: what, errno: pmem2::error::Errno::from_raw(errno) };
        errors.extend((1..=133).chain([4095]).map(os));
    }
    errors
}

const REASONS: [Reason; 27] = [
    Reason::Private,
    Reason::Anonymous,
    Reason::Forced,
    Reason::ByCall,
    Reason::CpuCache,
    Reason::MemoryController,
    Reason::DomainUnstated,
    Reason::TableUnstated,
    Reason::Unarmed,
    Reason::DomainUnknown,
    Reason::NoRegion,
    Reason::NotPersistentMemory(Backing::DeviceDax),
    Reason::NotPersistentMemory(Backing::Hidden(FileSystem::from_magic(0))),
    Reason::Host,
    Reason::Call,
    Reason::Sector,
    Reason::DeviceWithoutDax,
    Reason::VolumeWithoutDax,
    Reason::VolumeNotDax,
    Reason::FileSystemWithoutDax(FileSystem::from_magic(0)),
    Reason::MountedWithoutDax,
    Reason::FileFlagOff,
    Reason::FileLeftOut,
    Reason::NotDax,
    Reason::PlaceUnknown,
    Reason::KernelTooOld,
    Reason::Refused,
];

#[test]
fn every_sentence_fits() {
    for error in errors() {
        let failure = Failure::from(error).to_string();
        assert!(failure.len() < SIZE, "{failure}");
    }
}

/// Tells whether a word is written like a type, a variant or a function of Rust.
fn is_rusts(word: &str) -> bool {
    // Neither C's nor Rust's: calls, commands and drivers of Linux, a platform, its feature,
    // the file of a device.
    const OTHERS: [&str; 8] =
        ["io_uring", "xfs_io", "dax_hmem", "max_map_count", "eADR", "daxX", "size_t", "PowerPC"];
    let letters = || word.chars().zip(word.chars().skip(1));
    let has_humps = letters().any(|(one, next)| one.is_lowercase() && next.is_uppercase());
    let is_snake = word.contains('_') && word.chars().any(char::is_lowercase);
    (has_humps || is_snake) && !OTHERS.contains(&word)
}

/// Sentences name no items of Rust: C's functions have names of their own.
#[test]
fn no_sentence_names_what_is_rusts() {
    let failures = errors().into_iter().map(|error| Failure::from(error).to_string());
    let reasons = REASONS.into_iter().map(|reason| Explained(reason).to_string());
    for sentence in failures.chain(reasons) {
        assert!(!sentence.contains("::"), "{sentence}");
        for word in sentence.split(|char: char| !char.is_alphanumeric() && char != '_') {
            assert!(!is_rusts(word), "{word}: {sentence}");
        }
    }
    // It would be seen.
    for word in ["LossyAllocation", "in_domain", "with_hints"] {
        assert!(is_rusts(word), "{word}");
    }
    assert!(Explained(Reason::TableUnstated).to_string().ends_with(" (PMEM2_DURABLE_BY_FENCE)"));
}

fn wide(text: &[u16]) -> String {
    let units: Vec<_> = text.iter().copied().take_while(|&unit| unit != 0).collect();
    String::from_utf16(&units).unwrap()
}

#[test]
fn a_message_is_replaced_and_cut() {
    let mut message = WideMessage { text: [0; SIZE] };
    assert_eq!(wide(&message.text), "");
    for text in [Message::NONE, "short", "", "é€😀"] {
        message.set(&text);
        assert_eq!(wide(&message.text), text);
    }
    message.set(&"x".repeat(SIZE));
    assert_eq!(wide(&message.text), "x".repeat(SIZE - 1));
    // No half of a pair.
    message.set(&format!("{}😀", "x".repeat(SIZE - 2)));
    assert_eq!(wide(&message.text), "x".repeat(SIZE - 2));
}

#[test]
fn writes_all_or_nothing() {
    for (text, units) in [("", 1), ("id", 3), ("é€", 3), ("😀", 3)] {
        assert_eq!(size::<u16>(&text), units * 2, "{text}");
        for len in 0..12 {
            let mut buf = [0xffff_u16; 6];
            // SAFETY: an array is aligned, and valid for as many bytes as it has.
            let done = unsafe { put(&text, NonNull::from(&mut buf).cast::<u16>(), len) };
            if len < units * 2 {
                let failure = done.unwrap_err();
                let Failure::Short { given, needed } = failure else { panic!("{failure}") };
                assert_eq!((given, needed), (len, units * 2));
                assert_eq!(buf, [0xffff; 6]);
            } else {
                assert!(done.is_ok());
                assert_eq!(wide(&buf), text);
                assert!(buf[units..].iter().all(|&unit| unit == 0xffff), "nothing beyond the zero");
            }
        }
    }
}
