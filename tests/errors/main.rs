//! Every error: its number and name in C, its errno, its sentence, its std::io::Error.
#![cfg(target_os = "linux")]

use std::{
    collections::{HashMap, HashSet},
    error::Error as _,
    ffi::c_int,
    fmt::{self, Write},
    io::{self, ErrorKind},
    path::Path,
    process::Command,
};

mod remedies;
#[path = "../common/whats.rs"]
mod whats;

use libloading::{Library, Symbol};
use pmem2::{
    Code, Error, Granularity, Kind, Sharing, Source,
    error::{Errno, HandleFault, Memory, Subject, WriteFault},
    map::Protection,
    persist::Undurable,
    place::{Backing, FileSystem, Reason},
};
use whats::WHATS;

const DISK: Backing = Backing::Disk { major: 8, minor: 1 };

/// Everything that a source may lie on instead of persistent memory.
const BACKINGS: [Backing; 5] = [
    Backing::DeviceDax,
    DISK,
    Backing::Disk { major: 253, minor: 0 },
    Backing::Memory(FileSystem::from_magic(0x0102_1994)),
    Backing::Hidden(FileSystem::from_magic(0x794c_7630)),
];

const KINDS: [Kind; 11] = [
    Kind::RegularFile,
    Kind::DeviceDax,
    Kind::Anonymous,
    Kind::CharacterDevice,
    Kind::BlockDevice,
    Kind::Directory,
    Kind::Pipe,
    Kind::Socket,
    Kind::SymbolicLink,
    Kind::AnonymousInode,
    Kind::Other,
];

/// The codes that no function of Rust's gives: some of C's do, or calls that are not there yet.
const WITHOUT: [Code; 13] = [
    Code::FileHandleNotSet,
    Code::MappingExists,
    Code::GranularityNotSet,
    Code::BufferTooSmall,
    Code::InvalidSharingValue,
    Code::InvalidAddressRequestType,
    Code::AddressUnaligned,
    Code::AddressNull,
    Code::DeepFlushRange,
    Code::InvalidProtFlag,
    Code::VmReservationNotEmpty,
    Code::MapExists,
    Code::FileDescriptorNotSet,
];

/// An error for each other code of libpmem2, with its name.
const CODED: &[(&str, Error)] = &[
    ("PMEM2_E_UNKNOWN", Error::Unknown(Subject::Subsystem)),
    ("PMEM2_E_NOSUPP", Error::Unsupported(Subject::Allocated)),
    ("PMEM2_E_NOSUPP", Error::NotPersistentMemory { asked: Subject::DeviceId, on: DISK }),
    ("PMEM2_E_NOSUPP", Error::SeveralNumaNodes),
    ("PMEM2_E_INVALID_FILE_HANDLE", Error::InvalidFileHandle(HandleFault::NotOpen)),
    ("PMEM2_E_INVALID_FILE_HANDLE", Error::InvalidFileHandle(HandleFault::WriteOnly)),
    ("PMEM2_E_INVALID_FILE_HANDLE", Error::InvalidFileHandle(HandleFault::NoAccess)),
    ("PMEM2_E_INVALID_FILE_HANDLE", Error::InvalidFileHandle(HandleFault::PathOnly)),
    ("PMEM2_E_INVALID_FILE_HANDLE", Error::InvalidFileHandle(HandleFault::Replaced)),
    ("PMEM2_E_INVALID_FILE_HANDLE", Error::InvalidFileHandle(HandleFault::DeviceReplaced)),
    ("PMEM2_E_INVALID_FILE_TYPE", Error::InvalidFileType(Kind::Directory)),
    ("PMEM2_E_INVALID_FILE_TYPE", Error::UnknownFileType(Subject::Sysfs)),
    ("PMEM2_E_INVALID_FILE_TYPE", Error::UnknownFileType(Subject::Subsystem)),
    ("PMEM2_E_MAP_RANGE", Error::MapRange { end: 8192, size: 5000 }),
    ("PMEM2_E_MAP_RANGE", Error::MapRange { end: u64::MAX, size: 5000 }),
    ("PMEM2_E_MAP_RANGE", Error::OffsetBeyondEnd { offset: 8192, size: 5000 }),
    ("PMEM2_E_MAP_RANGE", Error::NoRoom { length: 8192, room: 5000 }),
    ("PMEM2_E_MAP_RANGE", Error::NoRoom { length: 8192, room: 0 }),
    ("PMEM2_E_GRANULARITY_NOT_SUPPORTED", Error::NeverDurable),
    ("PMEM2_E_GRANULARITY_NOT_SUPPORTED", Error::RegionUnarmed),
    ("PMEM2_E_OFFSET_OUT_OF_RANGE", Error::OffsetOutOfRange { offset: u64::MAX }),
    ("PMEM2_E_OFFSET_UNALIGNED", Error::OffsetUnaligned { offset: 1, alignment: 4096 }),
    ("PMEM2_E_INVALID_ALIGNMENT_FORMAT", Error::InvalidAlignmentFormat),
    ("PMEM2_E_INVALID_ALIGNMENT_VALUE", Error::InvalidAlignmentValue(3)),
    ("PMEM2_E_INVALID_SIZE_FORMAT", Error::InvalidSizeFormat),
    ("PMEM2_E_LENGTH_UNALIGNED", Error::LengthUnaligned { length: 1, alignment: 4096 }),
    ("PMEM2_E_MAPPING_NOT_FOUND", Error::MappingNotFound),
    ("PMEM2_E_SOURCE_EMPTY", Error::SourceEmpty),
    ("PMEM2_E_SRC_DEVDAX_PRIVATE", Error::SrcDevdaxPrivate),
    ("PMEM2_E_INVALID_REGION_FORMAT", Error::InvalidRegionFormat),
    ("PMEM2_E_DAX_REGION_NOT_FOUND", Error::DaxRegionNotFound(DISK)),
    ("PMEM2_E_INVALID_DEV_FORMAT", Error::InvalidDevFormat),
    ("PMEM2_E_CANNOT_READ_BOUNDS", Error::CannotReadBounds),
    ("PMEM2_E_LENGTH_OUT_OF_RANGE", Error::EmptyRange),
    ("PMEM2_E_LENGTH_OUT_OF_RANGE", Error::LengthOutOfRange { end: 8192, size: 5000 }),
    ("PMEM2_E_LENGTH_OUT_OF_RANGE", Error::LengthOutOfRange { end: u64::MAX, size: 5000 }),
    ("PMEM2_E_LENGTH_OUT_OF_RANGE", Error::SourceShrank { size: 4096 }),
    ("PMEM2_E_NO_BAD_BLOCK_FOUND", Error::NotBad),
    ("PMEM2_E_NO_ACCESS", Error::NotWritable(WriteFault::ReadOnly)),
    ("PMEM2_E_NO_ACCESS", Error::NotWritable(WriteFault::Append)),
    ("PMEM2_E_NO_ACCESS", Error::NotMapped(Protection::READ)),
    ("PMEM2_E_NO_ACCESS", Error::NotMapped(Protection::WRITE)),
    ("PMEM2_E_NO_ACCESS", Error::NotMapped(Protection::EXEC)),
    ("PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED", Error::SourceTypeNotSupported),
    ("PMEM2_E_IO_FAIL", Error::IoFail { offset: 4096, length: 512 }),
    ("PMEM2_E_IO_FAIL", Error::NotSynced),
    ("PMEM2_E_NOSUPP", Error::NotDurable(Undurable::Never)),
    ("PMEM2_E_NOSUPP", Error::NotDurable(Undurable::Unarmed)),
    ("PMEM2_E_NOSUPP", Error::NotDurable(Undurable::NoInstruction)),
    ("PMEM2_E_NOSUPP", Error::NotDurable(Undurable::NoHints)),
    ("PMEM2_E_NOSUPP", Error::NotDurable(Undurable::NoCall)),
];

/// `CODED`, and the errors that have to be made.
fn coded() -> Vec<(&'static str, Error)> {
    let refused = |wanted, granularity, reason| {
        let anonymous = Source::from_anon(1).expect("an anonymous source");
        let mut expected = anonymous.expected_granularity(Sharing::Shared).expect("an answer");
        (expected.granularity, expected.reason) = (granularity, reason);
        Error::GranularityNotSupported { wanted, expected }
    };
    let mut coded = CODED.to_vec();
    coded.extend(
        [
            refused(Granularity::Byte, Granularity::CacheLine, Reason::MemoryController),
            refused(Granularity::Byte, Granularity::Page, Reason::ByCall),
            refused(Granularity::CacheLine, Granularity::Page, Reason::MountedWithoutDax),
        ]
        .map(|error| ("PMEM2_E_GRANULARITY_NOT_SUPPORTED", error)),
    );
    coded
}

/// Errors of each sort that there is, about everything.
fn all() -> Vec<Error> {
    let mut all: Vec<_> = coded().into_iter().map(|(_, error)| error).collect();
    all.extend([Error::OutOfMemory(Memory::Pool(16)), Error::OutOfMemory(Memory::Heap)]);
    all.extend(KINDS.map(Error::InvalidFileType));
    all.extend(BACKINGS.map(Error::DaxRegionNotFound));
    for what in WHATS {
        all.extend(BACKINGS.map(|on| Error::NotPersistentMemory { asked: what, on }));
        all.push(Error::TooLarge(what));
        all.extend([Error::Unknown(what), Error::Unsupported(what), Error::UnknownFileType(what)]);
        all.extend(
            (1..=133)
                .chain([4000])
                .map(|errno| Error::Os { subject: what, errno: Errno::from_raw(errno) }),
        );
        all.extend([1, 1392, u32::MAX].map(|code| Error::OsCode { subject: what, code }));
    }
    all
}

/// The numbers of Debian's header, by name.
fn header() -> HashMap<String, i32> {
    let path = "/usr/include/libpmem2/base.h";
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{path}: {error}; `apt-get install libpmem2-dev` brings it")
    });
    let define = |line: &str| {
        let mut words = line.split_whitespace();
        let name = (words.next() == Some("#define"))
            .then(|| words.next())?
            .filter(|name| name.starts_with("PMEM2_E_"))?;
        let number = words.next()?.trim_matches(['(', ')']).parse().expect("a number");
        Some((name.to_owned(), number))
    };
    text.lines().filter_map(define).collect()
}

#[test]
fn codes_are_those_of_the_header() {
    let header = header();
    let ours: HashMap<_, _> =
        Code::ALL.iter().map(|code| (code.symbol().to_owned(), code.raw())).collect();
    assert_eq!(ours, header, "the same names with the same numbers, none more, none less");
    assert_eq!((Code::ALL.len(), header.len()), (37, 37), "each once");
    assert!(Code::ALL.is_sorted_by(|one, next| one.raw() > next.raw()), "in the header's order");
    for (name, error) in coded() {
        assert_eq!(error.code(), header[name], "{error:?}");
        assert_eq!(error.symbol(), Some(name));
        assert_eq!(error.pmem2_code().map(Code::symbol), Some(name));
    }
    let mut covered: HashSet<_> = coded().into_iter().map(|(name, _)| name.to_owned()).collect();
    for code in WITHOUT {
        assert!(covered.insert(code.symbol().to_owned()), "{code:?} has an error");
    }
    assert_eq!(covered, header.into_keys().collect(), "there is an error for each");
}

/// The errors that the crate's own code makes: those written after `Error::`, or in
/// `Error::from_fail`.
#[test]
fn there_is_no_error_that_nothing_makes() {
    fn code(directory: &Path, all: &mut String) {
        // What takes errors apart, and the edges, which are packages of their own.
        const OTHERS: [&str; 8] =
            ["error.rs", "words", "words.rs", "lines.rs", "capi", "cli", "tests", "tests.rs"];
        for entry in std::fs::read_dir(directory).expect("the sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_error = path.ends_with("src/transfer/error.rs");
            if OTHERS.contains(&name) && !is_error {
            } else if path.is_dir() {
                code(&path, all);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                lines.for_each(|line| *all += &format!("{line}\n"));
            }
        }
    }
    let error = include_str!("../../src/error.rs");
    let (_, body) = error.split_once("pub enum Error {").expect("the errors");
    let (body, rest) = body.split_once("\n}\n").expect("their end");
    let (_, of) = rest.split_once("fn from_fail(fail: Fail").expect("the errors of failures");
    let (of, _) = of.split_once("\n    }\n}").expect("its end");
    let mut made = of.replace("Self::", "Error::");
    code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut made);
    let variants: Vec<_> = body
        .lines()
        .filter_map(|line| {
            line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase))
        })
        .map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())
        .collect();
    assert!(variants.len() > 30, "{variants:?}");
    for variant in variants {
        let here = format!("Error::{variant}");
        let is_made = made
            .match_indices(&here)
            .any(|(at, _)| !made[at + here.len()..].starts_with(char::is_alphanumeric));
        assert!(is_made, "nothing makes {here}");
    }
}

/// Subjects that only Linux has, or Windows.
const OF_SYSTEMS: [&str; 26] = [
    "/dev",
    "/sys",
    "/proc",
    "sysfs",
    "ndctl",
    "O_RD",
    "O_WR",
    "O_PATH",
    "O_APPEND",
    "O_DIRECT",
    "MAP_SYNC",
    "FIEMAP",
    "SIGBUS",
    "RLIMIT",
    "seccomp",
    "fallocate",
    "ftruncate",
    "memfd",
    "chattr",
    "ext4",
    "xfs",
    "btrfs",
    "overlayfs",
    "hmem",
    "epoll",
    "GENERIC_",
];

/// Linux's words are in src/words/linux.rs, Windows' in src/words/windows.rs. Somebody's own
/// kernel, which is compiled for another target than this test, has the others.
#[test]
fn no_system_speaks_of_another() {
    for (file, code) in [
        ("error.rs", include_str!("../../src/words/error.rs")),
        ("granularity.rs", include_str!("../../src/words/granularity.rs")),
        ("system.rs", include_str!("../../src/words/system.rs")),
        ("place.rs", include_str!("../../src/words/place.rs")),
    ] {
        let lines = code.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        for line in lines {
            let named = OF_SYSTEMS.into_iter().find(|word| line.contains(word));
            assert_eq!(named, None, "{file}: {line}");
        }
    }
    // It would find them.
    let of_linux = |word: &&str| !["O_WR", "GENERIC_"].contains(word);
    for word in OF_SYSTEMS.into_iter().filter(of_linux) {
        assert!(LINUX.contains(word), "{word}");
    }
}

const LINUX: &str = include_str!("../../src/words/linux.rs");

/// In another language the functions have other names.
#[test]
fn the_names_of_functions_can_be_left_out() {
    for error in all() {
        let (with, without) = (error.to_string(), format!("{error:#}"));
        assert!(!without.contains("::"), "{without}");
        let item = with.strip_prefix(&without).expect("the rest is the same");
        let item = item.strip_prefix(" (").and_then(|item| item.strip_suffix(')'));
        assert!(item.is_some_and(|item| item.contains("::")) || with == without, "{with}");
    }
    let error = Error::NotDurable(Undurable::NoHints);
    assert!(error.to_string().ends_with("nothing was changed (Window::with_hints)"), "{error}");
}

/// Whatever a public function gives as an `Err` can be boxed, and has words.
#[test]
fn whatever_fails_is_an_error() {
    use pmem2::{
        bare::{TableFault, WindowFault},
        platform::Fail,
        transfer::{Partial, TransferError},
    };
    let boxed: [(Box<dyn std::error::Error>, &str); 21] = [
        (Box::new(Error::SourceEmpty), ""),
        (Box::new(TransferError::from(Error::SourceEmpty)), ""),
        (Box::new(Memory::Heap), ""),
        (Box::new(Errno::EIO), ""),
        (Box::new(WindowFault::NotDurable(Undurable::Unarmed)), ""),
        (Box::new(TableFault::Checksum), ""),
        (Box::new(Fail::Unsupported), "the platform has no answer"),
        (Box::new(Fail::Absent(Subject::Size)), "Size: not there"),
        (Box::new(Fail::Malformed(Subject::Dimm)), "Dimm: cannot be understood"),
        (Box::new(Fail::Replaced), "the handle refers to another object meanwhile"),
        (Box::new(Fail::DeviceReplaced), "the device is another one meanwhile"),
        (Box::new(Fail::TooLarge(Subject::DeviceId)), "DeviceId: too large"),
        (Box::new(Fail::Os(Subject::Sync, Errno::EIO)), "Sync: input/output error (EIO)"),
        (Box::new(Fail::NotBad), "not all of the bytes are known to be bad"),
        (Box::new(Fail::NotSynced), "what was written was not made durable"),
        (
            Box::new(Undurable::NoCall),
            "only a call makes stores durable, and there is none: the region's was not given, or \
             the system has none for this source",
        ),
        (Box::new(Fail::OsCode(Subject::Read, 1392)), "Read: error 1392 of the system's own"),
        (
            Box::new(halted(Fail::bad_memory(512))),
            "after 7 bytes: one of the next 512 bytes is bad",
        ),
        (Box::new(halted(Fail::Ended)), "after 7 bytes: there are no more"),
        (Box::new(halted(Fail::BUFFER)), "after 7 bytes: the caller's memory cannot be accessed"),
        (
            Box::new(halted(Fail::Replaced)),
            "after 7 bytes: the handle refers to another object meanwhile",
        ),
    ];
    fn halted(fail: Fail) -> Partial {
        Partial { done: 7, fail }
    }
    for (error, words) in boxed {
        // Those of the others are tested where they are from.
        assert!(!error.to_string().is_empty());
        assert!(words.is_empty() || error.to_string() == words, "{error}");
    }
}

#[test]
fn errors_of_the_system_are_their_negative_errno() {
    for errno in (1..=133).chain([4000, i32::MAX]).map(Errno::from_raw) {
        for what in WHATS {
            let error = Error::Os { subject: what, errno };
            assert_eq!(
                (error.code(), error.errno(), error.pmem2_code()),
                (-errno.raw(), errno, None)
            );
            assert_eq!(error.symbol(), errno.name());
        }
    }
    for what in WHATS {
        let error = Error::TooLarge(what);
        assert_eq!(
            (error.code(), error.errno(), error.pmem2_code()),
            (-75, Errno::EOVERFLOW, None)
        );
        assert_eq!(error.symbol(), Some("EOVERFLOW"));
    }
    for memory in [Memory::Pool(0), Memory::Pool(usize::MAX), Memory::Heap] {
        let error = Error::OutOfMemory(memory);
        assert_eq!((error.code(), error.errno(), error.pmem2_code()), (-12, Errno::ENOMEM, None));
        assert_eq!(error.symbol(), Some("ENOMEM"));
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "{command:?}: {error}; `apt-get install gcc binutils libpmem2-dev` brings what it needs"
        )
    });
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the tools print text").trim().to_owned()
}

/// Debian's libpmem2 with pmem2_err_to_errno. It is declared in the header, but not exported by the
/// library: this takes it out of the static one.
fn libpmem2(directory: &Path) -> Library {
    let archive = run(Command::new("cc").arg("-print-file-name=libpmem2.a"));
    let (opened, library) = (directory.join("libpmem2.a"), directory.join("libpmem2.so"));
    run(Command::new("objcopy")
        .arg("--globalize-symbol=pmem2_err_to_errno")
        .arg(archive)
        .arg(&opened));
    // What the rest of the library needs of others is not called.
    run(Command::new("cc")
        .args([
            "-shared",
            "-Wl,--undefined=pmem2_err_to_errno",
            "-Wl,--unresolved-symbols=ignore-all",
            "-o",
        ])
        .args([&library, &opened]));
    // SAFETY: loading it runs libpmem2's constructors, which prepare it and have no demands on us.
    unsafe { Library::new(library) }.expect("the library is sound")
}

#[test]
fn errno_is_what_libpmem2_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = libpmem2(directory.path());
    // SAFETY: the type is that of <libpmem2/base.h>.
    let err_to_errno: Symbol<'_, unsafe extern "C" fn(c_int) -> c_int> =
        unsafe { library.get("pmem2_err_to_errno") }.expect("it was asked for above");
    let mut seen = HashSet::new();
    for error in all() {
        // SAFETY: the function takes any negative number.
        let theirs = unsafe { err_to_errno(error.code()) };
        assert_eq!(error.errno().raw(), theirs, "{error:?}");
        seen.insert(error.code());
    }
    assert_eq!(Code::ALL.iter().filter(|code| !seen.contains(&code.raw())).count(), WITHOUT.len());
}

/// Text in memory that is there already, as on a machine without an allocator.
struct Fixed {
    bytes: [u8; 448],
    length: usize,
}

impl Write for Fixed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// The sentence of an error. That it takes no allocator is shown in tests/heap.rs.
fn sentence(error: Error) -> String {
    let mut fixed = Fixed { bytes: [0; 448], length: 0 };
    write!(fixed, "{error}").unwrap_or_else(|_| panic!("{error:?} says too much: {error}"));
    String::from_utf8(fixed.bytes[..fixed.length].to_vec()).expect("the pieces are text")
}

#[test]
fn every_error_says_one_sentence() {
    for error in all() {
        let sentence = sentence(error);
        let first = sentence.chars().next().expect("it says something");
        assert!(first.is_lowercase() || first == '/', "{sentence:?} goes on after a colon");
        assert!(!sentence.ends_with(['.', ' ', ':', ';', '!']), "{sentence:?}");
        assert!(
            sentence.chars().all(|char| (' '..='~').contains(&char)),
            "{sentence:?} is one line of plain text"
        );
        assert!(!sentence.contains("  ") && !sentence.contains(". "), "{sentence:?}");
        assert!(!sentence.contains("unknown error"), "{error:?} has its own");
        assert!(error.source().is_none(), "{sentence:?} says it all");
    }
}

#[test]
fn no_two_codes_say_the_same() {
    let sentences: HashMap<_, _> =
        coded().into_iter().map(|(name, error)| (sentence(error), name)).collect();
    assert_eq!(sentences.len(), coded().len());
    // Nor any two others: what cannot be a source because of its kind, and what is unknown of a
    // device, are classes; and of a region there is an error of its own that its answer makes no
    // sense.
    let classes = |error: &Error| {
        matches!(
            error,
            Error::InvalidFileType(_) | Error::UnknownFileType(_) | Error::Unknown(Subject::Region)
        )
    };
    let all: HashSet<_> = all().into_iter().filter(|error| !classes(error)).collect();
    let mut said = HashMap::new();
    for error in all {
        assert_eq!(said.insert(sentence(error), error), None, "{error:?} says the same");
    }
}

#[test]
fn what_was_asked_for_is_named() {
    let nouns = [
        "the handle",
        "the device's subsystem in /sys/dev/char",
        "/sys/dev",
        "the size",
        "the alignment",
        "the number of allocated bytes",
        "the type of the file system",
        "the page size",
        "the source's device in /sys/dev",
        "what the source's volume is made of",
        "the source's region",
        "the NUMA node",
        "the persistence domain",
        "the DIMMs",
        "the device id",
        "the count of unsafe shutdowns",
        "whether it is mapped directly (DAX)",
        "a synchronous mapping (MAP_SYNC)",
        "the bytes",
        "the writing of bytes",
        "the buffer's memory",
        "whether what was written is durable",
        "a mapping of the source",
        "a mapping of the source for writing",
        "the handler of SIGBUS",
        "the list of bad blocks",
        "where the file lies on its device (FIEMAP)",
        "the clearing of a bad block",
        "the writing back of what is good beside a bad block",
        "a spare file in the source's directory",
        "the end of the mapping",
        "storage for the source",
        "the return of the source's storage",
        "the change of the size",
        "the loading of mapped pages",
        "the deep flush of the region",
        "the path",
    ];
    assert_eq!(nouns.len(), WHATS.len());
    for (what, noun) in WHATS.into_iter().zip(nouns) {
        assert_eq!(
            sentence(Error::Unknown(what)),
            format!("the system's answer about {noun} makes no sense")
        );
        let unsupported = match what {
            Subject::Handle => {
                "nothing is known about the handle: pmem2 has no backend for this system".to_owned()
            }
            Subject::Read
            | Subject::Write
            | Subject::Sync
            | Subject::BadBlocks
            | Subject::ClearBadBlock
            | Subject::Mapping
            | Subject::Allocation
            | Subject::Deallocation
            | Subject::Resize
            | Subject::Populate
            | Subject::DeepFlush => own_words(what).to_owned(),
            _ => format!(
                "{noun} cannot be determined: this kind of source, or this platform, has no answer"
            ),
        };
        assert_eq!(sentence(Error::Unsupported(what)), unsupported);
        assert_eq!(
            sentence(Error::NotPersistentMemory { asked: what, on: DISK }),
            format!(
                "{noun} cannot be determined: the source lies on the block device 8:1, which is not persistent memory"
            )
        );
        let too_large = match what {
            Subject::Mapping => {
                "the mapping, or its room, has more bytes than a program can address"
                    .to_owned()
            }
            Subject::BadBlocks => {
                "there are more bad blocks than the system's list has room for: the others are found only by reading"
                    .to_owned()
            }
            _ => format!("{noun} cannot be determined: there is more than this library has room for"),
        };
        assert_eq!(sentence(Error::TooLarge(what)), too_large);
        let failed = match what {
            Subject::Open => "cannot be opened for reading".to_owned(),
            Subject::Read => "the source cannot be read".to_owned(),
            Subject::Write => "the source cannot be written to".to_owned(),
            Subject::Buffer => "the buffer's memory cannot be accessed".to_owned(),
            Subject::Sync => "the written bytes cannot be made durable".to_owned(),
            Subject::Mapping => "the source cannot be mapped".to_owned(),
            Subject::WritableMapping => {
                "opened for writing, but can be mapped for reading only".to_owned()
            }
            Subject::SignalHandler => "the handler of SIGBUS cannot be installed".to_owned(),
            Subject::ClearBadBlock => "the bad block cannot be cleared".to_owned(),
            Subject::WriteBack => {
                "the good bytes beside the bad block could not be written back, and are lost or not \
                 durable"
                    .to_owned()
            }
            Subject::Spare => "the bad block is as it was, since the good bytes beside it might be \
                               lost: no spare file can be made in the file's directory"
                .to_owned(),
            Subject::Unmapping => "still mapped, since the mapping cannot be ended".to_owned(),
            Subject::Allocation => {
                "no storage can be allocated, and the size is as it was".to_owned()
            }
            Subject::Deallocation => "the source's storage cannot be given back".to_owned(),
            Subject::Resize => "the source's size cannot be changed".to_owned(),
            Subject::Populate => "not all of the mapped pages can be loaded".to_owned(),
            Subject::DeepFlush => "the region's buffers cannot be flushed".to_owned(),
            _ => format!("the system failed when it was asked for {noun}"),
        };
        // An errno with which nobody has any advice.
        assert_eq!(
            sentence(Error::Os { subject: what, errno: Errno::ENXIO }),
            format!("{failed}: no such device or address (ENXIO)")
        );
        assert_eq!(
            sentence(Error::OsCode { subject: what, code: 1392 }),
            format!("{failed}: error 1392 of the system's own, which has no errno except EIO")
        );
    }
}

/// The sentence where one of these cannot be done: it says what can be done instead.
fn own_words(what: Subject) -> &'static str {
    match what {
        Subject::Read => {
            "this platform does not read sources by itself: a region is read where the program has mapped it (Reader::with_guard)"
        }
        Subject::Write => {
            "this platform does not write to sources by itself: a region is written to where the program has mapped it (Writer::with_guard)"
        }
        Subject::Sync => {
            "this platform has no call that makes written bytes durable: those of a region are at once"
        }
        Subject::BadBlocks => {
            "there is no list of bad blocks: the system keeps none for this kind of \
             source, or the file system does not say where on the device the file lies (btrfs, \
             f2fs, XFS's realtime device)"
        }
        Subject::ClearBadBlock => {
            "a bad block of this source cannot be cleared in this way: a file's is \
             cleared by allocation, a device DAX's by the device's command"
        }
        Subject::Mapping => "this platform does not map sources of this kind",
        Subject::Allocation => {
            "the source cannot grow: it has all bytes of its device, or the platform has no call \
             that allocates storage for it"
        }
        Subject::Deallocation => {
            "the source's storage cannot be given back: only a file's can be, on a platform with a \
             call for it"
        }
        Subject::Resize => {
            "the source's size cannot be changed: only a file's can be, on a platform with a call \
             for it"
        }
        Subject::Populate => "this platform has no call that loads mapped pages before their use",
        Subject::DeepFlush => {
            "there is no deep flush: the source has no buffers of hardware to flush, or the system \
             does not flush them for programs"
        }
        other => panic!("{other:?} is told like the others"),
    }
}

#[test]
fn errors_become_io_errors_and_come_back() {
    let kinds = HashMap::from([
        (Errno::EPERM, ErrorKind::PermissionDenied),
        (Errno::ENOENT, ErrorKind::NotFound),
        (Errno::EINTR, ErrorKind::Interrupted),
        (Errno::EAGAIN, ErrorKind::WouldBlock),
        (Errno::ENOMEM, ErrorKind::OutOfMemory),
        (Errno::EACCES, ErrorKind::PermissionDenied),
        (Errno::EBUSY, ErrorKind::ResourceBusy),
        (Errno::ENOTDIR, ErrorKind::NotADirectory),
        (Errno::EINVAL, ErrorKind::InvalidInput),
        (Errno::ENOSYS, ErrorKind::Unsupported),
        (Errno::ENOTSUP, ErrorKind::Unsupported),
        (Errno::ESTALE, ErrorKind::StaleNetworkFileHandle),
    ]);
    for (errno, kind) in &kinds {
        assert_eq!(ErrorKind::from(*errno), *kind);
    }
    for error in all() {
        let io = io::Error::from(error);
        let kind = match error {
            Error::IoFail { .. } | Error::NotSynced => ErrorKind::Other,
            Error::SourceShrank { .. } => ErrorKind::UnexpectedEof,
            Error::NotWritable(_) | Error::NotMapped(_) => ErrorKind::PermissionDenied,
            _ => io::Error::from_raw_os_error(error.errno().raw()).kind(),
        };
        assert_eq!(io.kind(), kind, "{error:?}");
        assert_eq!(io.to_string(), sentence(error));
        assert_eq!(io.downcast::<Error>().ok(), Some(error), "nothing is lost");
    }
    let question = || -> io::Result<()> { Err(Error::SourceEmpty)? };
    assert_eq!(question().unwrap_err().kind(), ErrorKind::InvalidInput);
}
