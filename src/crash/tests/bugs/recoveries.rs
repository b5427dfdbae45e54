//! Recoveries, and programs that go on after them: states that readers take and writers do not,
//! logs that are replayed over too much, recoveries that never return.

use pmem2_crash::{LINE, Machine};

use crate::{Bug, Done, Map, load, load_byte, put, set, set_byte};

pub(crate) const BUGS: &[Bug] = &[
    LEVEL_MOVE_DUP,
    FASTFAIR_DELETE,
    CCEH_SPLIT,
    LOCK_PERSISTED,
    UNDO_STALE_ENTRIES,
    QUEUE_DIRTY,
    TORN_HEADER_REFUSED,
    WRONG_LIST,
    TX_NO_SNAPSHOT,
    TAIL_WITHOUT_HEAD,
    REPLAY_OVER_NEWER,
];

/// Two buckets, each a slot of a key and a value; their tokens are bytes of the word at 0.
const LEVEL_MOVE_DUP: Bug = Bug {
    name: "level-move-dup",
    reference: "Level Hashing, W 19-21; libpmemobj-cpp 88a078cb",
    kind: "a move that adds, and then removes",
    setup: |map| {
        put(map, LINE, 7)?;
        Ok(put(map, 0, 0x01)?)
    },
    work: |disk, _, _| {
        let map = disk.map()?;
        put(&map, 2 * LINE, 7)?;
        set_byte(&map, 1, 1)?;
        map.persist(1..2)?;
        set_byte(&map, 0, 0)?;
        map.persist(0..1)?;
        Ok(())
    },
    check: |disk, _, way| {
        let map = disk.map()?;
        let has = |bucket: usize| -> Result<bool, pmem2::Error> {
            Ok(load_byte(&map, bucket)? == 1 && load(&map, LINE * (1 + bucket))? == 7)
        };
        if way.right && has(0)? && has(1)? {
            set_byte(&map, 1, 0)?;
            map.persist(1..2)?;
        }
        disk.recovered();
        let bucket = if has(0)? { 0 } else { 1 };
        assert!(has(bucket)?, "the key is lost");
        set_byte(&map, bucket, 0)?;
        map.persist(bucket..bucket + 1)?;
        assert!(!has(0)? && !has(1)?, "a key that was removed is there");
        Ok(())
    },
    found: 2,
    ..Bug::NEW
};

/// Entry of a sorted array in the line at 64: a key, and a pointer that is 10 times it. It is a
/// shadow where it points where its left neighbour does, and the last one where it points nowhere.
const fn entry(index: usize) -> usize {
    LINE + 16 * index
}

fn pointer(map: &Map<'_>, index: usize) -> Result<usize, pmem2::Error> {
    load(map, entry(index) + 8)
}

fn shadow(map: &Map<'_>, index: usize) -> Result<bool, pmem2::Error> {
    Ok(index > 0 && pointer(map, index)? == pointer(map, index - 1)?)
}

fn find(map: &Map<'_>, key: usize) -> Result<Option<usize>, pmem2::Error> {
    for index in 0..3 {
        let pointer = pointer(map, index)?;
        if pointer != 0 && load(map, entry(index))? == key && !shadow(map, index)? {
            return Ok(Some(pointer));
        }
    }
    Ok(None)
}

fn take_out(map: &Map<'_>, index: usize) -> Result<(), pmem2::Error> {
    for to in (index..3).map(entry) {
        set(map, to, load(map, to + 16)?)?;
        set(map, to + 8, load(map, to + 24)?)?;
    }
    map.persist(LINE..2 * LINE)
}

fn remove(map: &Map<'_>, key: usize) -> Result<(), pmem2::Error> {
    for index in 0..3 {
        if pointer(map, index)? != 0 && load(map, entry(index))? == key {
            return take_out(map, index);
        }
    }
    Ok(())
}

const FASTFAIR_DELETE: Bug = Bug {
    name: "fastfair-delete-after-cut",
    reference: "FAST_FAIR, W 4",
    kind: "readers take the half state, writers do not",
    setup: |map| {
        for (index, key) in [1, 3].into_iter().enumerate() {
            put(map, entry(index), key)?;
            put(map, entry(index) + 8, 10 * key)?;
        }
        Ok(())
    },
    work: |disk, tell, _| {
        let map = disk.map()?;
        set(&map, entry(2) + 8, 30)?;
        set(&map, entry(2), 3)?;
        map.persist(entry(2)..entry(3))?;
        set(&map, entry(1) + 8, 10)?;
        set(&map, entry(1), 2)?;
        set(&map, entry(1) + 8, 20)?;
        map.persist(entry(1)..entry(2))?;
        tell.tell(2);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        if way.right {
            for index in (1..3).rev() {
                if pointer(&map, index)? != 0 && shadow(&map, index)? {
                    take_out(&map, index)?;
                }
            }
        }
        disk.recovered();
        assert_eq!((find(&map, 1)?, find(&map, 3)?), (Some(10), Some(30)), "a key is lost");
        assert!(told.is_empty() || find(&map, 2)? == Some(20), "a key that was told is lost");
        remove(&map, 3)?;
        assert_eq!(find(&map, 3)?, None, "a key that was removed is there");
        Ok(())
    },
    found: 1,
    still_fails_on: &[Machine::Arm, Machine::Torn, Machine::PageCache],
    ..Bug::NEW
};

/// The directory's pointer at 0; directories of a depth and segments; segments of a depth and a
/// pattern, which a key's last bits have to be.
fn insert(map: &Map<'_>, key: usize) -> Result<usize, pmem2::Error> {
    loop {
        let directory = load(map, 0)?;
        let index = key % (1 << load(map, directory)?);
        let segment = load(map, directory + 8 + 8 * index)?;
        if key % (1 << load(map, segment)?) == load(map, segment + 8)? {
            return Ok(segment);
        }
    }
}

const CCEH_SPLIT: Bug = Bug {
    name: "cceh-split",
    reference: "CCEH, W 24",
    kind: "split in place before the directory has it",
    setup: |map| {
        put(map, LINE + 8, 512)?;
        Ok(put(map, 0, LINE)?)
    },
    work: |disk, _, way| {
        let map = disk.map()?;
        let [even, odd] = [if way.right { 640 } else { 512 }, 576];
        set(&map, odd, 1)?;
        set(&map, odd + 8, 1)?;
        map.persist(odd..odd + 16)?;
        put(&map, even, 1)?;
        put(&map, even + 8, 0)?;
        let directory = 2 * LINE;
        set(&map, directory, 1)?;
        set(&map, directory + 8, even)?;
        set(&map, directory + 16, odd)?;
        map.persist(directory..directory + 24)?;
        put(&map, 0, directory)?;
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        disk.recovered();
        insert(&map, 2)?;
        insert(&map, 1)?;
        Ok(())
    },
    found: 2,
    ..Bug::NEW
};

/// Buckets of a line, each with a lock, a key and a value.
pub(crate) const LOCK_PERSISTED: Bug = Bug {
    name: "lock-persisted",
    reference: "P-CLHT, RECIPE #19 (PMRace); kin: CCEH, W 25",
    kind: "a lock becomes durable",
    work: |disk, tell, way| {
        let map = disk.map()?;
        for bucket in 1..=way.times {
            store_locked(&map, LINE * bucket, bucket)?;
            tell.tell(bucket);
            set(&map, LINE * bucket, 0)?;
        }
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        if way.right {
            for bucket in 1..=way.times {
                set(&map, LINE * bucket, 0)?;
            }
            map.persist(LINE..LINE * (1 + way.times))?;
        }
        disk.recovered();
        for bucket in 1..=way.times {
            let told = bucket <= told.len();
            assert!(!told || load(&map, LINE * bucket + 8)? == bucket, "a key is lost");
            store_locked(&map, LINE * bucket, bucket)?;
            set(&map, LINE * bucket, 0)?;
        }
        Ok(())
    },
    found: 1,
    ..Bug::NEW
};

/// Waits for the lock of a bucket, and leaves it locked.
fn store_locked(map: &Map<'_>, bucket: usize, key: usize) -> Result<(), pmem2::Error> {
    while load(map, bucket)? != 0 {}
    set(map, bucket, 1)?;
    set(map, bucket + 16, 10 * key)?;
    set(map, bucket + 8, key)?;
    map.persist(bucket..bucket + LINE)
}

/// An undo log: the number of its entries at 0 where that is right, entries of an offset and the
/// old word from 64 on; without a number, up to one of zero.
fn change(map: &Map<'_>, words: &[usize], value: usize, counts: bool) -> Result<(), pmem2::Error> {
    for (entry, &word) in words.iter().enumerate() {
        set(map, LINE + 16 * entry + 8, load(map, word)?)?;
        set(map, LINE + 16 * entry, word)?;
    }
    map.persist(LINE..LINE + 16 * words.len())?;
    if counts {
        put(map, 0, words.len())?;
    }
    for &word in words {
        set(map, word, value)?;
        map.flush(word..word + 8)?;
    }
    map.drain();
    put(map, if counts { 0 } else { LINE }, 0)
}

fn undo(map: &Map<'_>, counts: bool) -> Result<(), pmem2::Error> {
    let (count, mut entry) = (load(map, 0)?, 0);
    loop {
        let at = LINE + 16 * entry;
        if counts && entry == count || !counts && load(map, at)? == 0 {
            break;
        }
        let word = load(map, at)?;
        set(map, word, load(map, at + 8)?)?;
        map.flush(word..word + 8)?;
        entry += 1;
    }
    map.drain();
    put(map, if counts { 0 } else { LINE }, 0)
}

pub(crate) const UNDO_STALE_ENTRIES: Bug = Bug {
    name: "undo-stale-entries",
    reference: "libpmemobj 6b8d3ee33 (PR 708)",
    kind: "old entries of a log after its new ones",
    work: |disk, tell, way| {
        let map = disk.map()?;
        let words: Vec<usize> = (0..way.times + 1).map(|word| 4096 + LINE * word).collect();
        change(&map, &words, 1, way.right)?;
        tell.tell(1);
        change(&map, &words[..1], 2, way.right)?;
        tell.tell(2);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        undo(&map, way.right)?;
        disk.recovered();
        let first = load(&map, 4096)?;
        assert!(first >= told.len(), "a transaction that was told is undone");
        for word in 1..way.times + 1 {
            let word = load(&map, 4096 + LINE * word)?;
            assert_eq!(word, first.min(1), "a word of a committed transaction is undone");
        }
        Ok(())
    },
    times: 2,
    found: 15,
    ..Bug::NEW
};

/// The mark of a record in a queue that is not whole yet. Others are only the number of lines.
const DIRTY: usize = 0x100;

/// Returns the first line after all records, and their number.
fn records(map: &Map<'_>) -> Result<(usize, usize), pmem2::Error> {
    let (mut at, mut number) = (512, 0);
    loop {
        match load(map, at)? {
            0 => return Ok((at, number)),
            lines => at += LINE * lines,
        }
        number += 1;
    }
}

const QUEUE_DIRTY: Bug = Bug {
    name: "queue-dirty-not-cleared",
    reference: "libpmemobj-cpp 322aeddc",
    kind: "old bytes after a record that was dropped",
    work: |disk, tell, _| {
        let map = disk.map()?;
        put(&map, 512, DIRTY | 3)?;
        set(&map, 512 + LINE, 1)?;
        set(&map, 512 + 2 * LINE, 1)?;
        map.persist(512..512 + 3 * LINE)?;
        put(&map, 512, 3)?;
        tell.tell(1);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        let first = load(&map, 512)?;
        if first & DIRTY != 0 {
            let lines = if way.right { first & !DIRTY } else { 1 };
            for line in (1..lines).map(|line| 512 + LINE * line) {
                put(&map, line, 0)?;
            }
            put(&map, 512, 0)?;
        }
        disk.recovered();
        let (end, before) = records(&map)?;
        assert!(before >= told.len(), "a record that was told is lost");
        put(&map, end, 1)?;
        assert_eq!(records(&map)?.1, before + 1, "old bytes are read as a record");
        Ok(())
    },
    // Measured: 1 where the run ends before the record is whole.
    found: 3,
    ..Bug::NEW
};

const fn sum(number: usize, value: usize) -> usize {
    31 * number + 7 * value + 5
}

/// Two headers of a number, a value and their sum. The newer one is active.
const TORN_HEADER_REFUSED: Bug = Bug {
    name: "torn-header-refused",
    reference: "HSE #471, PR 517",
    kind: "open fails where a header is torn that may be",
    setup: |map| {
        for (header, number) in [(LINE, 1), (2 * LINE, 2)] {
            put(map, header, number)?;
            put(map, header + 8, 10 * number)?;
            put(map, header + 16, sum(number, 10 * number))?;
        }
        Ok(())
    },
    work: |disk, tell, _| {
        let map = disk.map()?;
        set(&map, LINE, 3)?;
        set(&map, LINE + 8, 30)?;
        set(&map, LINE + 16, sum(3, 30))?;
        map.persist(LINE..2 * LINE)?;
        tell.tell(30);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        let mut newest = None;
        for header in [LINE, 2 * LINE] {
            let (number, value) = (load(&map, header)?, load(&map, header + 8)?);
            if load(&map, header + 16)? == sum(number, value) {
                newest = newest.max(Some((number, value)));
            } else if !way.right {
                return Err("a header is torn".into());
            }
        }
        let value = newest.ok_or("no header")?.1;
        assert!(value == if told.is_empty() { value.clamp(20, 30) } else { 30 }, "{value}");
        Ok(())
    },
    found: 2,
    ..Bug::NEW
};

/// Regions, each with the next one of its list; lists of free and of used ones; and the region that
/// is on its way.
const FREE: usize = 0;
const USED: usize = 8;
const MOVING: usize = LINE;

fn contains(map: &Map<'_>, list: usize, region: usize) -> Result<bool, pmem2::Error> {
    let mut at = load(map, list)?;
    while at != 0 && at != region {
        at = load(map, at)?;
    }
    Ok(at != 0)
}

fn push(map: &Map<'_>, list: usize, region: usize) -> Result<(), pmem2::Error> {
    put(map, region, load(map, list)?)?;
    put(map, list, region)
}

const WRONG_LIST: Bug = Bug {
    name: "recovery-looks-at-wrong-list",
    reference: "pmemstream 60dff35; kin: b50740d",
    kind: "the recovery asks one list, and the element is on the other",
    setup: |map| {
        for region in [512, 576, 640] {
            push(map, FREE, region)?;
        }
        Ok(())
    },
    work: |disk, tell, way| {
        let map = disk.map()?;
        for _ in 0..way.times {
            let region = load(&map, FREE)?;
            put(&map, MOVING, region)?;
            put(&map, FREE, load(&map, region)?)?;
            push(&map, USED, region)?;
            put(&map, MOVING, 0)?;
            tell.tell(region);
        }
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        let region = load(&map, MOVING)?;
        if region != 0 {
            let moved = way.right && contains(&map, USED, region)?;
            if !moved && !contains(&map, FREE, region)? {
                push(&map, FREE, region)?;
            }
            put(&map, MOVING, 0)?;
        }
        disk.recovered();
        for region in [512, 576, 640] {
            let (free, used) = (contains(&map, FREE, region)?, contains(&map, USED, region)?);
            assert!(free != used, "region {region} is leaked, or given twice");
            assert!(used || !told.contains(&region), "a region that was told is free");
        }
        Ok(())
    },
    times: 2,
    found: 6,
    ..Bug::NEW
};

/// Two words that are equal, and an undo log of them.
const TX_NO_SNAPSHOT: Bug = Bug {
    name: "tx-no-snapshot",
    reference: "DAOS-15670, 72cc25fef3; PMDK btree_map, rbtree_map, W 40, 41",
    kind: "a field without its entry in the undo log",
    work: |disk, tell, way| {
        let map = disk.map()?;
        let (one, other) = (4096, 4096 + 8);
        for entry in 0..if way.right { 2 } else { 1 } {
            set(&map, LINE + 16 * entry, one + 8 * entry)?;
        }
        map.persist(LINE..LINE + 32)?;
        put(&map, 0, if way.right { 2 } else { 1 })?;
        set(&map, one, 1)?;
        set(&map, other, 1)?;
        map.persist(one..other + 8)?;
        put(&map, 0, 0)?;
        tell.tell(1);
        Ok(())
    },
    check: |disk, told, _| {
        let map = disk.map()?;
        undo(&map, true)?;
        disk.recovered();
        let one = load(&map, 4096)?;
        assert_eq!(one, load(&map, 4096 + 8)?, "half a transaction");
        assert!(one >= told.len(), "a transaction that was told is lost");
        Ok(())
    },
    found: 4,
    ..Bug::NEW
};

/// Pages of a log, by their numbers from 1 on: the first one at 0, the last one at 64.
const TAIL_WITHOUT_HEAD: Bug = Bug {
    name: "tail-without-head",
    reference: "NOVA #94",
    kind: "the recovery follows a null pointer",
    work: |disk, tell, _| {
        let map = disk.map()?;
        put(&map, 512, 7)?;
        put(&map, LINE, 1)?;
        put(&map, 0, 1)?;
        tell.tell(7);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        let (head, tail) = (load(&map, 0)?, load(&map, LINE)?);
        assert!(head != 0 || told.is_empty(), "a log that was told is lost");
        if tail != 0 && (head != 0 || !way.right) {
            let page = head.checked_sub(1).expect("a page");
            assert_eq!(load(&map, 512 + LINE * page)?, 7, "a wrong page");
        }
        Ok(())
    },
    found: 2,
    ..Bug::NEW
};

/// A log of operations, their number at 0, over a directory of two names at 512.
const REPLAY_OVER_NEWER: Bug = Bug {
    name: "replay-over-newer-state",
    reference: "SplitFS #67",
    kind: "a recovery that must not be done twice",
    work: |disk, tell, _| {
        let map = disk.map()?;
        for operation in 1..=3 {
            put(&map, LINE * operation, operation)?;
            put(&map, 0, operation)?;
            act(&map, operation, true)?;
            tell.tell(operation);
        }
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        let end = load(&map, 0)?;
        let first = if way.right { end.max(1) } else { 1 };
        for operation in first..=end {
            act(&map, load(&map, LINE * operation)?, way.right)?;
        }
        disk.recovered();
        let names = (load(&map, 512)?, load(&map, 576)?);
        let states = [(0, 0), (10, 0), (10, 20), (0, 10)];
        let known = states[told.len()..].iter().take(2).any(|&state| state == names);
        assert!(known, "{names:?} is no state after {} operations", told.len());
        Ok(())
    },
    found: 17,
    ..Bug::NEW
};

/// Creates a name, or renames the first one to the second; again, if that does no harm.
fn act(map: &Map<'_>, operation: usize, again: bool) -> Done {
    match operation {
        1 | 2 => {
            let name = 512 + LINE * (operation - 1);
            if load(map, name)? == 0 || again {
                put(map, name, 10 * operation)?;
            }
        }
        _ if load(map, 576)? != 0 && !again => {}
        _ => {
            put(map, 576, 10)?;
            put(map, 512, 0)?;
        }
    }
    Ok(())
}
