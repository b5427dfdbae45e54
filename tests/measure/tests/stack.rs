//! No public call uses more than 4 KiB of stack.

use std::{
    fmt::Write,
    fs::{self, File},
    hint::black_box,
    mem::MaybeUninit,
    os::{fd::AsRawFd, unix::fs::symlink},
    path::Path,
};

use pmem2::{Fd, Kind, Native, Pool, Report, Source};
use pmem2_measure::stack::high_water;

const LIMIT: usize = 4096;

/// Text in memory of fixed size: the formatting is measured, not an allocator.
struct Text {
    bytes: [u8; 2048],
    length: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// What was measured, and whether all of it was within the limit.
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
        let most = self.rows.iter().max_by_key(|(_, used)| used).expect("something was measured");
        println!("stack high-water mark: {} bytes, at most {LIMIT}: {}", most.1, most.0);
        assert!(most.1 <= LIMIT, "{} uses {} bytes of stack", most.0, most.1);
    }
}

/// Has the value made, in memory, and drops it.
#[inline(always)]
fn keep<T>(value: T) {
    drop(black_box(value));
}

/// A call that uses `BYTES` of stack, and touches them.
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
    for (used, size) in
        [(high_water(array::<1024>), 1024), (high_water(array::<8192>), 8192), (high_water(array::<40000>), 40000)]
    {
        println!("{used:>6} bytes  an array of {size} bytes");
        assert!((size..size + 512).contains(&used), "{used} bytes seen of {size}");
    }
    assert!(high_water(|| ()) <= 256);
}

/// Every public call on a descriptor. Whether it is a source or not, the results are as they are: other tests look at them.
fn every_call(table: &mut Table, what: &str, raw: i32) {
    static POOL: Pool<Native, 4> = Pool::new();
    // SAFETY: the caller keeps the descriptor open, or it is none.
    let fd = unsafe { Fd::borrow_raw(raw) };

    table.row(what, "Source::new", || keep(Source::new(black_box(fd))));
    table.row(what, "Source::from_fd", || keep(Source::from_fd(black_box(fd))));
    table.row(what, "Source::try_from_handle", || keep(Source::try_from_handle(black_box(fd))));
    table.row(what, "Source::new_in", || {
        let mut place = MaybeUninit::uninit();
        black_box(Source::new_in(&mut place, black_box(fd)).is_ok());
    });
    table.row(what, "Source::boxed", || keep(Source::boxed(black_box(fd))));
    table.row(what, "Pool::source", || keep(POOL.source(black_box(fd))));
    table.row(what, "Report::of", || keep(Report::of(black_box(&fd))));
    table.row(what, "Report::of_unopened", || keep(Report::of_unopened(black_box(&fd))));

    let mut text = Text { bytes: [0; 2048], length: 0 };
    let report = Report::of(&fd);
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
            table.row(what, "io::Error from Error", || keep(std::io::Error::from(black_box(error))));
        }
        Ok(source) => {
            table.row(what, "Source::size", || keep(black_box(&source).size()));
            table.row(what, "Source::alignment", || keep(black_box(&source).alignment()));
            table.row(what, "Source::allocated", || keep(black_box(&source).allocated()));
            table.row(what, "Source::file_system", || keep(black_box(&source).file_system()));
            table.row(what, "Source::check_range", || keep(black_box(&source).check_range(0, 0)));
            table.row(what, "Source::report", || keep(black_box(&source).report()));
            table.row(what, "Debug of Source", || {
                text.length = 0;
                write!(text, "{:?}", black_box(&source)).expect("room for the source");
            });
        }
    }
}

#[test]
fn every_public_call_is_within_the_limit() {
    let mut table = Table::default();
    let open = |path: &Path| File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    every_call(&mut table, "regular file", open(&std::env::current_exe().expect("a program")).as_raw_fd());
    every_call(&mut table, "/dev/null", open(Path::new("/dev/null")).as_raw_fd());
    every_call(&mut table, "directory", open(Path::new("/")).as_raw_fd());
    every_call(&mut table, "closed", -1);
    // Nothing is reserved before it is mapped: a kernel with hugetlbfs makes it, with no huge page to spare too.
    let huge = rustix::fs::memfd_create("huge", rustix::fs::MemfdFlags::HUGETLB | rustix::fs::MemfdFlags::CLOEXEC);
    every_call(&mut table, "hugetlbfs", huge.expect("a file on hugetlbfs").as_raw_fd());

    table.row("anonymous", "Source::from_anon", || keep(Source::from_anon(black_box(4096))));
    let anonymous = Source::from_anon(1 << 30).expect("an anonymous source");
    table.row("anonymous", "Source::check_range", || keep(black_box(&anonymous).check_range(0, 0)));
    table.row("anonymous", "Source::report", || keep(black_box(&anonymous).report()));
    table.check();
}

/// Makes /dev/null a device DAX, for this thread and those that it starts: with a /sys of its own that says so.
fn pretend_device_dax() {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

    let needs_root = "needs root, or `unshare --map-root-user`: see ci/measure";
    // SAFETY: the thread gets its own mounts, root and working directory; descriptors stay shared, so no file changes hands.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }.expect(needs_root);
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).expect(needs_root);
    mount("tmpfs", "/sys", "tmpfs", MountFlags::empty(), None).expect(needs_root);
    let device = Path::new("/sys/devices/platform/made/dax0.0");
    fs::create_dir_all(device).expect("a directory");
    fs::create_dir_all("/sys/bus/dax").expect("a directory");
    fs::create_dir_all("/sys/dev/char").expect("a directory");
    symlink("../../../../bus/dax", device.join("subsystem")).expect("a link");
    fs::write(device.join("size"), "1073741824\n").expect("a file");
    fs::write(device.join("align"), "2097152\n").expect("a file");
    symlink(device, "/sys/dev/char/1:3").expect("a link");
}

#[test]
fn every_public_call_on_device_dax_is_within_the_limit() {
    std::thread::spawn(|| {
        pretend_device_dax();
        let null = File::open("/dev/null").expect("/dev/null");
        let source = Source::new(&null).expect("a device DAX");
        assert_eq!(source.kind(), Kind::DeviceDax);
        assert_eq!((source.size(), source.alignment()), (Ok(1 << 30), Ok(2 << 20)));
        let mut table = Table::default();
        every_call(&mut table, "device DAX", null.as_raw_fd());
        table.check();
    })
    .join()
    .expect("see above");
}
