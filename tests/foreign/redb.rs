//! redb: a database in a file of the page cache, whose creation and commits were told.
//!
//! A backend of redb is `'static`, and the disk is borrowed: it is lent, and taken back.

use std::{
    error::Error,
    io, mem,
    sync::{Arc, Mutex, PoisonError},
};

use pmem2::{Granularity, MapConfig, Mapping, Source};
use pmem2_crash::{Action, Disk, Machine, Model, PAGE, Run, Trace};
use redb::{Builder, Database, ReadableDatabase, StorageBackend, TableDefinition, TableError};

use crate::{fails, none_fails};

/// A mapping of the whole disk, until it is taken back. The first page is not the database's, whose
/// file is empty at first: no empty disk can be mapped.
#[derive(Clone, Debug)]
struct Lent(Arc<Mutex<Option<Mapping<Disk<'static>>>>>);

impl Lent {
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Mapping<Disk<'static>>) -> Result<T, pmem2::Error>,
    ) -> io::Result<T> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(map.as_mut().ok_or(io::ErrorKind::BrokenPipe)?)?)
    }
}

fn at(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX).saturating_add(PAGE)
}

/// As `tests/examples/structures/redb.rs` does it.
impl StorageBackend for Lent {
    fn len(&self) -> io::Result<u64> {
        self.with(|map| Ok((map.length() - PAGE) as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|map| map.read(at(offset), out))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|map| map.unflushed().write(at(offset), data))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = at(length);
        self.with(|map| if length < map.length() { map.shrink(length) } else { map.grow(length) })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|map| map.sync(..))
    }
}

/// Runs `work` with a backend on the disk.
fn with<T>(disk: Disk<'_>, work: impl FnOnce(Lent) -> T) -> T {
    /// Takes the disk back, after a panic too.
    struct Back(Lent);
    impl Drop for Back {
        fn drop(&mut self) {
            self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
    // SAFETY: only the lifetime differs. No copy of it leaves the mapping, which is dropped before
    // this function returns, whoever still has the backend.
    let disk = unsafe { mem::transmute::<Disk<'_>, Disk<'static>>(disk) };
    let config = MapConfig::new(Granularity::Page).room(ROOM as u64);
    let map = Source::new(disk).and_then(|source| source.map(&config)).expect("a mapping");
    let back = Back(Lent(Arc::new(Mutex::new(Some(map)))));
    work(back.0.clone())
}

const ROOM: usize = 24 * PAGE;
const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("table");

fn database(backend: Lent) -> Result<Database, redb::DatabaseError> {
    Builder::new().set_cache_size(1 << 16).create_with_backend(backend)
}

/// Each transaction: a row of its own, and a new value of the first row.
fn commit(database: &Database, number: u64) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(TABLE)?;
        table.insert(0, [number as u8; 100].as_slice())?;
        table.insert(number, [number as u8; 50].as_slice())?;
    }
    Ok(transaction.commit()?)
}

/// Returns the number of transactions that are there, each as a whole.
fn found(database: &Database) -> Result<u64, Box<dyn Error>> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(TABLE) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(0),
        table => table?,
    };
    let first = table.get(0)?.ok_or("the first row is missing")?;
    let count = u64::from(first.value()[0]);
    let mut all = first.value() == [count as u8; 100];
    for number in 1..=count + 1 {
        let row = table.get(number)?;
        let row = row.as_ref().map(|row| row.value());
        all &= row == (number <= count).then_some([number as u8; 50].as_slice());
    }
    if all { Ok(count) } else { Err(format!("{count} are not whole").into()) }
}

const TRANSACTIONS: u64 = 3;

fn run(work: impl FnOnce(Run) -> Run) -> Trace<u64> {
    let run = work(Run::new(vec![0; PAGE], Granularity::Page).room(ROOM));
    run.record(|disk, tell| {
        with(disk, |backend| {
            let database = database(backend).expect("a database");
            tell.tell(0);
            for number in 1..=TRANSACTIONS {
                commit(&database, number).expect("a commit");
                tell.tell(number);
            }
        });
    })
}

/// Opens the database, and looks for what was told.
fn recover(backend: Lent, told: u64) -> Result<(), Box<dyn Error>> {
    let found = found(&database(backend)?)?;
    if found == told || found == told + 1 {
        Ok(())
    } else {
        Err(format!("{told} were told, {found} found").into())
    }
}

/// Enough for each image that lacks one word, 200 at random, and a part of all.
const MODEL: Model = Model::new(Machine::PageCache).budget(8_000);

#[test]
fn commits_are_there_after_a_power_cut() {
    none_fails(&MODEL.explore(&run(|run| run), |disk, told| match told.last() {
        Some(&told) => with(disk, |backend| recover(backend, told)),
        None => Ok(()),
    }));
}

/// The magic number is written last. Before that the file is not empty, and no database: it cannot
/// be opened, nor created, until somebody removes it.
#[test]
fn a_file_whose_creation_was_cut_off_is_refused() {
    let verdict = MODEL.explore(&run(|run| run), |disk, told| {
        with(disk, |backend| recover(backend, told.last().copied().unwrap_or(0)))
    });
    fails(&verdict, "I/O error: Not a redb database: magic number mismatch");
}

/// A disk that makes nothing durable once the database was created is noticed.
#[test]
fn a_disk_that_forgets_fails() {
    let mut created = false;
    let trace = run(|run| {
        run.tamper(move |action| {
            created |= action == Action::Promise;
            match action {
                Action::Sync { .. } if created => vec![],
                action => vec![action],
            }
        })
    });
    let verdict = MODEL.explore(&trace, |disk, told| match told.last() {
        Some(&told) => with(disk, |backend| recover(backend, told)),
        None => Ok(()),
    });
    assert!(verdict.failure().is_some(), "{verdict}");
}
