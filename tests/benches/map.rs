//! `cargo bench --bench map`: the cost of mapping and of making stores durable, beside the bare
//! calls and instructions, and beside libpmem2.
//!
//! Without options all of it, with files of its own. `-- --file PATH` maps a file or device DAX of
//! one's own, whose place is known, and prints what that costs over the bare calls; `--prefix
//! guest_` puts that before the names of the figures; `--seconds N` is for how long two figures (6
//! if it is not said). The program runs without cargo too: in the QEMU guest, on persistent memory.
//!
//! The method is that of the benchmark `source`. Nothing is asserted of times.

#[path = "source/arguments.rs"]
mod arguments;
#[path = "map/calls.rs"]
mod calls;
#[path = "source/figures.rs"]
mod figures;
#[allow(dead_code, reason = "not every benchmark wants all of it")]
#[path = "source/libpmem2.rs"]
mod libpmem2;
#[path = "map/peer.rs"]
mod peer;
#[path = "map/race.rs"]
mod race;
#[allow(dead_code, reason = "not every benchmark wants all of it")]
#[path = "../measure/src/raw.rs"]
mod raw;
#[path = "map/stores.rs"]
mod stores;

use std::{fs::File, time::Duration};

use arguments::Arguments;
use figures::print_ratio;
use peer::Peer;
use pmem2::{Kind, MapConfig, Mapping, Source};
use race::Ratio;

fn main() {
    let Arguments { path, prefix, time } = Arguments::of_command_line();
    let peer =
        Peer::load("libpmem2.so.1").expect("libpmem2 of Debian: apt-get install libpmem2-dev");
    println!("libpmem2: {}", peer.file());
    let ratios = match path {
        Some(path) => own(&path, &peer, time / 2),
        None => all(&peer, time / 2),
    };
    println!();
    for (name, ratio) in ratios {
        print_ratio(&format!("{prefix}{name}"), ratio, 3);
    }
}

type Ratios = Vec<(String, f64)>;

fn own(path: &str, peer: &Peer, limit: Duration) -> Ratios {
    figures::pin();
    let file = File::options().read(true).write(true).open(path);
    let file = file.unwrap_or_else(|error| panic!("{path}: {error}"));
    let kind = Source::new(&file).expect("a source").kind();
    let ratio = calls::at_place(&file, kind, peer, limit);
    let name = if kind == Kind::DeviceDax { "devdax" } else { "dax" };
    vec![(format!("map_{name}_at_place_vs_raw"), ratio.median)]
}

fn all(peer: &Peer, limit: Duration) -> Ratios {
    println!(
        "bytes: {} of a Mapping<File>, {} of a Source<File>, {} of a MapConfig",
        size_of::<Mapping<File>>(),
        size_of::<Source<File>>(),
        size_of::<MapConfig<'_>>()
    );
    let other = other_processor();
    let mut ratios = Ratios::new();
    let mut add = |name: &str, ratio: Ratio| ratios.push((name.into(), ratio.median));

    let small = on_disk(4 << 10);
    for (name, file) in [("4k", &small), ("64m", &on_disk(64 << 20))] {
        let [theirs, raw] = calls::whole(&format!("map and unmap {name}"), file, peer, limit);
        add(&format!("map_unmap_{name}_vs_libpmem2"), theirs);
        add(&format!("map_unmap_{name}_vs_raw"), raw);
    }
    match other {
        Some(other) => {
            let ratio = calls::two_threads(&small, 2 * limit, other);
            add("map_unmap_2_threads_vs_raw_2_threads", ratio);
        }
        None => println!("\ntwo threads: there is one processor"),
    }

    let memory = stores::Memory::new(peer);
    let mut cells = Vec::new();
    for (length, name) in [(8, "8"), (64, "64"), (256, "256"), (4 << 10, "4k"), (1 << 20, "1m")] {
        for (hot, how) in [(true, ""), (false, "_walking")] {
            let name = format!("persist_{name}{how}");
            let ratio = memory.persist(&name, length, hot, limit / 2);
            add(&format!("{name}_vs_libpmem2"), ratio);
            cells.push(ratio);
        }
    }
    #[cfg(target_arch = "x86_64")]
    match memory.commit(limit) {
        Some(ratio) => add("commit_vs_raw_store_clwb_sfence", ratio),
        None => println!("\ncommit: this processor has no CLWB"),
    }
    // A log goes on and on; one of eight records that have turns stays in the nearest cache.
    add("log_append_vs_libpmem2", memory.append("append", false, limit));
    add("log_append_hot_vs_libpmem2", memory.append("append, hot", true, limit));

    add("sync_1g_one_page_vs_msync", stores::sync("sync on disk", on_disk(0), 4e6, 2 * limit));
    let shared = rustix::fs::memfd_create(c"bench", rustix::fs::MemfdFlags::CLOEXEC);
    let shared = shared.expect("a memfd").into();
    add("sync_1g_one_page_tmpfs_vs_msync", stores::sync("sync, tmpfs", shared, 500.0, limit));

    let logarithms: f64 = cells.iter().map(|cell| cell.median.ln()).sum();
    ratios.push(("persist_mean_vs_libpmem2".into(), (logarithms / cells.len() as f64).exp()));
    // The aim is that no interval lies above 1.05.
    let above = cells.iter().map(|cell| cell.low).fold(0.0, f64::max);
    ratios.push(("persist_highest_interval_from".into(), above));
    ratios
}

/// Pins the program, and returns another processor that it may use.
fn other_processor() -> Option<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).expect("the processors");
    figures::pin();
    let pinned = rustix::thread::sched_getaffinity(None).expect("the processor");
    let mut others = (0..rustix::thread::CpuSet::MAX_CPU).filter(|&one| allowed.is_set(one));
    others.find(|&one| !pinned.is_set(one))
}

/// On a disk: /tmp may be memory.
fn on_disk(length: u64) -> File {
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary file");
    file.set_len(length).expect("its length");
    file
}
