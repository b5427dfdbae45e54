//! A place in words.

use core::fmt::{self, Display};

use pmem2_platform::{Backing, Mode, Region};

use super::Place;
use crate::os::words;

/// For people: `pmem0, fsdax namespace0.0 of region0 on ndbus0 (ACPI.NFIT)`, or what else it is on.
impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.device().is_empty() {
            write!(f, "{}, ", self.device())?;
        }
        if self.backing != Backing::Regions {
            return write!(f, "{}", On(self.backing));
        }
        for (index, region) in self.regions().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            Of(region).fmt(f)?;
        }
        Ok(())
    }
}

/// What an object has of a region, and where that is: `region0 (ACPI.NFIT)`, `fsdax namespace0.0 of
/// region0 on ndbus0 (ACPI.NFIT)`.
pub(crate) struct Of<'r>(pub(crate) &'r Region);

impl Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.0;
        if region.mode == Mode::Whole {
            return write!(f, "region{}{}", region.number, Provider(&region.provider));
        }
        write!(f, "{} ", region.mode)?;
        match region.namespace {
            Some(namespace) => write!(f, "namespace{}.{namespace}", region.number)?,
            None => f.write_str("namespaces")?,
        }
        write!(
            f,
            " of region{} on ndbus{}{}",
            region.number,
            region.bus,
            Provider(&region.provider)
        )
    }
}

/// Who tells of a region, in brackets behind its name; nothing where nobody says.
pub(super) struct Provider<'r>(pub(super) &'r str);

impl Display for Provider<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

/// What a backing is, as the end of a sentence that begins with "lies on".
pub(crate) struct On(pub(crate) Backing);

impl Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Backing::Regions => f.write_str("persistent memory"),
            Backing::DeviceDax => {
                write!(f, "memory that is in no region of persistent memory{}", words::OF_NO_REGION)
            }
            Backing::Disk { major, minor } => {
                write!(f, "the block device {major}:{minor}, which is not persistent memory")
            }
            Backing::Volume { dax: true } => {
                f.write_str("a DAX volume, of whose regions Windows does not tell")
            }
            Backing::Volume { dax: false } => f.write_str("a volume that is not DAX"),
            Backing::Memory(system) if system.is_interface() => {
                write!(f, "{system}, whose files are interfaces of the kernel")
            }
            Backing::Memory(system) => {
                write!(f, "{system}, which keeps its files in ordinary memory")
            }
            Backing::Hidden(system) => {
                write!(f, "{system}, a file system that does not say which device the file is on")
            }
            _ => f.write_str("something that is not persistent memory"),
        }
    }
}
