//! Files that are no tables, or wrong ones, and how much of them is read.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;

use super::{MAPPING, both_of, bytes, digits, refused, seal, seed, set, tables, wrong};
use crate::support::*;

#[test]
fn tables_that_are_wrong() {
    let [nfit, tree] = ["nfit/qemu-two", "devicetree/regions"].map(seed);
    let with = |table: &[u8], at: usize, value: &[u8]| {
        let mut table = table.to_vec();
        table[at..at + value.len()].copy_from_slice(value);
        table
    };
    let mut short_structure = nfit.clone();
    set(&mut short_structure, MAPPING, 1, 2, &[3, 0]);
    let mut many = nfit[..40].to_vec();
    many.extend([99, 0, 4, 0].repeat(2049));
    seal(&mut many);
    for (what, table, expected) in [
        ("its end missing", nfit[..nfit.len() - 1].to_vec(), "longer than the memory"),
        ("a signature alone", b"NFIT".to_vec(), "too short"),
        ("a structure of length 3", short_structure, "invalid structure or token at byte 280"),
        ("too many structures", many, "more parts, than that of any machine"),
        ("its end missing", tree[..tree.len() - 1].to_vec(), "longer than the memory"),
        ("a magic alone", tree[..4].to_vec(), "too short"),
        (
            "a version to come",
            with(&tree, 24, &18_u32.to_be_bytes()),
            "a devicetree of version 17, compatible with version 18; only versions 16 and 17 \
             are known",
        ),
        (
            "a version of long ago",
            with(&tree, 20, &3_u32.to_be_bytes()),
            "a devicetree of version 3, compatible with version 16; only",
        ),
        ("no structure", with(&tree, 36, &[0; 4]), "invalid structure or token"),
        ("another table", with(&nfit, 0, b"APIC"), "ACPI's table APIC, not the NFIT"),
        ("one of its kind", with(&nfit, 0, b"SSDT"), "ACPI's table SSDT, not the NFIT"),
        ("another table, cut", with(&nfit, 0, b"SSDT")[..60].to_vec(), "bytes are 53 53 44 54"),
        ("a small letter", with(&nfit, 0, b"nFIT"), "its first bytes are 6e 46 49 54"),
        ("the root pointer", b"RSD PTR \x12BOCHS \0\0".to_vec(), "root pointer (RSDP)"),
        ("another file", b"\x1b[31m".to_vec(), "its first bytes are 1b 5b 33 31"),
        ("a byte", b"N".to_vec(), "its first bytes are 4e"),
        ("nothing", Vec::new(), "no bytes"),
        (
            "a dump of others",
            b"FACP @ 0x000\n    0000: 46 41\n\nSSDT @ 0x00f\n    0000: 53\n".to_vec(),
            "only these tables were printed: FACP SSDT",
        ),
        (
            "a damaged dump",
            b"NFIT @ 0x0000000000000000\n    0000: 4E 46\n    0010: 00\n".to_vec(),
            "its line 3 is no row of the NFIT",
        ),
        ("a dump's beginning", b"NFIT @ 0x0\n    0000: 4E 46 49 54\n".to_vec(), "too short"),
        ("a dump of zeros", b"NFIT @ 0x0\n    0000: 00\n".to_vec(), "first bytes are 00"),
        (
            "a listing",
            b"/*\n * Intel ACPI Component Architecture\n * Disassembly of nfit.dat\n".to_vec(),
            "output of an ACPICA tool",
        ),
        ("UTF-16", b"\xff\xfeN\0F\0I\0T\0".to_vec(), "text in UTF-16"),
        ("gzip", b"\x1f\x8b\x08\0".to_vec(), "through \"gzip -dc\" into --table"),
        ("xz", b"\xfd7zXZ\0\0".to_vec(), "\"xz -dc\""),
        ("zstd", b"\x28\xb5\x2f\xfd".to_vec(), "\"zstd -dc\""),
        ("bzip2", b"BZh91AY".to_vec(), "\"bzip2 -dc\""),
        ("zip", b"PK\x03\x04".to_vec(), "\"unzip -p\""),
        ("a program", b"\x7fELF\x02".to_vec(), "an ELF file"),
        ("source", b"/dts-v1/;\n/ { };\n".to_vec(), "dtc -O dtb"),
        ("commented source", b"// SPDX: MIT\n\n/dts-v1/;\n/ { };\n".to_vec(), "dtc -O dtb"),
    ] {
        let (message, symbol) = wrong(&table);
        assert!(message.contains(expected), "{what}: {message}");
        assert_eq!(symbol, "PMEM2_E_INVALID_REGION_FORMAT", "{what}");
    }
}

#[test]
fn tables_without_a_region() {
    let mut nfit = seed("nfit/qemu-one");
    nfit.truncate(40);
    seal(&mut nfit);
    // pmem-region everywhere by another name.
    let tree = digits("devicetree/regions").replace('\n', "");
    let tree = bytes(&tree.replace("706D656D2D726567696F6E", "706D656D2D726567696F6F"));
    for (table, expected) in [(nfit, "no address range"), (tree, "no pmem-region node")] {
        let (message, symbol) = wrong(&table);
        assert!(message.contains("has no region") && message.contains(expected), "{message}");
        assert_eq!(symbol, "PMEM2_E_DAX_REGION_NOT_FOUND");
    }
}

/// The other faults of such a table are said, too.
#[test]
fn warnings_without_a_region() {
    let directory = directory();
    let path = directory.path().join("table");
    let mut nfit = seed("nfit/qemu-one");
    nfit.truncate(40);
    nfit.extend([0; 8]);
    seal(&mut nfit);
    nfit[9] ^= 1;
    fs::write(&path, nfit).unwrap();
    let (block, object) = refused(&path);
    let warnings: Vec<_> =
        object["warnings"].as_array().unwrap().iter().map(|it| &it["warning"]).collect();
    assert_eq!(warnings, ["wrong_checksum", "zero_tail"]);
    assert_eq!(block.lines().filter(|line| line.starts_with("  warning ")).count(), 2, "{block}");
}

/// The NFIT is read from the output of acpidump, wherever it stands there.
#[test]
fn what_acpidump_prints() {
    let directory = directory();
    let table = directory.path().join("table");
    let nfit = seed("nfit/qemu-two");
    fs::write(&table, &nfit).unwrap();
    let rows = |bytes: &[u8]| {
        let row = |(number, row): (usize, &[u8])| {
            let hex: String = row.iter().map(|byte| format!(" {byte:02X}")).collect();
            let shown = row
                .iter()
                .map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '.' });
            format!("    {:04X}:{hex:48}  {}\n", 16 * number, shown.collect::<String>())
        };
        bytes.chunks(16).enumerate().map(row).collect::<String>()
    };
    let of = |name: &str, bytes: &[u8]| format!("{name} @ 0x000000007FFE1FE0\n{}\n", rows(bytes));
    let (wanted, other) =
        (of("NFIT", &nfit), of("SSDT", b"SSDT, NFIT @ 0x0 and what else there is"));
    let path = directory.path().join("dump");
    let all = both_of(0, &table);
    for text in [
        wanted.clone(),
        [other.clone(), wanted.clone(), other.clone()].concat(),
        ["$ acpidump\n", &other, &wanted].concat(),
        wanted.replace('\n', "\r\n"),
        wanted.to_lowercase().replace("nfit @", "NFIT @"),
        wanted.trim_end().to_owned(),
        [wanted.trim_end(), "\n", &other].concat(),
    ] {
        fs::write(&path, &text).unwrap();
        let dumped = both_of(0, &path);
        let same = dumped.iter().zip(&all).all(|((_, one), (_, other))| {
            ["region", "size", "place", "device_id", "warnings"]
                .iter()
                .all(|key| one[key] == other[key])
        });
        assert!(dumped.len() == 2 && same, "{text}");
    }
    // By a pipe, too.
    fs::write(&path, wanted).unwrap();
    let mut command = tables(["/dev/stdin"]);
    assert_eq!(objects(0, command.stdin(File::open(&path).unwrap())).len(), 2);
}

#[test]
fn what_is_no_file() {
    let directory = directory();
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (path, kind) in [
        (directory.path(), "directory"),
        (&socket, "socket"),
        (Path::new("/dev/zero"), "character-device"),
    ] {
        let (block, object) = refused(path);
        assert!(fact(&block, "refused").unwrap().contains("regular file nor a pipe"), "{block}");
        assert_eq!(
            [&object["kind"], &object["error"]["symbol"]],
            [kind, "PMEM2_E_INVALID_FILE_TYPE"]
        );
        assert_eq!(
            (fact(&block, "opened"), &object["opened"]),
            (Some("no, only looked at (O_PATH)"), &json!(false))
        );
    }
    let looks = opens(directory.path(), || drop(look(directory.path())));
    assert_eq!(
        opens(directory.path(), || drop(run(&mut tables([directory.path()])))),
        looks,
        "it is not opened"
    );

    let (block, object) = refused(Path::new("/nowhere/at/all"));
    assert!(fact(&block, "refused").unwrap().starts_with("does not exist (ENOENT)"), "{block}");
    assert_eq!(
        [&object["error"]["code"], &object["error"]["errno"]],
        [-libc::ENOENT, libc::ENOENT]
    );
    assert_eq!(object["opened"], false);
    let link = directory.path().join("link");
    symlink("nowhere", &link).unwrap();
    assert!(fact(&refused(&link).0, "note").unwrap().contains("symbolic link"));
}

#[test]
fn a_file_that_may_not_be_read() {
    let directory = directory();
    let path = directory.path().join("table");
    fs::write(&path, seed("nfit/qemu-one")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let arguments = ["--table".as_ref(), path.as_os_str()];
    let block = report(1, &mut inspect_as_ordinary_user(arguments));
    assert!(fact(&block, "refused").unwrap().ends_with("; more rights are needed"), "{block}");
    let object = objects(1, &mut inspect_as_ordinary_user(arguments)).remove(0);
    assert_eq!([&object["error"]["symbol"], &object["opened"]], [&json!("EACCES"), &json!(false)]);
}

#[test]
fn without_proc() {
    let directory = directory();
    let path = directory.path().join("table");
    fs::write(&path, seed("nfit/qemu-one")).unwrap();
    let arguments = ["--table".as_ref(), path.as_os_str()];
    let block =
        report(1, &mut inspect_after("mount -t tmpfs none /proc", directory.path(), arguments));
    assert!(fact(&block, "refused").unwrap().contains("/proc is not mounted"), "{block}");
    assert_eq!(fact(&block, "code"), Some("ENOENT"));
}

/// The kernel shows tables as files of sysfs, which keeps no data and gives each file 4096 bytes.
#[test]
fn a_file_of_the_kernels() {
    let (_, object) = refused(Path::new("/sys/kernel/uevent_seqnum"));
    assert_eq!(object["opened"], true);
    assert!(
        object["error"]["message"].as_str().unwrap().contains("its first bytes are 3"),
        "{object}"
    );
}

#[test]
fn pipes() {
    let directory = directory();
    let table = directory.path().join("table");
    fs::write(&table, seed("devicetree/qemu-virt")).unwrap();
    // One that is written to slowly.
    let script = "head -c 8 \"$1\"; sleep 0.1; tail -c +9 \"$1\"";
    let mut slow =
        spawn(Command::new("sh").args(["-c", script, "sh"]).arg(&table).stdout(Stdio::piped()));
    let mut command = tables(["/dev/stdin"]);
    let block = report(0, command.stdin(slow.stdout.take().unwrap()));
    assert_eq!(block.lines().next(), Some("/dev/stdin, region 0"));
    assert!(slow.wait().unwrap().success());
    // One that nobody writes to is not waited for.
    let fifo = directory.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    assert!(fact(&refused(&fifo).0, "refused").unwrap().contains("no bytes"));
}

#[test]
fn no_more_is_read_than_a_table_can_have() {
    let directory = directory();
    let path = directory.path().join("table");
    fs::write(&path, seed("devicetree/qemu-virt")).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(16 << 20).unwrap();
    assert_eq!(both_of(0, &path).len(), 1, "the bytes after a tree are no part of it");
    file.set_len((16 << 20) + 1).unwrap();
    let (block, object) = refused(&path);
    assert_eq!(fact(&block, "refused"), Some("longer than 16 MiB: no firmware's table is"));
    assert_eq!(
        [&object["error"]["symbol"], &object["opened"]],
        [&json!("PMEM2_E_INVALID_REGION_FORMAT"), &json!(true)]
    );
    // A pipe without an end.
    let mut endless = spawn(Command::new("cat").arg("/dev/zero").stdout(Stdio::piped()));
    let block = report(1, tables(["/dev/stdin"]).stdin(endless.stdout.take().unwrap()));
    assert!(fact(&block, "refused").unwrap().starts_with("longer than 16 MiB"), "{block}");
    endless.wait().unwrap();
}
