//! Limits of the system and of the process: what was written before them is said.

use pmem2::{
    Error, Source,
    error::{Errno, Subject},
    transfer::TransferError,
};
use rustix::fs::OFlags;

use crate::{
    all_of, byte, bytes,
    common::{
        child::{Ended, in_child},
        made,
    },
    file_of, on_disk, stopped,
};

const LIMIT: u64 = 5000;

fn os<T>(done: usize, errno: Errno) -> Result<T, (usize, Error)> {
    Err((done, Error::Os { subject: Subject::Write, errno }))
}

/// A file system of four pages, and a file with a hole of more.
#[test]
fn a_full_file_system() {
    needs_root!();
    let file =
        file_of(&made::file_on("tmpfs", "size=16384", 1 << 20).expect("a small file system"));
    let source = Source::new(&file).expect("a source");
    let new = bytes(40_000);
    let (done, error) = stopped(source.write_at(100, &new)).expect_err("there is no room");
    assert_eq!(error, Error::Os { subject: Subject::Write, errno: Errno::ENOSPC });
    assert!((3 * 4096 - 100..=4 * 4096 - 100).contains(&done), "{done}");
    let mut found = vec![0xEE; done + 1];
    assert_eq!(source.read_at(100, &mut found), Ok(()));
    assert!(found[..done] == new[..done] && found[done] == 0, "so many bytes, and no more");
    assert_eq!(stopped(source.write_at(500_000, &new)), os(0, Errno::ENOSPC));
    assert_eq!(source.write_at(200, &new[..1000]), Ok(()), "where there is room already");
    assert_eq!(source.size(), Ok(1 << 20));
}

/// In a child with a limit for files, with SIGXFSZ ignored or not.
fn limited(
    handler: libc::sighandler_t,
    body: impl FnOnce() -> Result<(), TransferError>,
) -> Ended<Result<(), TransferError>> {
    in_child(|| {
        let limit = libc::rlimit { rlim_cur: LIMIT, rlim_max: LIMIT };
        // SAFETY: the limit is one; the action is none of ours.
        unsafe {
            libc::signal(libc::SIGXFSZ, handler);
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
        }
        body()
    })
}

#[test]
fn a_limit_for_files() {
    let file = on_disk(20_000, OFlags::RDWR);
    let source = Source::new(&file).expect("a source");
    let new = vec![0xAB; 20_000];
    for (offset, length, expected) in [
        (0, 5000, Ok(())),
        (0, 5001, os(5000, Errno::EFBIG)),
        (4000, 16_000, os(1000, Errno::EFBIG)),
        (5000, 1, os(0, Errno::EFBIG)),
        (19_999, 1, os(0, Errno::EFBIG)),
    ] {
        let Ended::With(found) = limited(libc::SIG_IGN, || source.write_at(offset, &new[..length]))
        else {
            panic!("the child should live")
        };
        assert_eq!(stopped(found), expected, "{length} at {offset}");
    }
    let found = all_of(&source);
    assert!(found[..5000] == new[..5000]);
    assert!((5000..20_000).all(|at| found[at] == byte(at)), "and nothing behind the limit");
    // As the documentation says.
    let ended = limited(libc::SIG_DFL, || source.write_at(5000, &new[..1]));
    assert_eq!(ended, Ended::Killed(libc::SIGXFSZ));
    let mut first = [0; 1];
    assert_eq!(source.read_at(5000, &mut first), Ok(()));
    assert_eq!(first, [byte(5000)]);
}
