//! Checks that the kernel agrees with the table: the tests' own footing, without pmem2.

use std::{
    fs,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    ptr::null_mut,
};

use pmem2_guest::machine::{
    Backing, Bus, Contents, Device, Granularity, Machine, Memory, MemoryOf,
};

pub(crate) fn agrees(machine: &Machine, device: &Device) {
    // Of several disks, each may lie in a region; `stat` names the first.
    let found = if device.has_members() { vec![] } else { regions(machine, device) };
    if device.backing(machine) == Backing::Regions {
        assert_eq!(found.len(), device.on.len(), "{found:?}");
    }
    if matches!(device.contents, Contents::XfsRealtime(_) | Contents::Erofs(_)) {
        lies_on_another_disk(device);
    }
    for region in &found {
        region_agrees(&region.told, &region.path);
    }
    if device.is_file() || device.is_device_dax() {
        // Of virtio-pmem as a device DAX the kernel says what it cannot keep: stores there are
        // durable by the host's flush.
        let expected =
            device.gives.granularity != Granularity::Page || device.gives.reason == "never_durable";
        assert_eq!(may_be_synchronous(device), expected, "a mapping with MAP_SYNC");
    }
}

/// Whether the first page of the file is on another disk than the one that `stat` names.
fn lies_on_another_disk(device: &Device) {
    let mut page =
        *b"Where does this lie?".repeat(4096 / 20 + 1).first_chunk::<4096>().expect("4096");
    if !device.read_only {
        let file = fs::File::options().write(true).open(device.path()).expect("opened");
        file.write_all_at(&page, 0).and_then(|()| file.sync_all()).expect("written");
    }
    fs::File::open(device.path()).expect("opened").read_exact_at(&mut page, 0).expect("read");
    let first = name(&entry(device).expect("a disk"));
    let is_on = |disk: &String| {
        let disk = fs::read(Path::new("/dev").join(disk)).expect("a disk");
        disk.chunks(page.len()).any(|found| found == page)
    };
    let disks = fs::read_dir("/sys/class/block").expect("disks").flatten();
    let names = disks.map(|disk| disk.file_name().to_string_lossy().into_owned());
    let mut others: Vec<_> = names.filter(|name| *name != first).collect();
    // A guest takes its time for a large one.
    others.sort_by_key(|name| number_of_sectors(name));
    assert!(others.iter().any(is_on), "the first disk is {first}, the page on none of {others:?}");
}

fn number_of_sectors(disk: &str) -> u64 {
    let size = fs::read_to_string(format!("/sys/class/block/{disk}/size")).expect("a size");
    size.trim_end().parse().expect("a number")
}

/// The entry in /sys of the disk that a file lies on, or of the device; `None` where nobody says
/// what a file lies on.
pub(crate) fn entry(device: &Device) -> Option<PathBuf> {
    let metadata = fs::metadata(device.path()).expect("stat");
    let (class, number) = match metadata.file_type() {
        kind if kind.is_char_device() => ("char", metadata.rdev()),
        kind if kind.is_block_device() => ("block", metadata.rdev()),
        _ => ("block", metadata.dev()),
    };
    let link = format!("/sys/dev/{class}/{}:{}", libc::major(number), libc::minor(number));
    let known = libc::major(number) != 0;
    known.then(|| fs::canonicalize(&link).unwrap_or_else(|error| panic!("{link}: {error}")))
}

/// A region, as the kernel shows it.
#[derive(Debug)]
pub(crate) struct Found<'m> {
    pub(crate) path: PathBuf,
    /// The bus's and its own number.
    pub(crate) numbers: (u32, u32),
    /// The K of `namespaceN.K`.
    pub(crate) namespace: u32,
    /// The memory as QEMU was told of it.
    pub(crate) told: MemoryOf<'m>,
    /// The numbers that the kernel gives its DIMMs.
    pub(crate) dimms: Vec<u32>,
}

/// The regions that a device lies in, by number.
pub(crate) fn regions<'m>(machine: &'m Machine, device: &Device) -> Vec<Found<'m>> {
    let mut found = Vec::new();
    if let Some(entry) = entry(device) {
        carriers_below(&entry, &mut found);
    }
    let found = found.iter().map(|carrier| {
        let path = carrier.parent().expect("a region").to_owned();
        let bus = path.parent().expect("a bus");
        let is_here = |memory: &&Memory| is_dimm_of(machine, memory, &path);
        // Of a volume in part on a disk, there is a region too.
        let is_region =
            |memory: &&Memory| !matches!(memory.bus, Bus::VirtioBlk | Bus::SoftReserved);
        let memory = device.memory(machine).filter(is_region).find(is_here);
        let memory =
            memory.unwrap_or_else(|| panic!("{} is no region of {:?}", path.display(), device.on));
        // A namespace, or what was made of one.
        let namespace =
            fs::read_to_string(carrier.join("namespace")).unwrap_or_else(|_| name(carrier));
        let number_of =
            |text: &str| text.trim_start_matches(char::is_alphabetic).parse().expect("a number");
        let mapping = |number| fs::read_to_string(path.join(format!("mapping{number}"))).ok();
        let mappings = (0..).map_while(mapping);
        Found {
            numbers: (number_of(&name(bus)), number_of(&name(&path))),
            namespace: namespace
                .trim_end()
                .rsplit('.')
                .next()
                .and_then(|k| k.parse().ok())
                .expect("a namespace"),
            told: machine.region_of(memory),
            dimms: mappings
                .map(|mapping| number_of(mapping.split(',').next().expect("a DIMM")))
                .collect(),
            path,
        }
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|region| region.numbers);
    found
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The namespaces, or what was made of them, that an entry lies in.
fn carriers_below(entry: &Path, found: &mut Vec<PathBuf>) {
    let is_in_region = |path: &&Path| {
        let region = path.parent().map(name).unwrap_or_default();
        region.strip_prefix("region").is_some_and(|number| number.parse::<u32>().is_ok())
            && path.join("../nstype").exists()
    };
    if let Some(carrier) = entry.ancestors().find(is_in_region) {
        found.push(carrier.to_owned());
        return;
    }
    for slave in fs::read_dir(entry.join("slaves")).into_iter().flatten().flatten() {
        carriers_below(&fs::canonicalize(slave.path()).expect("a slave"), found);
    }
}

/// Whether the region is this DIMM's, by the number that QEMU gave it. A region without one is not
/// in doubt.
fn is_dimm_of(machine: &Machine, memory: &Memory, region: &Path) -> bool {
    if let Bus::Test { dimms, .. } = memory.bus {
        let mappings = fs::read_to_string(region.join("mappings")).expect("a number");
        return mappings.trim_end() == dimms.len().to_string();
    }
    let Bus::Nvdimm { .. } = memory.bus else { return true };
    let mapping = fs::read_to_string(region.join("mapping0")).expect("a DIMM");
    let dimm = mapping.split(',').next().expect("a name");
    let handle =
        fs::read_to_string(format!("/sys/bus/nd/devices/{dimm}/nfit/handle")).expect("a handle");
    handle.trim_end() == format!("{:#x}", machine.index(memory) + 1)
}

/// The node in a file of this directory; `None` where the kernel does not know it.
pub(crate) fn node(directory: &Path, name: &str) -> Option<u32> {
    fs::read_to_string(directory.join(name)).ok()?.trim_end().parse().ok()
}

fn region_agrees(told: &MemoryOf<'_>, region: &Path) {
    let attribute = |name: &str| {
        fs::read_to_string(region.join(name)).ok().map(|text| text.trim_end().to_owned())
    };
    let node = told.node.map_or("-1".to_owned(), |node| node.to_string());
    assert_eq!(attribute("numa_node"), Some(node), "{}", region.display());
    assert_eq!(attribute("persistence_domain").as_deref(), told.domain, "{}", region.display());
    assert_eq!(attribute("../provider").as_deref(), Some(told.provider), "{}", region.display());
    assert_eq!(
        attribute("read_only"),
        Some(u8::from(told.unarmed).to_string()),
        "{}",
        region.display()
    );
}

/// Whether the kernel gives a mapping whose stores reach the medium without its help.
fn may_be_synchronous(device: &Device) -> bool {
    let writable = !device.read_only;
    let file = fs::File::options().read(true).write(writable).open(device.path()).expect("opened");
    let protection = libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 };
    let length = usize::try_from(device.alignment).expect("a few MiB");
    let flags = libc::MAP_SHARED_VALIDATE | libc::MAP_SYNC;
    // SAFETY: a new mapping at no particular address touches no memory that anybody has.
    let address = unsafe { libc::mmap(null_mut(), length, protection, flags, file.as_raw_fd(), 0) };
    if address == libc::MAP_FAILED {
        let error = std::io::Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP), "{error}");
        return false;
    }
    // SAFETY: the mapping was made just now, with this length, and nothing refers to it.
    assert_eq!(unsafe { libc::munmap(address, length) }, 0);
    true
}
