//! The backend for Linux.
//!
//! [`Linux`] is the platform of every descriptor, and [`Native`](crate::Native) there; a program
//! seldom names it. Its documentation lists the system calls of each question, for those who write
//! a seccomp filter. [`FileId`] tells one file from another:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pmem2::Source;
//! use std::{fs::File, os::unix::fs::MetadataExt};
//!
//! let file = File::open(std::env::current_exe()?)?;
//! let source = Source::new(&file)?;
//! assert_eq!(source.id().inode(), file.metadata()?.ino());
//! // "device 254:1, inode 1234"
//! println!("{}", source.id());
//! # Ok(()) }
//! ```

pub use pmem2_platform::{FileId, Linux};
