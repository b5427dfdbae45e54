//! Each method that stores: durable when it has returned, and before that old or new.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

use pmem2::Error;
use pmem2_crash::{Disk, LINE, PAGE, Run, Trace, WORD};

use crate::{Map, SIZE, before, everywhere, holds, map, read};

/// A method as a program calls it, and what the file has then.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) work: fn(&Map<'_>) -> Result<(), Error>,
    pub(crate) after: fn(&mut [u8]),
}

macro_rules! cases {
    ($($name:literal: $work:expr, $after:expr;)*) => {
        [$(Case { name: $name, work: $work, after: $after }),*]
    };
}

/// An even byte is never in [`before`].
const NEW: u8 = 0xfe;
const WORD_OF_NEW: u64 = u64::from_ne_bytes([NEW; WORD]);

pub(crate) const CASES: [Case; 35] = cases! {
    "write of a word": |map| map.write(64, &[NEW; 8]), |file| file[64..72].fill(NEW);
    "write across a line": |map| map.write(59, &[NEW; 10]), |file| file[59..69].fill(NEW);
    "write of a byte": |map| map.write(127, &[NEW]), |file| file[127] = NEW;
    "write of three lines": |map| map.write(100, &[NEW; 150]), |file| file[100..250].fill(NEW);
    "write to another page": |map| map.write(PAGE - 20, &[NEW; 21]),
        |file| file[PAGE - 20..PAGE + 1].fill(NEW);
    "write of a page": |map| map.write(PAGE - 8, &[NEW; PAGE + 16]),
        |file| file[PAGE - 8..2 * PAGE + 8].fill(NEW);
    "write to the end": |map| map.write(SIZE - 10, &[NEW; 10]), |file| file[SIZE - 10..].fill(NEW);
    "fill": |map| map.fill(100..=130, NEW), |file| file[100..131].fill(NEW);
    "move_within, forward": |map| map.move_within(64..104, 80),
        |file| file.copy_within(64..104, 80);
    "move_within, backward": |map| map.move_within(128..170, 112),
        |file| file.copy_within(128..170, 112);
    "put of a u32": |map| map.put(68, &u32::from_ne_bytes([NEW; 4])), |file| file[68..72].fill(NEW);
    "put of an array": |map| map.put(123, &[[NEW; 3]; 4]), |file| file[123..135].fill(NEW);
    "put_as of zerocopy": |map| map.put_as(60, &[NEW; 10]), |file| file[60..70].fill(NEW);
    "Word::store": |map| map.word(72)?.store(WORD_OF_NEW), |file| file[72..80].fill(NEW);
    "Word::commit": |map| map.word(72)?.commit(WORD_OF_NEW), |file| file[72..80].fill(NEW);
    "commit": |map| map.commit(PAGE, WORD_OF_NEW), |file| file[PAGE..PAGE + 8].fill(NEW);
    "unflushed, flush, drain": |map| {
        map.unflushed().write(100, &[NEW; 50])?;
        map.flush(100..150)?;
        map.drain();
        Ok(())
    }, |file| file[100..150].fill(NEW);
    "unflushed, persist": |map| {
        map.unflushed().fill(PAGE - 3..PAGE + 3, NEW)?;
        map.persist(PAGE - 3..PAGE + 3)
    }, |file| file[PAGE - 3..PAGE + 3].fill(NEW);
    "unflushed, sync": |map| {
        map.unflushed().put(PAGE, &[NEW; 16])?;
        map.sync(..PAGE + 16)
    }, |file| file[PAGE..PAGE + 16].fill(NEW);
    "unflushed, deep_flush": |map| {
        map.unflushed().move_within(0..32, 64)?;
        map.unflushed().write(2 * PAGE, &[NEW; 16])?;
        map.deep_flush(..)
    }, |file| {
        file.copy_within(0..32, 64);
        file[2 * PAGE..2 * PAGE + 16].fill(NEW);
    };
    "view, persist": |map| {
        map.view::<AtomicU64>(72)?.store(WORD_OF_NEW, Ordering::Release);
        map.persist(72..80)
    }, |file| file[72..80].fill(NEW);
    "batch": |map| map.batch(|batch| {
        batch.write(100, &[NEW; 50])?;
        batch.fill(300..310, NEW)?;
        batch.move_within(0..16, 400)?;
        batch.put(513, &[NEW; 8])?;
        batch.write(2 * PAGE + 90, &[NEW; 10])
    }), |file| {
        file[100..150].fill(NEW);
        file[300..310].fill(NEW);
        file.copy_within(0..16, 400);
        file[513..521].fill(NEW);
        file[2 * PAGE + 90..].fill(NEW);
    };
    "batch of words": |map| map.batch(|batch| {
        batch.store(64, WORD_OF_NEW)?;
        batch.put_as(PAGE, &NEW)?;
        batch.store(LINE + 8, WORD_OF_NEW)
    }), |file| {
        file[64..80].fill(NEW);
        file[PAGE] = NEW;
    };
    "batch, downwards": |map| map.batch(|batch| {
        batch.write(2 * PAGE + 8, &[NEW; 8])?;
        batch.write(PAGE + 8, &[NEW; 8])?;
        batch.write(64, &[NEW; 8])
    }), |file| {
        file[2 * PAGE + 8..2 * PAGE + 16].fill(NEW);
        file[PAGE + 8..PAGE + 16].fill(NEW);
        file[64..72].fill(NEW);
    };
    "batch of nothing, then write": |map| {
        map.batch(|_| Ok::<_, Error>(()))?;
        map.write(64, &[NEW; 8])
    }, |file| file[64..72].fill(NEW);
    "batch that fails": |map| {
        let failed = map.batch(|batch| {
            batch.write(PAGE - 10, &[NEW; 20])?;
            batch.write(SIZE, &[NEW])
        });
        assert!(matches!(failed, Err(Error::MapRange { .. })), "{failed:?}");
        Ok(())
    }, |file| file[PAGE - 10..PAGE + 10].fill(NEW);
    "batch that unwinds": |map| {
        let unwound = catch_unwind(AssertUnwindSafe(|| map.batch(|batch| {
            batch.write(PAGE - 10, &[NEW; 20])?;
            batch.fill(200..208, NEW)?;
            std::panic::resume_unwind(Box::new("a panic of the program"));
            #[expect(unreachable_code, reason = "the type of the closure")]
            Ok::<_, Error>(())
        })));
        assert!(unwound.is_err());
        Ok(())
    }, |file| {
        file[PAGE - 10..PAGE + 10].fill(NEW);
        file[200..208].fill(NEW);
    };
    "batch with a commit": |map| map.batch(|batch| {
        batch.write(100, &[NEW; 50])?;
        batch.commit(PAGE, WORD_OF_NEW)?;
        batch.write(300, &[NEW; 8])
    }), |file| {
        file[100..150].fill(NEW);
        file[PAGE..PAGE + 8].fill(NEW);
        file[300..308].fill(NEW);
    };
    "batch of stores past it": |map| map.batch(|batch| {
        map.unflushed().write(100, &[NEW; 50])?;
        batch.flush(100..150)
    }), |file| file[100..150].fill(NEW);
    "populate, write": |map| {
        map.populate(.., true)?;
        map.write(64, &[NEW; 8])?;
        map.populate(.., false)
    }, |file| file[64..72].fill(NEW);
    "part": |map| map.part(60..140)?.write(1, &[NEW; 70]), |file| file[61..131].fill(NEW);
    "commit of a part": |map| map.part(64..)?.commit(0, WORD_OF_NEW), |file| file[64..72].fill(NEW);
    "batch of a part": |map| map.part(PAGE..)?.batch(|batch| batch.write(8, &[NEW; 8])),
        |file| file[PAGE + 8..PAGE + 16].fill(NEW);
    "split_at": |map| {
        let (first, second) = map.split_at(PAGE)?;
        first.write(PAGE - 8, &[NEW; 8])?;
        second.write(0, &[NEW; 8])
    }, |file| file[PAGE - 8..PAGE + 8].fill(NEW);
    "sync of all, after others' stores": |map| {
        let line = map.view::<[AtomicU64; 8]>(LINE)?;
        line.iter().for_each(|word| word.store(WORD_OF_NEW, Ordering::Relaxed));
        map.sync(..)
    }, |file| file[LINE..2 * LINE].fill(NEW);
};

impl Case {
    /// Returns what the file has then.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut file = before();
        (self.after)(&mut file);
        file
    }

    /// Returns the words that change.
    pub(crate) fn words(&self) -> Vec<usize> {
        let (old, new) = (before(), self.file());
        let changed = old.chunks(WORD).zip(new.chunks(WORD)).map(|(old, new)| old != new);
        changed.enumerate().filter_map(|(word, changed)| changed.then_some(word)).collect()
    }
}

/// Returns the bytes of a word that the file has.
pub(crate) fn range(word: usize) -> std::ops::Range<usize> {
    word * WORD..(word * WORD + WORD).min(SIZE)
}

/// Runs a case, and promises that it is done.
fn run(case: &Case, granularity: pmem2::Granularity) -> Trace<()> {
    Run::new(before(), granularity).record(|disk, promises| {
        let map = map(disk, granularity).expect("a mapping");
        (case.work)(&map).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        promises.tell(());
        let mut file = vec![0; SIZE];
        map.read(0, &mut file).expect("a file");
        assert!(file == case.file(), "{}: the bytes are others", case.name);
    })
}

#[test]
fn every_method_is_durable_on_return() {
    for case in &CASES {
        let (old, new, words) = (before(), case.file(), case.words());
        everywhere(|granularity, machine| {
            let trace = run(case, granularity);
            for &word in &words {
                let range = range(word);
                let recover = |disk: Disk<'_>, promised: &[()]| {
                    let mut bytes = [0; WORD];
                    let bytes = &mut bytes[..range.len()];
                    read(disk, granularity, range.start, bytes);
                    let (old, new) = (&old[range.clone()], &new[range.clone()]);
                    let whole = old.iter().zip(new).all(|(old, new)| old != new);
                    let torn = || {
                        bytes.iter().zip(old.iter().zip(new)).all(|(b, (o, n))| b == o || b == n)
                    };
                    match promised {
                        [] if bytes == old || bytes == new || !whole && torn() => Ok(()),
                        [] => Err(format!("word {word} is neither old nor new: {bytes:x?}")),
                        _ if bytes == new => Ok(()),
                        _ => Err(format!("word {word} is lost: {bytes:x?}")),
                    }
                };
                holds(machine, &trace, recover, case.name);
            }
        });
    }
}

/// Bytes that a method was not asked to change are as they were, in every image.
#[test]
fn no_method_changes_other_words() {
    for case in &CASES {
        let (old, words) = (before(), case.words());
        everywhere(|granularity, machine| {
            let recover = |disk: Disk<'_>, _: &[()]| {
                let map = map(disk, granularity).map_err(|error| error.to_string())?;
                let mut word = [0; WORD];
                for other in (0..SIZE.div_ceil(WORD)).filter(|word| !words.contains(word)) {
                    let range = range(other);
                    let word = &mut word[..range.len()];
                    map.read(range.start, word).map_err(|error| error.to_string())?;
                    if word != &old[range] {
                        return Err(format!("word {other} has changed: {word:x?}"));
                    }
                }
                Ok(())
            };
            holds(machine, &run(case, granularity), recover, case.name);
        });
    }
}
