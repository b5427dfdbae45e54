//! A commit word is never there before what was stored before it.

use pmem2::Error;
use pmem2_crash::{Disk, PAGE, Run, WORD};

use crate::{
    Map, before, everywhere, holds, map,
    methods::{CASES, range},
};

/// Words that no case stores to, in lines and pages that some do.
const COMMITS: [usize; 2] = [16, 2 * PAGE + 16];

const COMMITTED: u64 = 2;

type Commit = fn(&Map<'_>, usize) -> Result<(), Error>;

const WAYS: [(&str, Commit); 4] = [
    ("commit", |map, at| map.commit(at, COMMITTED)),
    ("Word::commit", |map, at| map.word(at)?.commit(COMMITTED)),
    ("commit of a part", |map, at| map.part(at..)?.commit(0, COMMITTED)),
    ("commit in a batch", |map, at| map.batch(|batch| batch.commit(at, COMMITTED))),
];

/// Checks that a word that was stored to is new wherever the commit word is, and that the commit
/// word is there where it was promised.
fn check(
    name: &str,
    commit: usize,
    words: &[usize],
    new: &[u8],
    work: impl Fn(&Map<'_>) -> Result<(), Error>,
) {
    let old = before()[commit..][..WORD].try_into().map(u64::from_ne_bytes).expect("a word");
    everywhere(|granularity, machine| {
        let trace = Run::new(before(), granularity).record(|disk, promises| {
            let map = map(disk, granularity).expect("a mapping");
            work(&map).unwrap_or_else(|error| panic!("{name}: {error}"));
            promises.tell(());
        });
        for &word in words {
            let recover = |disk: Disk<'_>, promised: &[()]| {
                let map = map(disk, granularity).map_err(|error| error.to_string())?;
                let committed = map.word(commit).and_then(|word| word.load());
                let committed = committed.map_err(|error| error.to_string())?;
                if committed == old && promised.is_empty() {
                    return Ok(());
                }
                if committed != COMMITTED {
                    return Err(format!("the commit word is {committed:#x}"));
                }
                let mut bytes = vec![0; range(word).len()];
                map.read(range(word).start, &mut bytes).map_err(|error| error.to_string())?;
                if bytes == new[range(word)] {
                    Ok(())
                } else {
                    Err(format!("word {word} is committed, and not there: {bytes:x?}"))
                }
            };
            holds(machine, &trace, recover, name);
        }
    });
}

#[test]
fn a_commit_comes_after_what_every_method_stored() {
    for case in &CASES {
        for commit in COMMITS {
            // Of a long run of words each seventh: it comes to every place in a line.
            let step = if case.words().len() > 100 { 7 } else { 1 };
            let words: Vec<usize> = case.words().into_iter().step_by(step).collect();
            for (way, committing) in WAYS {
                check(&format!("{}, {way}", case.name), commit, &words, &case.file(), |map| {
                    (case.work)(map)?;
                    committing(map, commit)
                });
            }
        }
    }
}

/// Stores of a batch are durable before a word that it commits, though it has not ended.
#[test]
fn a_commit_in_a_batch_comes_after_the_stores_of_the_batch() {
    let mut new = before();
    new[64..80].fill(0xfe);
    new[PAGE - 8..PAGE + 8].fill(0xfe);
    let words = [8, 9, PAGE / WORD - 1, PAGE / WORD];
    for commit in [80, 16, 2 * PAGE] {
        check("a batch", commit, &words, &new, |map| {
            map.batch(|batch| {
                batch.write(64, &[0xfe; 16])?;
                batch.fill(PAGE - 8..PAGE + 8, 0xfe)?;
                batch.commit(commit, COMMITTED)?;
                batch.write(PAGE + 1024, &[0xfe; 8])
            })
        });
    }
}

/// A commit waits for what was flushed and not drained.
#[test]
fn a_commit_of_unflushed_stores_comes_after_them() {
    let mut new = before();
    new[24..32].fill(2);
    new[3000..3008].fill(2);
    check("unflushed", COMMITS[0], &[3, 375], &new, |map| {
        let stores = map.unflushed();
        stores.write(24, &[2; WORD])?;
        stores.fill(3000..3008, 2)?;
        stores.commit(COMMITS[0], COMMITTED)
    });
}

#[test]
fn a_commit_comes_after_what_was_flushed() {
    let mut new = before();
    new[100..150].fill(0xfe);
    let words: Vec<usize> = (100 / WORD..=149 / WORD).collect();
    for commit in [152, 16] {
        check("flush, commit", commit, &words, &new, |map| {
            map.unflushed().write(100, &[0xfe; 50])?;
            map.flush(100..150)?;
            map.commit(commit, COMMITTED)
        });
    }
}

/// Commits are durable in their order.
#[test]
fn commits_do_not_overtake_each_other() {
    let (first, second) = (64, 72);
    let mut new = before();
    new[first..second].copy_from_slice(&7_u64.to_ne_bytes());
    check("two commits", second, &[first / WORD], &new, |map| {
        map.commit(first, 7)?;
        map.commit(second, COMMITTED)
    });
}
