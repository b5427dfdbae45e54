//! Places, and what follows from them, on a /sys that the test made.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::{support::*, sysfs::Sysfs};

/// The values of all lines with this key.
fn facts<'b>(block: &'b str, key: &str) -> Vec<&'b str> {
    block.lines().filter_map(|line| fact(line, key)).collect()
}

#[test]
fn a_file_on_persistent_memory() {
    needs_root!();
    let sysfs = Sysfs::new();
    let region = sysfs.region(0, 3, "ACPI.NFIT");
    region.write("persistence_domain", "memory_controller\n");
    region.write("numa_node", "1\n");
    region.write("target_node", "2\n");
    sysfs.dimm(&region, 4, "8680-57341200", "", Some("2"));
    sysfs.dimm(&region, 2, "8680-56341200", "smart_notify", Some("1"));
    sysfs.disk(&sysfs.carrier(&region, "pfn", 1), "pmem3", sysfs.device, false);
    let (block, object) = sysfs.says(0, &sysfs.file);

    assert_eq!(
        fact(&block, "place"),
        Some("pmem3, fsdax namespace3.1 of region3 on ndbus0 (ACPI.NFIT)")
    );
    assert_eq!(fact(&block, "persistence"), Some("memory_controller"));
    assert_eq!(fact(&block, "numa node"), Some("1"));
    assert_eq!(fact(&block, "target node"), Some("2"));
    assert_eq!(
        fact(&block, "device id"),
        Some("8680-573412008680-56341200"),
        "in the order of the mappings"
    );
    assert_eq!(fact(&block, "unsafe shutdowns"), Some("3"));
    assert_eq!(fact(&block, "persistent"), Some("not as it is: a volume without DAX"));
    assert!(
        fact(&block, "reason").unwrap().starts_with("its device cannot be mapped directly"),
        "{block}"
    );
    assert_eq!(fact(&block, "granularity"), Some("PAGE"));
    assert!(
        !fact(&block, "remedy").unwrap().contains("--mode=fsdax"),
        "it is fsdax already: {block}"
    );
    assert_eq!(fact(&block, "warning"), None);

    assert_eq!(
        object["place"],
        json!({"backing": "regions", "device": "pmem3", "disk": null, "dax": false, "regions": [{
            "bus": 0, "region": 3, "namespace": 1, "mode": "fsdax",
            "persistence_domain": "memory_controller", "provider": "ACPI.NFIT",
            "read_only": false, "unarmed": false, "numa_node": 1, "target_node": 2,
        }]})
    );
    assert_eq!([&object["numa_node"], &object["target_node"]], [1, 2]);
    assert_eq!(object["device_id"], "8680-573412008680-56341200");
    assert_eq!(object["unsafe_shutdowns"], 3);
    assert_eq!(object["granularity"]["shared"], "PAGE");
    assert_eq!(object["granularity"]["reason"], "volume_without_dax");
    assert_eq!(object["granularity"]["remedy"], fact(&block, "remedy").unwrap());
    assert_eq!(object["granularity"]["sentence"], fact(&block, "reason").unwrap());
    assert_eq!(
        object["persistent"],
        json!({
            "answer": "not_as_it_is", "reason": "volume_without_dax",
            "sentence": object["granularity"]["sentence"],
            "remedy": object["granularity"]["remedy"],
        })
    );
    assert_eq!([&object["warnings"], &object["answer_errors"]], [&json!([]), &json!({})]);
}

#[test]
fn why_a_file_cannot_be_mapped_directly() {
    needs_root!();
    let (sector, raw) = ("not as it is: a namespace of sectors (BTT)", "a raw namespace without");
    let (raw, host) = (&*format!("not as it is: {raw} DAX"), "yes, PAGE (by the host's flush)");
    for (carrier, mode, provider, reason, verdict) in [
        ("btt", "sector", "ACPI.NFIT", "sector", sector),
        ("namespace", "raw", "ACPI.NFIT", "device_without_dax", raw),
        ("namespace", "raw", "virtio-pmem", "host", host),
        ("pfn", "fsdax", "virtio-pmem", "host", host),
    ] {
        let sysfs = Sysfs::new();
        let carrier = sysfs.carrier(&sysfs.region(0, 0, provider), carrier, 0);
        sysfs.disk(&carrier, "pmem0", sysfs.device, false);
        let (block, object) = sysfs.says(0, &sysfs.file);
        let region = &object["place"]["regions"][0];
        assert_eq!([&region["mode"], &object["granularity"]["reason"]], [mode, reason]);
        assert_eq!(fact(&block, "persistent"), Some(verdict));
        let (word, domain) = match provider {
            "virtio-pmem" => ("the host's", json!("host")),
            _ => ("not stated", Value::Null),
        };
        assert_eq!(
            (fact(&block, "persistence"), &region["persistence_domain"]),
            (Some(word), &domain)
        );
        assert_eq!(fact(&block, "device id"), Some("none: the system knows no DIMM of it"));
        assert_eq!(fact(&block, "unsafe shutdowns"), None, "of no DIMMs there is nothing to count");
        assert_eq!([&object["device_id"], &object["unsafe_shutdowns"]], [&json!(""), &Value::Null]);
    }

    // With a good device the reason is the file system or the file, and these are real.
    let sysfs = Sysfs::new();
    let carrier = sysfs.carrier(&sysfs.region(0, 0, "ACPI.NFIT"), "pfn", 0);
    sysfs.disk(&carrier, "pmem0", sysfs.device, true);
    let (_, object) = sysfs.says(0, &sysfs.file);
    assert_eq!(
        [&object["place"]["dax"], &object["granularity"]["shared"]],
        [&json!(true), &json!("PAGE")]
    );
    let of_the_file =
        ["mounted_without_dax", "file_flag_off", "not_dax", "file_system_without_dax"];
    assert!(of_the_file.map(Value::from).contains(&object["granularity"]["reason"]), "{object}");
}

#[test]
fn a_device_dax_by_persistence_domain() {
    needs_root!();
    let needs_eadr = Some("BYTE needs a platform with eADR");
    for (domain, granularity, reason, remedy, brief) in [
        (Some("cpu_cache"), "BYTE", "cpu_cache", None, "eADR: caches are saved"),
        (
            Some("memory_controller"),
            "CACHE_LINE",
            "memory_controller",
            needs_eadr,
            "ADR: caches are not saved",
        ),
        (None, "CACHE_LINE", "domain_unstated", needs_eadr, "eADR is not stated"),
    ] {
        let sysfs = Sysfs::new();
        let region = sysfs.region(1, 0, "ACPI.NFIT");
        if let Some(domain) = domain {
            region.write("persistence_domain", &format!("{domain}\n"));
        }
        sysfs.device_dax(&sysfs.carrier(&region, "dax", 0));
        let (block, object) = sysfs.says(0, "/dev/null");
        assert_eq!(
            fact(&block, "place"),
            Some("dax0.0, devdax namespace0.0 of region0 on ndbus1 (ACPI.NFIT)")
        );
        let verdict = format!("yes, {granularity} ({brief})");
        assert_eq!(fact(&block, "persistent"), Some(&*verdict));
        assert!(fact(&block, "reason").unwrap().starts_with("the platform "), "{block}");
        assert_eq!(fact(&block, "granularity"), Some(granularity));
        assert_eq!(fact(&block, "remedy"), remedy);
        assert_eq!(object["granularity"]["shared"], granularity);
        assert_eq!(
            [&object["granularity"]["reason"], &object["granularity"]["remedy"]],
            [&json!(reason), &json!(remedy)]
        );
        assert_eq!(
            [&object["place"]["dax"], &object["place"]["regions"][0]["bus"]],
            [&json!(true), &json!(1)]
        );
    }
}

#[test]
fn a_device_dax_that_only_the_host_makes_durable() {
    needs_root!();
    let sysfs = Sysfs::new();
    sysfs.device_dax(&sysfs.carrier(&sysfs.region(0, 0, "virtio-pmem"), "dax", 0));
    let (block, object) = sysfs.says(0, "/dev/null");
    assert_eq!(fact(&block, "persistent"), Some("not as it is: only the host can flush it"));
    assert!(
        fact(&block, "reason")
            .unwrap()
            .starts_with("a device DAX of virtio-pmem or of PowerPC's hypervisor cannot"),
        "{block}"
    );
    assert_eq!([fact(&block, "granularity"), fact(&block, "remedy")], [Some("none"), None]);
    assert_eq!(object["granularity"], Value::Null);
    assert_eq!(
        object["answer_errors"]["granularity"]["symbol"],
        "PMEM2_E_GRANULARITY_NOT_SUPPORTED"
    );
}

#[test]
fn a_device_dax_in_no_region() {
    needs_root!();
    let sysfs = Sysfs::new();
    sysfs.device_dax_of_no_region();
    let (block, object) = sysfs.says(0, "/dev/null");
    assert!(
        fact(&block, "place").unwrap().starts_with("dax0.0, memory that is in no region"),
        "{block}"
    );
    assert_eq!(fact(&block, "numa node"), Some("1"));
    assert!(fact(&block, "reason").unwrap().starts_with("it is mapped directly"), "{block}");
    assert_eq!(fact(&block, "granularity"), Some("CACHE_LINE"));
    for absent in ["persistence", "device id", "unsafe shutdowns"] {
        assert_eq!(fact(&block, absent), None);
    }
    assert_eq!(
        [&object["place"]["backing"], &object["place"]["regions"]],
        [&json!("device_dax"), &json!([])]
    );
    assert_eq!(
        [&object["numa_node"], &object["granularity"]["reason"]],
        [&json!(1), &json!("no_region")]
    );
    assert_eq!([&object["device_id"], &object["unsafe_shutdowns"]], [&Value::Null, &Value::Null]);
    assert_eq!(
        [&object["warnings"][0]["warning"], &object["warnings"][0]["region"]],
        [&json!("no_region"), &Value::Null]
    );
    assert_eq!(errors_but_of_the_mapping(&object), json!({}));
}

#[test]
fn warnings_come_first() {
    needs_root!();
    let sysfs = Sysfs::new();
    let region = sysfs.region(0, 7, "e820");
    region.write("read_only", "1\n");
    sysfs.dimm(&region, 0, "8680-1", "", None);
    sysfs.dimm(&region, 1, "8680-2", "flush_fail not_armed", None);
    sysfs.device_dax(&sysfs.carrier(&region, "dax", 0));
    let (block, object) = sysfs.says(0, "/dev/null");

    let keys: Vec<_> =
        block.lines().skip(1).take(7).map(|line| line.split_whitespace().next().unwrap()).collect();
    let expected = ["persistent:", "reason", "remedy", "warning", "warning", "warning", "warning"];
    assert_eq!(keys, expected);
    assert_eq!(fact(&block, "persistent"), Some("not as it is: a DIMM is not armed"));
    let warnings = facts(&block, "warning");
    for (warning, words) in warnings.iter().zip([
        "region7 is not armed",
        "region7 was not flushed by the platform",
        "region7 can only be read",
        "region7 is only declared",
    ]) {
        assert!(warning.contains(words), "{block}");
    }
    let words: Vec<_> =
        object["warnings"].as_array().unwrap().iter().map(|warning| &warning["warning"]).collect();
    assert_eq!(words, ["unarmed", "flush_failed", "read_only", "declared"]);
    for (warning, sentence) in object["warnings"].as_array().unwrap().iter().zip(&warnings) {
        assert_eq!([&warning["region"], &warning["sentence"]], [&json!(7), &json!(sentence)]);
    }
    let region = &object["place"]["regions"][0];
    assert_eq!(
        [&region["unarmed"], &region["read_only"], &region["provider"]],
        [&json!(true), &json!(true), &json!("e820")]
    );
    // DIMMs that do not count are no failure.
    assert_eq!(fact(&block, "unsafe shutdowns"), Some("not counted by its DIMMs"));
    assert_eq!(
        [&object["unsafe_shutdowns"], &errors_but_of_the_mapping(&object)],
        [&Value::Null, &json!({})]
    );
}

/// Everything that a DIMM can report, and memory that a driver declares to be persistent.
#[test]
fn what_is_not_to_be_trusted() {
    needs_root!();
    let sysfs = Sysfs::new();
    let region = sysfs.region(0, 3, "ramdax");
    let flags = "save_fail restore_fail flush_fail map_fail smart_event smart_notify ";
    sysfs.dimm(&region, 0, "8680-1", flags, Some("1"));
    sysfs.disk(&sysfs.carrier(&region, "pfn", 0), "pmem3", sysfs.device, true);
    let (block, object) = sysfs.says(0, &sysfs.file);
    let words: Vec<_> =
        object["warnings"].as_array().unwrap().iter().map(|warning| &warning["warning"]).collect();
    let expected =
        ["save_failed", "restore_failed", "flush_failed", "smart_event", "map_failed", "declared"];
    assert_eq!(words, expected);
    assert_eq!(facts(&block, "warning").len(), 6, "{block}");
    // And one that is not armed.
    region.write("mapping1", "nmem1,0,134217728,1\n");
    sysfs.dimm(&sysfs.region(0, 4, "ACPI.NFIT"), 1, "8680-2", "not_armed", None);
    let (_, object) = sysfs.says(0, &sysfs.file);
    assert_eq!(object["warnings"][0]["warning"], "unarmed");
}

/// A region of volatile memory has no hardware that could be told.
#[test]
fn volatile_memory() {
    needs_root!();
    let sysfs = Sysfs::new();
    let region = sysfs.region(0, 3, "ACPI.NFIT");
    region.write("devtype", "nd_volatile\n");
    sysfs.disk(&sysfs.carrier(&region, "pfn", 0), "pmem3", sysfs.device, true);
    let (block, object) = sysfs.says(0, &sysfs.file);
    assert!(fact(&block, "persistence").unwrap().starts_with("none"), "{block}");
    // Mounting it with DAX would not help.
    assert_eq!(fact(&block, "persistent"), Some("no: volatile memory"));
    assert_eq!(
        [&object["persistent"]["answer"], &object["persistent"]["reason"]],
        ["no", "volatile"]
    );
    for (key, line) in [
        ("numa_node", "numa node"),
        ("target_node", "target node"),
        ("device_id", "device id"),
        ("unsafe_shutdowns", "unsafe shutdowns"),
    ] {
        assert_eq!((&object[key], fact(&block, line)), (&Value::Null, None), "{key}");
        assert_eq!(object["answer_errors"].get(key), None);
    }
    assert_eq!(object["place"]["regions"][0]["persistence_domain"], "volatile");
    assert_eq!(object["warnings"][0]["warning"], "no_region");
}

/// A DIMM that two regions of one volume share is one DIMM.
#[test]
fn a_dimm_of_two_regions() {
    needs_root!();
    let sysfs = Sysfs::new();
    let (first, second) = (sysfs.region(0, 2, "ACPI.NFIT"), sysfs.region(0, 12, "ACPI.NFIT"));
    sysfs.dimm(&first, 0, "8680-1", "", Some("3"));
    second.write("mapping0", "nmem0,134217728,134217728,0\n");
    sysfs.dimm(&second, 1, "8680-2", "", Some("5"));
    sysfs.disk(&sysfs.carrier(&first, "pfn", 4), "pmem2", (259, 4000), true);
    sysfs.disk(&sysfs.carrier(&second, "pfn", 0), "pmem12", (259, 4001), true);
    sysfs.volume("dm-0", sysfs.device, &["pmem12", "pmem2"]);
    let (_, object) = sysfs.says(0, &sysfs.file);
    assert_eq!(object["device_id"], "8680-18680-2");
    assert_eq!(object["unsafe_shutdowns"], 8);
}

#[test]
fn a_volume_on_two_regions() {
    needs_root!();
    let sysfs = Sysfs::new();
    let (second, first) = (sysfs.region(0, 12, "ACPI.NFIT"), sysfs.region(0, 2, "ACPI.NFIT"));
    second.write("numa_node", "1\n");
    second.write("persistence_domain", "cpu_cache\n");
    sysfs.dimm(&second, 1, "8680-2", "not_armed", Some("5"));
    sysfs.dimm(&first, 0, "8680-1", "", Some("3"));
    sysfs.disk(&sysfs.carrier(&second, "pfn", 0), "pmem12", (259, 4001), true);
    sysfs.disk(&sysfs.carrier(&first, "btt", 4), "pmem2s", (259, 4000), false);
    sysfs.volume("dm-0", sysfs.device, &["pmem12", "pmem2s"]);
    let (block, object) = sysfs.says(0, &sysfs.file);

    assert_eq!(fact(&block, "place"), Some("dm-0, a volume on 2 regions"));
    assert_eq!(
        facts(&block, "region"),
        [
            "sector namespace2.4 of region2 on ndbus0 (ACPI.NFIT); persistence not stated; \
             numa node 0",
            "fsdax namespace12.0 of region12 on ndbus0 (ACPI.NFIT); persistence cpu_cache; \
             numa node 1",
        ]
    );
    assert_eq!(fact(&block, "persistence"), None, "it is said of each region");
    assert_eq!(fact(&block, "numa node"), Some("several: see the regions"));
    assert_eq!(fact(&block, "device id"), Some("8680-18680-2"));
    assert_eq!(fact(&block, "unsafe shutdowns"), Some("8"));
    assert_eq!(facts(&block, "warning").len(), 1);

    let regions = object["place"]["regions"].as_array().unwrap();
    assert_eq!(regions.iter().map(|region| &region["region"]).collect::<Vec<_>>(), [2, 12]);
    assert_eq!(regions.iter().map(|region| &region["unarmed"]).collect::<Vec<_>>(), [false, true]);
    assert_eq!(object["warnings"][0]["region"], 12);
    assert_eq!(
        [&object["numa_node"], &object["granularity"]["reason"]],
        [&Value::Null, &json!("sector")]
    );
    assert_eq!(object["answer_errors"]["numa_node"]["symbol"], "PMEM2_E_NOSUPP");
    // The real kernel is asked for the parts of the volume, and has no such volume.
    assert_eq!(unanswered(&object), ["numa_node", "bad_blocks"]);
    assert!(fact(&block, "bad blocks").unwrap().starts_with("cannot be told: "), "{block}");
}

/// The answers in whose place there is an error.
fn unanswered(object: &Value) -> Vec<&String> {
    object["answer_errors"].as_object().unwrap().keys().collect()
}

/// A disk that is not persistent memory, itself or below a volume. That disk is named.
#[test]
fn other_disks() {
    needs_root!();
    let sysfs = Sysfs::new();
    let carrier = sysfs.carrier(&sysfs.region(0, 0, "ACPI.NFIT"), "pfn", 0);
    sysfs.disk(&carrier, "pmem0", (259, 4000), true);
    sysfs.volume("loop9", (7, 9), &[]);
    sysfs.volume("dm-1", sysfs.device, &["pmem0", "loop9"]);
    let (block, object) = sysfs.says(0, &sysfs.file);
    assert_eq!(
        fact(&block, "place"),
        Some("dm-1, the block device 7:9, which is not persistent memory")
    );
    assert_eq!(object["place"]["disk"], json!({"major": 7, "minor": 9}));
    assert_eq!([&object["place"]["backing"], &object["place"]["device"]], ["disk", "dm-1"]);
    assert_eq!(object["granularity"]["reason"], "not_persistent_memory");
    assert_eq!(fact(&block, "persistent"), Some("no: an ordinary disk"));
    assert_eq!(fact(&block, "granularity"), Some("PAGE"));
    for key in ["numa_node", "device_id", "unsafe_shutdowns"] {
        assert_eq!(object[key], Value::Null, "{key}");
    }
    assert_eq!(
        (&object["warnings"], unanswered(&object)),
        (&json!([]), vec![&"bad_blocks".to_owned()])
    );
}

/// A block device is no source, but has a place.
#[test]
fn a_block_device() {
    needs_root!();
    use rustix::fs::{CWD, FileType, makedev, mknodat};
    if !is_root() {
        // Only root may make one. One in /dev has a place in the real /sys.
        let (_, object) = both(1, block_device());
        assert!(
            object["place"].is_object() || object["answer_errors"]["place"].is_object(),
            "{object}"
        );
        return;
    }
    let (sysfs, directory) = (Sysfs::new(), directory());
    let region = sysfs.region(0, 0, "ACPI.NFIT");
    sysfs.dimm(&region, 0, "8680-1", "not_armed", Some("9"));
    sysfs.disk(&sysfs.carrier(&region, "pfn", 0), "pmem0", (259, 4000), true);
    let path = directory.path().join("pmem0");
    mknodat(CWD, &path, FileType::BlockDevice, 0o600.into(), makedev(259, 4000)).unwrap();
    let (block, object) = sysfs.says(1, &path);
    assert!(fact(&block, "refused").unwrap().starts_with("a block device"), "{block}");
    assert_eq!(
        fact(&block, "place"),
        Some("pmem0, fsdax namespace0.0 of region0 on ndbus0 (ACPI.NFIT)")
    );
    assert_eq!(facts(&block, "warning").len(), 1);
    assert_eq!([fact(&block, "granularity"), fact(&block, "remedy")], [None, None]);
    assert_eq!(
        [&object["place"]["device"], &object["place"]["dax"]],
        [&json!("pmem0"), &json!(true)]
    );
    assert_eq!([&object["device_id"], &object["unsafe_shutdowns"]], [&json!("8680-1"), &json!(9)]);
    assert_eq!([&object["granularity"], &object["opened"]], [&Value::Null, &json!(false)]);
}

/// An answer that cannot be known is said to be so in its line, and hides nothing else.
#[test]
fn answers_that_make_no_sense() {
    needs_root!();
    type Breaks = fn(&crate::sysfs::Node, &crate::sysfs::Node);
    let rows: [(Breaks, &[(&str, &str)]); 6] = [
        (
            |region, _| region.write("numa_node", "x\n"),
            &[("place", "PMEM2_E_INVALID_REGION_FORMAT")],
        ),
        (
            |region, _| region.write("persistence_domain", "tea\n"),
            &[("place", "PMEM2_E_INVALID_REGION_FORMAT")],
        ),
        (|region, _| fs::remove_file(region.path("../provider")).unwrap(), &[("place", "ENOENT")]),
        (
            |region, _| region.write("mapping0", "dimm\n"),
            &[("place", "PMEM2_E_INVALID_DEV_FORMAT")],
        ),
        (|_, dimm| dimm.write("nfit/id", "\n"), &[("device_id", "PMEM2_E_INVALID_DEV_FORMAT")]),
        (
            |_, dimm| dimm.write("nfit/dirty_shutdown", "-1\n"),
            &[("unsafe_shutdowns", "PMEM2_E_INVALID_DEV_FORMAT")],
        ),
    ];
    for (breaks, errors) in rows {
        let sysfs = Sysfs::new();
        let region = sysfs.region(0, 0, "ACPI.NFIT");
        let dimm = sysfs.dimm(&region, 0, "8680-1", "", Some("1"));
        sysfs.disk(&sysfs.carrier(&region, "pfn", 0), "pmem0", sysfs.device, false);
        breaks(&region, &dimm);
        let (block, object) = sysfs.says(0, &sysfs.file);
        let found = object["answer_errors"].as_object().unwrap();
        let found: Vec<_> =
            found.iter().map(|(key, error)| (&**key, error["symbol"].as_str().unwrap())).collect();
        assert_eq!(found, errors);
        // Why a file is not mapped directly says nothing about a place that is not known.
        let unknown = errors.iter().any(|(key, _)| *key == "place");
        assert_eq!(object["persistent"]["answer"] == "unknown", unknown, "{block}");
        for (key, _) in errors {
            assert_eq!(object[key], Value::Null);
            let line = fact(&block, &key.replace('_', " ")).unwrap();
            assert_eq!(
                line,
                format!("unknown: {}", object["answer_errors"][key]["message"].as_str().unwrap())
            );
        }
        assert_eq!(
            [&object["size"], &object["granularity"]["shared"]],
            [&json!(10), &json!("PAGE")]
        );
    }
}

/// Not permitted differs from not counted and from broken.
#[test]
fn a_count_that_this_user_may_not_read() {
    needs_root!();
    let sysfs = Sysfs::new();
    let region = sysfs.region(0, 0, "ACPI.NFIT");
    let dimm = sysfs.dimm(&region, 0, "8680-1", "", Some("1"));
    fs::set_permissions(dimm.path("nfit/dirty_shutdown"), fs::Permissions::from_mode(0o000))
        .unwrap();
    sysfs.disk(&sysfs.carrier(&region, "pfn", 0), "pmem0", sysfs.device, false);
    // Without these rights its owner may not read it either.
    let script = "exec setpriv --bounding-set -dac_override,-dac_read_search \"$0\" \"$@\"";
    let (block, object) = sysfs.says_after(script, 0, &sysfs.file);
    let line = fact(&block, "unsafe shutdowns").unwrap();
    assert!(
        line.starts_with("unknown: ") && line.contains("EACCES") && line.contains("more rights"),
        "{block}"
    );
    assert_eq!(
        [&object["device_id"], &object["unsafe_shutdowns"]],
        [&json!("8680-1"), &Value::Null]
    );
    assert_eq!(object["answer_errors"]["unsafe_shutdowns"]["symbol"], "EACCES");
}

#[test]
fn without_sysfs() {
    needs_root!();
    let sysfs = Sysfs::new();
    let (block, object) = sysfs.says_after("mount -t tmpfs none /sys", 0, &sysfs.file);
    let line = fact(&block, "place").unwrap();
    assert!(line.starts_with("unknown: ") && line.contains("mount sysfs"), "{block}");
    assert_eq!(object["place"], Value::Null);
    assert_eq!(object["answer_errors"]["place"]["symbol"], "ENOENT");
    // The mapping tells without /sys.
    assert_eq!(object["granularity"]["shared"], "PAGE");
    assert_eq!(object["warnings"], json!([]));
}

#[test]
fn file_systems_without_a_device() {
    let directory = directory();
    let tmpfs = "mount -t tmpfs none \"$dir\"; echo x > \"$dir/file\"";
    let overlay = "mount -t tmpfs none \"$dir\"; cd \"$dir\"
        mkdir lower upper work all; echo x > lower/file
        mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none all
        mount --bind all \"$dir\"";
    for (script, backing, place, verdict) in [
        (
            tmpfs,
            "memory",
            "tmpfs, which keeps its files in ordinary memory",
            "no: ordinary memory (tmpfs)",
        ),
        (
            overlay,
            "hidden",
            "overlay, a file system that does not say which device the file is on",
            "not known: overlay does not say which device the file is on",
        ),
    ] {
        let mut command = inspect_after(script, directory.path(), [directory.path().join("file")]);
        let (block, object) = (report(0, &mut command), objects(0, &mut command).remove(0));
        assert_eq!(
            (fact(&block, "place"), fact(&block, "persistent")),
            (Some(place), Some(verdict))
        );
        assert_eq!(
            object["place"],
            json!({"backing": backing, "device": null, "disk": null, "dax": null, "regions": []})
        );
        assert_eq!(
            [&object["granularity"]["shared"], &object["granularity"]["reason"]],
            ["PAGE", "not_persistent_memory"]
        );
        assert_eq!(object["answer_errors"], json!({}));
    }
}

/// Its rights say nothing about its place, but a file that may not be read cannot be mapped.
#[test]
fn a_file_that_may_not_be_read() {
    let directory = directory();
    let path = file(&directory, "file", "x");
    let (_, readable) = both(0, &path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let object = objects(1, &mut inspect_as_ordinary_user([&path])).remove(0);
    assert!(readable["place"].is_object() && readable["granularity"].is_object(), "{readable}");
    assert_eq!([&object["place"], &object["granularity"]], [&readable["place"], &Value::Null]);
    assert_eq!(object["answer_errors"], json!({}));
}
