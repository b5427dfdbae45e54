//! The ways in which memory goes bad here.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use pmem2_guest::report::{ASK, ASK_IN_PROGRAM};

use super::ground::{Ground, SECTOR, has};

/// A list of so many ranges may be cut off, so that nobody can tell when it has one more.
const TELLS: usize = 400;

/// Waits for what the kernel does in its own time.
pub(crate) fn wait_for(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        sleep(Duration::from_millis(2));
    }
}

/// The ways that make a place bad by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A range is written to the disk's list. Nobody else is told.
    Listed,
    /// A machine check of 64 bytes that only software has seen (mce-inject): the driver of NVDIMMs
    /// notes it.
    LoggedLine,
    /// The same of a page.
    LoggedPage,
    /// A machine check of a page, by QEMU's monitor: "action optional", since nobody has used it
    /// yet.
    MachineCheck,
}

impl Way {
    /// Those that there are for a device.
    pub(crate) fn of(ground: &Ground) -> Vec<Self> {
        let mut ways = Vec::new();
        if ground.disk.is_some() {
            ways.push(Self::Listed);
        }
        // The kernel notes those of NVDIMMs.
        if ground.is_nvdimm() {
            ways.extend([Self::LoggedLine, Self::LoggedPage, Self::MachineCheck]);
        }
        ways
    }

    /// How many bytes are listed then: those of a sector at least.
    pub(crate) const fn length(self) -> u64 {
        match self {
            Self::Listed | Self::LoggedLine => SECTOR,
            Self::LoggedPage | Self::MachineCheck => 4096,
        }
    }

    /// Makes it so where only the region's list tells of it.
    pub(crate) fn inject_into_region(self, ground: &Ground, at: u64) {
        assert_eq!(self, Self::LoggedPage, "a machine check that is logged");
        log(ground.physical(at), 12);
        wait_for("a list", || has(&ground.region_list(), at / 4096 * 4096, 4096));
    }

    /// Makes it so; the bytes of the device that are listed then.
    pub(crate) fn inject(self, ground: &Ground, at: u64) -> (u64, u64) {
        let (start, length) = (at / self.length() * self.length(), self.length());
        match self {
            Self::Listed => {
                let path = ground.disk.as_ref().expect("a disk").join("badblocks");
                let line =
                    format!("{} {}", ground.start.wrapping_add(start) / SECTOR, length / SECTOR);
                fs::write(&path, &line)
                    .unwrap_or_else(|error| panic!("{line} to {}: {error}", path.display()));
            }
            Self::LoggedLine => log(ground.physical(at), 6),
            Self::LoggedPage => log(ground.physical(at), 12),
            Self::MachineCheck => machine_check(ground.physical(at)),
        }
        wait_for("a list", || {
            let has = |list: Vec<(u64, u64)>| list.len() >= TELLS || has(&list, start, length);
            (self == Self::Listed || has(ground.region_list()))
                && (ground.disk.is_none() || has(ground.disk_list()))
        });
        (start, length)
    }
}

/// Reports the naturally aligned 2^`bits` bytes there.
fn log(physical: u64, bits: u64) {
    for (name, value) in [
        ("flags", "sw".to_owned()),
        ("cpu", "0".to_owned()),
        ("status", "0xbc0000000000009f".to_owned()),
        ("misc", format!("{:#x}", 0x80 | bits)),
        ("addr", format!("{physical:#x}")),
        ("bank", "1".to_owned()),
    ] {
        let path = format!("/sys/kernel/debug/mce-inject/{name}");
        // The last byte is cut off, whatever it is.
        fs::write(&path, format!("{value}\n"))
            .unwrap_or_else(|error| panic!("{value} to {path}: {error}"));
    }
}

/// Reports the page there; nobody waits for it.
pub(crate) fn machine_check(physical: u64) {
    println!("{ASK}mce 0 9 0xbd000000000000c0 0x5 {physical:#x} 0x8c");
}

/// Reports the page there, "action required": the program that runs has used it. (Where the kernel
/// runs, that is its end.)
pub(crate) fn consumed(physical: u64) {
    println!("{ASK_IN_PROGRAM}mce 0 9 0xbd80000000000134 0x7 {physical:#x} 0x8c");
}

/// `vm.memory_failure_early_kill`: programs that have mapped memory are told when it goes bad.
pub(crate) struct EarlyKill;

impl EarlyKill {
    pub(crate) fn on() -> Self {
        Self::set("1");
        Self
    }

    fn set(value: &str) {
        fs::write("/proc/sys/vm/memory_failure_early_kill", value).expect("early kill");
    }
}

impl Drop for EarlyKill {
    fn drop(&mut self) {
        Self::set("0");
    }
}
