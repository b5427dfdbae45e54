//! The blocks of a flattened devicetree, and the values in them.

use crate::bare::{
    bytes::Bytes,
    fault::{self, TableFault},
};

/// The largest tree that is read, as in Linux (MAX_FDT_SIZE).
const LARGEST: usize = 2 << 20;

const MAGIC: u32 = 0xd00d_feed;
/// The versions of the format that this reads. The second one states the length of the structure
/// block.
const OLD_VERSION: u32 = 16;
const VERSION: u32 = 17;

/// A blob whose blocks lie within it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blob<'t> {
    pub(super) structure: Bytes<'t>,
    strings: Bytes<'t>,
    /// The offset of the structure block in the blob.
    pub(super) start: usize,
}

impl<'t> Blob<'t> {
    /// Reads the header of the blob at the beginning of `bytes`. Its tokens are not checked.
    pub(super) fn parse(bytes: &'t [u8]) -> Result<Self, TableFault> {
        let all = Bytes::new(bytes);
        let field = |at| all.big32(at).ok_or(TableFault::Length);
        let offset =
            |at| field(at).and_then(|value| usize::try_from(value).map_err(|_| TableFault::Length));
        if field(0)? != MAGIC {
            return Err(TableFault::Signature);
        }
        let all = fault::whole(all, field(4)?)?;
        if all.len() > LARGEST {
            return Err(TableFault::TooMany);
        }
        let (version, compatible) = (field(20)?, field(24)?);
        if version < OLD_VERSION || compatible > VERSION {
            return Err(TableFault::Version { version, compatible });
        }
        let block =
            |at, length| all.tail(at).and_then(|rest| rest.head(length)).ok_or(TableFault::Length);
        let start = offset(8)?;
        if !start.is_multiple_of(4) {
            return Err(TableFault::Length);
        }
        let length = match version {
            OLD_VERSION => all.len().checked_sub(start).ok_or(TableFault::Length)?,
            _ => offset(36)?,
        };
        let (structure, strings) = (block(start, length)?, block(offset(12)?, offset(32)?)?);
        Ok(Self { structure, strings, start })
    }

    /// Tells whether the property's name at this offset is the expected one. No more of it is read:
    /// names may be long, and the same for many.
    pub(super) fn is_named(self, name: usize, expected: &str) -> bool {
        let (Some(name), expected) = (self.strings.tail(name), expected.as_bytes()) else {
            return false;
        };
        name.as_slice().starts_with(expected) && name.u8(expected.len()) == Some(0)
    }

    /// Returns the value of the property whose token is at this offset.
    pub(super) fn value(self, at: usize) -> Option<Bytes<'t>> {
        let length = usize::try_from(self.structure.big32(at.checked_add(4)?)?).ok()?;
        self.structure.tail(at.checked_add(12)?)?.head(length)
    }
}
