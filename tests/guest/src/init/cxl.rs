//! A region of a CXL memory device: the kernel makes none by itself, and forgets it when the
//! machine ends.

use std::path::Path;

use pmem2_guest::machine::Memory;

use crate::sysfs::{Failure, entries, has_driver, name, read, wait_for, write};

const DEVICES: &str = "/sys/bus/cxl/devices";

/// Makes the region of the only memory device there is, unless it has been made.
pub(crate) fn make_region(memory: &Memory) -> Result<(), Failure> {
    // Its number is none that a region of NVDIMMs has.
    if entries(DEVICES)?.iter().any(|entry| name(entry).starts_with("region")) {
        return Ok(());
    }
    let size = format!("{:#x}", memory.size);
    let (root, endpoint) = (format!("{DEVICES}/decoder0.0"), format!("{DEVICES}/decoder2.0"));
    wait_for("CXL endpoint", || Ok(read(format!("{endpoint}/mode")).ok()))?;
    // Linux 6.1 follows a null pointer where a region comes before the NVDIMM that the memory
    // device is.
    wait_for("CXL NVDIMM", || {
        Ok(entries(DEVICES)?
            .into_iter()
            .find(|entry| name(entry).starts_with("pmem") && has_driver(entry)))
    })?;
    write(format!("{endpoint}/mode"), "pmem")?;
    write(format!("{endpoint}/dpa_size"), &size)?;
    let new = read(format!("{root}/create_pmem_region"))?;
    write(format!("{root}/create_pmem_region"), &new)?;
    let region = format!("{DEVICES}/{new}");
    // The kernel wants the end of the line, too.
    write(format!("{region}/uuid"), "00000000-0000-4000-8000-0000000000c1\n")?;
    write(format!("{region}/interleave_granularity"), "256")?;
    write(format!("{region}/interleave_ways"), "1")?;
    write(format!("{region}/size"), &size)?;
    write(format!("{region}/target0"), "decoder2.0")?;
    write(format!("{region}/commit"), "1")?;
    let bound = write("/sys/bus/cxl/drivers/cxl_region/bind", &new);
    // The kernel offers all devices to their drivers when it has found one, and may have been
    // first.
    if has_driver(Path::new(&region)) { Ok(()) } else { bound }
}
