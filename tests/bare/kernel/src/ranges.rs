//! The ranges of memory in the machine's tables.

use pmem2::{
    bare::{Devicetree, Nfit, PhysicalRegion, TableFault, find_acpi_table},
    persist::PersistenceDomain,
};

use crate::{Tables, arch, say};

/// Calls `each` with every range, in the order of the tables.
pub(crate) fn each(
    tables: &Tables,
    mut each: impl FnMut(&PhysicalRegion<'static>),
) -> Result<(), TableFault> {
    match *tables {
        Tables::Acpi(rsdp) => {
            // Without an NVDIMM there is none.
            let Some(nfit) = find_acpi_table(rsdp, *b"NFIT", reach)? else { return Ok(()) };
            let nfit = Nfit::parse(nfit)?;
            nfit.warnings().for_each(|warning| say!("{warning}"));
            nfit.regions().for_each(|region| each(&region));
        }
        Tables::Devicetree(at) => {
            let unreachable = TableFault::Unreachable(at);
            // The second word is the length of all, as all words in the order of bytes that only
            // some processors have.
            let length = arch::table(at, 8)
                .and_then(|head| head.last_chunk().copied())
                .map(u32::from_be_bytes);
            let length = length.and_then(|length| length.try_into().ok()).ok_or(unreachable)?;
            let tree = arch::table(at, length).ok_or(unreachable)?;
            Devicetree::parse(tree)?.regions().for_each(|region| each(&durable(region)));
        }
    }
    Ok(())
}

/// Reads a table of the firmware, and prints the kind of a root table.
fn reach(at: u64, length: usize) -> Option<&'static [u8]> {
    let bytes = arch::table(at, length)?;
    // The header is read once.
    if length == 8 {
        match bytes {
            [b'R', b'S', b'D', b'T', ..] => say!("root RSDT"),
            [b'X', b'S', b'D', b'T', ..] => say!("root XSDT"),
            _ => {}
        }
    }
    Some(bytes)
}

/// The persistence domain of a devicetree's memory, which the board's maker knows: this riscv64 has
/// no instruction that cleans caches (Zicbom), and needs none.
fn durable(region: PhysicalRegion<'_>) -> PhysicalRegion<'_> {
    if cfg!(target_arch = "riscv64") {
        region.in_domain(PersistenceDomain::CpuCache)
    } else {
        region
    }
}
