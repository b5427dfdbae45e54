//! Values of types that the crate `zerocopy` vouches for.

use pmem2_platform::{Handle, Map};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{mapping::Mapping, stores::Stores};
use crate::error::Error;

impl<H: Handle<P: Map>> Mapping<H> {
    /// Returns the value at `offset`, which needs no alignment (with the feature `zerocopy`).
    ///
    /// # Errors
    ///
    /// Those of [`read`](Mapping::read).
    #[inline]
    #[track_caller]
    pub fn get_as<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T, Error> {
        let mut value = T::new_zeroed();
        self.read(offset, value.as_mut_bytes())?;
        Ok(value)
    }

    /// Stores a value at `offset`, which needs no alignment (with the feature `zerocopy`). It is
    /// durable on return.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Mapping::write).
    #[inline]
    #[track_caller]
    pub fn put_as<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) -> Result<(), Error> {
        self.write(offset, value.as_bytes())
    }
}

impl<H: Handle<P: Map>> Stores<'_, H> {
    /// Stores a value at `offset`, which needs no alignment (with the feature `zerocopy`).
    ///
    /// # Errors
    ///
    /// Those of [`Mapping::write`].
    #[inline]
    #[track_caller]
    pub fn put_as<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) -> Result<(), Error> {
        self.write(offset, value.as_bytes())
    }
}
