//! Bad blocks: without an operating system nobody keeps a list, so that every question has the
//! contract's own answer, [`Fail::Unsupported`](crate::Fail). What happens at bad memory, the
//! [`Transfer`](crate::Transfer) of [`Bare`] says.

use core::convert::Infallible;

use super::source::Bare;
use crate::badblocks::BadBlocks;

impl BadBlocks for Bare<'_> {
    type List = Infallible;
}
