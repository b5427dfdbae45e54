//! `cargo bench --bench transfer`: what it costs to survive bad memory, and to know of it, beside
//! libpmem2.
//!
//! Without options: the copy of a mapping beside memcpy, and reading and asking for bad blocks of a
//! new file on the disk, in Rust and through the C library, which is built and installed by
//! `ci/install` first. `-- --file PATH` asks about a file or device DAX of one's own, in Rust
//! alone; `--prefix guest_` puts that before the names of the figures; `--seconds N` is for how
//! long (6 if it is not said). The program runs without cargo too: in the QEMU guest, on persistent
//! memory.
//!
//! The method is that of the benchmark `source`. Nothing is asserted of times.

#[path = "source/arguments.rs"]
mod arguments;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
#[path = "transfer/copy.rs"]
mod copy;
#[path = "source/figures.rs"]
mod figures;
#[path = "source/installed.rs"]
mod installed;
#[path = "source/libpmem2.rs"]
mod libpmem2;
#[path = "source/pair.rs"]
mod pair;
#[path = "transfer/peer.rs"]
mod peer;

use std::{
    cell::RefCell,
    fs::File,
    hint::black_box,
    os::{fd::AsRawFd, unix::fs::FileExt},
    time::{Duration, Instant},
};

use arguments::Arguments;
use figures::{CALLS, Effort, print_ratio};
use libpmem2::{Libpmem2, Pointer};
use pair::{Side, compare};
use peer::Peer;
use pmem2::{Kind, Source, transfer::Reader};

/// The length of a new file: any will do.
const LENGTH: usize = 1 << 20;

/// How many bytes are read, and where.
const BYTES: usize = 64;
const AT: u64 = 4096 + 24;

/// How long a sample takes.
const SAMPLE: Duration = Duration::from_micros(200);

fn main() {
    let Arguments { path, prefix, time } = Arguments::of_command_line();
    // Debian's comes first: see libpmem2.rs.
    let library = Libpmem2::load().expect("libpmem2 of Debian: apt-get install libpmem2-dev");
    let theirs = Peer::load("libpmem2.so.1").expect("its functions");
    let file = match &path {
        Some(path) => opened(path),
        None => new_file(),
    };
    let mut ratios = Vec::new();
    if path.is_none() {
        let path = installed::install();
        let ours = Libpmem2::open(&path).expect("the library that was installed");
        let its = Peer::load(path.as_os_str()).expect("its functions");
        println!("ours: {}\ntheirs: {}", ours.file(), library.file());
        figures::pin();
        ratios.extend(in_c(&file, time, [(&ours, &its), (&library, &theirs)]));
    } else {
        figures::pin();
    }
    ratios.extend(in_rust(&file, time, &library, &theirs));
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
    ))]
    if path.is_none() {
        copy::measure();
    }
    println!();
    for (name, ratio) in ratios {
        print_ratio(&format!("{prefix}{name}_vs_libpmem2"), ratio, 4);
    }
}

/// To be written to as well: libpmem2 reads no device DAX that is open to be read only.
fn opened(path: &str) -> File {
    let both = File::options().read(true).write(true).open(path);
    both.or_else(|_| File::open(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// On a disk: /tmp may be memory.
fn new_file() -> File {
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary file");
    let bytes: Vec<u8> = (0..LENGTH).map(|at| (at / 3) as u8).collect();
    file.write_all_at(&bytes, 0).expect("its bytes");
    file
}

/// Our C library beside theirs.
fn in_c(file: &File, time: Duration, sides: [(&Libpmem2, &Peer); 2]) -> Vec<(&'static str, f64)> {
    let number = file.as_raw_fd();
    let [ours, theirs] = sides.map(|(library, peer)| (library.make(number), peer));
    let read = |(source, peer): (Pointer, &Peer)| peer.read(source, AT, &mut [0; BYTES]);
    let bad = |(source, peer): (Pointer, &Peer)| peer.bad_blocks(source);
    assert_eq!((read(ours), read(theirs)), (Ok(()), Ok(())), "a good file");
    println!("bad blocks: ours {:?}, theirs {:?}", bad(ours), bad(theirs));
    let pair = |name, ours: &dyn Fn(), theirs: &dyn Fn()| measured(name, time / 4, ours, theirs);
    let ratios = vec![
        (
            "capi_read_64_file",
            pair("read in C", &|| _ = black_box(read(ours)), &|| _ = black_box(read(theirs))),
        ),
        (
            "capi_badblocks_none",
            pair("bad blocks in C", &|| _ = black_box(bad(ours)), &|| _ = black_box(bad(theirs))),
        ),
    ];
    for ((library, _), (source, _)) in sides.into_iter().zip([ours, theirs]) {
        library.delete(source);
    }
    ratios
}

/// Rust beside their C library.
fn in_rust(
    file: &File,
    time: Duration,
    library: &Libpmem2,
    peer: &Peer,
) -> Vec<(&'static str, f64)> {
    let source = Source::new(file).expect("a source");
    let device = source.kind() == Kind::DeviceDax;
    let pointer = library.make(file.as_raw_fd());
    assert_eq!(source.size(), Ok(library.size(pointer)), "the same source");
    let reader = Reader::new(source).expect("a reader");
    let buffers = (RefCell::new([0; BYTES]), RefCell::new([0; BYTES]));
    let theirs = || {
        assert_eq!(peer.read(black_box(pointer), AT, &mut *buffers.0.borrow_mut()), Ok(()));
    };
    let kept = || assert_eq!(reader.read_at(AT, black_box(&mut *buffers.1.borrow_mut())), Ok(()));
    let once = || assert_eq!(source.read_at(AT, black_box(&mut *buffers.1.borrow_mut())), Ok(()));
    theirs();
    kept();
    assert!(buffers.0 == buffers.1, "the same bytes");
    once();
    let mut ratios = vec![(
        if device { "read_64_devdax" } else { "read_64_file" },
        measured("a reader that is kept", time / 4, &kept, &theirs),
    )];
    ratios.push((
        if device { "read_64_devdax_once" } else { "read_64_file_once" },
        measured("read at once", time / 4, &once, &theirs),
    ));
    // libpmem2 says that there are none also where the system keeps no list.
    let ours = || source.bad_blocks().map(Iterator::count).map_err(|error| error.code());
    let theirs = || peer.bad_blocks(black_box(pointer));
    println!("bad blocks: ours {:?}, theirs {:?}", ours(), theirs());
    let (ours, theirs) = (|| _ = black_box(ours()), || _ = black_box(theirs()));
    ratios.push(("badblocks_none", measured("bad blocks", time / 4, &ours, &theirs)));
    library.delete(pointer);
    ratios
}

/// The ratio, where either may take long.
fn measured(name: &str, limit: Duration, ours: &dyn Fn(), theirs: &dyn Fn()) -> f64 {
    let calls = |call: &dyn Fn()| {
        let start = Instant::now();
        call();
        (SAMPLE.as_secs_f64() / start.elapsed().as_secs_f64()).clamp(1.0, CALLS.into()) as u32
    };
    let side = |call| Side { call, calls: calls(call) };
    compare(name, Effort { warm_up: 5, limit, ..Effort::USUAL }, side(ours), side(theirs)).ratio
}
