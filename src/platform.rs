//! The contract for those who port the library: traits that a system implements, facts that it
//! states.
//!
//! A system is a [`Platform`], whose objects are named by a [`Handle`](crate::Handle). It states
//! [`Facts`], or says why it cannot ([`Fail`]); the core decides what they mean. The other traits
//! are a capability each, and every method has a default: [`Locate`] is where an object lies,
//! [`Transfer`] reading and writing where memory may be bad, [`BadBlocks`] which memory is known to
//! be bad, [`Map`] memory that shows an object, by [`Steps`].
//!
//! The smallest platform, a table of objects in memory, is this much:
//!
//! ```
//! use pmem2::{
//!     Access, Error, Handle, Kind, Source,
//!     error::Subject,
//!     platform::{Alignment, Borrowed, Facts, Fail, Platform},
//! };
//!
//! /// Sizes in bytes, by number.
//! struct Table(Vec<u64>);
//!
//! impl Platform for &Table {
//!     type Raw = usize;
//!     type Id = usize;
//!
//!     fn describe(object: Borrowed<'_, Self>) -> Result<Facts<usize>, Fail> {
//!         let number = object.raw();
//!         object.platform().0.get(number).ok_or(Fail::Absent(Subject::Handle))?;
//!         let access = Access::READ | Access::WRITE;
//!         Ok(Facts::new(number, Kind::RegularFile, access, Alignment::new(4096)))
//!     }
//!
//!     fn size(object: Borrowed<'_, Self>, facts: &Facts<usize>) -> Result<u64, Fail> {
//!         let size = object.platform().0.get(object.raw()).ok_or(Fail::Absent(Subject::Handle))?;
//!         if object.raw() == facts.id { Ok(*size) } else { Err(Fail::Replaced) }
//!     }
//! }
//!
//! struct Object<'t>(&'t Table, usize);
//!
//! // SAFETY: a number names the same object for as long as the table is borrowed: nothing is ever
//! // removed.
//! unsafe impl<'t> Handle for Object<'t> {
//!     type P = &'t Table;
//!     fn platform(&self) -> &'t Table {
//!         self.0
//!     }
//!     fn raw(&self) -> usize {
//!         self.1
//!     }
//! }
//!
//! let table = Table(vec![8192]);
//! assert_eq!(Source::new(Object(&table, 0))?.check_range(4096, 0)?, 4096..8192);
//! assert!(matches!(Source::new(Object(&table, 1)), Err(Error::InvalidFileHandle(_))));
//! # Ok::<(), Error>(())
//! ```
//!
//! The guide has a page on [porting](crate::guide::porting), from nothing to a passing suite (the
//! feature `conformance`).

pub use pmem2_platform::{
    Alignment, Anon, BadBlocks, Borrowed, Facts, Fail, Locate, Map, Mapped, NoId, Nowhere,
    Platform, Request, Span, Steps, Text, Transfer, Unsupported,
};
