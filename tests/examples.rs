//! The structures of the examples: with every granularity, found again, damaged, cut off.
#![cfg(target_os = "linux")]

#[path = "examples/structures/file.rs"]
mod file;
#[path = "examples/structures/mod.rs"]
mod structures;

use std::{
    fs::File,
    os::{linux::fs::MetadataExt, unix::fs::FileExt},
};

use pmem2::{
    Error, Granularity, Handle, MapConfig, Mapping, Sharing, Source,
    map::Map,
    persist::{Cpu, Undurable},
};
use structures::{
    checksum::Checksum,
    fault::Fault,
    log::{FIRST, Log},
    ring::Ring,
    slots::Slots,
};

const LENGTH: u64 = 4096;

/// A structure that a test knows how to use.
trait Subject {
    /// Uses the structure from its beginning, and opens it anew at times.
    fn runs<H: Handle<P: Map>>(map: Mapping<H>) -> Result<Mapping<H>, Fault>;
    /// Finds what is there after that.
    fn found<H: Handle<P: Map>>(map: Mapping<H>) -> Result<(), Fault>;
}

fn file() -> File {
    let file = tempfile::tempfile_in("/dev/shm").unwrap();
    file.set_len(LENGTH).unwrap();
    file
}

fn map<'f>(file: &'f File, config: &MapConfig<'_>) -> Mapping<&'f File> {
    Source::new(file).unwrap().map(config).unwrap()
}

/// Runs it in memory of every granularity, of every sharing and of no file.
fn everywhere<S: Subject>() {
    const ANY: MapConfig<'_> = MapConfig::new(Granularity::Page);
    for granularity in [Granularity::Byte, Granularity::CacheLine, Granularity::Page] {
        let file = file();
        let forced = ANY.forced(Some(granularity));
        // A processor whose cache lines are not known to be flushed.
        if granularity == Granularity::CacheLine && Cpu::detect().is_err() {
            let refused = Error::NotDurable(Undurable::NoInstruction);
            assert_eq!(Source::new(&file).unwrap().map(&forced).map(drop), Err(refused));
            continue;
        }
        let mapped = map(&file, &forced);
        assert_eq!(mapped.granularity(), granularity);
        drop(S::runs(mapped).unwrap());
        // By another way, after the first mapping has gone.
        S::found(map(&file, &ANY.by_call())).unwrap();
        S::found(map(&file, &ANY.sharing(Sharing::Private))).unwrap();
    }
    for directory in ["/dev/shm", env!("CARGO_TARGET_TMPDIR")] {
        let file = tempfile::tempfile_in(directory).unwrap();
        file.set_len(LENGTH).unwrap();
        drop(S::runs(map(&file, &ANY)).unwrap());
        S::found(map(&file, &ANY)).unwrap();
    }
    let private = file();
    S::found(S::runs(map(&private, &ANY.sharing(Sharing::Private))).unwrap()).unwrap();
    assert_eq!(image(&private), vec![0; LENGTH as usize]);
    S::found(S::runs(Source::from_anon(LENGTH).unwrap().map(&ANY).unwrap()).unwrap()).unwrap();
}

fn image(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; file.metadata().unwrap().len().try_into().unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// Opens each image in a file, and says what it found.
fn each<T, A>(
    images: impl IntoIterator<Item = Vec<u8>>,
    mut open: impl for<'f> FnMut(Mapping<&'f File>) -> Result<T, Fault>,
    mut check: impl FnMut(usize, Result<T, Fault>) -> A,
) {
    for (index, image) in images.into_iter().enumerate() {
        let file = file();
        file.set_len(image.len() as u64).unwrap();
        file.write_all_at(&image, 0).unwrap();
        check(index, open(map(&file, &MapConfig::new(Granularity::Page))));
    }
}

/// The first bytes of `new` over the others of `old`, for each number of bytes.
fn overlaid(old: &[u8], new: &[u8], up_to: usize) -> Vec<Vec<u8>> {
    (0..=up_to).map(|count| [&new[..count], &old[count..]].concat()).collect()
}

#[test]
fn the_checksum_is_that_of_everybody() {
    let pieces = Checksum::new().and(b"1234").and(b"").and(b"56789");
    assert_eq!(pieces.value(), 0xcbf4_3926);
}

/// Opens memory that is zeros except one byte, for each place of that. It is somebody else's: a
/// structure that would store there refuses the memory, and each leaves the byte as it is.
fn one_foreign_byte<T>(
    length: usize,
    refused: impl Fn(usize) -> bool,
    open: impl for<'f> Fn(Mapping<&'f File>) -> Result<T, Fault>,
) {
    for at in 0..length {
        let file = file();
        file.write_all_at(&[9], at as u64).unwrap();
        let before = image(&file);
        let opened = open(map(&file, &MapConfig::new(Granularity::Page)));
        assert_eq!(matches!(opened, Err(Fault::Foreign)), refused(at), "byte {at}");
        assert!(opened.is_ok() || image(&file) == before, "byte {at}");
        assert_eq!(image(&file)[at], 9);
    }
}

#[test]
fn bytes_of_others_are_refused_and_stay() {
    one_foreign_byte(4096, |_| true, |map| Log::open(map).map(drop));
    one_foreign_byte(4096, |_| true, |map| Ring::open(map).map(drop));
    // Two slots of 128 bytes: nothing else is stored to.
    one_foreign_byte(512, |at| at < 256, |map| Slots::<_, 100>::open(map).map(drop));
}

/// A file that is not empty is neither made longer nor given storage: it may be somebody else's.
#[test]
fn a_file_of_others_stays_as_it_is() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("file");
    for length in [1, 100, LENGTH - 1, LENGTH + 1, 3 * LENGTH] {
        File::create(&path).unwrap().set_len(length).unwrap();
        let mapped = file::map(&path, LENGTH).unwrap();
        assert_eq!(mapped.length() as u64, length.min(LENGTH));
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.len(), metadata.st_blocks()), (length, 0));
    }
    // A new one gets both, and so does one whose creation was cut off.
    for length in [0, LENGTH] {
        File::create(&path).unwrap().set_len(length).unwrap();
        let mapped = file::map(&path, LENGTH).unwrap();
        let second = file::map(&path, LENGTH).unwrap_err().to_string();
        assert_eq!(second, format!("another program has {} open", path.display()));
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.len(), metadata.st_blocks() * 512), (LENGTH, LENGTH));
        drop(mapped);
    }
    let refused = file::map("/dev/null".as_ref(), LENGTH).unwrap_err().to_string();
    assert!(refused.starts_with("a character device"), "{refused}");
}

mod log {
    use super::*;

    struct Subject;

    /// The records of a test, of every length up to two cache lines and some.
    fn records() -> impl Iterator<Item = Vec<u8>> {
        (0..150_usize).step_by(7).map(|length| vec![b'a' + (length % 26) as u8; length])
    }

    fn all<H: Handle<P: Map>>(log: &Log<H>) -> Result<Vec<Vec<u8>>, Fault> {
        let (mut all, mut at) = (Vec::new(), FIRST);
        let mut buffer = [0; 256];
        while let Some(record) = log.read(at, &mut buffer)? {
            all.push(buffer[..record.length].to_vec());
            at = record.next;
        }
        Ok(all)
    }

    impl super::Subject for Subject {
        fn runs<H: Handle<P: Map>>(map: Mapping<H>) -> Result<Mapping<H>, Fault> {
            let mut log = Log::open(map)?;
            for (index, record) in records().enumerate() {
                assert_eq!(all(&log)?.len(), index);
                log.append(&record)?;
                log = Log::open(log.into_map())?;
            }
            let full = vec![1; LENGTH as usize - FIRST];
            assert!(matches!(log.append(&full), Err(Fault::Full)));
            Ok(log.into_map())
        }

        fn found<H: Handle<P: Map>>(map: Mapping<H>) -> Result<(), Fault> {
            let log = Log::open(map)?;
            assert_eq!(all(&log)?, records().collect::<Vec<_>>());
            Ok(())
        }
    }

    /// The images before and after the last of three appends, and the offset of its record.
    fn images() -> (Vec<u8>, Vec<u8>, usize) {
        let file = file();
        let mut log = Log::open(map(&file, &MapConfig::new(Granularity::Page))).unwrap();
        log.append(b"first").unwrap();
        log.append(&[2; 100]).unwrap();
        let old = image(&file);
        log.append(b"the third record").unwrap();
        (old, image(&file), FIRST + 16 + 112)
    }

    fn open(map: Mapping<&File>) -> Result<usize, Fault> {
        Ok(all(&Log::open(map)?)?.len())
    }

    #[test]
    fn runs_everywhere() {
        everywhere::<Subject>();
    }

    #[test]
    fn a_log_that_was_cut_off_is_damaged_until_its_end() {
        let (_, new, third) = images();
        let end = third + 24;
        let cut = (1..=end + 8).map(|length| new[..length].to_vec());
        each(cut, open, |index, found| match index + 1 {
            length if length < FIRST => assert!(matches!(found, Err(Fault::Full)), "{length}"),
            length if length < end => assert!(matches!(found, Err(Fault::Damaged(8))), "{length}"),
            length => assert_eq!(found.unwrap(), 3, "{length}"),
        });
    }

    #[test]
    fn a_record_that_did_not_arrive_is_damaged_at_its_offset() {
        let (old, new, third) = images();
        each(overlaid(&old, &new, third + 24), open, |count, found| match count {
            // The magic, and the word as it was.
            0..=8 => assert_eq!(found.unwrap(), 2),
            // The word, a store of which is never torn: its low byte is all that differs.
            9..16 => assert!(matches!(found, Err(Fault::Damaged(at)) if at == third), "{count}"),
            count if count < third + 24 => {
                assert!(matches!(found, Err(Fault::Damaged(at)) if at == third), "{count}");
            }
            _ => assert_eq!(found.unwrap(), 3),
        });
    }

    #[test]
    fn what_lies_beyond_the_end_does_not_count() {
        let (mut old, _, third) = images();
        old[third..].fill(0xff);
        each([old], open, |_, found| assert_eq!(found.unwrap(), 2));
    }

    #[test]
    fn each_bit_that_changed_is_noticed() {
        let (_, new, third) = images();
        // Not the padding of the first two, and of the third.
        let padding = [FIRST + 13..FIRST + 16, FIRST + 16 + 108..third];
        for bit in (0..8 * (third + 24)).filter(|bit| {
            let byte = bit / 8;
            !(16..FIRST).contains(&byte) && !padding.iter().any(|range| range.contains(&byte))
        }) {
            let mut changed = new.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            each([changed], open, |_, found| {
                // Some bits of the word make it the end of another record.
                let other = (8..16).contains(&(bit / 8)) && matches!(found, Ok(0..=2));
                assert!(found.is_err() || other, "bit {bit}: {found:?}");
            });
        }
    }

    #[test]
    fn something_else_is_refused() {
        let file = file();
        file.write_all_at(b"something else", 0).unwrap();
        let log = Log::open(map(&file, &MapConfig::new(Granularity::Page)));
        assert!(matches!(log, Err(Fault::Foreign)));
    }
}

mod ring {
    use super::*;

    struct Subject;

    fn record(number: usize) -> Vec<u8> {
        vec![number as u8; number * 37 % 181]
    }

    /// The numbers of the records that are left after a run.
    const LEFT: std::ops::Range<usize> = 280..300;

    impl super::Subject for Subject {
        /// Pushes and takes over many rounds, with records that go over the end at every offset.
        fn runs<H: Handle<P: Map>>(map: Mapping<H>) -> Result<Mapping<H>, Fault> {
            let mut ring = Ring::open(map)?;
            let mut buffer = [0; 181];
            for number in 0..LEFT.end {
                ring.push(&record(number))?;
                if let Some(oldest) = number.checked_sub(LEFT.len()) {
                    let length = ring.take(&mut buffer)?.unwrap();
                    assert_eq!(buffer[..length], record(oldest));
                }
                if number % 10 == 0 {
                    ring = Ring::open(ring.into_map())?;
                }
            }
            Ok(ring.into_map())
        }

        fn found<H: Handle<P: Map>>(map: Mapping<H>) -> Result<(), Fault> {
            let mut ring = Ring::open(map)?;
            let mut buffer = [0; 181];
            // They are pushed again, for who looks next.
            let bytes: Vec<Vec<u8>> = LEFT.map(record).collect();
            for expected in &bytes {
                let length = ring.take(&mut buffer)?.unwrap();
                assert_eq!(&buffer[..length], expected);
            }
            assert!(ring.take(&mut buffer)?.is_none());
            for record in &bytes {
                ring.push(record)?;
            }
            Ok(())
        }
    }

    #[test]
    fn runs_everywhere() {
        everywhere::<Subject>();
    }

    #[test]
    fn it_is_full_to_the_last_byte_and_empty_again() {
        let mut ring =
            Ring::open(Source::from_anon(192 + 64).unwrap().map(&BYTE).unwrap()).unwrap();
        for round in 0..100_u8 {
            ring.push(&[round; 17]).unwrap();
            ring.push(&[round; 24]).unwrap();
            assert!(matches!(ring.push(&[]), Err(Fault::Full)));
            assert!(matches!(ring.take(&mut [0; 16]), Err(Fault::Buffer(17))));
            assert_eq!(ring.take(&mut [0; 17]).unwrap(), Some(17));
            ring.push(&[]).unwrap();
            assert_eq!(ring.take(&mut [0; 24]).unwrap(), Some(24));
            assert_eq!(ring.take(&mut []).unwrap(), Some(0));
            assert_eq!(ring.take(&mut []).unwrap(), None);
        }
    }

    const BYTE: MapConfig<'_> = MapConfig::new(Granularity::Byte);

    fn open(map: Mapping<&File>) -> Result<usize, Fault> {
        let mut ring = Ring::open(map)?;
        let mut count = 0;
        while let Some(length) = ring.take(&mut [0; 100])? {
            assert_eq!(length, 50);
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn a_ring_that_was_cut_off_is_no_ring() {
        let file = file();
        file.set_len(1024).unwrap();
        let mut ring = Ring::open(map(&file, &MapConfig::new(Granularity::Page))).unwrap();
        ring.push(&[1; 50]).unwrap();
        ring.push(&[1; 50]).unwrap();
        let mut full = image(&file);
        each((1..1024).map(|length| full[..length].to_vec()), open, |index, found| {
            match index + 1 {
                length if length < 192 => assert!(matches!(found, Err(Fault::Full)), "{length}"),
                length => assert!(matches!(found, Err(Fault::Foreign)), "{length}"),
            }
        });
        // What lies beyond the records does not count.
        full[192 + 2 * 64..].fill(0xff);
        each([full.clone()], open, |_, found| assert_eq!(found.unwrap(), 2));
        // A length that cannot be.
        full[192] = 200;
        each([full.clone()], open, |_, found| {
            assert!(matches!(found, Err(Fault::Damaged(192))), "{found:?}");
        });
        full[64] += 1;
        each([full], open, |_, found| assert!(matches!(found, Err(Fault::Damaged(_)))));
    }
}

mod slots {
    use super::*;

    struct Subject;

    type Value = [u8; 100];

    impl super::Subject for Subject {
        fn runs<H: Handle<P: Map>>(map: Mapping<H>) -> Result<Mapping<H>, Fault> {
            let mut slots = Slots::open(map)?;
            assert_eq!(slots.get()?, None);
            for number in 1..=50 {
                let value: Value = [number; 100];
                slots.put(&value)?;
                assert_eq!(slots.get()?, Some(value));
                slots = Slots::open(slots.into_map())?;
            }
            Ok(slots.into_map())
        }

        fn found<H: Handle<P: Map>>(map: Mapping<H>) -> Result<(), Fault> {
            let value: Option<Value> = Slots::open(map)?.get()?;
            assert_eq!(value, Some([50; 100]));
            Ok(())
        }
    }

    #[test]
    fn runs_everywhere() {
        everywhere::<Subject>();
    }

    fn open(map: Mapping<&File>) -> Result<Option<Value>, Fault> {
        Slots::open(map)?.get()
    }

    /// Whatever number of bytes of an update arrived, the value is the old one or the new one.
    #[test]
    fn a_value_is_old_until_it_is_new() {
        let file = file();
        let config = MapConfig::new(Granularity::Page);
        let mut slots = Slots::open(map(&file, &config)).unwrap();
        let mut images = vec![image(&file)];
        for number in 1..=3 {
            slots.put(&[number; 100]).unwrap();
            images.push(image(&file));
        }
        for (number, pair) in images.windows(2).enumerate() {
            let old = Some(number as u8).filter(|&number| number > 0).map(|number| [number; 100]);
            let new = [number as u8 + 1; 100];
            let mut seen = [0; 2];
            each(overlaid(&pair[0], &pair[1], 256), open, |_, found| {
                let found = found.unwrap();
                assert!(found == old || found == Some(new), "{found:?}");
                seen[usize::from(found == Some(new))] += 1;
            });
            assert!(seen[0] > 100 && seen[1] > 10, "{seen:?}");
        }
        each([images[3][..255].to_vec()], open, |_, found| {
            assert!(matches!(found, Err(Fault::Full)));
        });
    }
}
