//! `--table`: tables that QEMU and dtc made, as they are and changed byte by byte.

mod files;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{support::*, sysfs::assert_documented};

/// Structures of an NFIT.
const RANGE: u16 = 0;
const MAPPING: u16 = 1;

/// The types of ranges, as they lie in the table: persistent memory, volatile memory, a control
/// region, a block data window, a disk image that is lost, and none that is known.
const PERSISTENT: &str = "79d3f066f3b47440ac430d3318b78cdb";
const VOLATILE: &str = "4f940573dafde344b16c3f22d252e5d0";
const CONTROL: &str = "f601f792b4135d40910b299367e8234c";
const WINDOW: &str = "3005af91865d0e47a6b00a2db9408249";
const UNKNOWN: &str = "000102030405060708090a0b0c0d0e0f";
const DISK: &str = "5a53ab77fc454b625560f7b281d1f96e";

/// The bytes of these digits, without the text between them.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|character| character.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// A table of those that the parsers' tests have: see `platform/src/bare/tests`.
fn seed(name: &str) -> Vec<u8> {
    bytes(&digits(name))
}

fn digits(name: &str) -> String {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../platform/src/bare/tests/seeds");
    fs::read_to_string(seeds.join(name).with_extension("hex")).unwrap()
}

/// Puts `value` into the nth structure of this type, at an offset.
fn set(table: &mut [u8], kind: u16, n: usize, offset: usize, value: &[u8]) {
    let (mut at, mut seen) = (40, 0);
    loop {
        let field = |at: usize| u16::from_le_bytes([table[at], table[at + 1]]);
        if field(at) == kind {
            if seen == n {
                break;
            }
            seen += 1;
        }
        at += usize::from(field(at + 2));
    }
    table[at + offset..][..value.len()].copy_from_slice(value);
    seal(table);
}

/// Makes the length and the sum right.
fn seal(table: &mut [u8]) {
    let length = u32::try_from(table.len()).unwrap();
    table[4..8].copy_from_slice(&length.to_le_bytes());
    table[9] = 0;
    table[9] = table.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
}

/// Replaces cells of a devicetree, which are there once.
fn replace(tree: &mut [u8], old: &[u32], new: &[u32]) {
    let [old, new] = [old, new]
        .map(|cells| cells.iter().flat_map(|cell| cell.to_be_bytes()).collect::<Vec<_>>());
    let places: Vec<_> = (0..tree.len()).filter(|at| tree[*at..].starts_with(&old)).collect();
    let [at] = places[..] else { panic!("{places:?}") };
    tree[at..at + new.len()].copy_from_slice(&new);
}

fn tables<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Command {
    let mut command = inspect(["--table"]);
    command.args(paths.into_iter().map(|path| path.as_ref().to_owned()));
    command
}

/// Both outputs for each region of the table in a file.
fn both_of(status: i32, path: &Path) -> Vec<(String, Value)> {
    let text = report(status, &mut tables([path]));
    let blocks: Vec<_> = text.split("\n\n").map(String::from).collect();
    let objects = objects(status, &mut tables([path]));
    assert_eq!(blocks.len(), objects.len());
    for (block, object) in blocks.iter().zip(&objects) {
        assert_eq!(object["path"], path.to_str().unwrap());
        assert_eq!(object["usable"], fact(block, "refused").is_none());
        assert_eq!(object["error"]["message"].as_str(), fact(block, "refused"));
        assert_eq!(object["error"]["symbol"].as_str(), fact(block, "code"));
        assert_eq!(object["persistent"]["remedy"].as_str(), fact(block, "remedy"));
        assert_documented(object);
    }
    blocks.into_iter().zip(objects).collect()
}

fn told(status: i32, table: &[u8]) -> Vec<(String, Value)> {
    let directory = directory();
    let path = directory.path().join("table");
    fs::write(&path, table).unwrap();
    let all = both_of(status, &path);
    for (number, (block, object)) in all.iter().enumerate() {
        assert_eq!(block.lines().next(), Some(&*format!("{}, region {number}", path.display())));
        assert_eq!(object["region"]["number"], number);
    }
    all
}

/// The one answer about a table without a region.
fn refused(path: &Path) -> (String, Value) {
    let [(block, object)] = <[_; 1]>::try_from(both_of(1, path)).unwrap();
    assert_eq!(block.lines().next(), path.to_str());
    assert_eq!(object["schema"], 1);
    for absent in ["region", "place", "size", "access", "granularity", "permission"] {
        assert_eq!(object[absent], Value::Null, "{absent}");
    }
    (block, object)
}

/// Message and symbol of a table that is wrong.
fn wrong(table: &[u8]) -> (String, String) {
    let directory = directory();
    let path = directory.path().join("table");
    fs::write(&path, table).unwrap();
    let (_, object) = refused(&path);
    assert_eq!([&object["opened"], &object["kind"]], [&json!(true), &Value::Null]);
    assert_eq!(object["error"]["errno"], libc::EINVAL);
    let text = |key| object["error"][key].as_str().unwrap().to_owned();
    (text("message"), text("symbol"))
}

/// QEMU's: persistence of the memory controller, the second device unarmed.
#[test]
fn an_nfit() {
    let all = told(0, &seed("nfit/qemu-two"));
    let [(first, one), (second, two)] = &all[..] else { panic!("{all:?}") };
    assert_eq!(fact(first, "kind"), Some("region of persistent memory"));
    assert_eq!(fact(first, "identity"), Some("physical address 0x100000000, 0x7e00000 bytes"));
    assert_eq!(fact(second, "identity"), Some("physical address 0x107e00000, 0x8000000 bytes"));
    assert_eq!(
        [first, second].map(|block| fact(block, "access")),
        [Some("read and write"), Some("read-only")]
    );
    assert_eq!(fact(first, "size"), Some("132120576 bytes"));
    assert_eq!(fact(first, "numa node"), Some("not stated by the platform"));
    assert_eq!(fact(first, "proximity domain"), Some("0, a number of ACPI's"));
    assert_eq!(fact(first, "durable by"), Some("the flush of cache lines, and a fence"));
    assert_eq!(fact(first, "flush hints"), Some("none"));
    assert_eq!(fact(first, "warning"), None);
    assert!(fact(second, "warning").unwrap().contains("not armed"), "{second}");
    assert!(fact(first, "place").unwrap().contains("(ACPI.NFIT)"), "{first}");

    assert_eq!(
        one["region"],
        json!({
            "number": 0, "provider": "ACPI.NFIT", "base": 0x1_0000_0000_u64, "length": 0x7e0_0000,
            "durability": "cache_flush", "save_failed": false, "flush_hints": 0,
            "proximity_domain": 0, "guid": "66f0d379-b4f3-4074-ac43-0d3318b78cdb",
        })
    );
    assert_eq!(
        [&one["kind"], &one["access"], &one["opened"]],
        [&json!("region"), &json!("read-write"), &json!(true)]
    );
    assert_eq!([&one["size"], &one["alignment"]], [&json!(0x7e0_0000), &json!(1)]);
    assert_eq!([&one["device_id"], &one["numa_node"]], [&json!("8680-56341200"), &Value::Null]);
    assert_eq!(one["granularity"]["shared"], "CACHE_LINE");
    assert_eq!([&one["warnings"], &one["answer_errors"]], [&json!([]), &json!({})]);
    let of_region = &two["place"]["regions"][0];
    assert_eq!([&of_region["region"], &of_region["unarmed"]], [&json!(1), &json!(true)]);
    assert_eq!(
        [&of_region["provider"], &of_region["persistence_domain"]],
        ["ACPI.NFIT", "memory_controller"]
    );
    assert_eq!([&two["access"], &two["device_id"]], ["read-only", "8680-57341200"]);
    let warnings: Vec<_> =
        two["warnings"].as_array().unwrap().iter().map(|warning| &warning["warning"]).collect();
    assert_eq!(warnings, ["unarmed", "read_only"]);
    // Whatever the table states for it.
    let keeps = [&one, &two].map(|region| region["region"]["durability"].as_str());
    assert_eq!(keeps, [Some("cache_flush"), Some("none")]);
    // The way in which the table was read says nothing about the region.
    for absent in [
        "fd",
        "append",
        "permission",
        "device",
        "inode",
        "represented_device",
        "file_system",
        "allocated",
    ] {
        assert_eq!([&one[absent], &two[absent]], [&Value::Null; 2], "{absent}");
    }
}

/// Reports of a DIMM are warnings. And the other facts that only a table has.
#[test]
fn what_only_a_table_tells() {
    for (flag, word, failed) in [
        (1_u8, "save_failed", true),
        (2, "restore_failed", true),
        (4, "flush_failed", true),
        (16, "smart_event", false),
        (64, "map_failed", false),
    ] {
        let mut table = seed("nfit/qemu-one");
        set(&mut table, MAPPING, 0, 44, &[flag]);
        let (block, object) = told(0, &table).remove(0);
        assert_eq!(object["region"]["save_failed"], failed, "{word}");
        let warning = &object["warnings"][0];
        assert_eq!([&warning["warning"], &warning["region"]], [&json!(word), &json!(0)]);
        assert_eq!(warning["sentence"].as_str(), fact(&block, "warning"));
        assert_eq!(fact(&block, "warning").unwrap().contains("not to be trusted"), failed);
    }
    // They come before the facts: a person reads from the top.
    let mut table = seed("nfit/qemu-one");
    set(&mut table, MAPPING, 0, 44, &[4 | 8]);
    let (block, object) = told(0, &table).remove(0);
    let keys: Vec<_> =
        block.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    let expected = ["persistent:", "reason", "warning", "warning", "warning", "kind"];
    assert_eq!(keys[..6], expected, "{block}");
    assert_eq!(fact(&block, "persistent"), Some("not as it is: it is not armed"));
    assert_eq!(object["persistent"]["answer"], "not_as_it_is");
    assert_eq!(object["warnings"].as_array().unwrap().len(), 3);

    // eADR, since QEMU was told nvdimm-persistence=cpu.
    let (block, object) = told(0, &seed("nfit/qemu-one")).remove(0);
    assert_eq!(fact(&block, "durable by"), Some("a fence alone"));
    assert_eq!(
        [&object["region"]["durability"], &object["granularity"]["shared"]],
        ["fence", "BYTE"]
    );

    // Flush hints of device 1, and of a device that no range has.
    let mut table = seed("nfit/qemu-two");
    for device in ["01", "07"] {
        table.extend(bytes(&format!("06001800{device}000000 01000000 00000000 00000000fe000000")));
    }
    seal(&mut table);
    let all = told(0, &table);
    assert_eq!(
        all.iter().map(|(_, object)| &object["region"]["flush_hints"]).collect::<Vec<_>>(),
        [1, 0]
    );
    let lines: Vec<_> = all.iter().map(|(block, _)| fact(block, "flush hints")).collect();
    assert_eq!(lines, [Some("of 1 DIMM"), Some("none")]);
    // The second device belongs to the first range too.
    set(&mut table, MAPPING, 1, 12, &[2, 0]);
    table.extend(bytes("0600180002000000 01000000 00000000 00000000fe000000"));
    seal(&mut table);
    let (block, object) = told(0, &table).remove(0);
    assert_eq!(
        (fact(&block, "flush hints"), &object["region"]["flush_hints"]),
        (Some("of 2 DIMMs"), &json!(2))
    );
}

#[test]
fn what_is_no_persistent_memory() {
    for (guid, kind, word) in [
        (VOLATILE, "volatile-memory", "volatile memory"),
        (DISK, "virtual-disk", "virtual disk"),
        (CONTROL, "control-region", "control region"),
        (WINDOW, "block-window", "block data window"),
        (UNKNOWN, "other", "unknown"),
    ] {
        let mut table = seed("nfit/qemu-two");
        set(&mut table, RANGE, 0, 16, &bytes(guid));
        let all = told(1, &table);
        let [(block, object), (_, other)] = &all[..] else { panic!("{all:?}") };
        assert_eq!(
            [&object["usable"], &other["usable"]],
            [false, true],
            "the other one is told of all the same"
        );
        assert_eq!(
            [&object["kind"], &object["error"]["symbol"]],
            [kind, "PMEM2_E_INVALID_FILE_TYPE"]
        );
        assert!(fact(block, "kind").unwrap().contains(word), "{block}");
        assert_eq!(fact(block, "identity"), Some("physical address 0x100000000, 0x7e00000 bytes"));
        assert_eq!([fact(block, "durable by"), fact(block, "flush hints")], [None; 2]);
        // A name for those that are known, and the number of those that are not.
        let shown = fact(block, "guid");
        assert_eq!(shown.is_some(), guid == UNKNOWN, "{block}");
        assert_eq!(shown.unwrap_or(&usual(guid)), usual(guid));
        assert_eq!(
            object["region"],
            json!({
                "number": 0, "provider": "ACPI.NFIT", "base": 0x1_0000_0000_u64,
                "length": 0x7e0_0000, "durability": null, "save_failed": false, "flush_hints": null,
                "proximity_domain": 0, "guid": usual(guid),
            })
        );
    }
    // Persistent memory with the index that is reserved is no region of Linux's either.
    let mut table = seed("nfit/qemu-two");
    set(&mut table, RANGE, 0, 4, &[0, 0]);
    let (block, object) = told(1, &table).remove(0);
    assert_eq!(object["kind"], "other");
    assert_eq!(fact(&block, "guid"), Some(&*usual(PERSISTENT)));
}

/// A GUID as people write it, of its bytes in memory.
fn usual(guid: &str) -> String {
    let part = |from: usize, to: usize| guid[2 * from..2 * to].to_owned();
    let turned = |from: usize, to: usize| (from..to).rev().map(|at| part(at, at + 1)).collect();
    let fields: [String; 5] = [turned(0, 4), turned(4, 6), turned(6, 8), part(8, 10), part(10, 16)];
    fields.join("-")
}

/// ACPI's number is no NUMA node.
#[test]
fn proximity_domains() {
    for (flags, domain) in [(2, json!(3)), (0, Value::Null)] {
        let mut table = seed("nfit/qemu-one");
        set(&mut table, RANGE, 0, 6, &[flags]);
        set(&mut table, RANGE, 0, 12, &[3]);
        let (block, object) = told(0, &table).remove(0);
        assert_eq!(object["region"]["proximity_domain"], domain);
        assert_eq!(fact(&block, "proximity domain").is_some(), domain == 3);
        assert_eq!(
            [&object["numa_node"], &object["place"]["regions"][0]["numa_node"]],
            [&Value::Null; 2]
        );
        assert_eq!(fact(&block, "numa node"), Some("not stated by the platform"));
    }
    // A devicetree states the number that Linux uses.
    let all = told(1, &seed("devicetree/regions"));
    assert_eq!(
        [&all[3].1["numa_node"], &all[3].1["region"]["proximity_domain"]],
        [&json!(1), &Value::Null]
    );
    assert_eq!(all[3].1["region"]["guid"], Value::Null);
}

/// Faults that Linux reads over and warns of, with the byte that would be right.
#[test]
fn tables_that_are_wrong_and_read() {
    let whole = seed("nfit/qemu-two");
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut table = whole.clone();
        change(&mut table);
        table
    };
    let tail = |bytes: &'static [u8]| {
        with(&move |table| {
            table.extend(bytes);
            seal(table);
        })
    };
    let sum =
        format!("its byte 9 is {:#04x}, and {:#04x} would be right", whole[9] ^ 0x10, whole[9]);
    let end = whole.len();
    for (table, regions, expected) in [
        (with(&|table| table[9] ^= 0x10), 2, vec![("wrong_checksum", &*sum)]),
        (with(&|table| table[50] ^= 1), 2, vec![("wrong_checksum", "would be right")]),
        (tail(&[0; 64]), 2, vec![("zero_tail", &*format!("only zeros from its byte {end} on"))]),
        (
            tail(&[0, 0, 0, 0, 9]),
            2,
            vec![("zero_length", &*format!("the structure at its byte {end} has the length 0"))],
        ),
        // The structures before it count: the first range and its device.
        (with(&|table| set(table, MAPPING, 1, 2, &[0, 0])), 2, vec![("zero_length", "byte 280")]),
        (whole.clone(), 2, vec![]),
    ] {
        let all = told(0, &table);
        assert_eq!(all.len(), regions);
        for (number, (block, object)) in all.iter().enumerate() {
            let warnings: Vec<_> = object["warnings"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|it| it["region"] == Value::Null)
                .collect();
            assert_eq!(warnings.len(), expected.len(), "region {number}: {block}");
            // The first line of a yes points to them.
            let verdict = fact(block, "persistent").unwrap();
            assert!(number != 0 || verdict.starts_with("yes, CACHE_LINE ("), "{block}");
            let points = verdict.ends_with("; see the warnings");
            assert_eq!(points, verdict.starts_with("yes") && !expected.is_empty(), "{block}");
            for (warning, (word, words)) in warnings.iter().zip(&expected) {
                assert_eq!(warning["warning"], *word);
                let sentence = warning["sentence"].as_str().unwrap();
                assert!(sentence.contains(words), "{sentence}");
                let lines = block.lines().filter(|line| line.starts_with("  warning"));
                assert_eq!(lines.filter(|line| line.ends_with(sentence)).count(), 1, "{block}");
            }
        }
        assert_eq!(all[0].1["device_id"], "8680-56341200");
    }
}

/// Impossible ranges are refused one by one, and shown as they stand in the table.
#[test]
fn ranges_that_cannot_be() {
    let (mut overlaps, mut wraps, mut empty) =
        (seed("nfit/qemu-two"), seed("nfit/qemu-two"), seed("nfit/qemu-two"));
    set(&mut overlaps, RANGE, 0, 40, &0x7e0_0001_u64.to_le_bytes());
    set(&mut wraps, RANGE, 0, 32, &(u64::MAX - 1).to_le_bytes());
    set(&mut empty, RANGE, 0, 40, &[0; 8]);
    for (table, symbol, identity, usable) in [
        (
            overlaps,
            "PMEM2_E_INVALID_REGION_FORMAT",
            "physical address 0x100000000, 0x7e00001 bytes",
            [false; 2],
        ),
        (
            wraps,
            "PMEM2_E_INVALID_REGION_FORMAT",
            "physical address 0xfffffffffffffffe, 0x7e00000 bytes",
            [false, true],
        ),
        (empty, "PMEM2_E_SOURCE_EMPTY", "physical address 0x100000000, 0x0 bytes", [false, true]),
    ] {
        let all = told(1, &table);
        let [(block, object), (_, other)] = &all[..] else { panic!("{all:?}") };
        assert_eq!([&object["usable"], &other["usable"]], usable);
        assert_eq!([&object["kind"], &object["error"]["symbol"]], ["region", symbol]);
        assert_eq!(fact(block, "identity"), Some(identity));
        assert_eq!([&object["size"], &object["granularity"]], [&Value::Null; 2]);
    }
}

#[test]
fn a_devicetree() {
    let all = told(0, &seed("devicetree/qemu-virt"));
    let [(block, object)] = &all[..] else { panic!("{all:?}") };
    assert_eq!(fact(block, "identity"), Some("physical address 0x50000000, 0x1000000 bytes"));
    assert!(fact(block, "place").unwrap().contains("(devicetree)"), "{block}");
    assert_eq!(object["region"]["base"], 0x5000_0000);
    assert_eq!(object["place"]["regions"][0]["provider"], "devicetree");
    assert_eq!([&object["numa_node"], &object["device_id"]], [&Value::Null, &json!("")]);

    // Two of regions.dts are marked volatile.
    let all = told(1, &seed("devicetree/regions"));
    let kinds: Vec<_> = all.iter().map(|(_, object)| &object["kind"]).collect();
    assert_eq!(kinds, ["region", "volatile-memory", "volatile-memory", "region", "region"]);
    let bases: Vec<_> = all.iter().map(|(_, object)| &object["region"]["base"]).collect();
    assert_eq!(bases, [0x5000, 0x1_0000_0000, 0x1_0001_0000, 0x8800_0000, 0x2_0000_5000_u64]);
    assert_eq!(all[3].1["numa_node"], 1);
}

#[test]
fn a_devicetree_with_a_bad_region() {
    let fine = [0, 0x5000, 0, 0x1000];
    for (bad, symbol, usable) in [
        ([u32::MAX, u32::MAX, 0, 2], "PMEM2_E_INVALID_REGION_FORMAT", [false, true]),
        ([0, 0x5000, 0, 0], "PMEM2_E_SOURCE_EMPTY", [false, true]),
        // It overlaps the fourth one.
        ([0, 0x8800_0000, 0, 0x1000], "PMEM2_E_INVALID_REGION_FORMAT", [false, false]),
    ] {
        let mut tree = seed("devicetree/regions");
        replace(&mut tree, &fine, &bad);
        let all = told(1, &tree);
        assert_eq!(all[0].1["error"]["symbol"], symbol);
        assert_eq!([0, 3].map(|number: usize| &all[number].1["usable"]), usable);
        assert_eq!(all[4].1["usable"], true);
    }
    // A range beyond the window of its bus has no address. Its node is named; the other regions
    // stay as they are.
    let mut tree = seed("devicetree/regions");
    replace(&mut tree, &[7, 0x4000, 0x2000], &[7, 0x4000, 0x1_0000]);
    let all = told(1, &tree);
    let (block, object) = &all[4];
    assert!(
        fact(block, "refused").unwrap().starts_with("the devicetree's node has no address"),
        "{block}"
    );
    assert_eq!(
        [&object["kind"], &object["error"]["symbol"]],
        ["region", "PMEM2_E_INVALID_REGION_FORMAT"]
    );
    assert_eq!(
        (fact(block, "provider"), &object["region"]["provider"]),
        (Some("fram@4000"), &json!("fram@4000"))
    );
    for key in ["base", "length", "durability", "flush_hints"] {
        assert_eq!(object["region"][key], Value::Null, "{key}");
    }
    for line in ["identity", "durable by", "flush hints"] {
        assert_eq!(fact(block, line), None, "{block}");
    }
    assert_eq!([0, 3].map(|number: usize| &all[number].1["usable"]), [true; 2]);
    assert_eq!(
        (fact(&all[0].0, "provider"), &all[0].1["region"]["provider"]),
        (None, &json!("devicetree"))
    );
}

/// Headings, order, other arguments, and exit statuses.
#[test]
fn several_tables() {
    let directory = directory();
    let table = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let (two, one, text) = (
        table("two", &seed("nfit/qemu-two")),
        table("\x1b[31mred", &seed("nfit/qemu-one")),
        table("text", b"text"),
    );
    let output = report(1, tables([&two, &text, &one]).args(["--fd", "-1"]));
    let headings: Vec<_> = output.lines().filter(|line| !line.starts_with(' ')).collect();
    let two_heading = two.to_str().unwrap();
    let one_heading = format!("\"{}/\\u{{1b}}[31mred\", region 0", directory.path().display());
    assert_eq!(
        headings,
        [
            &*format!("{two_heading}, region 0"),
            "",
            &format!("{two_heading}, region 1"),
            "",
            text.to_str().unwrap(),
            "",
            &one_heading,
            "",
            "file descriptor -1",
        ]
    );
    assert_eq!(report(0, &mut tables([&two, &one])).matches("\n  persistent: ").count(), 3);
    assert_eq!(objects(0, &mut tables([&two, &one])).len(), 3);
    // Its position does not matter. Without it they are files like others.
    assert_eq!(objects(0, inspect([&two]).arg("--table")).len(), 2);
    assert_eq!(objects(0, &mut inspect([&two]))[0]["kind"], "regular-file");
    assert_eq!(objects(0, &mut inspect([&two]))[0]["region"], Value::Null);

    // A descriptor is no table.
    for (arguments, expected) in [
        (&["--table"][..], "error: --table needs a FILE"),
        (&["--table", "--fd", "0"], "error: --table needs a FILE"),
        (&["--table", "--json"], "error: --table needs a FILE"),
        (&["--table=yes", "/"], "--table"),
    ] {
        let run = run(&mut inspect(arguments));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(
            run.stderr.contains(expected) && run.stderr.contains("--table FILE..."),
            "{}",
            run.stderr
        );
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let child = spawn(tables([&two]).stdout(full).stderr(Stdio::piped()));
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(3));
}

#[test]
fn every_key_is_documented() {
    let help = report(0, &mut inspect(["--help"]));
    let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (_, of_path) = both(1, "/");
    let (_, of_none) = refused(Path::new("/"));
    assert_eq!(keys(&of_none), keys(&of_path), "every key is always there");
    for (_, object) in told(1, &seed("devicetree/regions")) {
        assert_eq!(keys(&object), keys(&of_path));
        assert_documented(&object);
        assert!(help.contains(object["kind"].as_str().unwrap()));
        for region in object["place"]["regions"].as_array().into_iter().flatten() {
            assert!(help.contains(region["mode"].as_str().unwrap()), "{region}");
        }
        if let Some(durability) = object["region"]["durability"].as_str() {
            assert!(help.contains(&format!("{durability} (")), "{durability}");
        }
    }
}
