//! Text in UTF-16, which `wchar_t` is on Windows.

use core::{
    fmt::{self, Display, Write},
    ptr::NonNull,
};

use crate::{Message, failure::Failure};

/// The last message in UTF-16, which ends with a zero.
#[repr(C)]
pub struct WideMessage {
    text: [u16; Message::SIZE],
}

impl WideMessage {
    /// No text.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: [0; Message::SIZE] }
    }

    /// Replaces the text. A message has no more units in UTF-16 than bytes, so it fits.
    pub(crate) fn set(&mut self, message: &dyn Display) {
        let _ = write!(Units::new(&mut self.text), "{message}");
    }
}

impl Default for WideMessage {
    fn default() -> Self {
        Self::new()
    }
}

/// How many bytes a text and a zero take in UTF-16.
pub(crate) fn needed(text: &dyn Display) -> usize {
    bytes(units(text))
}

/// The same in units.
fn units(text: &dyn Display) -> usize {
    let mut length = Length(1);
    // Nothing that is written to fails: the number saturates.
    let _ = write!(length, "{text}");
    length.0
}

const fn bytes(units: usize) -> usize {
    units.saturating_mul(size_of::<u16>())
}

/// Writes a text, and a zero, into `len` bytes at `buf`; nothing if they do not suffice.
///
/// # Safety
///
/// `buf` is valid for writes of `len` bytes, and aligned.
pub(crate) unsafe fn put(text: &dyn Display, buf: NonNull<u16>, len: usize) -> Result<(), Failure> {
    let units = units(text);
    let needed = bytes(units);
    if needed > len {
        return Err(Failure::Short { given: len, needed });
    }
    // SAFETY: buf is aligned and valid for len bytes, of which this is at most all; a unit has no
    // forbidden value. They may hold nothing yet, so zeros first.
    let place = unsafe {
        buf.write_bytes(0, units);
        core::slice::from_raw_parts_mut(buf.as_ptr(), units)
    };
    let _ = write!(Units::new(place), "{text}");
    Ok(())
}

/// Counts units.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(more.encode_utf16().count());
        Ok(())
    }
}

/// Writes text and a zero, as much as there is room for.
struct Units<'t> {
    text: &'t mut [u16],
    length: usize,
}

impl<'t> Units<'t> {
    fn new(text: &'t mut [u16]) -> Self {
        if let Some(first) = text.first_mut() {
            *first = 0;
        }
        Self { text, length: 0 }
    }
}

impl Write for Units<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units);
            let end = self.length.saturating_add(units.len());
            // One unit is for the zero; a character is written as a whole.
            let Some([text @ .., zero]) = self.text.get_mut(self.length..=end) else {
                return Err(fmt::Error);
            };
            text.copy_from_slice(units);
            *zero = 0;
            self.length = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{WideMessage, needed, put};
    use crate::{Message, failure::Failure};
    use core::ptr::NonNull;
    use std::{string::String, vec::Vec};

    fn shown(text: &[u16]) -> String {
        let units: Vec<_> = text.iter().copied().take_while(|&unit| unit != 0).collect();
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn a_message_is_replaced_and_cut() {
        let mut message = WideMessage::new();
        assert_eq!(shown(&message.text), "");
        for text in [Message::NONE, "short", "", "é€😀"] {
            message.set(&text);
            assert_eq!(shown(&message.text), text);
        }
        message.set(&"x".repeat(Message::SIZE));
        assert_eq!(shown(&message.text), "x".repeat(Message::SIZE - 1));
        // No half of a pair.
        message.set(&std::format!("{}😀", "x".repeat(Message::SIZE - 2)));
        assert_eq!(shown(&message.text), "x".repeat(Message::SIZE - 2));
    }

    #[test]
    fn writes_all_or_nothing() {
        for (text, units) in [("", 1), ("id", 3), ("é€", 3), ("😀", 3)] {
            assert_eq!(needed(&text), units * 2, "{text}");
            for len in 0..12 {
                let mut buf = [0xffff_u16; 6];
                // SAFETY: an array is aligned, and valid for as many bytes as it has.
                let done = unsafe { put(&text, NonNull::from(&mut buf).cast(), len) };
                if len < units * 2 {
                    let failure = done.unwrap_err();
                    assert!(
                        matches!(failure, Failure::Short { given, needed } if given == len && needed == units * 2)
                    );
                    assert_eq!(buf, [0xffff; 6]);
                } else {
                    assert!(done.is_ok());
                    assert_eq!(shown(&buf), text);
                    assert!(
                        buf[units..].iter().all(|&unit| unit == 0xffff),
                        "nothing beyond the zero"
                    );
                }
            }
        }
    }
}
