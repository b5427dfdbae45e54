//! Text for C: the last message, and answers in the caller's buffers. `char` holds UTF-8, Windows'
//! `wchar_t` UTF-16.

use core::{
    cell::UnsafeCell,
    ffi::CStr,
    fmt::{self, Display, Write},
    marker::PhantomData,
    ptr::NonNull,
};

use crate::failure::Failure;

/// A unit of text: `u8` is `char`, `u16` is `wchar_t`.
pub trait Unit: Copy {
    /// The unit at the end of a text.
    const ZERO: Self;

    /// Counts the units of a text.
    fn count(text: &str) -> usize;

    /// Writes as many whole characters as there is room for. Returns how many units they are, and
    /// whether that was all.
    fn encode(text: &str, room: &mut [Self]) -> (usize, bool);
}

impl Unit for u8 {
    const ZERO: Self = 0;

    fn count(text: &str) -> usize {
        text.len()
    }

    fn encode(text: &str, room: &mut [Self]) -> (usize, bool) {
        let fits = text.floor_char_boundary(room.len());
        for (place, byte) in room.iter_mut().zip(text.bytes().take(fits)) {
            *place = byte;
        }
        (fits, fits == text.len())
    }
}

impl Unit for u16 {
    const ZERO: Self = 0;

    fn count(text: &str) -> usize {
        text.encode_utf16().count()
    }

    fn encode(text: &str, room: &mut [Self]) -> (usize, bool) {
        let mut written = 0_usize;
        for character in text.chars() {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units);
            let end = written.saturating_add(units.len());
            let Some(place) = room.get_mut(written..end) else { return (written, false) };
            for (place, unit) in place.iter_mut().zip(units) {
                *place = *unit;
            }
            written = end;
        }
        (written, true)
    }
}

/// Writes text and a zero, as much as there is room for.
struct Writer<'t, U> {
    text: &'t mut [U],
    length: usize,
}

impl<'t, U: Unit> Writer<'t, U> {
    fn new(text: &'t mut [U]) -> Self {
        if let Some(first) = text.first_mut() {
            *first = U::ZERO;
        }
        Self { text, length: 0 }
    }
}

/// Fails where text is cut off.
impl<U: Unit> Write for Writer<'_, U> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.text.get_mut(self.length..).unwrap_or_default();
        // One unit is for the zero.
        let most = room.len().saturating_sub(1);
        let (written, all) = U::encode(more, room.get_mut(..most).unwrap_or_default());
        if let Some(end) = room.get_mut(written) {
            *end = U::ZERO;
        }
        self.length = self.length.saturating_add(written);
        if all { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Counts units.
struct Counter<U>(usize, PhantomData<U>);

impl<U: Unit> Write for Counter<U> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(U::count(more));
        Ok(())
    }
}

/// Counts the units of a text and its zero.
fn count<U: Unit>(text: &dyn Display) -> usize {
    let mut counter = Counter(1, PhantomData::<U>);
    // A counter never fails: the number saturates.
    let _ = write!(counter, "{text:#}");
    counter.0
}

/// Returns how many bytes a text and its zero take.
pub(crate) fn size<U: Unit>(text: &dyn Display) -> usize {
    count::<U>(text).saturating_mul(size_of::<U>())
}

/// Writes a text and a zero into `len` bytes at `buf`; nothing where they do not suffice.
///
/// # Safety
///
/// `buf` is aligned, and valid for writes of `len` bytes.
pub(crate) unsafe fn put<U: Unit>(
    text: &dyn Display,
    buf: NonNull<U>,
    len: usize,
) -> Result<(), Failure> {
    let (count, needed) = (count::<U>(text), size::<U>(text));
    if needed > len {
        return Err(Failure::Short { given: len, needed });
    }
    // SAFETY: buf is aligned and valid for len bytes, of which this is at most all; a unit has no
    // forbidden value. They may be uninitialized, so zeros first.
    let buf = unsafe {
        buf.write_bytes(0, count);
        core::slice::from_raw_parts_mut(buf.as_ptr(), count)
    };
    // The text has the length that was counted.
    let _ = write!(Writer::new(buf), "{text:#}");
    Ok(())
}

/// The message of the last failure: text that ends with a zero.
#[repr(C)]
pub struct Message<U = u8> {
    text: [U; SIZE],
}

/// The message in UTF-16.
pub type WideMessage = Message<u16>;

/// The units of a message, the zero among them: every sentence fits. They lie in thread-local
/// storage, which is scarce where a library is loaded into a running program. shim.c of hosted/ and
/// windows/ has the same number.
const SIZE: usize = 448;

impl Message {
    /// The text before anything has failed: never an empty one.
    pub const NONE: &'static str = "no call of this thread has failed";

    /// Makes the message of a thread that has met no failure.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        let mut text = [0; SIZE];
        let (start, _) = text.split_at_mut(Self::NONE.len());
        start.copy_from_slice(Self::NONE.as_bytes());
        Self { text }
    }
}

impl<U: Unit> Message<U> {
    /// Replaces the text, and cuts off what does not fit.
    pub(crate) fn set(&mut self, message: &dyn Display) {
        // A sentence that is cut off is one all the same.
        let _ = write!(Writer::new(&mut self.text), "{message}");
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It was written as text, and ends with a zero.
        let text = CStr::from_bytes_until_nul(&self.text).unwrap_or_default();
        f.write_str(text.to_str().unwrap_or_default())
    }
}

/// One message for a whole image: the default of [`export!`](crate::export).
#[repr(transparent)]
pub struct SharedMessage(UnsafeCell<Message>);

// SAFETY: a shared borrow gives nothing but a pointer. Who uses it answers for the exclusion: see
// `export!`.
unsafe impl Sync for SharedMessage {}

impl SharedMessage {
    /// Makes the message of an image that has met no failure.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Message::new()))
    }

    /// Returns a pointer to the message.
    pub const fn get(&self) -> *mut Message {
        self.0.get()
    }
}

#[cfg(test)]
mod tests;
