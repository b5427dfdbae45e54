//! Bad blocks: Windows keeps no list that a program can read. Every question has the contract's
//! default answer, [`Fail::Unsupported`](crate::Fail). Bad memory is found by reading it
//! (transfer.rs).

use core::convert::Infallible;

use super::{crt::Crt, platform::Windows};
use crate::badblocks::BadBlocks;

impl BadBlocks for Windows {
    type List = Infallible;
}

impl BadBlocks for Crt {
    type List = Infallible;
}
