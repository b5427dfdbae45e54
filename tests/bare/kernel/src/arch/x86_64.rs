//! A PC as QEMU starts it: the PVH protocol of Xen (docs/misc/pvh.pandoc,
//! public/arch-x86/hvm/start_info.h), in 32-bit mode and without paging. The assembly goes to long
//! mode, with the first 4 GiB mapped to themselves.

use core::{
    arch::{asm, global_asm},
    ptr::{self, NonNull},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use crate::{Boot, Tables};

global_asm!(include_str!("x86_64.s"));

/// The first serial port, and QEMU's isa-debug-exit.
const SERIAL: u16 = 0x3F8;
const DEBUG_EXIT: u16 = 0xF4;

/// Runs the kernel. Only the assembly calls this.
///
/// # Safety
///
/// `info` is the address of the boot protocol's `hvm_start_info`, in memory that is mapped and
/// never changes.
#[unsafe(no_mangle)]
unsafe extern "C" fn enter(info: usize) -> ! {
    let info = ptr::with_exposed_provenance::<u64>(info);
    // SAFETY: `cmdline_paddr` and `rsdp_paddr` are at 24 and 32 of hvm_start_info.
    let (line, rsdp) =
        unsafe { (info.byte_add(24).read_unaligned(), info.byte_add(32).read_unaligned()) };
    crate::start(Boot { command_line: text(line), tables: Tables::Acpi(rsdp) })
}

/// The longest command line.
const LINE: usize = 1024;

/// Returns the text at this address, up to its zero.
fn text(at: u64) -> &'static str {
    let bytes = super::table(at, LINE).unwrap_or_default();
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    str::from_utf8(bytes).unwrap_or_default()
}

/// Page directories for the memory above, each for 1 GiB.
const SPARE: usize = 32;

#[repr(align(4096))]
struct Spare([[AtomicU64; 512]; SPARE]);

static SPARE_DIRECTORIES: Spare = Spare([const { [const { AtomicU64::new(0) }; 512] }; SPARE]);
static SPARE_USED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    /// The table of page directories, for 512 GiB.
    #[link_name = "directories"]
    static DIRECTORIES: [AtomicU64; 512];
}

/// Maps physical memory to itself; `None` beyond 512 GiB, or without page directories left.
pub(crate) fn map(base: u64, length: u64) -> Option<NonNull<u8>> {
    let last = base.checked_add(length.checked_sub(1)?)?;
    for gigabyte in base >> 30..=last >> 30 {
        // SAFETY: the assembly defines it, with 512 entries that only this program writes to,
        // atomically.
        let entry = unsafe { &DIRECTORIES }.get(usize::try_from(gigabyte).ok()?)?;
        if entry.load(Relaxed) != 0 {
            continue;
        }
        let pages = SPARE_DIRECTORIES.0.get(SPARE_USED.fetch_add(1, Relaxed))?;
        for (number, page) in (0_u64..).zip(pages) {
            page.store((gigabyte << 30) | (number << 21) | 0x83, Relaxed);
        }
        entry.store(u64::try_from(pages.as_ptr().expose_provenance()).ok()? | 3, Relaxed);
    }
    NonNull::new(ptr::with_exposed_provenance_mut(usize::try_from(base).ok()?))
}

/// Sends a byte over the serial port, when there is room for it.
pub(crate) fn put(byte: u8) {
    let mut status = 0_u8;
    // The transmitter's holding register is empty.
    while status & 0x20 == 0 {
        // SAFETY: the line status register of the serial port; reading it changes no memory.
        unsafe {
            asm!("in al, dx", out("al") status, in("dx") SERIAL + 5,
                options(nomem, nostack, preserves_flags))
        };
    }
    // SAFETY: the serial port's data register.
    unsafe {
        asm!("out dx, al", in("al") byte, in("dx") SERIAL, options(nostack, preserves_flags))
    };
}

/// Ends QEMU with this status, which is odd.
pub(crate) fn exit(status: u8) -> ! {
    loop {
        // SAFETY: the device takes the value, gives QEMU's process twice as much and one as its
        // status, and does not return.
        unsafe {
            asm!("out dx, eax", in("eax") u32::from(status >> 1), in("dx") DEBUG_EXIT,
                options(nostack))
        };
    }
}
