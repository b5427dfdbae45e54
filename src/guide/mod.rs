//! Pages: each system, each language, and what is behind them.
//!
//! | page | for |
//! |---|---|
//! | [`linux`] | what makes a source, where it lies, memory that is bad |
//! | [`windows`] | handles, builds, what there is not |
//! | [`bare`] | regions of physical memory, without an operating system |
//! | [`c`] | the C library, on all three |
//! | [`command_line`] | `pmem2 inspect` |
//! | [`differences`] | who comes from libpmem2 |
//! | [`system_calls`] | who writes a seccomp filter |
//! | [`verified`] | which test proves which promise, on which target |
//! | [`cost`] | ratios, stack and bytes, each with its command |
//! | [`porting`] | who has a kernel of their own |
//! | [`design`] | who carries this on |
//!
//! The repository has programs to begin with: tests/examples/, and tests/cortex/example, a whole
//! project for a microcontroller.

// The links are here, so that the Markdown reads well elsewhere, too.

#[doc = include_str!("linux.md")]
///
/// [`Source::new`]: crate::Source::new
/// [`Source::boxed`]: crate::Source
/// [`Source::place`]: crate::Source::place
/// [`Source::read_at`]: crate::Source::read_at
/// [`Source::bad_blocks`]: crate::Source::bad_blocks
/// [`Source::clear_bad_blocks`]: crate::Source::clear_bad_blocks
/// [`Fd`]: crate::Fd
/// [`Reader`]: crate::transfer::Reader
/// [`Writer`]: crate::transfer::Writer
pub mod linux {}

#[doc = include_str!("windows.md")]
pub mod windows {}

#[doc = include_str!("bare.md")]
///
/// [`Extent`]: crate::bare::Extent
/// [`Native`]: crate::Native
/// [`persist`]: crate::persist
/// [`porting`]: porting
pub mod bare {}

#[doc = include_str!("c.md")]
pub mod c {}

#[doc = include_str!("command_line.md")]
pub mod command_line {}

#[doc = include_str!("differences.md")]
pub mod differences {}

#[doc = include_str!("system_calls.md")]
pub mod system_calls {}

#[doc = include_str!("verified.md")]
pub mod verified {}

#[doc = include_str!("cost.md")]
pub mod cost {}

#[doc = include_str!("porting.md")]
///
/// [`Platform`]: crate::platform::Platform
/// [`Platform::file_system`]: crate::platform::Platform::file_system
/// [`Handle`]: crate::Handle
/// [`Locate`]: crate::platform::Locate
/// [`Transfer`]: crate::platform::Transfer
/// [`BadBlocks`]: crate::platform::BadBlocks
/// [`Extent`]: crate::bare::Extent
/// [`Kind::Directory`]: crate::Kind::Directory
/// [`Access::WRITE`]: crate::Access::WRITE
/// [`Fail::Absent`]: crate::platform::Fail::Absent
/// [`Fail::Replaced`]: crate::platform::Fail::Replaced
/// [`Errno`]: crate::error::Errno
/// [`Borrowed`]: crate::platform::Borrowed
/// [`Borrowed::from_raw`]: crate::platform::Borrowed::from_raw
/// [`Fd::borrow_raw`]: crate::Fd::borrow_raw
/// [`Fail::Ended`]: crate::platform::Fail::Ended
/// [`Reader`]: crate::transfer::Reader
/// [`Writer`]: crate::transfer::Writer
pub mod porting {}

#[doc = include_str!("design.md")]
pub mod design {}
