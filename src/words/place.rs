//! Places, their regions and what to be warned of, in words.

use core::fmt::{self, Display};

use pmem2_platform::{Backing, DimmState, Mode, Region};

use super::system;
use crate::place::{Place, Warning};

/// `pmem0, fsdax namespace0.0 of region0 on ndbus0 (ACPI.NFIT)`, or the other backing.
impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.device().is_empty() {
            write!(f, "{}, ", self.device())?;
        }
        if self.backing() != Backing::Regions {
            return write!(f, "{}", On(self.backing()));
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

/// An object's part of a region: `region0 (ACPI.NFIT)`, `fsdax namespace0.0 of region0 on ndbus0
/// (ACPI.NFIT)`.
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

/// The provider of a region, in brackets after its name; nothing where there is none.
struct Provider<'r>(&'r str);

impl Display for Provider<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

/// A backing, as the end of a sentence that begins with "lies on".
pub(crate) struct On(pub(crate) Backing);

impl Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Backing::Regions => f.write_str("persistent memory"),
            Backing::DeviceDax => {
                write!(
                    f,
                    "memory that is in no region of persistent memory{}",
                    system::OF_NO_REGION
                )
            }
            Backing::Disk { major, minor } => {
                write!(f, "the block device {major}:{minor}, which is not persistent memory")
            }
            Backing::Volume { dax: true } => {
                f.write_str("a DAX volume, whose regions Windows does not tell")
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

/// Returns what a DIMM that reports this has done.
const fn reports(state: DimmState) -> &'static str {
    match state {
        DimmState::SAVE_FAILED => {
            "failed to save its data when the power failed last: its contents are not to be trusted"
        }
        DimmState::RESTORE_FAILED => {
            "failed to restore its data after the power failed last: its contents are not to be \
             trusted"
        }
        DimmState::FLUSH_FAILED => {
            "was not flushed by the platform when the power failed last: its contents are not to \
             be trusted"
        }
        DimmState::MAP_FAILED => "was not mapped by the firmware: not all of the region is there",
        DimmState::SMART_EVENT => "reports an event of its health (SMART): it may fail",
        _ => "reports a state that pmem2 does not know",
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unarmed { region } => {
                write!(
                    f,
                    "a DIMM of region{region} is not armed: stores will be lost when the power \
                     fails"
                )
            }
            Self::UnarmedRegion { region, provider } => {
                write!(
                    f,
                    "region{region}{} is not armed: stores will be lost when the power fails",
                    Provider(provider)
                )
            }
            Self::Dimm { region, state } => {
                write!(f, "a DIMM of region{region} {}", reports(*state))
            }
            Self::ReadOnly { region } => write!(f, "region{region} can only be read"),
            Self::Declared { region } => write!(
                f,
                "region{region} is only declared to be persistent (e820, memmap=, ramdax): \
                 ordinary memory keeps nothing without power"
            ),
            Self::NoRegion => f.write_str(
                "its memory is in no region of persistent memory: nothing says that it keeps its \
                 contents",
            ),
        }
    }
}
