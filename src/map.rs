//! Mapping: memory that keeps its contents, and stores to it that are durable.
//!
//! A validated [`Source`](crate::Source) is mapped by [`Source::map`](crate::Source::map), as a
//! [`MapConfig`] says. The [`Mapping`] owns the source and its addresses. It knows its granularity,
//! and so how a store becomes durable: by a fence, by flushed cache lines, or by msync(2).
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::{Granularity, MapConfig, Source};
//!
//! let path = std::env::temp_dir().join(format!("pmem2-map-{}", std::process::id()));
//! let file = std::fs::File::options().read(true).write(true).create_new(true).open(&path)?;
//! # std::fs::remove_file(&path)?;
//! # if cfg!(windows) { return Ok(()) }
//! file.set_len(4096)?;
//! // Any granularity will do: PAGE is the coarsest.
//! let map = Source::new(file)?.map(&MapConfig::new(Granularity::Page))?;
//! map.populate(.., true)?; // allocates the storage: a full disk is an error, and no SIGBUS
//! map.grow(map.length())?; // makes its length durable; with PAGE the first write does
//!
//! // Durable on return, as is whatever stores.
//! map.write(64, b"a record")?;
//! // Ordered after the record, in one store: after a power cut it is there only with the record.
//! map.commit(0, 1)?;
//!
//! let mut record = [0; 8];
//! map.read(64, &mut record)?;
//! assert_eq!((&record, map.word(0)?.load()?), (b"a record", 1));
//! # Ok(()) }
//! ```
//!
//! [The guide's page](crate::guide::mapping) says what is durable when, and what to do about files
//! that exist, grow or are shared.

mod access;
pub(crate) mod config;
mod durable;
mod grow;
pub(crate) mod mapping;
mod stores;
mod word;
#[cfg(feature = "zerocopy")]
mod zerocopy;

pub use config::MapConfig;
pub use mapping::Mapping;
pub use pmem2_platform::{
    Map, Mapped, Memory, MemoryFault, Plain, Protection, Request, Shared, Span, Steps, plain,
    shared,
};
pub use stores::Stores;
pub use word::Word;
