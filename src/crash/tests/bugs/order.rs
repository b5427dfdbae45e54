//! Stores in the wrong order, or that are taken for one.

use std::sync::atomic::{AtomicUsize, Ordering};

use pmem2_crash::{LINE, Machine};

use crate::{Bug, Done, Map, load, load_byte, put, set, set_byte};

pub(crate) const BUGS: &[Bug] = &[
    LEVEL_INSERT,
    LEVEL_UPDATE,
    LEVEL_EXPAND,
    CLHT_SWAP,
    WOART_TWO_LINES,
    ART_COUNT_AFTER_CHILD,
    HASHMAP_ATOMIC_CREATE,
    HEAP_SPLIT_ORDER,
    HEAP_FREE_FOOTER,
    RENAME,
];

/// Tokens of a byte in the first lines, slots of a key and a value from 512 on.
const LEVEL_INSERT: Bug = Bug {
    name: "level-insert",
    reference: "Level Hashing, W 7-16",
    kind: "commit word before its data",
    work: |disk, tell, way| {
        let map = disk.map()?;
        for token in 0..way.times {
            let slot = 512 + 32 * token;
            set(&map, slot, token + 1)?;
            set(&map, slot + 16, 10)?;
            if way.right {
                map.persist(slot..slot + 32)?;
                set_byte(&map, token, 1)?;
            } else {
                set_byte(&map, token, 1)?;
                map.persist(slot..slot + 32)?;
            }
            map.persist(token..token + 1)?;
            tell.tell(token);
        }
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        for token in 0..way.times {
            let live = load_byte(&map, token)? == 1;
            assert!(live || token >= told.len(), "a key that was told is lost");
            if live {
                let slot = 512 + 32 * token;
                assert_eq!(load(&map, slot)?, token + 1, "a live slot with garbage");
                assert_eq!(load(&map, slot + 16)?, 10, "a live slot with a wrong value");
            }
        }
        Ok(())
    },
    found: 2,
    on_eadr: false,
    ..Bug::NEW
};

/// Tokens of a byte in the word at 0: the key has the value of the slot that is live.
const LEVEL_UPDATE: Bug = Bug {
    name: "level-update",
    reference: "Level Hashing, W 22, 23",
    kind: "two flags of a word that are taken for atomic",
    setup: |map| {
        put(map, LINE, 10)?;
        Ok(put(map, 0, 0x01)?)
    },
    work: |disk, _, way| {
        let map = disk.map()?;
        put(&map, LINE + 32, 20)?;
        if way.right {
            set(&map, 0, 0x0100)?;
        } else {
            set_byte(&map, 0, 0)?;
            set_byte(&map, 1, 1)?;
        }
        map.persist(0..8)?;
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        match load(&map, 0)? {
            0x01 => assert_eq!(load(&map, LINE)?, 10, "a wrong value"),
            0x0100 => assert_eq!(load(&map, LINE + 32)?, 20, "a wrong value"),
            0 => return Err("the key is lost, neither old nor new".into()),
            _ => return Err("the key is there twice".into()),
        }
        Ok(())
    },
    found: 3,
    ..Bug::NEW
};

/// The number of a descriptor at 0; descriptors, each with a capacity and a table of words.
const LEVEL_EXPAND: Bug = Bug {
    name: "level-expand",
    reference: "Level Hashing, W 17; kin: W 18",
    kind: "update of a pair in place",
    setup: |map| {
        put(map, LINE, 2)?;
        put(map, LINE + 8, 512)?;
        put(map, 512, 2)?;
        Ok(put(map, 512 + 8, 3)?)
    },
    work: |disk, _, way| {
        let map = disk.map()?;
        let (old, new) = (LINE, if way.right { LINE + 16 } else { LINE });
        if !way.right {
            set(&map, new, 2 * load(&map, old)?)?;
        }
        set(&map, 1024 + 16, 2)?;
        set(&map, 1024 + 24, 3)?;
        map.persist(1024..1024 + 32)?;
        if way.right {
            set(&map, new, 2 * load(&map, old)?)?;
        }
        set(&map, new + 8, 1024)?;
        map.persist(new..new + 16)?;
        if way.right {
            put(&map, 0, 1)?;
        }
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        let descriptor = LINE + 16 * load(&map, 0)?;
        let (capacity, table) = (load(&map, descriptor)?, load(&map, descriptor + 8)?);
        for key in [2, 3] {
            assert_eq!(load(&map, table + 8 * (key % capacity))?, key, "a key is lost");
        }
        Ok(())
    },
    found: 1,
    ..Bug::NEW
};

/// The root at 0 with the old table; one thread swaps it, the other inserts into the new table as
/// soon as it sees it. The root is seen by a pointer in ordinary memory.
const CLHT_SWAP: Bug = Bug {
    name: "clht-swap-two-threads",
    reference: "P-CLHT, RECIPE 94dc38f (PMRace); kin: FAST_FAIR, SEPH, APEX, WIPE",
    kind: "reading what is not durable",
    setup: |map| Ok(put(map, 0, LINE)?),
    work: |disk, tell, way| {
        let (old, new) = (LINE, 2 * LINE);
        let visible = AtomicUsize::new(old);
        let swap = || -> Done {
            let map = disk.map()?;
            set(&map, 0, new)?;
            if way.right {
                map.persist(0..8)?;
            }
            visible.store(new, Ordering::Release);
            if !way.right {
                map.persist(0..8)?;
            }
            Ok(())
        };
        let insert = || -> Done {
            let map = disk.map()?;
            for _ in 0..8 {
                let table = visible.load(Ordering::Acquire);
                if table == new {
                    set(&map, table + 8, 10)?;
                    set(&map, table, 1)?;
                    map.persist(table..table + 16)?;
                    tell.tell(1);
                    break;
                }
                load(&map, table)?;
            }
            Ok(())
        };
        disk.threads(vec![
            Box::new(move || swap().expect("a swap")),
            Box::new(move || insert().expect("an insert")),
        ]);
        Ok(())
    },
    check: |disk, told, _| {
        let map = disk.map()?;
        let table = load(&map, 0)?;
        assert!(told.is_empty() || load(&map, table)? == 1, "a key that was told is lost");
        Ok(())
    },
    // Measured: most schedules do not have it.
    found: 96,
    on_eadr: false,
    schedules: 64,
    ..Bug::NEW
};

/// A tree whose prefixes add up to 3: the root's link at 0, nodes of a prefix and a child.
const WOART_TWO_LINES: Bug = Bug {
    name: "woart-two-lines",
    reference: "WOART, W 2",
    kind: "two words in two lines under one fence",
    setup: |map| {
        put(map, LINE, 3)?;
        Ok(put(map, 0, LINE)?)
    },
    work: |disk, _, way| {
        let map = disk.map()?;
        let (old, middle) = (LINE, 2 * LINE);
        let child = if way.right { 3 * LINE } else { old };
        set(&map, middle, 2)?;
        set(&map, middle + 8, child)?;
        map.persist(middle..middle + 16)?;
        if way.right {
            put(&map, child, 1)?;
            put(&map, 0, middle)?;
        } else {
            set(&map, 0, middle)?;
            set(&map, child, 1)?;
            map.flush(child..child + 8)?;
            map.flush(0..8)?;
            map.drain();
        }
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        let (mut node, mut length) = (load(&map, 0)?, 0);
        while node != 0 {
            length += load(&map, node)?;
            node = load(&map, node + 8)?;
        }
        assert_eq!(length, 3, "the lengths do not add up");
        Ok(())
    },
    found: 3,
    ..Bug::NEW
};

/// Returns the child of a key in the node at 64: six bytes of keys, the count, children.
fn art_get(map: &Map<'_>, key: u8) -> Result<Option<usize>, pmem2::Error> {
    for slot in 0..6 {
        let child = load(map, LINE + 16 + 8 * slot)?;
        if child != 0 && load_byte(map, LINE + slot)? == key {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

fn art_insert(map: &Map<'_>, key: u8, right: bool) -> Result<(), pmem2::Error> {
    let slot = load(map, LINE + 8)?;
    if right {
        set(map, LINE + 8, slot + 1)?;
    }
    set_byte(map, LINE + slot, key)?;
    set(map, LINE + 16 + 8 * slot, usize::from(key) * 10)?;
    if !right {
        set(map, LINE + 8, slot + 1)?;
    }
    map.persist(LINE..2 * LINE)
}

const ART_COUNT_AFTER_CHILD: Bug = Bug {
    name: "art-count-after-child",
    reference: "P-ART, W 26, 27, fixed in RECIPE 4b0c276",
    kind: "order within a line",
    work: |disk, tell, way| {
        art_insert(&disk.map()?, 5, way.right)?;
        tell.tell(5);
        Ok(())
    },
    check: |disk, told, way| {
        let map = disk.map()?;
        disk.recovered();
        let there = art_get(&map, 5)?;
        assert!(there == Some(50) || told.is_empty() && there.is_none(), "a key is lost");
        art_insert(&map, 6, way.right)?;
        assert_eq!(art_get(&map, 5)?, there, "an insert has overwritten another key");
        assert_eq!(art_get(&map, 6)?, Some(60));
        Ok(())
    },
    found: 2,
    still_fails_on: &[Machine::Arm, Machine::Torn, Machine::PageCache],
    ..Bug::NEW
};

/// An object of two coefficients and a prime after a header of 16 bytes, its table's pointer in
/// the next line.
const HASHMAP_ATOMIC_CREATE: Bug = Bug {
    name: "hashmap-atomic-create",
    reference: "PMDK #5220, fixed in a071fd5d0; W 45",
    kind: "initialisation flushed after publication",
    work: |disk, _, way| {
        let map = disk.map()?;
        let (object, table) = (LINE + 16, 512);
        set(&map, object, 3)?;
        set(&map, object + 8, 1)?;
        set(&map, object + 16, 7)?;
        if way.right {
            map.persist(object..object + 24)?;
        }
        put(&map, object + 48, table)?;
        map.persist(object..object + 56)?;
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        let object = LINE + 16;
        let table = load(&map, object + 48)?;
        if table != 0 {
            let prime = load(&map, object + 16)?;
            let hash = (load(&map, object)? * 5 + load(&map, object + 8)?) % prime;
            assert_eq!(hash, 2, "another hash");
            load(&map, table + 8 * hash)?;
        }
        Ok(())
    },
    found: 3,
    on_eadr: false,
    ..Bug::NEW
};

const USED: usize = 0x100;
const FREE: usize = 0x200;
const FOOTER: usize = 0x400;

/// The header of a chunk, in a line of its own: a state, and the length in chunks.
const fn header(chunk: usize) -> usize {
    512 + LINE * chunk
}

/// Walks along the chunks of a heap, whose headers have to lead to its end.
fn walk(map: &Map<'_>, end: usize) -> Result<Vec<(usize, usize)>, pmem2::Error> {
    let (mut chunk, mut seen) = (0, vec![]);
    while chunk != end {
        let word = load(map, header(chunk))?;
        assert!(word & (USED | FREE) != 0, "chunk {chunk} has no header: the heap is corrupt");
        seen.push((chunk, word));
        chunk += word & 0xff;
    }
    Ok(seen)
}

const HEAP_SPLIT_ORDER: Bug = Bug {
    name: "heap-split-order",
    reference: "libpmemobj cfafbd04c; most likely PMDK #4945, W 1",
    kind: "allocator's headers in the wrong order",
    setup: |map| Ok(put(map, header(0), FREE | 10)?),
    work: |disk, _, way| {
        let map = disk.map()?;
        let (first, rest) = ((header(0), USED | 3), (header(3), FREE | 7));
        for (header, word) in if way.right { [rest, first] } else { [first, rest] } {
            put(&map, header, word)?;
        }
        Ok(())
    },
    check: |disk, _, _| {
        walk(&disk.map()?, 10)?;
        Ok(())
    },
    found: 1,
    ..Bug::NEW
};

/// A free chunk of 3 and a live one after it, which is freed: a redo log of one header at 64, valid
/// where the word at 0 is.
const HEAP_FREE_FOOTER: Bug = Bug {
    name: "heap-free-footer",
    reference: "libpmemobj 8eebb163d",
    kind: "a hint over what is still valid",
    setup: |map| {
        put(map, header(0), FREE | 3)?;
        Ok(put(map, header(3), USED | 1)?)
    },
    work: |disk, _, way| {
        let map = disk.map()?;
        if !way.right {
            set(&map, header(3), FOOTER | 4)?;
        }
        put(&map, LINE, FREE | 4)?;
        put(&map, 0, 1)?;
        put(&map, header(0), FREE | 4)?;
        if way.right {
            set(&map, header(3), FOOTER | 4)?;
        }
        put(&map, 0, 0)?;
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        if load(&map, 0)? == 1 {
            put(&map, header(0), load(&map, LINE)?)?;
            put(&map, 0, 0)?;
        }
        disk.recovered();
        walk(&map, 4)?;
        Ok(())
    },
    found: 1,
    ..Bug::NEW
};

/// A directory: the number of its entries at 0, a name in each, or 100 more where it is removed.
const RENAME: Bug = Bug {
    name: "rename",
    reference: "NOVA #116, PR 135",
    kind: "old entry cleared in place, before the new one is there",
    setup: |map| {
        put(map, LINE, 1)?;
        Ok(put(map, 0, 1)?)
    },
    work: |disk, _, way| {
        let map = disk.map()?;
        if way.right {
            set(&map, LINE + 8, 101)?;
            set(&map, LINE + 16, 2)?;
            map.persist(LINE + 8..LINE + 24)?;
            put(&map, 0, 3)?;
        } else {
            put(&map, LINE, 0)?;
            put(&map, LINE + 8, 2)?;
            put(&map, 0, 2)?;
        }
        Ok(())
    },
    check: |disk, _, _| {
        let map = disk.map()?;
        let mut names = [false; 3];
        for entry in 0..load(&map, 0)? {
            match load(&map, LINE + 8 * entry)? {
                name @ 100.. => names[name - 100] = false,
                name => names[name] = true,
            }
        }
        assert!(names[1] != names[2], "neither name is there, or both are");
        Ok(())
    },
    found: 1,
    ..Bug::NEW
};
