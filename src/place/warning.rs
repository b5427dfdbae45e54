//! What a person must know of where a source lies.

use core::fmt::{self, Display};

use pmem2_platform::{Backing, Mode, Persistence, Text};

use super::{Place, words::Provider};

/// What a person must know before trusting a source with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// A DIMM of the region with this number is not armed: it will not keep what is stored to it.
    Unarmed {
        /// The N of `regionN`.
        region: u32,
    },
    /// The region with this number, of which there are no namespaces ([`Mode::Whole`]), is not
    /// armed, whatever it is made of: it will not keep what is stored to it.
    UnarmedRegion {
        /// Its number.
        region: u32,
        /// Who tells of it; empty where nobody says.
        provider: Text<24>,
    },
    /// The region with this number can only be read.
    ReadOnly {
        /// The N of `regionN`.
        region: u32,
    },
    /// The region with this number was declared by the firmware's memory map (e820) or on the
    /// kernel's command line (`memmap=`): whether anything keeps its contents without power is for
    /// who set up the machine to know.
    Declared {
        /// The N of `regionN`.
        region: u32,
    },
    /// The memory is in no region of persistent memory (a device DAX without a region, a region of
    /// volatile memory): nothing says that it keeps its contents.
    NoRegion,
}

impl Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unarmed { region } => {
                write!(
                    f,
                    "a DIMM of region{region} is not armed: what is stored to it will be lost when the power fails"
                )
            }
            Self::UnarmedRegion { region, provider } => {
                write!(
                    f,
                    "region{region}{} is not armed: what is stored to it will be lost when the power fails",
                    Provider(provider)
                )
            }
            Self::ReadOnly { region } => write!(f, "region{region} can only be read"),
            Self::Declared { region } => write!(
                f,
                "region{region} is only declared to be persistent (e820, memmap=): ordinary memory behind it keeps nothing \
                 without power"
            ),
            Self::NoRegion => {
                f.write_str("its memory is in no region of persistent memory: nothing says that it keeps its contents")
            }
        }
    }
}

impl Place {
    /// What a person must know before trusting the source with data.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        let volatile = || self.regions().any(|region| region.persistence == Persistence::Volatile);
        let none = (self.backing == Backing::DeviceDax || volatile()).then_some(Warning::NoRegion);
        let of_regions = self.regions().flat_map(|region| {
            let number = region.number;
            [
                region.unarmed.then_some(match region.mode {
                    Mode::Whole => {
                        Warning::UnarmedRegion { region: number, provider: region.provider }
                    }
                    _ => Warning::Unarmed { region: number },
                }),
                region.read_only.then_some(Warning::ReadOnly { region: number }),
                (&*region.provider == "e820").then_some(Warning::Declared { region: number }),
            ]
        });
        none.into_iter().chain(of_regions.flatten())
    }
}
