//! Parts that the programs share: a handle, a start, and a way to use an answer.
//!
//! Each program asks a source for one capability's answers. The difference between its size and
//! that of `without` is the cost of the capability. Nothing runs: ci/measure only links and
//! compares.
#![no_std]

#[cfg(target_os = "linux")]
#[path = "../../../freestanding/src/mem.rs"]
mod mem;

use core::{hint::black_box, panic::PanicInfo};

#[cfg(target_os = "none")]
use pmem2::persist::Instruction;
use pmem2::{Error, Source, persist::Cpu};

#[cfg(target_os = "linux")]
pub use pmem2::Fd as Handle;

#[cfg(target_os = "none")]
pub use pmem2::bare::Extent as Handle;

/// Returns a descriptor that the compiler knows nothing about.
#[cfg(target_os = "linux")]
#[inline]
pub fn handle<'t>() -> Handle<'t> {
    // SAFETY: nothing in these programs closes a descriptor.
    unsafe { Handle::borrow_raw(black_box(3)) }
}

/// Returns a region that the compiler knows nothing about.
#[cfg(target_os = "none")]
#[inline]
pub fn handle<'t>() -> Handle<'t> {
    use pmem2::{
        bare::{PhysicalRegion, RegionKind},
        persist::PersistenceDomain,
    };

    static FRAM: PhysicalRegion<'_> =
        PhysicalRegion::new(0x6000_0000, 256 << 10, RegionKind::Persistent)
            .in_domain(PersistenceDomain::CpuCache);
    black_box(Handle::new(&FRAM))
}

/// Returns a source of the handle.
#[cfg(target_os = "linux")]
#[inline]
pub fn source<'t>() -> Result<Source<Handle<'t>>, Error> {
    Source::from_fd(handle())
}

/// Returns a source of the handle.
#[cfg(target_os = "none")]
#[inline]
pub fn source<'t>() -> Result<Source<Handle<'t>>, Error> {
    Source::from_region(handle())
}

/// Returns the processor of the target.
#[cfg(target_os = "linux")]
#[inline]
pub fn cpu() -> Cpu {
    Cpu::detect().unwrap_or(Cpu::fence_only())
}

/// Returns the processor of the target.
#[cfg(target_os = "none")]
#[inline]
pub fn cpu() -> Cpu {
    // SAFETY: this is a Cortex-M without a data cache, in privileged mode.
    unsafe { Cpu::with_instruction(Instruction::CortexM, 1) }.unwrap_or(Cpu::fence_only())
}

/// Declares a writer of the source.
#[cfg(target_os = "linux")]
#[macro_export]
macro_rules! writer {
    ($source:ident => $writer:ident) => {
        let $writer = ::pmem2::transfer::Writer::new($source)?;
    };
}

/// Declares a writer of the source, through a window on its memory.
#[cfg(target_os = "none")]
#[macro_export]
macro_rules! writer {
    ($source:ident => $writer:ident) => {
        let at = ::core::ptr::NonNull::dangling();
        // SAFETY: nothing runs.
        let window = unsafe { $source.extent().mapped(::core::hint::black_box(at)) };
        let window = window.flushed_by($crate::cpu());
        let $writer = ::pmem2::transfer::Writer::with_guard($source, &window)?;
    };
}

/// Defines the first function of a program: `$ask` asks a source, and its error becomes a code.
#[macro_export]
macro_rules! program {
    (|$source:ident| $ask:block) => {
        fn ask() -> Result<(), ::pmem2::Error> {
            let $source = $crate::source()?;
            $ask
            Ok(())
        }

        #[unsafe(no_mangle)]
        extern "C" fn _start() -> ! {
            if let Err(error) = ask() {
                ::core::hint::black_box(error.code());
            }
            $crate::end()
        }
    };
}

/// Ends a program that nobody runs.
#[inline]
pub fn end() -> ! {
    loop {
        black_box(());
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    end()
}
