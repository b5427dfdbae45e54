//! Short texts in a fixed amount of memory.

use core::{fmt, ops::Deref};

/// The end of a text that was cut.
const CUT: &str = "…";

/// A text of at most `N` bytes, in place: a plain value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<const N: usize> {
    /// The text in UTF-8, then zeros, so that equal texts are equal values.
    bytes: [u8; N],
    length: u16,
}

impl<const N: usize> Text<N> {
    /// Makes the empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// Returns `text`, if it has at most `N` bytes.
    #[must_use]
    pub fn fit(text: &str) -> Option<Self> {
        let mut all = Self::new();
        all.push(text).then_some(all)
    }

    /// Returns `text`, or its first characters and `…` where it has more than `N` bytes.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        Self::cut_of([text].into_iter())
    }

    /// Returns the texts as one, cut likewise.
    pub(crate) fn cut_of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut all = Self::new();
        // The most bytes that leave room for the mark.
        let mut kept = 0;
        for text in texts {
            for character in text.chars() {
                if !all.push(character.encode_utf8(&mut [0; 4])) {
                    all.bytes.iter_mut().skip(usize::from(kept)).for_each(|byte| *byte = 0);
                    all.length = kept;
                    let _ = all.push(CUT);
                    return all;
                }
                if all.len().saturating_add(CUT.len()) <= N {
                    kept = all.length;
                }
            }
        }
        all
    }

    /// Adds `more` at the end, and returns whether there was room. If not, nothing is added.
    #[must_use = "there may have been no room"]
    pub fn push(&mut self, more: &str) -> bool {
        let rest = self.bytes.get_mut(self.length.into()..);
        let Some(room) = rest.and_then(|rest| rest.get_mut(..more.len())) else { return false };
        let Ok(length) = u16::try_from(more.len().saturating_add(self.length.into())) else {
            return false;
        };
        // `copy_from_slice` would link a panic in a build for size.
        room.iter_mut().zip(more.bytes()).for_each(|(place, byte)| *place = byte);
        self.length = length;
        true
    }

    /// Adds bytes as pairs of hexadecimal digits; `None` where there was no room for all.
    ///
    /// `core::fmt` would take 2 KiB of flash.
    pub(crate) fn push_hex(&mut self, bytes: &[u8]) -> Option<()> {
        for byte in bytes {
            for digit in [byte >> 4, byte & 0xF].map(usize::from) {
                self.push("0123456789abcdef".get(digit..=digit)?).then_some(())?;
            }
        }
        Some(())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only whole strings are put in.
        self.bytes
            .get(..self.length.into())
            .and_then(|text| core::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Adds text; what does not fit is an error, and adds nothing.
impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.push(more) { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use core::fmt::Write;
    use std::format;

    #[test]
    fn what_does_not_fit_is_not_there() {
        let mut text = Text::<4>::new();
        assert_eq!(&*text, "");
        assert!(text.push("ab"));
        assert!(!text.push("cde"));
        assert!(!text.push("aé"));
        assert_eq!(&*text, "ab");
        assert!(text.push("é") && !text.push("x") && text.push(""));
        assert_eq!(
            (text.as_str(), format!("{text:>6}|{text:?}")),
            ("abé", "   abé|\"abé\"".into())
        );
        assert_eq!((Text::<3>::fit("abc").is_some(), Text::<2>::fit("abc")), (true, None));
        assert!(write!(Text::<3>::new(), "{}", 1234).is_err());
        assert_eq!(Text::<0>::fit(""), Some(Text::default()));
    }

    #[test]
    fn what_is_cut_says_so() {
        for (text, cut) in [
            ("", ""),
            ("abcdef", "abcdef"),
            ("abcdefg", "abc…"),
            ("abcdefghijklmnop", "abc…"),
            ("éèê", "éèê"),
            ("éèêë", "é…"),
            ("aéèê", "aé…"),
            ("\u{10FFFF}é", "\u{10FFFF}é"),
            ("\u{10FFFF}éa", "…"),
        ] {
            assert_eq!(&*Text::<6>::cut(text), cut, "{text}");
        }
        assert_eq!([&*Text::<3>::cut("abcd"), &*Text::<3>::cut("abc")], ["…", "abc"]);
        assert_eq!([&*Text::<2>::cut("abc"), &*Text::<2>::cut("ab")], ["", "ab"]);
    }
}
