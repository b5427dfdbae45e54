//! The list of tests: the guest runs them, and the host knows from the same list what has to
//! come.

use std::fmt::{self, Display};

use crate::machine::{Contents, Device, Machine, MemoryOf, Namespace, PAGE};

/// The subject of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The device could be made.
    Made,
    /// The kernel agrees with the table: its disk, region and node, and whether a mapping may
    /// be synchronous.
    Kernel,
    /// It is opened in every way.
    Source,
    /// Its size.
    Size,
    /// Its alignment.
    Alignment,
    /// Where it lies, also from a chroot.
    Place,
    /// Its NUMA node, its id, its unsafe shutdowns.
    Identity,
    /// A counter of unsafe shutdowns, which QEMU's DIMMs do not have, in all states.
    Shutdowns,
    /// The granularity to expect, and why.
    Granularity,
    /// The answers about it where there is no /sys, and about every other character device.
    Sysless,
    /// Mappings of it, also beside Debian's libpmem2.
    Map,
    /// The system calls of each question, and of mapping.
    Calls,
    /// Debian's libpmem2 beside pmem2.
    Peer,
    /// `inspect --json`.
    Inspect,
    /// The program without libc and std.
    Freestanding,
    /// A test program of pmem2's own, on a disk that is this file system.
    Program(&'static str),
    /// The cost of asking for its identity, or of reading it.
    Bench,
    /// Its number is another device's.
    Replaced,
    /// Its disk is taken away and comes back as another, with the same number.
    Back,
    /// It is taken away while a source of it is open.
    Gone,
    /// The effect of bad memory on it.
    Fault(Fault),
    /// Every record that was reported to be durable is there after this cut of the power.
    Kept(usize),
    /// A store that nobody made durable is gone after a cut: it is one.
    Lost,
}

/// In what way its memory goes bad, and what is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every way of injection does what it is said to do, without pmem2's sources.
    Rows,
    /// Reading and writing.
    Transfers,
    /// `inspect --scan`.
    Scanned,
    /// The list of bad blocks.
    Lists,
    /// Memory that is poisoned while it is read.
    Poisoned,
    /// Debian's libpmem2 beside pmem2.
    Peer,
    /// Other memory for what is bad.
    Cleared,
    /// The commands of a bus that makes memory bad, finds it, and clears it.
    Commands,
    /// Refusals.
    Refused,
    /// A disk of sectors, of which there is no list.
    Sectors,
    /// A device that is taken away while it is read.
    Gone,
    /// So many that the kernel cannot tell all.
    Many,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Transfers => "transfers",
            Self::Scanned => "scanned",
            Self::Lists => "lists",
            Self::Poisoned => "poisoned",
            Self::Peer => "peer",
            Self::Cleared => "cleared",
            Self::Commands => "commands",
            Self::Refused => "refused",
            Self::Sectors => "sectors",
            Self::Gone => "gone",
            Self::Many => "many",
        }
    }
}

/// pmem2's own test programs that run in the guest, too.
pub const PROGRAMS: &[&str] =
    &["descriptors", "peer", "seccomp", "handles", "signals", "environment"];

/// A check of a device.
#[derive(Clone, Debug)]
pub struct Test<'m> {
    /// The check.
    pub check: Check,
    /// The device that it is about.
    pub device: &'m Device,
}

impl Display for Test<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = &self.device.name;
        match self.check {
            Check::Made => write!(f, "made {device}"),
            Check::Kernel => write!(f, "kernel {device}"),
            Check::Source => write!(f, "source {device}"),
            Check::Size => write!(f, "size {device}"),
            Check::Alignment => write!(f, "alignment {device}"),
            Check::Place => write!(f, "place {device}"),
            Check::Identity => write!(f, "identity {device}"),
            Check::Shutdowns => write!(f, "shutdowns {device}"),
            Check::Granularity => write!(f, "granularity {device}"),
            Check::Sysless => write!(f, "sysless {device}"),
            Check::Map => write!(f, "map {device}"),
            Check::Calls => write!(f, "calls {device}"),
            Check::Peer => write!(f, "peer {device}"),
            Check::Inspect => write!(f, "inspect {device}"),
            Check::Freestanding => write!(f, "freestanding {device}"),
            Check::Program(name) => write!(f, "program {name} on {device}"),
            Check::Bench => write!(f, "bench {device}"),
            Check::Replaced => write!(f, "replaced {device}"),
            Check::Gone => write!(f, "gone {device}"),
            Check::Back => write!(f, "back {device}"),
            Check::Fault(fault) => write!(f, "faults {} {device}", fault.name()),
            Check::Kept(cut) => write!(f, "kept {device} after cut {cut}"),
            Check::Lost => write!(f, "lost {device}"),
        }
    }
}

impl Machine {
    /// The tests that process 1 makes while it makes the devices.
    pub fn making(&self) -> impl Iterator<Item = Test<'_>> {
        self.devices.iter().map(|device| Test { check: Check::Made, device })
    }

    /// The tests that run when all devices are there, in order: what takes devices away comes last.
    pub fn tests(&self) -> impl Iterator<Item = Test<'_>> {
        let of = |device, checks: Vec<Check>| {
            checks.into_iter().map(move |check| Test { check, device })
        };
        let queries = self.devices.iter().flat_map(move |device| {
            let checks = match () {
                () if self.faults => faults(device),
                () if !self.cuts.is_empty() => cuts(self, device),
                () => queries(self, device),
            };
            of(device, checks)
        });
        let stays = self.faults || !self.cuts.is_empty();
        let gone = self
            .devices
            .iter()
            .filter(move |_| !stays)
            .flat_map(move |device| of(device, gone(device)));
        queries.chain(gone)
    }
}

fn queries(machine: &Machine, device: &Device) -> Vec<Check> {
    let mut checks =
        vec![Check::Kernel, Check::Source, Check::Peer, Check::Inspect, Check::Freestanding];
    let regions = device.regions(machine);
    if device.is_file() || device.is_device_dax() {
        checks.extend([
            Check::Size,
            Check::Alignment,
            Check::Place,
            Check::Identity,
            Check::Granularity,
            Check::Map,
            Check::Calls,
        ]);
        let has_id = |region: &MemoryOf<'_>| region.dimms.iter().any(Option::is_some);
        if regions.iter().any(|region| has_id(region) && region.shutdowns.is_none()) {
            checks.push(Check::Shutdowns);
        }
    }
    let has_commands = |region: &MemoryOf<'_>| region.shutdowns.is_some() && !region.unarmed;
    if !device.is_volume() && regions.iter().any(has_commands) {
        checks.push(Check::Fault(Fault::Commands));
    }
    if device.is_device_dax() {
        checks.push(Check::Sysless);
    }
    if device.test_programs {
        checks.extend(PROGRAMS.iter().map(|&name| Check::Program(name)));
    }
    if device.bench {
        checks.push(Check::Bench);
    }
    checks
}

fn faults(device: &Device) -> Vec<Check> {
    let faults = match device.namespace {
        _ if device.many => vec![Fault::Many],
        Namespace::Btt => vec![Fault::Sectors],
        // The others take a page of a file for one of the disk.
        _ if device.block_size < PAGE => {
            vec![Fault::Rows, Fault::Poisoned, Fault::Cleared, Fault::Refused]
        }
        _ => {
            vec![
                // First: it looks at the whole of a device, also while all of it is good.
                Fault::Scanned,
                Fault::Rows,
                Fault::Transfers,
                Fault::Lists,
                Fault::Poisoned,
                Fault::Peer,
                Fault::Cleared,
                Fault::Refused,
            ]
        }
    };
    let bench = device.bench.then_some(Check::Bench);
    let gone = (device.is_device_dax() && !device.many).then_some(Check::Fault(Fault::Gone));
    faults.into_iter().map(Check::Fault).chain(bench).chain(gone).collect()
}

fn cuts(machine: &Machine, device: &Device) -> Vec<Check> {
    // Stores to a device DAX are with QEMU at once, flushed or not.
    let lost = device.is_file().then_some(Check::Lost);
    (1..machine.boots()).map(Check::Kept).chain(lost).collect()
}

/// A disk that is used by nobody would not be missed.
fn gone(device: &Device) -> Vec<Check> {
    match device.contents {
        _ if device.has_members() => vec![],
        Contents::Device if device.is_device_dax() => vec![Check::Replaced, Check::Gone],
        Contents::Device => vec![],
        _ if device.comes_back => vec![Check::Back, Check::Gone],
        _ => vec![Check::Gone],
    }
}
