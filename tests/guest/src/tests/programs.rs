//! Other programs, on the guest's devices: the one without libc and std, and pmem2's own tests.

use std::{fs, process::Command};

use pmem2::Kind;
use pmem2_guest::{
    machine::{Device, Machine},
    report::FIGURE,
};
use rustix::mount::{UnmountFlags, mount_bind, unmount};

use crate::{common::made::DISK, source::kind};

/// The program's status, and what it said.
pub(crate) fn output(program: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

pub(crate) fn freestanding(machine: &Machine, device: &Device) {
    let expected = if kind(device) == Kind::BlockDevice {
        let sentence = "a block device is not a data source: open a file on its file system, or its device DAX (/dev/daxX.Y)";
        (Some(1), String::new(), format!("{sentence}\n"))
    } else {
        (Some(0), format!("{} {}\n", device.size(machine), device.alignment), String::new())
    };
    assert_eq!(output("/bin/freestanding", &[&device.path()]), expected);
}

/// Runs tests of pmem2's, which make their files on this file system instead of the disk of the
/// machine that they were built on: a program's, or those of a module of tests/source.
pub(crate) fn own_tests(name: &str, device: &Device) {
    let path = fs::canonicalize(device.path()).expect("a file");
    let place = path.parent().expect("a directory");
    fs::create_dir_all(DISK).expect("a directory");
    mount_bind(place, DISK)
        .unwrap_or_else(|errno| panic!("{} on {DISK}: {errno}", place.display()));
    let program = format!("/programs/{name}");
    let (program, tests) = match fs::exists(&program) {
        Ok(true) => (program, String::new()),
        _ => ("/programs/source".to_owned(), format!("{name}::")),
    };
    let (status, said, complaints) = output(&program, &["--test-threads=1", &tests]);
    unmount(DISK, UnmountFlags::empty()).expect("unmounted");
    let result = said.lines().find_map(|line| line.strip_prefix("test result: ok. "));
    let passed = result
        .and_then(|rest| rest.split(' ').next())
        .and_then(|number| number.parse::<u32>().ok());
    assert!(
        status == Some(0) && passed.is_some_and(|passed| passed > 0) && said.contains(" 0 ignored"),
        "{status:?} {said}{complaints}"
    );
    assert!(!complaints.contains("is not tested"), "{complaints}");
}

/// Measures the cost of reading a device DAX. The figure goes to the host; it is no verdict.
pub(crate) fn bench_devdax(device: &Device) {
    let (status, said, complaints) =
        output("/bin/transfer", &["--file", &device.path(), "--seconds", "4"]);
    assert_eq!(status, Some(0), "{said}{complaints}");
    // The others are the host's.
    let figure = said.lines().find(|line| line.starts_with("ratio read_64_devdax_vs_libpmem2 "));
    println!("{FIGURE}{}", figure.unwrap_or_else(|| panic!("no ratio in {said}")));
}

/// The benchmark of identity. Its figures go to the host, after the machine's number of regions;
/// they are no verdict.
pub(crate) fn bench(machine: &Machine, device: &Device) {
    let regions = machine.name.rsplit('-').next().expect("a name with a number");
    let prefix = format!("guest{regions}_");
    let arguments = ["--file", &device.path(), "--prefix", &prefix, "--seconds", "3"];
    let (status, said, complaints) = output("/bin/place", &arguments);
    assert_eq!(status, Some(0), "{said}{complaints}");
    let is_figure =
        |line: &&str| ["ratio ", "ns ", "least "].iter().any(|word| line.starts_with(word));
    let figures: Vec<_> = said.lines().filter(is_figure).collect();
    for name in ["numa", "usc", "device_id"] {
        let ratio = format!("ratio {prefix}{name}_vs_libpmem2 ");
        let value =
            figures.iter().find_map(|figure| figure.strip_prefix(&*ratio)?.parse::<f64>().ok());
        assert!(value.is_some_and(|value| value > 0.0), "no {ratio} in {said}");
    }
    for figure in figures {
        println!("{FIGURE}{figure}");
    }
    if regions == "1" {
        bench_map(device);
    }
}

/// The benchmark of mapping where nothing is asked about the place, over the bare calls.
fn bench_map(device: &Device) {
    let (status, said, complaints) =
        output("/bin/map", &["--file", &device.path(), "--prefix", "guest_", "--seconds", "2"]);
    assert_eq!(status, Some(0), "{said}{complaints}");
    let figure = said.lines().find(|line| line.starts_with("ratio guest_map_dax_at_place_vs_raw "));
    println!("{FIGURE}{}", figure.unwrap_or_else(|| panic!("no ratio in {said}")));
}
