//! The last message.

use core::{
    cell::UnsafeCell,
    ffi::{CStr, c_char},
    fmt::{self, Display, Write},
};

/// What [`pmem2_errormsg`](crate::call::errormsg) shows: text that ends with a null byte.
#[repr(C)]
pub struct Message {
    text: [u8; Self::SIZE],
}

impl Message {
    /// Bytes, the null byte among them: every sentence fits. It lies in thread-local storage, which
    /// is scarce where a library is loaded into a running program. shim.c of hosted/ and windows/
    /// has the same number.
    pub const SIZE: usize = 320;

    /// What there is to say before anything failed: never nothing.
    pub const NONE: &'static str = "no call of this thread has failed";

    /// The message of a thread that has met no failure.
    #[must_use]
    pub const fn new() -> Self {
        let mut text = [0; Self::SIZE];
        let (start, _) = text.split_at_mut(Self::NONE.len());
        start.copy_from_slice(Self::NONE.as_bytes());
        Self { text }
    }

    /// Replaces the text. What does not fit is cut off.
    pub(crate) fn set(&mut self, message: &dyn Display) {
        let mut writer = Cut::new(&mut self.text);
        // A sentence that is cut off is one all the same; `write_str` says so only to be called no
        // more.
        let _ = write!(writer, "{message}");
    }
}

/// As it is shown.
impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It was written as text, and ends with a null byte.
        let text = CStr::from_bytes_until_nul(&self.text).unwrap_or_default();
        f.write_str(text.to_str().unwrap_or_default())
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes text and a null byte, as much as there is room for.
pub(crate) struct Cut<'t> {
    text: &'t mut [u8],
    length: usize,
}

impl<'t> Cut<'t> {
    pub(crate) const fn new(text: &'t mut [u8]) -> Self {
        Self { text, length: 0 }
    }
}

impl Write for Cut<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.text.get_mut(self.length..).unwrap_or_default();
        // One byte is for the null.
        let fits = more.floor_char_boundary(room.len().saturating_sub(1));
        for (place, byte) in room.iter_mut().zip(more.bytes().take(fits).chain([0])) {
            *place = byte;
        }
        self.length = self.length.saturating_add(fits);
        if fits == more.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// One message for a whole image: what [`export!`](crate::export) uses where it is not told of a
/// better one.
#[repr(transparent)]
pub struct SharedMessage(UnsafeCell<Message>);

// SAFETY: nothing is reached through a shared borrow but a pointer. Who uses it answers for the
// exclusion: see `export!`.
unsafe impl Sync for SharedMessage {}

impl SharedMessage {
    /// The message of an image that has met no failure.
    #[must_use]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Message::new()))
    }

    /// Where it is.
    pub const fn get(&self) -> *mut Message {
        self.0.get()
    }
}

impl Default for SharedMessage {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the text of a message is.
pub(crate) const fn text(message: *const Message) -> *const c_char {
    message.cast()
}

#[cfg(test)]
mod tests {
    use super::{Cut, Message};
    use crate::{call::Why, failure::Failure, whats::WHATS};
    use core::{ffi::CStr, fmt::Write};
    use pmem2::{
        Error, Kind,
        bare::RegionFault,
        error::{HandleFault, Memory, WriteFault},
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
        let hosted = format!("message[{}] WITH_THREAD = \"{}\";", Message::SIZE, Message::NONE);
        assert!(include_str!("../hosted/src/shim.c").contains(&hosted), "{hosted}");
        let windows = include_str!("../windows/src/shim.c");
        for line in [
            format!("#define SIZE {}\n", Message::SIZE),
            format!(".message = \"{}\" }};", Message::NONE),
        ] {
            assert!(windows.contains(&line), "{line}");
        }
    }

    #[test]
    fn is_replaced_and_cut() {
        let mut message = Message::new();
        message.set(&"x".repeat(Message::SIZE));
        assert_eq!(shown(&message), "x".repeat(Message::SIZE - 1));
        message.set(&"short");
        assert_eq!(shown(&message), "short");
        message.set(&"");
        assert_eq!(shown(&message), "");
    }

    #[test]
    fn cuts_between_characters() {
        for room in 0..10 {
            let mut text = [0xff; 10];
            let mut cut = Cut::new(&mut text[..room]);
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

    /// Errors of each sort that there is, about everything, with the longest numbers.
    fn errors() -> Vec<Error> {
        let disk = Backing::Disk { major: u32::MAX, minor: u32::MAX };
        let hidden = Backing::Hidden(FileSystem::from_magic(u32::MAX));
        let mut errors = vec![
            Error::OffsetBeyondEnd { offset: u64::MAX, size: u64::MAX },
            Error::MapRange { end: Some(u64::MAX), size: u64::MAX },
            Error::MapRange { end: None, size: u64::MAX },
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
        for what in WHATS {
            errors.extend([disk, hidden].map(|on| Error::NotPersistentMemory { asked: what, on }));
            errors.extend([Error::Unknown(what), Error::Unsupported(what), Error::TooLarge(what)]);
            errors.push(Error::UnknownFileType(what));
            errors.push(Error::OsCode { subject: what, code: u32::MAX });
            let os =
                |errno| Error::Os { subject: what, errno: pmem2::error::Errno::from_raw(errno) };
            errors.extend((1..=133).chain([4095]).map(os));
        }
        errors
    }

    const REASONS: [Reason; 25] = [
        Reason::Private,
        Reason::Anonymous,
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
            assert!(failure.len() < Message::SIZE, "{failure}");
        }
    }

    /// Whether it is written like a type, a variant or a function of Rust's.
    fn is_rusts(word: &str) -> bool {
        // Neither C's nor Rust's: calls, commands and drivers of Linux, a platform, its feature,
        // the file of a device.
        const OTHERS: [&str; 7] =
            ["io_uring", "xfs_io", "dax_hmem", "eADR", "daxX", "size_t", "PowerPC"];
        let letters = || word.chars().zip(word.chars().skip(1));
        let has_humps = letters().any(|(one, next)| one.is_lowercase() && next.is_uppercase());
        let is_snake = word.contains('_') && word.chars().any(char::is_lowercase);
        (has_humps || is_snake) && !OTHERS.contains(&word)
    }

    /// C's functions have names of their own.
    #[test]
    fn no_sentence_names_what_is_rusts() {
        let failures = errors().into_iter().map(|error| Failure::from(error).to_string());
        let reasons = REASONS.into_iter().map(|reason| Why(reason).to_string());
        for sentence in failures.chain(reasons) {
            assert!(!sentence.contains("::"), "{sentence}");
            for word in sentence.split(|char: char| !char.is_alphanumeric() && char != '_') {
                assert!(!is_rusts(word), "{word}: {sentence}");
            }
        }
        // It would be seen.
        for word in ["LossyAllocation", "durable_by", "with_hints"] {
            assert!(is_rusts(word), "{word}");
        }
        assert!(Why(Reason::TableUnstated).to_string().ends_with(" (PMEM2_DURABLE_BY_FENCE)"));
    }
}
