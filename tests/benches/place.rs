//! `cargo bench --bench place`: what it costs to ask a source where it lies, beside libpmem2.
//!
//! `-- --file PATH` asks about a file or device DAX of one's own, and not about a new file on the
//! disk; `--prefix guest8_` puts that before the names of the figures; `--seconds N` is for how
//! long in all (6 if it is not said). The program itself runs without cargo too: in the QEMU guest,
//! on persistent memory.
//!
//! The method is that of the benchmark `source`. That both answer the same is checked before;
//! nothing is asserted of times. The lines `ns` and `least` are the median and the least of samples
//! of pmem2 alone, `ns …_libpmem2` is the median of libpmem2: for who compares two machines, of
//! which one may have been busier.

#[path = "source/arguments.rs"]
mod arguments;
#[path = "source/figures.rs"]
mod figures;
#[path = "source/libpmem2.rs"]
mod libpmem2;
#[path = "source/pair.rs"]
mod pair;
#[path = "place/peer.rs"]
mod peer;

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    fs::File,
    hint::black_box,
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use arguments::Arguments;
use figures::{CALLS, Effort, interleave, pin, print_ratio, report};
use libpmem2::{Libpmem2, Pointer};
use pair::{Compared, Side, compare};
use peer::{Code, Peer};
use pmem2::{Error, Source, place::DeviceId};

/// The length of a new file: any will do.
const LENGTH: u64 = 1 << 20;

/// How long libpmem2 takes for a sample: under emulation, one call takes longer.
const SAMPLE: Duration = Duration::from_millis(1);

/// Room for the id of 32 DIMMs.
const ID: usize = 1024;

fn main() {
    let Arguments { path, prefix, time } = Arguments::of_command_line();
    let library = Libpmem2::load().expect("libpmem2 of Debian: apt-get install libpmem2-dev");
    let peer = Peer::load().expect("libpmem2's own functions");
    println!("libpmem2: {}", library.file());
    pin();
    let file = match &path {
        Some(path) => File::open(path).unwrap_or_else(|error| panic!("{path}: {error}")),
        None => new_file(),
    };
    println!("asked about: {}", path.as_deref().unwrap_or("a new file"));
    let source = Source::new(&file).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let theirs = library.make(file.as_raw_fd());
    assert_eq!(
        source.size().map_err(|error| error.code()),
        Ok(library.size(theirs)),
        "the same source"
    );

    let bench = Bench { source, peer: &peer, theirs, time: time / 3 };
    let results = [("numa", bench.numa()), ("usc", bench.usc()), ("device_id", bench.device_id())];
    println!();
    for (name, Figures { compared, alone, least }) in &results {
        println!("ns {prefix}{name} {alone:.1}");
        println!("ns {prefix}{name}_libpmem2 {:.1}", compared.theirs);
        println!("least {prefix}{name} {least:.1}");
    }
    for (name, Figures { compared, .. }) in &results {
        print_ratio(&format!("{prefix}{name}_vs_libpmem2"), compared.ratio, 4);
    }
    library.delete(theirs);
}

/// On a disk: /tmp may be memory.
fn new_file() -> File {
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary file");
    file.set_len(LENGTH).expect("its length");
    file
}

struct Bench<'a> {
    source: Source<&'a File>,
    peer: &'a Peer,
    theirs: Pointer,
    /// For each question.
    time: Duration,
}

/// The cost of a question.
struct Figures {
    compared: Compared,
    /// Nanoseconds of pmem2, without libpmem2 in between.
    alone: f64,
    least: f64,
}

impl Bench<'_> {
    fn numa(&self) -> Figures {
        let c = |node: Result<Option<u32>, Error>| match node {
            Ok(node) => Ok(node.map_or(-1, u32::cast_signed)),
            Err(error) => Err(error.code()),
        };
        self.compare("numa_node", &|| c(self.source.numa_node()), &|| {
            self.peer.numa_node(black_box(self.theirs))
        })
    }

    fn usc(&self) -> Figures {
        let ours = || self.source.device_usc().map_err(|error| error.code());
        self.compare("device_usc", &ours, &|| self.peer.device_usc(black_box(self.theirs)))
    }

    fn device_id(&self) -> Figures {
        let ours = || self.source.device_id().map_err(|error| error.code());
        // Ours is checked against what libpmem2 puts into a buffer, and both give their bytes when
        // they are timed.
        let buffer = RefCell::new([0; ID]);
        let theirs = || {
            let mut buffer = buffer.borrow_mut();
            let id = self.peer.device_id(black_box(self.theirs), &mut *buffer)?;
            let mut text = DeviceId::new();
            text.write_str(id.to_str().expect("an id of text")).expect("an id that has room");
            Ok(text)
        };
        let length = self.peer.device_id_length(self.theirs);
        assert_eq!(
            ours().map(|id| id.len() + 1),
            length,
            "the length of the id, with the zero behind it"
        );
        self.compare("device_id", &ours, &theirs)
    }

    /// Checks that both answer the same, be it an error, and then what it costs them.
    fn compare<T: Debug + PartialEq>(
        &self,
        name: &str,
        ours: &dyn Fn() -> Result<T, Code>,
        theirs: &dyn Fn() -> Result<T, Code>,
    ) -> Figures {
        let expected = theirs();
        assert_eq!(ours(), expected, "{name}, ours and theirs");
        println!("\n{name} answers {expected:?}");
        let start = Instant::now();
        assert_eq!(theirs(), expected, "{name}, asked again");
        let calls =
            (SAMPLE.as_secs_f64() / start.elapsed().as_secs_f64()).clamp(1.0, CALLS.into()) as u32;
        // Ours takes a fraction, and shall feel little of the caches that theirs leaves behind.
        let (ours, theirs) = (|| drop(black_box(ours())), || drop(black_box(theirs())));
        let effort = |limit| Effort { warm_up: 2, limit, ..Effort::USUAL };
        let side = Side { call: &ours, calls: 16 * calls };
        let compared =
            compare(name, effort(self.time * 3 / 4), side, Side { call: &theirs, calls });

        // Short samples: the shorter they are, the likelier it is that nothing disturbed the best
        // of them.
        let alone = Side { calls, ..side }.named("pmem2");
        let [samples] =
            <[_; 1]>::try_from(interleave(&[alone], effort(self.time / 4))).expect("one");
        let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
        Figures { compared, alone: report("pmem2 alone ns", &samples), least }
    }
}
