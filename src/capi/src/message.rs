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
    use core::{ffi::CStr, fmt::Write};
    use std::{format, string::String};

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

    #[test]
    fn every_sentence_fits() {
        let disk = pmem2::Backing::Disk { major: u32::MAX, minor: u32::MAX };
        let hidden = pmem2::Backing::Hidden(pmem2::FileSystem::from_magic(u32::MAX));
        // Codes without a number in their sentence are shorter than these.
        let errors = [
            pmem2::Error::MapRange { end: Some(u64::MAX), size: u64::MAX },
            pmem2::Error::LengthUnaligned { length: u64::MAX, alignment: 1 << 63 },
            pmem2::Error::InvalidAlignmentValue(u64::MAX),
            pmem2::Error::UnknownFileType(pmem2::What::Sysfs),
            pmem2::Error::InvalidFileHandle(pmem2::HandleFault::Replaced),
            pmem2::Error::InvalidFileType(pmem2::Kind::AnonymousInode),
            pmem2::Error::Os { what: pmem2::What::FileSystem, errno: pmem2::Errno::EACCES },
            pmem2::Error::Os { what: pmem2::What::Volume, errno: pmem2::Errno::EACCES },
            pmem2::Error::OsCode { what: pmem2::What::Volume, code: u32::MAX },
            pmem2::Error::DaxRegionNotFound(disk),
            pmem2::Error::DaxRegionNotFound(hidden),
            pmem2::Error::NotPersistentMemory { asked: pmem2::What::UnsafeShutdowns, on: disk },
            pmem2::Error::NotPersistentMemory { asked: pmem2::What::UnsafeShutdowns, on: hidden },
            pmem2::Error::NeverDurable,
            pmem2::Error::SeveralNumaNodes,
            pmem2::Error::TooLarge(pmem2::What::Volume),
            pmem2::Error::InvalidFileHandle(pmem2::HandleFault::DeviceReplaced),
        ];
        for error in errors {
            assert!(format!("{error}").len() < Message::SIZE, "{error}");
        }
    }
}
