//! `inspect --json` on every device, against the fields that it has to have.

use pmem2::{
    Kind,
    place::{Backing, DimmState, Warning},
};
use pmem2_guest::machine::{Contents, Device, Granularity, Machine};
use serde_json::{Value, json};

use crate::{expected, kernel, kernel::Found, programs::output, source::kind};

/// The fields that are the same in every guest, and those that name what the kernel numbers as it
/// likes. What else there is has no fixed value: numbers of devices and inodes, allocated bytes,
/// messages.
fn expected(machine: &Machine, device: &Device) -> Value {
    let file_system = match device.contents {
        Contents::Device => json!({"name": "devtmpfs", "magic": 0x0102_1994}),
        Contents::Tmpfs => json!({"name": "tmpfs", "magic": 0x0102_1994}),
        Contents::Ext4(_) => json!({"name": "ext2/ext3/ext4", "magic": 0xEF53}),
        Contents::Xfs(_) | Contents::XfsRealtime(_) => {
            json!({"name": "xfs", "magic": 0x5846_5342})
        }
        Contents::F2fs => json!({"name": "f2fs", "magic": 0xF2F5_2010_u32}),
        Contents::Erofs(_) => json!({"name": "erofs", "magic": 0xE0F5_E1E2_u32}),
        Contents::Overlay(_) => json!({"name": "overlay", "magic": 0x794c_7630}),
    };
    let mut object = json!({
        "schema": 1, "path": device.path(), "path_bytes": null, "fd": null,
        "access": null, "append": null,
        "permission": {"read": true, "write": !device.read_only}, "file_system": file_system,
        "place": place(machine, device), "warnings": warnings(machine, device),
    });
    let none = || {
        json!({
            "numa_node": null, "target_node": null, "device_id": null, "unsafe_shutdowns": null,
        })
    };
    let volatile = expected::regions(machine, device).iter().any(|region| region.told.volatile);
    // Of no DIMMs there is nothing to count.
    let has_dimms = expected::device_id(machine, device) != Ok(String::new());
    let identity = match expected::backing(machine, device) {
        Backing::Regions if volatile => none(),
        Backing::Regions => json!({
            "numa_node": expected::numa_node(machine, device).ok().flatten(),
            "target_node": expected::target_node(machine, device).ok().flatten(),
            "device_id": expected::device_id(machine, device).ok(),
            "unsafe_shutdowns": expected::device_usc(machine, device).ok().filter(|_| has_dimms),
        }),
        Backing::DeviceDax => json!({"numa_node": 0, "device_id": null, "unsafe_shutdowns": null}),
        _ => none(),
    };
    let more = match kind(device) {
        Kind::BlockDevice => json!({
            "persistent": {"answer": "refused", "reason": "PMEM2_E_INVALID_FILE_TYPE"},
            "usable": false, "kind": "block-device", "opened": false, "size": null,
            "alignment": null, "allocated": null,
            "error": {"code": -100_005, "symbol": "PMEM2_E_INVALID_FILE_TYPE", "errno": 22},
            "granularity": null, "answer_errors": {},
        }),
        kind => json!({
            "persistent": {"answer": persistent(machine, device, volatile)},
            "usable": true, "error": null, "opened": true,
            "size": device.size(machine), "alignment": device.alignment,
            "kind": if kind == Kind::DeviceDax { "device-dax" } else { "regular-file" },
            "granularity": granularity(device), "mapping": mapping(machine, device),
            "answer_errors": answer_errors(machine, device),
        }),
    };
    let Some(fields) = object.as_object_mut() else { unreachable!("an object") };
    for more in [identity, more] {
        let Value::Object(more) = more else { unreachable!("an object") };
        fields.extend(more);
    }
    object
}

fn place(machine: &Machine, device: &Device) -> Value {
    let (backing, disk) = match expected::backing(machine, device) {
        Backing::Regions => ("regions", Value::Null),
        Backing::DeviceDax => ("device_dax", Value::Null),
        Backing::Disk { major, minor } => ("disk", json!({"major": major, "minor": minor})),
        Backing::Memory(_) => ("memory", Value::Null),
        Backing::Hidden(_) => ("hidden", Value::Null),
        other => panic!("{other:?} is not in the table"),
    };
    let name = kernel::entry(device)
        .filter(|_| !device.has_members())
        .and_then(|entry| Some(entry.file_name()?.to_string_lossy().into_owned()));
    let region = |found: &Found<'_>| {
        let domain = match found.told.provider {
            "virtio-pmem" => Some("host"),
            _ if found.told.volatile => Some("volatile"),
            _ => found.told.domain,
        };
        json!({
            "bus": found.numbers.0, "region": found.numbers.1, "namespace": found.namespace,
            "mode": device.mode(),
            "persistence_domain": domain, "provider": found.told.provider,
            "read_only": found.told.unarmed,
            "unarmed": found.told.unarmed, "numa_node": found.told.node,
            "target_node": kernel::node(&found.path, "target_node"),
        })
    };
    let regions: Vec<_> = expected::regions(machine, device).iter().map(region).collect();
    let dax = expected::dax_capable(machine, device);
    json!({"backing": backing, "device": name, "disk": disk, "dax": dax, "regions": regions})
}

fn warnings(machine: &Machine, device: &Device) -> Value {
    let object = |warning: &Warning| match *warning {
        Warning::Unarmed { region } => json!({"warning": "unarmed", "region": region}),
        Warning::Dimm { region, state } => {
            let failed = match state {
                DimmState::SAVE_FAILED => "save_failed",
                DimmState::RESTORE_FAILED => "restore_failed",
                DimmState::FLUSH_FAILED => "flush_failed",
                DimmState::SMART_EVENT => "smart_event",
                other => panic!("{other:?} is not in the table"),
            };
            json!({"warning": failed, "region": region})
        }
        Warning::ReadOnly { region } => json!({"warning": "read_only", "region": region}),
        Warning::Declared { region } => json!({"warning": "declared", "region": region}),
        Warning::NoRegion => json!({"warning": "no_region", "region": null}),
        other => panic!("{other:?} is not in the table"),
    };
    expected::warnings(machine, device).iter().map(object).collect()
}

/// The answer of the verdict.
fn persistent(machine: &Machine, device: &Device, volatile: bool) -> &'static str {
    match device.gives.reason {
        _ if volatile => "no",
        "cpu_cache" | "memory_controller" | "domain_unstated" | "host" => "yes",
        "not_persistent_memory" => match expected::backing(machine, device) {
            // It may lie on persistent memory all the same.
            Backing::Hidden(_) => "unknown",
            _ => "no",
        },
        "no_region" | "domain_unknown" | "place_unknown" => "unknown",
        _ => "not_as_it_is",
    }
}

fn granularity_name(device: &Device) -> &'static str {
    match device.gives.granularity {
        Granularity::Byte => "BYTE",
        Granularity::CacheLine => "CACHE_LINE",
        Granularity::Page => "PAGE",
    }
}

fn granularity(device: &Device) -> Value {
    match device.gives.reason {
        "never_durable" => Value::Null,
        reason => json!({"shared": granularity_name(device), "reason": reason}),
    }
}

/// The mapping of all of it has the granularity that is expected.
fn mapping(machine: &Machine, device: &Device) -> Value {
    match device.gives.reason {
        "never_durable" => Value::Null,
        _ => json!({"granularity": granularity_name(device), "bytes": device.size(machine)}),
    }
}

/// The answers that should be known and are not.
fn answer_errors(machine: &Machine, device: &Device) -> Value {
    match (device.gives.reason, expected::numa_node(machine, device)) {
        ("never_durable", _) => {
            let symbol = "PMEM2_E_GRANULARITY_NOT_SUPPORTED";
            json!({"granularity": {"code": -100_009, "symbol": symbol, "errno": 22}})
        }
        (_, Err(pmem2::Error::SeveralNumaNodes)) => {
            let several = json!({"code": -100_001, "symbol": "PMEM2_E_NOSUPP", "errno": 95});
            json!({"numa_node": several, "target_node": several})
        }
        _ => json!({}),
    }
}

pub(crate) fn json(machine: &Machine, device: &Device) {
    let (status, line, complaints) = output("/bin/pmem2", &["inspect", "--json", &device.path()]);
    let found: Value =
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}{complaints}"));
    let expected = expected(machine, device);
    assert_eq!(status, Some(if expected["usable"] == true { 0 } else { 1 }), "{complaints}");
    let wrong = differences("", &expected, &found);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The fields of `expected` that `found` has not; of what is empty, and of errors and arrays, also
/// those that it has besides.
fn differences(place: &str, expected: &Value, found: &Value) -> Vec<String> {
    let wrong = || vec![format!("{place}: expected {expected}, found {found}")];
    match (expected, found) {
        (Value::Object(all), Value::Object(there)) if !all.is_empty() => {
            if place.ends_with("answer_errors") && all.len() != there.len() {
                return wrong();
            }
            let field = |key: &String| there.get(key).unwrap_or(&Value::Null);
            all.iter()
                .flat_map(|(key, value)| differences(&format!("{place}/{key}"), value, field(key)))
                .collect()
        }
        (Value::Array(all), Value::Array(there)) if all.len() == there.len() => {
            let pairs = all.iter().zip(there).enumerate();
            pairs
                .flat_map(|(at, (all, there))| differences(&format!("{place}/{at}"), all, there))
                .collect()
        }
        _ if expected == found => vec![],
        _ => wrong(),
    }
}
