//! A mapping of a whole source, as a program would make it.

use pmem2::{
    Error, Granularity, Handle, MapConfig, Mapping, Source,
    map::{Map, Protection},
    platform::Locate,
};
use serde_json::json;

use crate::{entry::Entry, json};

/// The granularity that a mapping of the whole source got. It is unmapped already, and nothing was
/// loaded.
pub(crate) struct Whole(Result<(Granularity, usize), Error>);

impl Whole {
    /// Maps the source for loads, with whatever granularity it gets.
    pub(crate) fn map<H: Handle<P: Map + Locate>>(handle: H) -> Self {
        const ALL: MapConfig<'_> = MapConfig::new(Granularity::Page).protection(Protection::READ);
        let got = |map: Mapping<H>| (map.granularity(), map.length());
        Self(Source::new(handle).and_then(|source| source.map(&ALL)).map(got))
    }

    pub(crate) fn tell(&self, entry: &mut Entry) {
        match &self.0 {
            Ok((granularity, bytes)) => {
                let durable = match granularity {
                    Granularity::Byte => "a fence",
                    Granularity::CacheLine => "a flush of its cache lines, and a fence",
                    Granularity::Page => "msync(2)",
                };
                entry.line(
                    "mapping",
                    format_args!(
                        "{granularity}: all {bytes} bytes; a store is durable after {durable}"
                    ),
                );
                entry.set("mapping", json!({"granularity": granularity.name(), "bytes": bytes}));
            }
            // A note says so.
            Err(Error::SourceEmpty | Error::Unsupported(_)) => {}
            Err(error) => {
                entry.line("mapping", format_args!("refused: {error:#}"));
                entry.fail("mapping", json::error(error));
            }
        }
    }
}
