//! A place as JSON.

use pmem2::{
    persist::PersistenceDomain,
    place::{Backing, Place, Region},
};
use serde_json::{Value as Json, json};

pub(crate) fn json(place: &Place) -> Json {
    let (backing, disk) = match place.backing() {
        Backing::Regions => ("regions", None),
        Backing::DeviceDax => ("device_dax", None),
        Backing::Disk { major, minor } => ("disk", Some(json!({"major": major, "minor": minor}))),
        Backing::Memory(system) if !system.is_interface() => ("memory", None),
        Backing::Hidden(_) => ("hidden", None),
        Backing::Volume { .. } => ("volume", None),
        _ => ("other", None),
    };
    json!({
        "backing": backing,
        "device": Some(place.device()).filter(|name| !name.is_empty()),
        "disk": disk,
        "dax": place.dax_capable(),
        "regions": place.regions().map(region).collect::<Vec<_>>(),
    })
}

fn region(region: &Region) -> Json {
    json!({
        "bus": region.bus,
        "region": region.number,
        "namespace": region.namespace,
        "mode": region.mode.name(),
        "persistence_domain": match region.domain {
            PersistenceDomain::Host => Some("host"),
            PersistenceDomain::Volatile => Some("volatile"),
            stated => stated.name(),
        },
        "provider": &*region.provider,
        "read_only": region.read_only,
        "unarmed": region.is_unarmed(),
        "numa_node": region.numa_node,
        "target_node": region.target_node,
    })
}
