//! A value in a mapping that is replaced as a whole: a superblock, a checkpoint, a configuration.
//!
//! There are two slots. A new value goes to the slot of the older one, with a number that is one
//! higher, and a checksum over both. The value with the highest number whose checksum is right
//! counts. A power cut leaves a part of the new slot at worst, which its checksum tells, and then
//! the value before counts. So an update waits once, and needs no commit word.

use pmem2::{Error, Handle, Mapping, map::Map};

use super::{checksum::Checksum, fault::Fault, zeros};

/// The bytes before a value: its number, and the checksum.
const HEADER: usize = 16;

/// A value of `N` bytes. Number 0 is none yet. Only one at a time may use a mapping's bytes:
/// whoever opens a file locks it.
pub(crate) struct Slots<H: Handle<P: Map>, const N: usize> {
    map: Mapping<H>,
    /// The number of the value that counts: it is in the slot of its parity.
    number: u64,
}

impl<H: Handle<P: Map>, const N: usize> Slots<H, N> {
    /// The distance between the slots, which share no cache line.
    const DISTANCE: usize = (HEADER + N).next_multiple_of(64);

    /// Finds the value in a mapping, or begins without one where both slots are zeros.
    pub(crate) fn open(map: Mapping<H>) -> Result<Self, Fault> {
        if map.length() < 2 * Self::DISTANCE {
            return Err(Fault::Full);
        }
        let mut slots = Self { map, number: 0 };
        let found = slots.load(0)?.max(slots.load(1)?);
        let value = match found {
            Some((number, value)) => {
                slots.number = number;
                value
            }
            None => {
                zeros::check(&slots.map, 0..2 * Self::DISTANCE)?;
                [0; N]
            }
        };
        // A process that was killed may have left a value that is visible and not durable yet. In
        // zeros this is number 0, so that the first value, too, has one before it.
        slots.store(slots.number, &value)?;
        Ok(slots)
    }

    /// Returns the value, if there is one.
    pub(crate) fn get(&self) -> Result<Option<[u8; N]>, Fault> {
        if self.number == 0 {
            return Ok(None);
        }
        match self.load(self.number % 2)? {
            Some((number, value)) if number == self.number => Ok(Some(value)),
            _ => Err(Fault::Damaged(Self::at(self.number))),
        }
    }

    /// Replaces the value. The new one is durable on return. Where this fails, the old one counts
    /// or the new one after a power cut, and the call may be repeated.
    pub(crate) fn put(&mut self, value: &[u8; N]) -> Result<(), Fault> {
        let number = self.number.checked_add(1).ok_or(Fault::Full)?;
        self.store(number, value)?;
        self.number = number;
        Ok(())
    }

    /// Returns the mapping.
    pub(crate) fn into_map(self) -> Mapping<H> {
        self.map
    }

    /// Returns the offset of the slot for a number.
    const fn at(number: u64) -> usize {
        if number.is_multiple_of(2) { 0 } else { Self::DISTANCE }
    }

    /// Returns the number and the value of a slot, if its checksum is right. That of zeros is not.
    fn load(&self, slot: u64) -> Result<Option<(u64, [u8; N])>, Error> {
        let at = Self::at(slot);
        let [number, sum]: [u64; 2] = self.map.get(at)?;
        let value: [u8; N] = self.map.get(at + HEADER)?;
        let right = number % 2 == slot && sum == checksum(number, &value);
        Ok(right.then_some((number, value)))
    }

    /// Stores a value to the slot for its number, durably.
    fn store(&self, number: u64, value: &[u8; N]) -> Result<(), Error> {
        let at = Self::at(number);
        self.map.batch(|stores| {
            stores.put(at, &[number, checksum(number, value)])?;
            stores.put(at + HEADER, value)
        })
    }
}

fn checksum(number: u64, value: &[u8]) -> u64 {
    Checksum::new().and(&number.to_ne_bytes()).and(value).value().into()
}
