//! Pages: each system, each language, proofs, cost, porting and design.
//!
//! The [front page](crate#chapters) has them in the order in which they are read.
//!
//! The repository has programs to begin with: tests/examples/, and tests/cortex/example, a whole
//! project for a microcontroller.

// The links are here, so that the Markdown reads well elsewhere, too.

#[doc = include_str!("mapping.md")]
///
/// Next: [power cuts](power_cuts).
///
/// [system_calls]: system_calls
/// [differences]: differences
/// [`Granularity`]: crate::Granularity
/// [`Sharing::Private`]: crate::Sharing::Private
/// [`write`]: crate::Mapping::write
/// [`fill`]: crate::Mapping::fill
/// [`move_within`]: crate::Mapping::move_within
/// [`put`]: crate::Mapping::put
/// [`commit`]: crate::Mapping::commit
/// [`batch`]: crate::Mapping::batch
/// [`unflushed`]: crate::Mapping::unflushed
/// [`flush`]: crate::Mapping::flush
/// [`drain`]: crate::Mapping::drain
/// [`persist`]: crate::Mapping::persist
/// [`sync`]: crate::Mapping::sync
/// [`deep_flush`]: crate::Mapping::deep_flush
/// [`view`]: crate::Mapping::view
/// [`word`]: crate::Mapping::word
/// [`as_ptr`]: crate::Mapping::as_ptr
/// [`part`]: crate::Mapping::part
/// [`split_at`]: crate::Mapping::split_at
/// [`grow`]: crate::Mapping::grow
/// [`catch_up`]: crate::Mapping::catch_up
/// [`populate`]: crate::Mapping::populate
/// [`room`]: crate::MapConfig::room
/// [`forced`]: crate::MapConfig::forced
/// [`by_call`]: crate::MapConfig::by_call
/// [`at_place`]: crate::MapConfig::at_place
/// [`aligned_to`]: crate::MapConfig::aligned_to
/// [`NotSynced`]: crate::Error::NotSynced
/// [`Memory::slice`]: crate::map::Memory::slice
/// [`Reader`]: crate::transfer::Reader
/// [`Writer`]: crate::transfer::Writer
pub mod mapping {}

#[doc = include_str!("power_cuts.md")]
///
/// Previous: [mapping](mapping). Next: [Linux](linux).
pub mod power_cuts {}

#[doc = include_str!("linux.md")]
///
/// Previous: [power cuts](power_cuts). Next: [Windows](windows).
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
///
/// Previous: [Linux](linux). Next: [no operating system](bare).
///
/// [c]: c
pub mod windows {}

#[doc = include_str!("bare.md")]
///
/// Previous: [Windows](windows). Next: [C](c).
///
/// [`Extent`]: crate::bare::Extent
/// [`Native`]: crate::Native
/// [`persist`]: crate::persist
/// [porting]: porting
pub mod bare {}

#[doc = include_str!("c.md")]
///
/// Previous: [no operating system](bare). Next: [the command line](command_line).
///
/// [porting]: porting
pub mod c {}

#[doc = include_str!("command_line.md")]
///
/// Previous: [C](c). Next: [differences from libpmem2](differences).
pub mod command_line {}

#[doc = include_str!("differences.md")]
///
/// Previous: [the command line](command_line). Next: [system calls](system_calls).
pub mod differences {}

#[doc = include_str!("system_calls.md")]
///
/// Previous: [differences from libpmem2](differences). Next: [what is verified where](verified).
pub mod system_calls {}

#[doc = include_str!("verified.md")]
///
/// Previous: [system calls](system_calls). Next: [cost](cost).
pub mod verified {}

#[doc = include_str!("cost.md")]
///
/// Previous: [what is verified where](verified). Next: [porting](porting).
pub mod cost {}

#[doc = include_str!("porting.md")]
///
/// Previous: [cost](cost). Next: [design](design).
///
/// [`Platform`]: crate::platform::Platform
/// [`Platform::file_system`]: crate::platform::Platform::file_system
/// [`Handle`]: crate::Handle
/// [`Locate`]: crate::platform::Locate
/// [`Transfer`]: crate::platform::Transfer
/// [`BadBlocks`]: crate::platform::BadBlocks
/// [`Map`]: crate::platform::Map
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
///
/// Previous: [porting](porting).
///
/// [system_calls]: system_calls
/// [verified]: verified
/// [porting]: porting
pub mod design {}
