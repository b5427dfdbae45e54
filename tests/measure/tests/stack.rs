//! No public call uses more than 4 KiB of stack, except for those that give a whole report and
//! those about bad blocks.

use std::{
    fmt::Write,
    fs::{self, File},
    hint::black_box,
    mem::MaybeUninit,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, symlink},
    },
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::atomic::AtomicU64,
};

use pmem2::{
    Error, Fd, Granularity, Kind, MapConfig, Mapping, Native, Pool, Sharing, Source,
    badblocks::ClearBy,
    error::{Errno, Subject},
    map::{Memory, Protection},
    persist::Undurable,
    place::{Backing, Place},
    platform::Text as Short,
    report::Report,
};
use pmem2_measure::stack::high_water;

const LIMIT: usize = 4096;

/// A report comes by value, and holds a place and ids. On the stack are the caller's report, the
/// one that is filled in, and the parts that move into it.
const REPORT_LIMIT: usize = LIMIT + 3 * size_of::<Report<pmem2::linux::FileId>>();

/// The warnings of a mapping hold a place, which is found within the limit and moved.
const WARNINGS_LIMIT: usize = LIMIT + 2 * size_of::<Place>();

/// A list of bad blocks is a value of 4 KiB, and is moved where it is made. A block has as many
/// bytes, and the questions about a file and its extents need more.
const HEALTH_LIMIT: usize = 5 * LIMIT;

/// Text in memory of fixed size, so that formatting is measured without an allocator.
struct Text {
    bytes: [u8; 8192],
    length: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// The measured calls.
#[derive(Default)]
struct Table {
    rows: Vec<(String, usize)>,
}

impl Table {
    fn row(&mut self, descriptor: &str, name: &str, call: impl FnMut() + Send) {
        self.rows.push((format!("{name}, {descriptor}"), high_water(call)));
    }

    fn check(&self) {
        pmem2_measure::only_in_release();
        for (name, used) in &self.rows {
            println!("{used:>6} bytes  {name}");
        }
        let makes_report =
            |name: &str| name.starts_with("Report::new") || name.starts_with("Source::report");
        let lists = |name: &str| name.contains("bad_blocks");
        let (reports, others): (Vec<_>, Vec<_>) =
            self.rows.iter().partition(|(name, _)| makes_report(name));
        let (health, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(name, _)| lists(name));
        let (warnings, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(name, _)| name.starts_with("Mapping::warnings"));
        for (rows, limit) in [
            (others, LIMIT),
            (warnings, WARNINGS_LIMIT),
            (reports, REPORT_LIMIT),
            (health, HEALTH_LIMIT),
        ] {
            let Some((name, used)) = rows.into_iter().max_by_key(|(_, used)| used) else {
                continue;
            };
            println!("stack high-water mark: {used} bytes, at most {limit}: {name}");
            assert!(*used <= limit, "{name} uses {used} bytes of stack, at most {limit}");
        }
    }
}

/// Makes the value in memory and drops it, without a move, which would be a copy.
macro_rules! keep {
    ($value:expr) => {{
        let value = $value;
        black_box(&value);
    }};
}

/// Uses `BYTES` of stack, and writes to them.
#[inline(never)]
fn array<const BYTES: usize>() {
    let mut memory = MaybeUninit::<[u8; BYTES]>::uninit();
    let bytes = black_box(memory.as_mut_ptr()).cast::<u8>();
    for index in 0..BYTES {
        // SAFETY: the array has that many bytes.
        unsafe { bytes.add(index).write_volatile(0) };
    }
}

#[test]
fn the_method_sees_what_is_used() {
    pmem2_measure::only_in_release();
    for (used, size) in [
        (high_water(array::<1024>), 1024),
        (high_water(array::<8192>), 8192),
        (high_water(array::<40000>), 40000),
    ] {
        println!("{used:>6} bytes  an array of {size} bytes");
        assert!((size..size + 512).contains(&used), "{used} bytes seen of {size}");
    }
    assert!(high_water(|| ()) <= 256);
}

/// Measures every public call on a descriptor, which may be no source. Other tests check the
/// results.
fn every_call(table: &mut Table, what: &str, raw: i32) {
    static POOL: Pool<Native, 4> = Pool::new();
    // SAFETY: the caller keeps the descriptor open, or the number is no descriptor.
    let fd = unsafe { Fd::borrow_raw(raw) };

    table.row(what, "Source::new", || keep!(Source::new(black_box(fd))));
    table.row(what, "Source::from_fd", || keep!(Source::from_fd(black_box(fd))));
    table.row(what, "Source::try_from_handle", || keep!(Source::try_from_handle(black_box(fd))));
    table.row(what, "Source::new_in", || {
        let mut place = MaybeUninit::uninit();
        black_box(Source::new_in(&mut place, black_box(fd)).is_ok());
    });
    table.row(what, "Source::boxed", || keep!(Source::boxed(black_box(fd))));
    table.row(what, "Pool::source", || keep!(POOL.source(black_box(fd))));
    table.row(what, "Report::new", || keep!(Report::new(black_box(&fd))));
    table.row(what, "Report::new_unopened", || keep!(Report::new_unopened(black_box(&fd))));

    let mut text = Text { bytes: [0; 8192], length: 0 };
    let report = Report::new(&fd);
    table.row(what, "Display of Report", || {
        text.length = 0;
        write!(text, "{}", black_box(&report)).expect("room for the report");
    });

    match Source::new(fd) {
        Err(error) => {
            table.row(what, "Display of Error", || {
                text.length = 0;
                write!(text, "{}", black_box(&error)).expect("room for the sentence");
            });
            table.row(what, "io::Error from Error", || {
                keep!(std::io::Error::from(black_box(error)))
            });
        }
        Ok(source) => {
            table.row(what, "Source::size", || keep!(black_box(&source).size()));
            table.row(what, "Source::alignment", || keep!(black_box(&source).alignment()));
            table.row(what, "Source::allocated", || keep!(black_box(&source).allocated()));
            table.row(what, "Source::file_system", || keep!(black_box(&source).file_system()));
            table.row(what, "Source::check_range", || keep!(black_box(&source).check_range(0, 0)));
            if !source.kind().eq(&Kind::DeviceDax) {
                let mut byte = [0];
                table.row(what, "Source::read_at", || {
                    keep!(black_box(&source).read_at(0, &mut byte))
                });
            }
            table.row(what, "Source::report", || keep!(black_box(&source).report()));
            table.row(what, "Debug of Source", || {
                text.length = 0;
                write!(text, "{:?}", black_box(&source)).expect("room for the source");
            });
            where_it_lies(table, what, &source, &mut text);
            mapped(table, what, source);
        }
    }
}

/// Measures every call about the place and the hardware of a source.
fn where_it_lies(table: &mut Table, what: &str, source: &Source<Fd<'_>>, text: &mut Text) {
    table.row(what, "Source::place", || keep!(black_box(source).place()));
    table.row(what, "Source::numa_node", || keep!(black_box(source).numa_node()));
    table
        .row(what, "Source::dimms", || keep!(black_box(source).dimms().map(|dimms| dimms.count())));
    table.row(what, "Source::device_id", || keep!(black_box(source).device_id()));
    table.row(what, "Source::device_usc", || keep!(black_box(source).device_usc()));
    for sharing in [Sharing::Shared, Sharing::Private] {
        table.row(what, "Source::expected_granularity", || {
            keep!(black_box(source).expected_granularity(sharing))
        });
    }
    if let Ok(expected) = source.expected_granularity(Sharing::Shared) {
        table.row(what, "Display of Expected", || {
            text.length = 0;
            write!(text, "{}", black_box(&expected)).expect("room for the granularity");
        });
    }
    if let Some(dimm) = source.dimms().ok().and_then(|mut dimms| dimms.next()?.ok()) {
        table.row(what, "Dimm::id", || keep!(black_box(dimm).id()));
        table.row(what, "Dimm::dirty_shutdowns", || keep!(black_box(dimm).dirty_shutdowns()));
    }
    if let Ok(place) = source.place() {
        table.row(what, "Source::confirm_place", || keep!(black_box(source).confirm_place(&place)));
        table.row(what, "Source::expected_granularity_at", || {
            keep!(black_box(source).expected_granularity_at(&place, Sharing::Shared));
        });
        table.row(what, "Place::warnings", || keep!(black_box(&place).warnings().count()));
        table.row(what, "Display of Place", || {
            text.length = 0;
            write!(text, "{}", black_box(&place)).expect("room for the place");
        });
        table.row(what, "Debug of Place", || {
            text.length = 0;
            write!(text, "{:?}", black_box(&place)).expect("room for the place");
        });
    }
}

/// Measures every call of a mapping of the source, where it has one.
fn mapped(table: &mut Table, what: &str, source: Source<Fd<'_>>) {
    const READ: MapConfig<'_> = MapConfig::new(Granularity::Page).protection(Protection::READ);
    for config in [READ, READ.sharing(Sharing::Private), READ.aligned_to(1 << 36)] {
        table.row(what, "Source::map, unmapped", || keep!(black_box(source).map(&config)));
    }
    table.row(what, "Source::map, too coarse", || {
        let finer = MapConfig::new(Granularity::Byte).protection(Protection::READ);
        keep!(black_box(source).map(&finer));
    });
    table.row(what, "Source::map_in", || {
        let mut place = MaybeUninit::uninit();
        if let Ok(map) = black_box(source).map_in(&mut place, &READ) {
            // SAFETY: assume_init_drop requires that it was made, and is not used any more.
            unsafe { std::ptr::drop_in_place(map) };
        }
    });
    let memory = words();
    for granularity in [Granularity::Byte, Granularity::CacheLine, Granularity::Page] {
        // SAFETY: from_raw requires memory that nobody else has, which was made for this.
        let memory = unsafe {
            Memory::from_raw(*source.handle(), memory, 4096, Protection::READ | Protection::WRITE)
        };
        match Mapping::from_memory(memory, 0, granularity) {
            Ok(map) => accesses(table, &format!("{what}, {granularity:?}"), map),
            // No call makes stores to a device DAX durable.
            Err((_, error)) => assert_eq!(
                (error, granularity, source.kind()),
                (Error::NotDurable(Undurable::NoCall), Granularity::Page, Kind::DeviceDax)
            ),
        }
    }
}

/// Memory of pages of its own.
fn words() -> NonNull<u8> {
    let map =
        Source::from_anon(4096).and_then(|source| source.map(&MapConfig::new(Granularity::Byte)));
    NonNull::new(std::mem::ManuallyDrop::new(map.expect("memory")).as_ptr()).expect("an address")
}

fn accesses(table: &mut Table, what: &str, mut map: Mapping<Fd<'_>>) {
    let mut bytes = [0; 100];
    table.row(what, "Mapping::write", || keep!(black_box(&map).write(3, &[1; 100])));
    table.row(what, "Mapping::read", || keep!(black_box(&map).read(3, &mut bytes)));
    table.row(what, "Mapping::fill", || keep!(black_box(&map).fill(3.., 1)));
    table.row(what, "Mapping::move_within", || keep!(black_box(&map).move_within(..9, 3)));
    table.row(what, "Mapping::put", || keep!(black_box(&map).put(3, &1_u64)));
    table.row(what, "Mapping::get", || keep!(black_box(&map).get::<u64>(3)));
    table.row(what, "Mapping::commit", || keep!(black_box(&map).commit(8, 1)));
    table.row(what, "Word", || {
        keep!(black_box(&map).word(8).and_then(|word| word.store(word.load()?)));
    });
    table.row(what, "Mapping::view", || keep!(black_box(&map).view::<AtomicU64>(8).is_ok()));
    table.row(what, "Mapping::flush", || keep!(black_box(&map).flush(..)));
    table.row(what, "Mapping::persist", || keep!(black_box(&map).persist(..)));
    table.row(what, "Mapping::sync", || keep!(black_box(&map).sync(..)));
    table.row(what, "Mapping::deep_flush", || keep!(black_box(&map).deep_flush(..)));
    table.row(what, "Mapping::batch", || {
        keep!(black_box(&map).batch(|stores| {
            stores.write(0, &[1; 100])?;
            stores.commit(1024, 1)
        }));
    });
    table.row(what, "Mapping::unflushed", || {
        keep!(black_box(&map).unflushed().write(0, &[1; 100]));
    });
    table.row(what, "Mapping::grow", || keep!(black_box(&map).grow(4096)));
    table.row(what, "Mapping::catch_up", || keep!(black_box(&map).catch_up()));
    table.row(what, "Mapping::populate", || keep!(black_box(&map).populate(.., false)));
    table.row(what, "Mapping::deallocate", || keep!(black_box(&map).deallocate(..)));
    table.row(what, "Mapping::split_at", || keep!(black_box(&map).split_at(8)));
    table.row(what, "Mapping::expected", || keep!(black_box(&map).expected()));
    table.row(what, "Mapping::warnings", || {
        keep!(black_box(&map).warnings().map(|warnings| warnings.count()));
    });
    table.row(what, "Mapping::shrink", || keep!(black_box(&mut map).shrink(4096)));
}

/// Measures the calls that change the length of a mapped file.
#[test]
fn growth_is_within_the_limit() {
    let mut table = Table::default();
    let path = std::env::current_exe().expect("a program").with_extension("grown");
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
    let file = file.expect("a file");
    fs::remove_file(&path).expect("it has no name");
    file.set_len(4096).expect("a length");
    let source = Source::new(&file).expect("a source");
    for forced in [None, Some(Granularity::CacheLine)] {
        let config = MapConfig::new(Granularity::Page).room(1 << 20).forced(forced);
        let mut map = source.by_reference().map(&config).expect("a mapping");
        let mut length = 4096;
        table.row("file", "Mapping::grow", || {
            length += 4096;
            black_box(&map).grow(length).expect("storage");
        });
        table.row("file", "Mapping::deallocate", || {
            black_box(&map).deallocate(..4096).expect("storage");
        });
        table.row("file", "Mapping::populate", || {
            black_box(&map).populate(.., true).expect("pages");
        });
        table.row("file", "Mapping::sync", || black_box(&map).sync(..).expect("synced"));
        table.row("file", "Mapping::shrink", || {
            black_box(&mut map).shrink(4096).expect("shorter");
        });
    }
    table.check();
}

#[test]
fn every_public_call_is_within_the_limit() {
    let mut table = Table::default();
    let open = |path: &Path| {
        File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };

    every_call(
        &mut table,
        "regular file",
        open(&std::env::current_exe().expect("a program")).as_raw_fd(),
    );
    every_call(&mut table, "/dev/null", open(Path::new("/dev/null")).as_raw_fd());
    every_call(&mut table, "directory", open(Path::new("/")).as_raw_fd());
    every_call(&mut table, "closed", -1);
    // Nothing is reserved before a mapping: a kernel with hugetlbfs makes the file even without a
    // free huge page.
    let huge = rustix::fs::memfd_create(
        "huge",
        rustix::fs::MemfdFlags::HUGETLB | rustix::fs::MemfdFlags::CLOEXEC,
    );
    every_call(&mut table, "hugetlbfs", huge.expect("a file on hugetlbfs").as_raw_fd());

    table.row("anonymous", "Source::from_anon", || keep!(Source::from_anon(black_box(4096))));
    let anonymous = Source::from_anon(1 << 30).expect("an anonymous source");
    table
        .row("anonymous", "Source::check_range", || keep!(black_box(&anonymous).check_range(0, 0)));
    table.row("anonymous", "Source::report", || keep!(black_box(&anonymous).report()));
    table.check();
}

/// Makes a directory in /sys with these files.
fn directory(path: &Path, files: &[(&str, &str)]) {
    fs::create_dir_all(path).expect("a directory");
    for (name, text) in files {
        fs::write(path.join(name), format!("{text}\n")).expect("a file");
    }
}

const BUS: &str = "/sys/devices/LNXSYSTM:00/ACPI0012:00/ndbus0";

/// Makes a region with two DIMMs, and returns the directory for the devices of its namespace.
fn region(number: usize, carrier: &str) -> PathBuf {
    let bus = Path::new(BUS);
    let nd = Path::new("/sys/bus/nd/devices");
    directory(bus, &[("provider", "ACPI.NFIT")]);
    let region = bus.join(format!("region{number}"));
    directory(
        &region,
        &[("numa_node", "0"), ("read_only", "0"), ("persistence_domain", "memory_controller")],
    );
    symlink(&region, nd.join(format!("region{number}"))).expect("a link");
    for position in 0..2 {
        let dimm = 2 * number + position;
        fs::write(
            region.join(format!("mapping{position}")),
            format!("nmem{dimm},0,1,{position}\n"),
        )
        .expect("a file");
        let nmem = bus.join(format!("nmem{dimm}"));
        directory(
            &nmem.join("nfit"),
            &[("id", "8089-a2-1747-00000a01"), ("dirty_shutdown", "3"), ("flags", "not_armed")],
        );
        symlink(&nmem, nd.join(format!("nmem{dimm}"))).expect("a link");
    }
    let name = format!("{carrier}{number}.1");
    let carrier = region.join(&name);
    directory(&carrier, &[("namespace", &format!("namespace{number}.0"))]);
    symlink(&carrier, nd.join(name)).expect("a link");
    carrier
}

/// Makes an empty /sys for this thread and those that it starts.
fn empty_sysfs() {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

    let needs_root = "needs root, or `unshare --map-root-user`: see ci/measure";
    // SAFETY: the thread gets its own mounts, root and working directory; descriptors stay shared,
    // so no file changes hands.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }
        .expect(needs_root);
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .expect(needs_root);
    mount("tmpfs", "/sys", "tmpfs", MountFlags::empty(), None).expect(needs_root);
    for path in [
        "/sys/bus/dax",
        "/sys/bus/nd/devices",
        "/sys/class/block",
        "/sys/dev/char",
        "/sys/dev/block",
    ] {
        fs::create_dir_all(path).expect("a directory");
    }
}

/// Makes /dev/null a device DAX.
fn pretend_device_dax() {
    let device = region(0, "dax").join("dax0.0");
    directory(&device, &[("size", "1073741824"), ("align", "2097152")]);
    symlink("../../../../../../bus/dax", device.join("subsystem")).expect("a link");
    symlink(relative(&device), "/sys/dev/char/1:3").expect("a link");
}

/// Makes the disk with this file a volume on the most regions allowed, in several layers.
fn pretend_volume(file: &File) {
    let device = file.metadata().expect("a file").dev();
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    assert!(!number.starts_with("0:"), "the build directory is on a file system without a device");
    let mut below = Vec::new();
    for index in 1..=Place::REGIONS {
        let pmem = region(index, "pfn").join(format!("block/pmem{index}"));
        fs::create_dir_all(&pmem).expect("a directory");
        below.push(pmem);
        if index % 4 == 0 {
            let volume = PathBuf::from(format!("/sys/devices/virtual/block/dm-{index}"));
            directory(&volume.join("queue"), &[("dax", "1")]);
            fs::create_dir_all(volume.join("slaves")).expect("a directory");
            for slave in below.drain(..) {
                let name = slave.file_name().expect("a name");
                fs::write(volume.join("slaves").join(name), "").expect("an entry");
                symlink(relative(&slave), Path::new("/sys/class/block").join(name))
                    .expect("a link");
            }
            below.push(volume);
        }
    }
    let top = below.pop().expect("a volume");
    symlink(relative(&top), Path::new("/sys/class/block").join(top.file_name().expect("a name")))
        .expect("a link");
    symlink(relative(&top), Path::new("/sys/dev/block").join(number)).expect("a link");
}

/// Makes the disk with this file one on persistent memory, whose 476 GiB are all bad.
fn pretend_bad(file: &File) {
    let device = file.metadata().expect("a file").dev();
    let pmem = region(9, "pfn").join("block/pmem9");
    directory(&pmem.join("queue"), &[("dax", "1")]);
    directory(&pmem, &[("badblocks", "0 1000000000")]);
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    symlink(relative(&pmem), Path::new("/sys/dev/block").join(number)).expect("a link");
}

/// Returns a path in /sys relative to a directory two levels below.
fn relative(path: &Path) -> PathBuf {
    Path::new("../..").join(path.strip_prefix("/sys").expect("a path in /sys"))
}

#[test]
fn every_public_call_on_persistent_memory_is_within_the_limit() {
    std::thread::spawn(|| {
        empty_sysfs();
        pretend_device_dax();
        let null = File::open("/dev/null").expect("/dev/null");
        let source = Source::new(&null).expect("a device DAX");
        assert_eq!(source.kind(), Kind::DeviceDax);
        assert_eq!((source.size(), source.alignment()), (Ok(1 << 30), Ok(2 << 20)));
        assert_eq!(
            source.device_id(),
            Ok(Short::fit("8089-a2-1747-00000a018089-a2-1747-00000a01").expect("room"))
        );
        let mut table = Table::default();
        every_call(&mut table, "device DAX", null.as_raw_fd());

        let file = File::open(std::env::current_exe().expect("a program")).expect("a file");
        pretend_volume(&file);
        let source = Source::new(&file).expect("a file");
        let place = source.place().expect("a place");
        assert_eq!((place.backing(), place.regions().count()), (Backing::Regions, Place::REGIONS));
        assert_eq!((source.numa_node(), source.device_usc()), (Ok(Some(0)), Ok(96)));
        every_call(&mut table, "volume", file.as_raw_fd());
        table.check();
    })
    .join()
    .expect("see above");
}

#[test]
fn every_call_about_bad_blocks_is_within_its_limit() {
    const BLOCK: u64 = 4096;
    std::thread::spawn(|| {
        empty_sysfs();
        let path = std::env::current_exe().expect("a program").with_extension("bad");
        fs::write(&path, [1; 3 * 4096]).expect("a file");
        let file = File::options().read(true).write(true).open(&path).expect("a file");
        fs::remove_file(&path).expect("it has no name");
        pretend_bad(&file);
        let source = Source::new(&file).expect("a file");
        let all: Vec<_> = source.bad_blocks().expect("a list").collect();
        assert_eq!(all, [Ok(0..3 * BLOCK)]);
        let mut table = Table::default();
        table.row("file", "Source::bad_blocks, and all its steps", || {
            keep!(black_box(&source).bad_blocks().expect("a list").count());
        });
        for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
            table.row("file", "Source::clear_bad_blocks", || {
                // Any other block is bad by this list, too, so that everything is tried.
                let cleared = black_box(&source).clear_bad_blocks(BLOCK..2 * BLOCK, by);
                assert_eq!(
                    cleared,
                    Err(Error::Os { subject: Subject::ClearBadBlock, errno: Errno::EIO })
                );
            });
        }
        table.check();
    })
    .join()
    .expect("see above");
}
