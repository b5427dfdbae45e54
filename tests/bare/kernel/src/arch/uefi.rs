//! A PC whose UEFI firmware starts the kernel as an application, with `-append` as its load options
//! (UEFI 2.10, chapters 4 and 9). The firmware stays: memory is mapped to itself, and a
//! configuration table has the root pointer.

use core::{
    arch::asm,
    ptr::{self, NonNull},
    slice,
};

use crate::{Boot, Tables};

/// QEMU's isa-debugcon and isa-debug-exit: the firmware speaks over the serial port.
const CONSOLE: u16 = 0xE9;
const DEBUG_EXIT: u16 = 0xF4;

/// EFI_ACPI_20_TABLE_GUID: 8868e871-e4f1-11d3-bc22-0080c73c8881.
const ACPI: [u8; 16] =
    [0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88, 0x81];

/// EFI_LOADED_IMAGE_PROTOCOL_GUID: 5b1b31a1-9562-11d2-8e3f-00a0c969723b.
static LOADED_IMAGE: [u8; 16] =
    [0xa1, 0x31, 0x1b, 0x5b, 0x62, 0x95, 0xd2, 0x11, 0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b];

/// Offsets in EFI_SYSTEM_TABLE: the boot services, the number of configuration tables, and their
/// address. Each is a GUID and an address.
const BOOT_SERVICES: usize = 96;
const TABLE_COUNT: usize = 104;
const TABLES: usize = 112;
/// The offset of HandleProtocol() in EFI_BOOT_SERVICES.
const HANDLE_PROTOCOL: usize = 152;
/// Offsets in EFI_LOADED_IMAGE_PROTOCOL: the length of the load options in bytes, and their
/// address.
const OPTIONS_LENGTH: usize = 48;
const OPTIONS: usize = 56;

type HandleProtocol = unsafe extern "efiapi" fn(usize, *const [u8; 16], *mut *const u8) -> usize;

/// Runs the kernel. Only the firmware calls this.
///
/// # Safety
///
/// `image` is the handle of this application, and `system` the address of the system table.
#[unsafe(no_mangle)]
unsafe extern "efiapi" fn efi_main(image: usize, system: *const u8) -> usize {
    // SAFETY: the system table is valid, and so are the configuration tables that it names.
    let tables = unsafe {
        let count = system.add(TABLE_COUNT).cast::<usize>().read();
        let first = system.add(TABLES).cast::<*const ([u8; 16], u64)>().read();
        slice::from_raw_parts(first, count)
    };
    let rsdp = tables.iter().find(|(guid, _)| *guid == ACPI).map_or(0, |(_, at)| *at);
    // SAFETY: the firmware's promise.
    let command_line = unsafe { options(image, system) }.unwrap_or_default();
    crate::start(Boot { command_line, tables: Tables::Acpi(rsdp) })
}

/// Returns the load options, as far as they are ASCII.
///
/// # Safety
///
/// That of [`efi_main`].
unsafe fn options(image: usize, system: *const u8) -> Option<&'static str> {
    static mut LINE: [u8; 256] = [0; 256];
    let mut loaded = ptr::null();
    // SAFETY: the table of the boot services has the function there, and gives an image its own
    // protocol, which stays.
    let (options, length) = unsafe {
        let services = system.add(BOOT_SERVICES).cast::<*const u8>().read();
        let handle_protocol = services.add(HANDLE_PROTOCOL).cast::<HandleProtocol>().read();
        if handle_protocol(image, &raw const LOADED_IMAGE, &raw mut loaded) != 0 {
            return None;
        }
        let length = loaded.add(OPTIONS_LENGTH).cast::<u32>().read();
        (loaded.add(OPTIONS).cast::<*const u16>().read(), usize::try_from(length).ok()? / 2)
    };
    if options.is_null() {
        return None;
    }
    // SAFETY: there are so many 16-bit characters; nobody else uses LINE, since this is called
    // once.
    let (options, line) =
        unsafe { (slice::from_raw_parts(options, length), &mut *(&raw mut LINE)) };
    let characters = options.iter().map_while(|&unit| u8::try_from(unit).ok());
    let mut used = 0;
    for (to, from) in line.iter_mut().zip(characters.take_while(|&byte| byte != 0)) {
        *to = from;
        used += 1;
    }
    str::from_utf8(line.get(..used)?).ok()
}

/// All memory is mapped to itself.
pub(crate) fn map(base: u64, length: u64) -> Option<NonNull<u8>> {
    base.checked_add(length)?;
    NonNull::new(ptr::with_exposed_provenance_mut(usize::try_from(base).ok()?))
}

pub(crate) fn put(byte: u8) {
    // SAFETY: the device takes the byte, and changes no memory.
    unsafe {
        asm!("out dx, al", in("al") byte, in("dx") CONSOLE, options(nostack, preserves_flags))
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
