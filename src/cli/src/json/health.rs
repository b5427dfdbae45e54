//! What was read of a source.

use serde::Serialize;

use super::Failure;
use crate::{
    ranges::Extent,
    scan::{self, End},
};

#[derive(Serialize)]
pub(super) struct Scan {
    size: u64,
    scanned: u64,
    never_written: u64,
    complete: bool,
    interrupted: bool,
    error: Option<Failure>,
    unreadable: Vec<Extent>,
    unreadable_count: u64,
    unreadable_bytes: u64,
}

impl From<&scan::Scan> for Scan {
    fn from(scan: &scan::Scan) -> Self {
        Self {
            size: scan.size,
            scanned: scan.scanned,
            never_written: scan.never_written,
            complete: scan.end == End::Complete,
            interrupted: scan.end == End::Interrupted,
            error: match scan.end {
                End::Failed(error) => Some(error.into()),
                _ => None,
            },
            unreadable: scan.unreadable.extents(),
            unreadable_count: scan.unreadable.count(),
            unreadable_bytes: scan.unreadable.bytes(),
        }
    }
}
