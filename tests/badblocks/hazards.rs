//! Everything that could make clearing lose good bytes: between the punch and the write they are
//! nowhere but in memory.

use std::{fs::File, os::unix::fs::FileExt, thread};

use pmem2::{
    Error, Source,
    badblocks::ClearBy,
    error::{Errno, Subject},
};

use super::{
    clearing::{contents, pattern, zeroed},
    common::child::{Ended, in_child},
    image::{Image, Mounted, places},
    listed, on_pmem,
};

const BLOCK: u64 = 4096;

const fn failed(errno: Errno) -> Error {
    Error::Os { subject: Subject::ClearBadBlock, errno }
}

/// Fills the file system with another file.
fn filled(mounted: &Mounted) -> File {
    let rest = mounted.file("rest");
    let (mut at, mut chunk) = (0, vec![1; 1 << 20]);
    while !chunk.is_empty() {
        match rest.write_at(&chunk, at) {
            Ok(written @ 1..) => at += written as u64,
            _ => chunk.truncate(chunk.len() / 2),
        }
    }
    let _ = rest.sync_all();
    rest
}

/// The block that is freed may be the only one, and the file system may want it for itself.
fn without_room(image: &Image) {
    on_pmem(image, |mounted, disk| {
        let file = mounted.file("file");
        file.write_all_at(&pattern(3 * 4096), 0).expect("written");
        let before = places(&file);
        let place = before[1].expect("a place");
        filled(mounted);
        disk.write("badblocks", listed([place..place + 1]));
        let source = Source::new(&file).expect("a source");
        for by in [ClearBy::Allocation, ClearBy::LossyAllocation] {
            assert_eq!(source.clear_bad_blocks(BLOCK..BLOCK + 512, by), Err(failed(Errno::ENOSPC)));
        }
        assert!(
            contents(&file) == pattern(3 * 4096) && places(&file) == before,
            "nothing was changed"
        );
    });
}

#[test]
fn a_full_ext4() {
    needs_root!();
    without_room(&Image::ext4(4096));
}

#[test]
fn a_full_xfs() {
    needs_root!();
    without_room(&Image::xfs());
}

/// Each block becomes an extent of its own, which takes some of what is left.
#[test]
fn a_file_system_that_is_nearly_full() {
    needs_root!();
    const BLOCKS: usize = 200;
    on_pmem(&Image::ext4(4096), |mounted, disk| {
        let file = mounted.file("file");
        file.write_all_at(&pattern(BLOCKS * 4096), 0).expect("written");
        let rest = filled(mounted);
        // So much is free that it is admitted, and hardly more.
        let mut size = rest.metadata().expect("its size").len();
        while rustix::fs::fstatfs(&rest).expect("its free blocks").f_bavail < 68 {
            size -= 4 * BLOCK;
            rest.set_len(size).expect("some is free");
            rest.sync_all().expect("synced");
        }
        let before = places(&file);
        let odd = (1..BLOCKS).step_by(2);
        disk.write(
            "badblocks",
            listed(odd.clone().map(|block| before[block].expect("a place")).map(|at| at..at + 1)),
        );
        let source = Source::new(&file).expect("a source");
        let (mut expected, mut cleared) = (pattern(BLOCKS * 4096), 0);
        for block in odd {
            let at = block as u64 * BLOCK;
            match source.clear_bad_blocks(at..at + 512, ClearBy::Allocation) {
                Ok(()) => {
                    expected = zeroed(expected, at..at + 512);
                    cleared += 1;
                }
                // All that it was given was bad too, having been given up before: that may come to
                // be when others call sync(1).
                Err(error) if error == failed(Errno::EIO) => {
                    expected = zeroed(expected, at..at + 512)
                }
                Err(error) => assert_eq!(error, failed(Errno::ENOSPC), "{block}"),
            }
            assert!(contents(&file) == expected, "good bytes are lost at {block}");
        }
        assert_ne!(cleared, 0);
    });
}

/// Punching and allocating know no limit for the size of files, but writing does, and its signal
/// ends a program that does not ignore it.
#[test]
fn a_limit_for_files() {
    needs_root!();
    on_pmem(&Image::ext4(4096), |mounted, disk| {
        let file = mounted.file("file");
        file.write_all_at(&pattern(3 * 4096), 0).expect("written");
        let place = places(&file)[1].expect("a place");
        disk.write("badblocks", listed([place..place + 1]));
        for (limit, handler, ends) in [
            (5000, libc::SIG_IGN, Ended::With(Err(failed(Errno::EFBIG)))),
            (5000, libc::SIG_DFL, Ended::Killed(libc::SIGXFSZ)),
            (0, libc::SIG_IGN, Ended::With(Err(failed(Errno::EFBIG)))),
            (8192, libc::SIG_DFL, Ended::With(Ok(()))),
        ] {
            let ended = in_child(|| {
                let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
                // SAFETY: the limit is one; the action is none of ours.
                unsafe {
                    libc::signal(libc::SIGXFSZ, handler);
                    libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
                }
                Source::new(&file).and_then(|source| {
                    source.clear_bad_blocks(BLOCK..BLOCK + 512, ClearBy::Allocation)
                })
            });
            let is_done = ends == Ended::With(Ok(()));
            assert_eq!(ended, ends);
            let expected = if is_done {
                zeroed(pattern(3 * 4096), BLOCK..BLOCK + 512)
            } else {
                pattern(3 * 4096)
            };
            assert!(contents(&file) == expected, "{limit}: nothing good is lost");
        }
    });
}

/// The space that clearing takes meanwhile is given back: also that which lies beyond the end,
/// where ext4 punches nothing.
#[test]
fn no_block_more_than_before() {
    needs_root!();
    for image in [Image::ext4(4096), Image::ext4(1024), Image::xfs()] {
        on_pmem(&image, |mounted, disk| {
            let file = mounted.file("file");
            // Of somebody else, as is the spare file then.
            std::os::unix::fs::fchown(&file, Some(1000), Some(100)).expect("given away");
            file.write_all_at(&pattern(3 * 4096), 0).expect("written");
            let place = places(&file)[1].expect("a place");
            disk.write("badblocks", listed([place..place + 1]));
            let source = Source::new(&file).expect("a source");
            let bad = source.bad_blocks().and_then(|mut bad| bad.next().expect("it is bad"));
            let before = source.allocated();
            assert_eq!(source.clear_bad_blocks(bad.expect("a range"), ClearBy::Allocation), Ok(()));
            assert_eq!(source.allocated(), before);
        });
    }
}

/// Two sectors of one block: each thread keeps what the other one clears, unless they take turns.
#[test]
fn two_threads_and_a_block() {
    needs_root!();
    on_pmem(&Image::ext4(4096), |mounted, disk| {
        for round in 0..60 {
            let file = mounted.file(&format!("file {round}"));
            file.write_all_at(&pattern(3 * 4096), 0).expect("written");
            let place = places(&file)[1].expect("a place");
            disk.write("badblocks", listed([place + 1..place + 2, place + 5..place + 6]));
            let source = Source::new(&file).expect("a source");
            let clear = |sector: u64| {
                let at = BLOCK + sector * 512;
                source.clear_bad_blocks(at..at + 512, ClearBy::Allocation)
            };
            let results = thread::scope(|scope| {
                [1, 5]
                    .map(|sector| scope.spawn(move || clear(sector)))
                    .map(|thread| thread.join().expect("no panic"))
            });
            // Who comes second finds that it is bad no more.
            assert!(results.contains(&Ok(())), "{results:?}");
            assert!(
                results.iter().all(|result| matches!(result, Ok(()) | Err(Error::NotBad))),
                "{results:?}"
            );
            let expected = zeroed(zeroed(pattern(3 * 4096), 4608..5120), 6656..7168);
            assert!(contents(&file) == expected, "{round}: {results:?}");
        }
    });
}
