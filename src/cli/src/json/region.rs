//! What a table tells of a region of physical memory beyond the answers that every source has.

use pmem2::{persist::Durability, place::DimmState};
use serde::Serialize;

use crate::table::Told;

#[derive(Serialize)]
pub(super) struct Region<'t> {
    number: u32,
    provider: &'t str,
    base: Option<u64>,
    length: Option<u64>,
    durability: Option<&'static str>,
    save_failed: bool,
    flush_hints: Option<usize>,
    proximity_domain: Option<u32>,
    guid: Option<String>,
}

impl<'t> From<&Told<'t>> for Region<'t> {
    fn from(told: &Told<'t>) -> Self {
        Self {
            number: told.region.number(),
            provider: told.region.provider(),
            base: told.has_address().then(|| told.region.base()),
            length: told.has_address().then(|| told.region.length()),
            durability: told.durability().map(|durability| match durability {
                Durability::CacheFlush => "cache_flush",
                Durability::Fence => "fence",
                Durability::Call => "call",
                Durability::None => "none",
                _ => "other",
            }),
            save_failed: told.region.state().intersects(
                DimmState::SAVE_FAILED | DimmState::RESTORE_FAILED | DimmState::FLUSH_FAILED,
            ),
            flush_hints: told.flush_hints(),
            proximity_domain: told.region.proximity_domain(),
            guid: told.region.guid().map(|guid| guid.to_string()),
        }
    }
}
