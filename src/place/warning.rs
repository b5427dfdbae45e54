//! Warnings about where a source lies.

use pmem2_platform::{Backing, DimmState, Mode, PersistenceDomain, Text};

use super::Place;

/// A warning: something that a person must know before trusting a source with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// A DIMM of the region is not armed: it will not keep what is stored to it.
    Unarmed {
        /// The N of `regionN`.
        region: u32,
    },
    /// The region, which has no namespaces ([`Mode::Whole`]), is not armed, whatever it is made of:
    /// it will not keep what is stored to it.
    UnarmedRegion {
        /// Its number.
        region: u32,
        /// The table or driver that tells of it; empty where none does.
        provider: Text<24>,
    },
    /// A DIMM of the region reports a failure, or an event of its health.
    Dimm {
        /// The N of `regionN`.
        region: u32,
        /// The flag that it reports: one, other than [`DimmState::NOT_ARMED`].
        state: DimmState,
    },
    /// The region can only be read.
    ReadOnly {
        /// The N of `regionN`.
        region: u32,
    },
    /// The region was declared by the firmware's memory map (e820) or on the kernel's command line
    /// (`memmap=`), or a driver makes it of ordinary memory (`ramdax`). Whoever set up the machine
    /// knows whether anything keeps its contents without power.
    Declared {
        /// The N of `regionN`.
        region: u32,
    },
    /// The memory is in no region of persistent memory (a device DAX without a region, a region of
    /// volatile memory): nothing says that it keeps its contents.
    NoRegion,
}

impl Warning {
    /// Returns a word for programs, which stays: `"unarmed"`, `"save_failed"`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unarmed { .. } | Self::UnarmedRegion { .. } => "unarmed",
            Self::Dimm { state, .. } => match *state {
                DimmState::SAVE_FAILED => "save_failed",
                DimmState::RESTORE_FAILED => "restore_failed",
                DimmState::FLUSH_FAILED => "flush_failed",
                DimmState::MAP_FAILED => "map_failed",
                DimmState::SMART_EVENT => "smart_event",
                _ => "other",
            },
            Self::ReadOnly { .. } => "read_only",
            Self::Declared { .. } => "declared",
            Self::NoRegion => "no_region",
        }
    }

    /// Returns the number of the region that it is about; `None` where it is not about one region.
    #[must_use]
    pub const fn region(&self) -> Option<u32> {
        match self {
            Self::Unarmed { region }
            | Self::UnarmedRegion { region, .. }
            | Self::Dimm { region, .. }
            | Self::ReadOnly { region }
            | Self::Declared { region } => Some(*region),
            Self::NoRegion => None,
        }
    }

    /// Returns a warning for each thing that the DIMMs of a region report, except that they are not
    /// armed.
    pub fn of_dimms(region: u32, state: DimmState) -> impl Iterator<Item = Self> {
        let told = state.difference(DimmState::NOT_ARMED);
        told.iter().map(move |state| Self::Dimm { region, state })
    }
}

impl Place {
    /// Returns what a person must know before trusting the source with data.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        let volatile = || self.regions().any(|region| region.domain == PersistenceDomain::Volatile);
        let none = (self.backing == Backing::DeviceDax || volatile()).then_some(Warning::NoRegion);
        let of_regions = self.regions().flat_map(|region| {
            let number = region.number;
            let unarmed = region.is_unarmed().then_some(match region.mode {
                Mode::Whole => Warning::UnarmedRegion { region: number, provider: region.provider },
                _ => Warning::Unarmed { region: number },
            });
            let read_only = region.read_only.then_some(Warning::ReadOnly { region: number });
            let declared = matches!(&*region.provider, "e820" | "ramdax")
                .then_some(Warning::Declared { region: number });
            let dimms = Warning::of_dimms(number, region.state);
            unarmed.into_iter().chain(dimms).chain(read_only).chain(declared)
        });
        none.into_iter().chain(of_regions)
    }
}
