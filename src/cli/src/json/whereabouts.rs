//! Where something lies, and what follows from it.

use pmem2::{
    persist::Persistence,
    place::{Backing, Expected, Place, Region},
};
use serde::Serialize;

use super::Device;

#[derive(Serialize)]
pub(super) struct Whereabouts<'p> {
    backing: &'static str,
    device: Option<&'p str>,
    disk: Option<Device>,
    dax: Option<bool>,
    regions: Vec<OnRegion<'p>>,
}

#[derive(Serialize)]
struct OnRegion<'p> {
    bus: u32,
    region: u32,
    namespace: Option<u32>,
    mode: &'static str,
    persistence_domain: Option<&'static str>,
    provider: &'p str,
    read_only: bool,
    unarmed: bool,
    numa_node: Option<u32>,
    target_node: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Granularity {
    shared: &'static str,
    reason: &'static str,
    sentence: String,
    remedy: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct Warning {
    warning: &'static str,
    region: Option<u32>,
    sentence: String,
}

impl<'p> From<&'p Place> for Whereabouts<'p> {
    fn from(place: &'p Place) -> Self {
        let (backing, disk) = match place.backing() {
            Backing::Regions => ("regions", None),
            Backing::DeviceDax => ("device_dax", None),
            Backing::Disk { major, minor } => ("disk", Some((major, minor).into())),
            Backing::Memory(system) if !system.is_interface() => ("memory", None),
            Backing::Hidden(_) => ("hidden", None),
            Backing::Volume { .. } => ("volume", None),
            _ => ("other", None),
        };
        Self {
            backing,
            device: Some(place.device()).filter(|name| !name.is_empty()),
            disk,
            dax: place.dax_capable(),
            regions: place.regions().map(OnRegion::from).collect(),
        }
    }
}

impl<'p> From<&'p Region> for OnRegion<'p> {
    fn from(region: &'p Region) -> Self {
        Self {
            bus: region.bus,
            region: region.number,
            namespace: region.namespace,
            mode: region.mode.name(),
            persistence_domain: match region.persistence {
                Persistence::Host => Some("host"),
                Persistence::Volatile => Some("volatile"),
                stated => stated.name(),
            },
            provider: &region.provider,
            read_only: region.read_only,
            unarmed: region.is_unarmed(),
            numa_node: region.numa_node,
            target_node: region.target_node,
        }
    }
}

impl From<Expected> for Granularity {
    fn from(Expected { granularity, reason, .. }: Expected) -> Self {
        Self {
            shared: granularity.name(),
            reason: reason.name(),
            sentence: reason.to_string(),
            remedy: reason.remedy(),
        }
    }
}

impl From<&pmem2::bare::TableWarning> for Warning {
    fn from(warning: &pmem2::bare::TableWarning) -> Self {
        Self { warning: warning.name(), region: None, sentence: warning.to_string() }
    }
}

impl From<pmem2::place::Warning> for Warning {
    fn from(warning: pmem2::place::Warning) -> Self {
        Self { warning: warning.name(), region: warning.region(), sentence: warning.to_string() }
    }
}
