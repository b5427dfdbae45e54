//! A flush or a fence that is missing, or that is of something else.

use pmem2_crash::{LINE, Machine};

use crate::{Bug, load, put, set};

pub(crate) const BUGS: &[Bug] = &[
    LIST_SIZEOF,
    FASTFAIR_REMOVE,
    CLHT_FLUSH_OF_COPY,
    CLHT_RESIZE_OVERFLOW,
    MEMCACHED_CAS,
    ULOG_NO_DRAIN,
    ULOG_NO_DRAIN_IN_RECOVERY,
    COPY_HEAD_FLUSH,
    STREAM_NO_FENCE,
    REPLICA_NO_FENCE,
];

/// A linked list: the head at 0, and nodes of a value and the next one, each across two lines.
const LIST_SIZEOF: Bug = Bug {
    name: "list-sizeof",
    reference: "PMDK e164e98fc, the same in 9075946e0",
    kind: "flush of the wrong length",
    work: |disk, tell, way| {
        let map = disk.map()?;
        for value in 1..=way.times {
            let (node, head) = (LINE * value + 56, load(&map, 0)?);
            set(&map, node, value)?;
            set(&map, node + 8, head)?;
            map.persist(node..node + if way.right { 16 } else { size_of::<u64>() })?;
            put(&map, 0, node)?;
            tell.tell(value);
        }
        Ok(())
    },
    check: |disk, told, _| {
        let map = disk.map()?;
        let mut node = load(&map, 0)?;
        let mut value = if node == 0 { 0 } else { load(&map, node)? };
        assert!(value >= told.len(), "{value} is the first one, {} were told", told.len());
        while node != 0 {
            assert_eq!(load(&map, node)?, value, "a wrong node");
            (node, value) = (load(&map, node + 8)?, value - 1);
        }
        assert_eq!(value, 0, "older nodes are lost");
        Ok(())
    },
    times: 2,
    found: 7,
    on_eadr: false,
    ..Bug::NEW
};

/// Entry of a sorted array after a header of 32 bytes: a key, and a pointer that is 10 times it.
const fn entry(index: usize) -> usize {
    LINE + 32 + 16 * index
}

/// Entries move to the left one by one. Readers go on to an entry that has both.
const FASTFAIR_REMOVE: Bug = Bug {
    name: "fastfair-remove",
    reference: "FAST_FAIR, W 3",
    kind: "flush at the wrong end of a shift",
    setup: |map| {
        for index in 0..6 {
            put(map, entry(index), index + 1)?;
            put(map, entry(index) + 8, 10 * (index + 1))?;
        }
        Ok(())
    },
    work: |disk, tell, way| {
        let map = disk.map()?;
        for to in (0..6).map(entry) {
            set(&map, to, load(&map, to + 16)?)?;
            set(&map, to + 8, load(&map, to + 24)?)?;
            let flushes = if way.right { to + 16 } else { to };
            if flushes.is_multiple_of(LINE) {
                map.persist(to..to + 16)?;
            }
        }
        if way.right {
            map.persist(entry(5)..entry(6))?;
        }
        tell.tell(1);
        Ok(())
    },
    check: |disk, told, _| {
        let map = disk.map()?;
        let mut found = [false; 7];
        for at in (0..6).map(entry) {
            let key = load(&map, at)?;
            found[key] |= load(&map, at + 8)? == 10 * key;
        }
        assert!(found[2..].iter().all(|&found| found), "a key that nobody removed is lost");
        assert!(told.is_empty() || !found[1], "a removed key is there");
        Ok(())
    },
    // Measured: 3 where the keys alone are read.
    found: 4,
    still_fails_on: &[Machine::Arm, Machine::Torn, Machine::PageCache],
    on_eadr: false,
    ..Bug::NEW
};

/// A chain of buckets, each with a key, a value and the next one; the first at 64. The copy of the
/// link is at 16384: a range of the mapping, as Rust flushes no variable.
pub(crate) const CLHT_FLUSH_OF_COPY: Bug = Bug {
    name: "clht-flush-of-copy",
    reference: "P-CLHT, RECIPE 53923cf, W 31-35; P-HOT, W 38",
    kind: "flush of a copy of the field",
    work: |disk, tell, way| {
        let map = disk.map()?;
        for key in 1..=way.times {
            let (last, new) = (LINE * key, LINE * (key + 1));
            set(&map, new, key)?;
            set(&map, new + 8, 10 * key)?;
            map.persist(new..new + LINE)?;
            set(&map, last + 16, new)?;
            let field = if way.right { last + 16 } else { 16384 };
            map.persist(field..field + 8)?;
            tell.tell(key);
        }
        Ok(())
    },
    check: |disk, told, _| {
        let map = disk.map()?;
        let (mut bucket, mut keys) = (load(&map, LINE + 16)?, 0);
        while bucket != 0 {
            keys += 1;
            assert_eq!(load(&map, bucket)?, keys, "a wrong key");
            assert_eq!(load(&map, bucket + 8)?, 10 * keys, "a wrong value");
            bucket = load(&map, bucket + 16)?;
        }
        assert!(keys >= told.len(), "a key that was told is lost");
        Ok(())
    },
    found: 7,
    on_eadr: false,
    ..Bug::NEW
};

/// Tables of chained buckets, one line each: a key and the overflow bucket. The root is at 0.
pub(crate) const CLHT_RESIZE_OVERFLOW: Bug = Bug {
    name: "clht-resize-overflow",
    reference: "P-CLHT, W 30, fixed in RECIPE 950ae0e",
    kind: "the flush loop looks at its first element's link each time",
    work: |disk, _, way| {
        let map = disk.map()?;
        let (table, overflow) = (LINE, LINE * (1 + way.times));
        for at in (0..way.times).map(|bucket| LINE * bucket) {
            set(&map, table + at, 1)?;
            set(&map, table + at + 8, overflow + at)?;
            set(&map, overflow + at, 2)?;
        }
        for bucket in (0..way.times).map(|bucket| table + LINE * bucket) {
            map.flush(bucket..bucket + LINE)?;
            let next = load(&map, if way.right { bucket } else { table } + 8)?;
            map.flush(next..next + LINE)?;
        }
        map.drain();
        put(&map, 0, table)?;
        Ok(())
    },
    check: |disk, _, way| {
        let map = disk.map()?;
        let table = load(&map, 0)?;
        if table != 0 {
            for bucket in (0..way.times).map(|bucket| table + LINE * bucket) {
                assert_eq!(load(&map, bucket)?, 1, "a key is lost by a resize");
                let next = load(&map, bucket + 8)?;
                assert_eq!(load(&map, next)?, 2, "a key of an overflow bucket is lost");
            }
        }
        Ok(())
    },
    times: 2,
    found: 3,
    on_eadr: false,
    ..Bug::NEW
};

/// Items of a cache, each with its flags, time and number for compare-and-swap, and its data.
pub(crate) const MEMCACHED_CAS: Bug = Bug {
    name: "memcached-cas",
    reference: "memcached-pmem #4, W 47",
    kind: "field set after the item was linked, and not flushed",
    work: |disk, tell, way| {
        let map = disk.map()?;
        for item in 1..=way.times {
            let at = 2 * LINE * item;
            set(&map, at + LINE, 10 * item)?;
            map.persist(at + LINE..at + 2 * LINE)?;
            if !way.is_right(item) {
                put(&map, at, 1)?;
            }
            put(&map, at + 8, 1_000)?;
            set(&map, at + 16, item)?;
            if way.is_right(item) {
                map.persist(at + 8..at + 24)?;
                put(&map, at, 1)?;
            }
            tell.tell(item);
            // It is read: a time that may be lost.
            set(&map, at + 8, 1_000 + item)?;
        }
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        for item in 1..=way.times {
            let at = 2 * LINE * item;
            let linked = load(&map, at)? == 1;
            assert!(linked || told.len() < item, "an item that was told is lost");
            if linked {
                assert_eq!(load(&map, at + LINE)?, 10 * item, "wrong data");
                assert!(load(&map, at + 8)? >= 1_000, "an item without a time");
                assert_eq!(load(&map, at + 16)?, item, "an item without a number");
            }
        }
        Ok(())
    },
    found: 2,
    ..Bug::NEW
};

/// A redo log: the number of its entries at 0, entries of an offset and a word after it.
fn apply(map: &crate::Map<'_>, right: bool) -> Result<(), pmem2::Error> {
    for entry in (0..load(map, 0)?).map(|entry| LINE + 16 * entry) {
        let to = load(map, entry)?;
        set(map, to, load(map, entry + 8)?)?;
        map.flush(to..to + 8)?;
    }
    if right {
        map.drain();
    }
    put(map, 0, 0)
}

/// A transaction that changes so many words, each in a line of its own.
fn transaction(map: &crate::Map<'_>, words: usize, right: bool) -> Result<(), pmem2::Error> {
    for word in 0..words {
        set(map, LINE + 16 * word, 4096 + LINE * word)?;
        set(map, LINE + 16 * word + 8, 1)?;
    }
    map.persist(LINE..LINE + 16 * words)?;
    put(map, 0, words)?;
    apply(map, right)
}

fn all_or_nothing(map: &crate::Map<'_>, words: usize, told: bool) -> crate::Done {
    let first = load(map, 4096)?;
    assert!(first == 1 || !told, "a transaction that was told is lost");
    for word in 1..words {
        assert_eq!(load(map, 4096 + LINE * word)?, first, "half a transaction");
    }
    Ok(())
}

pub(crate) const ULOG_NO_DRAIN: Bug = Bug {
    name: "ulog-no-drain",
    reference: "libpmemobj dd5001272, fixed in 1.9.1",
    kind: "no fence between applying a log and invalidating it",
    work: |disk, tell, way| {
        transaction(&disk.map()?, way.times, way.right)?;
        tell.tell(1);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        if load(&map, 0)? != 0 {
            apply(&map, true)?;
        }
        disk.recovered();
        all_or_nothing(&map, way.times, !told.is_empty())
    },
    times: 2,
    found: 6,
    on_eadr: false,
    ..Bug::NEW
};

const ULOG_NO_DRAIN_IN_RECOVERY: Bug = Bug {
    name: "ulog-no-drain, in the recovery",
    work: |disk, tell, way| {
        transaction(&disk.map()?, way.times, true)?;
        tell.tell(1);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        if load(&map, 0)? != 0 {
            apply(&map, way.right)?;
        }
        disk.recovered();
        all_or_nothing(&map, way.times, !told.is_empty())
    },
    // Measured: all single cuts come first.
    found: 12,
    within: true,
    ..ULOG_NO_DRAIN
};

/// A copy to bytes 104..256, of which the first 24 are stored and the rest is streamed. The word
/// at 0 commits it.
const COPY_HEAD_FLUSH: Bug = Bug {
    name: "copy-head-flush",
    reference: "libpmem 05130a5f5 (pmem/issues#46); kin in PMFS, WineFS, NOVA",
    kind: "flush from the pointer that was advanced",
    work: |disk, _, way| {
        let map = disk.map()?;
        map.unflushed().write(104, &[7; 24])?;
        let flushed = if way.right { 104 } else { 104 + 24 };
        map.flush(flushed..flushed + 24)?;
        map.unflushed().write(128, &[7; 128])?;
        map.flush(128..256)?;
        map.drain();
        put(&map, 0, 1)?;
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        if load(&map, 0)? == 1 {
            assert_eq!(map.get::<[u8; 24]>(104)?, [7; 24], "committed, and its head is not there");
            assert_eq!(map.get::<[u8; 128]>(128)?, [7; 128], "committed, and not there");
        }
        Ok(())
    },
    found: 3,
    on_eadr: false,
    streams: true,
    ..Bug::NEW
};

/// A streamed copy, and its commit word at 0.
const STREAM_NO_FENCE: Bug = Bug {
    name: "stream-no-fence",
    reference: "libpmem fba96d829",
    kind: "no fence after a streaming copy",
    work: |disk, _, way| {
        let map = disk.map()?;
        map.unflushed().write(LINE, &[7; LINE])?;
        if way.right {
            map.drain();
        }
        put(&map, 0, 1)?;
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        if load(&map, 0)? == 1 {
            assert_eq!(map.get::<[u8; LINE]>(LINE)?, [7; LINE], "committed, and not there");
        }
        Ok(())
    },
    found: 2,
    // It asks for no sync.
    still_fails_on: &[Machine::PageCache],
    streams: true,
    ..Bug::NEW
};

/// A number at 56 and its sum at 120, and a streamed copy of both at 4096.
const REPLICA_NO_FENCE: Bug = Bug {
    name: "replica-no-fence",
    reference: "NOVA-Fortis, linux-nova #118; kin: #120",
    kind: "the copy is told and not fenced",
    setup: |map| {
        map.write(4096, &copy(0))?;
        Ok(map.write(56, &copy(0))?)
    },
    work: |disk, tell, way| {
        let map = disk.map()?;
        for number in 1..=way.times {
            set(&map, 56, number)?;
            set(&map, 120, sum(number))?;
            map.persist(56..128)?;
            map.unflushed().write(4096, &copy(number))?;
            if way.right {
                map.persist(4096..4096 + 72)?;
            }
            tell.tell(number);
        }
        Ok(())
    },
    check: |disk, told, _| {
        let map = disk.map()?;
        let mut number = load(&map, 56)?;
        if load(&map, 120)? != sum(number) {
            number = load(&map, 4096)?;
            assert_eq!(load(&map, 4096 + 64)?, sum(number), "neither is whole");
        }
        assert!(number >= told.len(), "repaired to before an update that was told");
        Ok(())
    },
    times: 2,
    found: 8,
    streams: true,
    ..Bug::NEW
};

const fn sum(number: usize) -> usize {
    number * 31 + 5
}

fn copy(number: usize) -> [u8; 72] {
    let mut bytes = [0; 72];
    bytes[..8].copy_from_slice(&(number as u64).to_ne_bytes());
    bytes[64..].copy_from_slice(&(sum(number) as u64).to_ne_bytes());
    bytes
}
