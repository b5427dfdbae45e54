//! The system calls of each question, in order: those of its documentation, no fewer and no more,
//! and within their budgets.

use pmem2::{MapConfig, Sharing, Source, map::Protection};
use pmem2_guest::machine::{Backing, Contents, Device, Granularity, Machine, Namespace};

use crate::{expected, kernel::Found, open, trace::calls_of};

type Calls = Vec<&'static str>;

/// A fact that a file of sysfs says.
const FACT: [&str; 3] = ["openat", "read", "close"];

/// A file that is not there.
const NO_FACT: [&str; 1] = ["openat"];

pub(crate) fn as_documented(machine: &Machine, device: &Device) {
    let file = open(device, 0);
    let source = Source::new(&file).expect("a source");
    let place = source.place().expect("a place");
    let model = Model { machine, device, regions: expected::regions(machine, device) };
    let config = MapConfig::new(pmem2::Granularity::Page).protection(Protection::READ);
    let map = |config: &MapConfig<'_>| drop(source.by_reference().map(config));
    let questions: [(&str, Calls, Calls); 12] = [
        ("map", calls_of(|| map(&config)), model.map(true)),
        ("map, at a place", calls_of(|| map(&config.at_place(&place))), model.map(false)),
        ("place", calls_of(|| _ = source.place()), model.place()),
        ("confirm_place", calls_of(|| _ = source.confirm_place(&place)), model.confirm_place()),
        ("numa_node", calls_of(|| _ = source.numa_node()), model.node(|_| true)),
        ("target_node", calls_of(|| _ = source.target_node()), model.node(has_target_node)),
        (
            "device_id",
            calls_of(|| _ = source.device_id()),
            model.dimms(true, |region| fact_if(id(region)), id),
        ),
        (
            "device_usc",
            calls_of(|| _ = source.device_usc()),
            model.dimms(true, |region| fact_if(counts(region)), counts),
        ),
        (
            "dimms",
            calls_of(|| source.dimms().into_iter().flatten().for_each(drop)),
            model.dimms(false, |_| vec![], |_| true),
        ),
        ("private", calls_of(|| _ = source.expected_granularity(Sharing::Private)), vec![]),
        (
            "shared",
            calls_of(|| _ = source.expected_granularity(Sharing::Shared)),
            model.granularity(Some(model.place())),
        ),
        (
            "shared, at a place",
            calls_of(|| _ = source.expected_granularity_at(&place, Sharing::Shared)),
            model.granularity(None),
        ),
    ];
    for (question, found, expected) in questions {
        assert_eq!(once(&found), once(&expected), "{question}");
        let Some(budget) = model.budget(question) else { continue };
        assert!(
            found.len() <= budget,
            "{question}: {} calls, {budget} are allowed: {found:?}",
            found.len()
        );
    }
}

/// `read` once, however often a long file needs it.
fn once(calls: &[&'static str]) -> Calls {
    let mut calls = calls.to_vec();
    calls.dedup_by(|a, b| *a == "read" && a == b);
    calls
}

fn fact_if(is_there: bool) -> Calls {
    if is_there { FACT.to_vec() } else { NO_FACT.to_vec() }
}

/// Whether the kernel knows the ids of the region's DIMMs.
fn id(region: &Found<'_>) -> bool {
    region.told.dimms.iter().all(Option::is_some)
}

/// Whether they count unsafe shutdowns.
fn counts(region: &Found<'_>) -> bool {
    region.told.shutdowns.is_some()
}

/// Volatile regions have none.
fn has_target_node(region: &Found<'_>) -> bool {
    !region.told.volatile
}

struct Model<'m> {
    machine: &'m Machine,
    device: &'m Device,
    regions: Vec<Found<'m>>,
}

impl Model<'_> {
    fn backing(&self) -> Backing {
        self.device.backing(self.machine)
    }

    fn has_entry(&self) -> bool {
        !matches!(self.backing(), Backing::Memory | Backing::Hidden)
    }

    fn locate(&self) -> Calls {
        let mut calls = vec!["fstat"];
        if self.device.is_file() {
            calls.push("fstatfs");
            if matches!(self.device.contents, Contents::Xfs(_) | Contents::XfsRealtime(_)) {
                // Whether the file is on the realtime device.
                calls.push("ioctl");
            }
        }
        if self.has_entry() {
            calls.push("readlinkat");
        }
        if self.device.is_volume() {
            // Two to list it: the second gives no more.
            calls.extend(["openat", "getdents64", "getdents64", "close"]);
            let slaves = crate::kernel::entry(self.device).expect("a volume").join("slaves");
            // In the order of the directory, until there is one that is no persistent memory: its
            // number is asked for.
            for slave in std::fs::read_dir(slaves).expect("slaves").flatten() {
                calls.push("readlinkat");
                if slave.file_name().to_string_lossy().starts_with("vd") {
                    calls.extend(FACT);
                    break;
                }
            }
        }
        calls
    }

    fn confirm(&self) -> Calls {
        if self.has_entry() { vec!["newfstatat"] } else { vec![] }
    }

    fn confirm_place(&self) -> Calls {
        [self.locate(), self.confirm()].concat()
    }

    fn place(&self) -> Calls {
        let mut calls = self.locate();
        if self.has_entry() && !self.device.is_device_dax() {
            // queue/dax
            calls.extend(FACT);
        }
        for region in &self.regions {
            calls.extend(FACT); // numa_node
            calls.extend(fact_if(has_target_node(region)));
            calls.extend(FACT.repeat(2)); // provider, devtype
            if !region.told.volatile {
                calls.extend(NO_FACT); // of_node, where a hypervisor has to be called
                // Where the host is called, the domain says nothing.
                if region.told.provider != "virtio-pmem" {
                    calls.extend(fact_if(region.told.domain.is_some()));
                }
            }
            calls.extend(FACT); // read_only
            if self.device.namespace != Namespace::Raw {
                calls.extend(FACT); // namespace
            }
            for _ in &region.told.dimms {
                calls.extend(FACT); // mapping0
                calls.extend(fact_if(id(region))); // flags, which CXL has not either
            }
            calls.extend(NO_FACT); // the mapping after the last
        }
        calls.extend(self.confirm());
        calls
    }

    /// The numbers of nodes, where the regions have them.
    fn node(&self, is_there: fn(&Found<'_>) -> bool) -> Calls {
        let mut calls = self.locate();
        if matches!(self.backing(), Backing::Regions | Backing::DeviceDax) {
            // As many as there are nodes to compare: QEMU has no volume on more than two regions
            // here.
            let facts = self.regions.iter().map(|region| fact_if(is_there(region)));
            let alone = self.regions.is_empty().then(|| FACT.to_vec());
            calls.extend(facts.chain(alone).flatten());
            if expected::numa_node(self.machine, self.device).is_ok() {
                calls.extend(self.confirm());
            }
        }
        calls
    }

    /// The DIMMs of all regions with `about` of each, each `once` or as the regions have them;
    /// where `goes_on` is false, it ends in an error.
    fn dimms(
        &self,
        once: bool,
        about: impl Fn(&Found<'_>) -> Calls,
        goes_on: impl Fn(&Found<'_>) -> bool,
    ) -> Calls {
        let mut calls = self.locate();
        if self.backing() == Backing::DeviceDax {
            // Whether it is still that device, before it is said to be none.
            calls.extend(self.confirm());
        }
        if self.backing() != Backing::Regions {
            return calls;
        }
        for (index, region) in self.regions.iter().enumerate() {
            for dimm in &region.dimms {
                calls.extend(FACT);
                // Whether a region before has the same.
                let mut is_known = false;
                for before in self.regions.iter().take(if once { index } else { 0 }) {
                    let at = before.dimms.iter().position(|other| other == dimm);
                    is_known |= at.is_some();
                    calls.extend(FACT.repeat(at.map_or(before.dimms.len(), |at| at + 1)));
                    if is_known {
                        break;
                    }
                    calls.extend(NO_FACT);
                }
                if is_known {
                    continue;
                }
                calls.extend(about(region));
                if !goes_on(region) {
                    return calls;
                }
            }
            calls.extend(NO_FACT);
        }
        calls.extend(self.confirm());
        calls
    }

    /// The calls without a place at hand, or with one.
    fn granularity(&self, place: Option<Calls>) -> Calls {
        let gives = &self.device.gives;
        let asked = || {
            let mut calls = self.of_regions(false);
            // The reason why it is not finer.
            if gives.granularity != Granularity::Byte && gives.reason != "never_durable" {
                calls.extend(self.of_regions(true));
            }
            calls
        };
        if self.device.is_device_dax() {
            return place.map(|_| asked()).unwrap_or_default();
        }
        let mut calls = vec!["fstat", "mmap"];
        if gives.granularity != Granularity::Page {
            calls.push("munmap");
            calls.extend(place.map(|_| asked()).unwrap_or_default());
            return calls;
        }
        // An ordinary one, which is granted.
        calls.extend(["mmap", "munmap"]);
        calls.extend(place.unwrap_or_default());
        // For the file's own sake.
        if matches!(gives.reason, "mounted_without_dax" | "file_flag_off") {
            calls.extend(["fstat", "statx", "openat", "read", "close", "fstat", "fstatfs"]);
        }
        calls
    }

    /// A mapping, and its end; with or without questions about its place.
    fn map(&self, asked: bool) -> Calls {
        let gives = &self.device.gives;
        let mut calls = vec!["fstat"];
        if self.device.is_device_dax() {
            // Size and alignment; and again.
            calls.extend(FACT.into_iter().chain(["newfstatat"]));
            calls.extend(calls.clone());
            if asked {
                calls.extend(self.of_regions(false));
            }
            if gives.reason != "never_durable" {
                calls.extend(["mmap", "munmap"]);
            }
            return calls;
        }
        // A place that excludes a synchronous mapping spares the attempt.
        let excluded = matches!(gives.reason, "host" | "sector" | "volume_without_dax")
            || gives.reason == "device_without_dax"
            || matches!(self.backing(), Backing::Memory | Backing::Disk);
        calls.push("mmap");
        if gives.granularity != Granularity::Page {
            if asked {
                calls.extend(self.of_regions(false));
            }
        } else if asked || !excluded {
            calls.push("mmap");
        }
        calls.push("munmap");
        calls
    }

    /// The questions about the regions: only those that the granularity depends on, or all that the
    /// reason does.
    fn of_regions(&self, reasoned: bool) -> Calls {
        let synchronous = self.device.is_file() && !reasoned;
        let mut calls = self.locate();
        for region in &self.regions {
            let domain = fact_if(region.told.domain.is_some());
            if synchronous {
                calls.extend(domain);
                if region.told.domain == Some("cpu_cache") {
                    calls.extend(FACT); // devtype
                }
                continue;
            }
            calls.extend(FACT.repeat(2)); // provider, devtype
            if !region.told.volatile {
                calls.extend(NO_FACT); // of_node, where a hypervisor has to be called
                if region.told.provider != "virtio-pmem" {
                    calls.extend(domain);
                }
            }
        }
        let fence =
            |region: &Found<'_>| region.told.domain == Some("cpu_cache") && !region.told.volatile;
        let fence = !self.regions.is_empty() && self.regions.iter().all(fence);
        let is_unarmed = |region: &Found<'_>| region.told.unarmed;
        if fence || reasoned {
            for region in &self.regions {
                for _ in &region.told.dimms {
                    calls.extend(FACT); // mapping0
                    calls.extend(fact_if(id(region))); // flags, which CXL has not either
                    if is_unarmed(region) {
                        break;
                    }
                }
                if !is_unarmed(region) {
                    calls.extend(NO_FACT); // the mapping after the last
                }
            }
        }
        if !synchronous || (fence && !self.regions.iter().any(is_unarmed)) {
            calls.extend(self.confirm());
        }
        calls
    }

    /// How many calls a question may take, beyond what a file system is asked: a partition lies in
    /// the directory of its disk and is no level. What a further device of a volume takes besides
    /// is in no budget: where it lies, its node, that it has no more DIMMs, and which it
    /// shares.
    fn budget(&self, question: &str) -> Option<usize> {
        let asked = self.locate().iter().filter(|call| ["fstatfs", "ioctl"].contains(call)).count();
        let level = 6 * usize::from(self.device.is_volume()) + asked;
        let more = self.device.on.len().saturating_sub(1);
        match question {
            "numa_node" => Some(6 + level + 3 * more),
            "device_id" | "device_usc" => {
                let dimms: usize = self.regions.iter().map(|region| region.told.dimms.len()).sum();
                let shared = if more > 0 { 4 * dimms } else { 0 };
                Some(4 + 6 * dimms + level + more + shared)
            }
            // A file; without the end of the mapping, which is one more.
            "map" if self.device.is_file() && self.regions.len() == 1 => {
                let [region] = self.regions.as_slice() else { return None };
                let fence = region.told.domain == Some("cpu_cache");
                Some(1 + if fence { 9 + 5 + 6 * region.told.dimms.len() } else { 9 })
            }
            "map, at a place" if self.device.is_file() => Some(1 + 3),
            _ => None,
        }
    }
}
