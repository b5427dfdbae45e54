//! The kernel's list of bad blocks, in a /sys that the test made: a device DAX has its region's.

use std::{fmt::Write, fs};

use serde_json::{Value, json};

use crate::{support::*, sysfs::Sysfs};

/// Where the device begins in its region, in sectors of 512 bytes.
const START: u64 = 4096;

/// Both outputs for a device DAX of 128 MiB whose region has this list.
fn listed(list: &str) -> (String, Value) {
    let sysfs = Sysfs::new();
    let region = sysfs.region(0, 0, "ACPI.NFIT");
    region.write("resource", "0x100000000\n");
    region.write("badblocks", list);
    sysfs.device_dax(&sysfs.carrier(&region, "dax", 0));
    let device = region.path("dax0.0/dax0.0");
    fs::write(device.join("resource"), format!("{:#x}\n", 0x1_0000_0000 + START * 512)).unwrap();
    sysfs.says(0, "/dev/null")
}

#[test]
fn none_and_some() {
    needs_root!();
    let (block, object) = listed("");
    assert_eq!(fact(&block, "bad blocks"), Some("none"));
    assert_eq!(
        [&object["bad_blocks"], &object["bad_block_count"], &object["bad_bytes"]],
        [&json!([]), &json!(0), &json!(0)]
    );
    assert_eq!(errors_but_of_the_mapping(&object), json!({}));

    // Before the device, in it, in it and adjoining, after it.
    let (block, object) = listed(&format!(
        "1 8\n{} 1\n{} 7\n{} 2\n{} 9\n",
        START + 8,
        START + 9,
        START + 100,
        START + 262_144
    ));
    assert_eq!(
        fact(&block, "bad blocks"),
        Some("5120 bytes in 2 ranges: 4096 at 4096, 1024 at 51200")
    );
    assert_eq!(
        object["bad_blocks"],
        json!([{"offset": 4096, "length": 4096}, {"offset": 51200, "length": 1024}])
    );
    assert_eq!((&object["bad_block_count"], &object["bad_bytes"]), (&json!(2), &json!(5120)));
}

/// People see the first of them.
#[test]
fn many() {
    needs_root!();
    let mut list = String::new();
    for number in 0..200 {
        writeln!(list, "{} 1", START + number * 2).unwrap();
    }
    let (block, object) = listed(&list);
    let said = fact(&block, "bad blocks").unwrap();
    assert!(said.starts_with("102400 bytes in 200 ranges: 512 at 0, 512 at 1024, "), "{said}");
    assert!(said.ends_with(", 512 at 7168, and 192 more"), "{said}");
    assert_eq!(object["bad_blocks"].as_array().unwrap().len(), 200);
}

/// The kernel cuts its list at a page. That part is printed, and that there may be more.
#[test]
fn a_list_that_is_cut() {
    needs_root!();
    let mut list = String::new();
    for number in 0_u64.. {
        writeln!(list, "{} 1", START + number * 2).unwrap();
        if list.len() > 4095 {
            break;
        }
    }
    list.truncate(4095);
    let (block, object) = listed(&list);
    assert!(
        fact(&block, "bad blocks").unwrap().contains("; whether there are more cannot be told: "),
        "{block}"
    );
    assert!(object["bad_block_count"].as_u64().unwrap() > 400, "{object}");
    assert_eq!(object["answer_errors"]["bad_blocks"]["symbol"], "EOVERFLOW");
}

/// A list that is not known is not an empty list.
#[test]
fn no_list() {
    needs_root!();
    for (list, symbol) in [("\n", Value::Null), ("much\n", json!("PMEM2_E_CANNOT_READ_BOUNDS"))] {
        let (block, object) = listed(list);
        assert!(fact(&block, "bad blocks").unwrap().starts_with("cannot be told: "), "{block}");
        for key in ["bad_blocks", "bad_block_count", "bad_bytes"] {
            assert_eq!(object[key], Value::Null, "{list:?} {key}");
        }
        assert_eq!(object["answer_errors"]["bad_blocks"]["symbol"], symbol, "{list:?}");
    }
}
