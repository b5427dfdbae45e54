//! redb over the backend of the examples: its basic operations, growth, two openers, a full file
//! system, a process that is killed.
#![cfg(target_os = "linux")]

#[path = "examples/structures/redb.rs"]
mod backend;
#[macro_use]
#[path = "common/mod.rs"]
mod common;

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind},
    os::fd::BorrowedFd,
    path::Path,
    process::{Command, Stdio},
};

use backend::Mapped;
use common::made;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    StorageBackend, StorageError, TableDefinition,
};

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("table");

fn open(path: &Path) -> File {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

fn database(path: &Path) -> Database {
    Builder::new().create_with_backend(Mapped::new(open(path)).unwrap()).unwrap()
}

fn insert(database: &Database, keys: std::ops::Range<u64>, bytes: usize) {
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(TABLE).unwrap();
    for key in keys {
        table.insert(key, &*vec![key as u8; bytes]).unwrap();
    }
    drop(table);
    transaction.commit().unwrap();
}

fn assert_found(database: &impl ReadableDatabase, keys: std::ops::Range<u64>, bytes: usize) {
    let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
    for (row, key) in table.iter().unwrap().zip(keys.clone()) {
        let (found, value) = row.unwrap();
        assert_eq!((found.value(), value.value()), (key, &*vec![key as u8; bytes]));
    }
    assert_eq!(table.len().unwrap(), keys.end - keys.start);
}

/// Runs it in a directory on each of the file systems.
fn everywhere(test: impl Fn(&Path)) {
    for parent in ["/dev/shm", env!("CARGO_TARGET_TMPDIR")] {
        let directory = tempfile::tempdir_in(parent).unwrap();
        test(&directory.path().join("database"));
    }
}

#[test]
fn rows_are_there_after_reopening() {
    everywhere(|path| {
        let database = self::database(path);
        insert(&database, 0..100, 100);
        assert_found(&database, 0..100, 100);
        drop(database);

        let mut database = self::database(path);
        assert_found(&database, 0..100, 100);
        assert!(database.check_integrity().unwrap());
        let transaction = database.begin_write().unwrap();
        let removed = transaction.open_table(TABLE).unwrap().remove(99).unwrap().is_some();
        assert!(removed);
        transaction.commit().unwrap();
        // A transaction that is given up.
        let transaction = database.begin_write().unwrap();
        transaction.open_table(TABLE).unwrap().remove(98).unwrap();
        transaction.abort().unwrap();
        assert_found(&database, 0..99, 100);
        drop(database);
        assert_found(&self::database(path), 0..99, 100);
    });
}

#[test]
fn a_savepoint_brings_back_what_was() {
    everywhere(|path| {
        let database = self::database(path);
        insert(&database, 0..10, 10);
        let transaction = database.begin_write().unwrap();
        let savepoint = transaction.persistent_savepoint().unwrap();
        transaction.commit().unwrap();
        insert(&database, 10..20, 10);
        drop(database);

        let database = self::database(path);
        assert_found(&database, 0..20, 10);
        let mut transaction = database.begin_write().unwrap();
        let savepoint = transaction.get_persistent_savepoint(savepoint).unwrap();
        transaction.restore_savepoint(&savepoint).unwrap();
        transaction.commit().unwrap();
        assert_found(&database, 0..10, 10);
    });
}

#[test]
fn a_database_grows_and_shrinks_in_place() {
    everywhere(|path| {
        let mut database = self::database(path);
        let before = path.metadata().unwrap().len();
        insert(&database, 0..400, 50_000);
        let grown = path.metadata().unwrap().len();
        assert!(grown > before + 400 * 50_000, "{before} {grown}");
        assert_found(&database, 0..400, 50_000);

        let transaction = database.begin_write().unwrap();
        transaction.open_table(TABLE).unwrap().retain(|key, _| key < 10).unwrap();
        transaction.commit().unwrap();
        database.compact().unwrap();
        assert!(path.metadata().unwrap().len() < grown / 2);
        assert_found(&database, 0..10, 50_000);
        drop(database);
        assert_found(&self::database(path), 0..10, 50_000);
    });
}

/// A file of redb's own backend is a file of ours, and the other way round.
#[test]
fn the_file_is_redbs_own() {
    everywhere(|path| {
        insert(&Database::create(path).unwrap(), 0..10, 10);
        let database = self::database(path);
        assert_found(&database, 0..10, 10);
        insert(&database, 10..20, 10);
        drop(database);
        assert_found(&Database::open(path).unwrap(), 0..20, 10);
    });
}

#[test]
fn a_second_opener_is_refused() {
    everywhere(|path| {
        let database = self::database(path);
        assert_eq!(Mapped::new(open(path)).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(matches!(Database::open(path), Err(DatabaseError::DatabaseAlreadyOpen)));
        drop(database);
        let database = Database::open(path).unwrap();
        assert_eq!(Mapped::new(open(path)).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(database);
        self::database(path);
    });
}

#[test]
fn what_is_outside_is_refused() {
    let backend = Mapped::new(tempfile::tempfile_in("/dev/shm").unwrap()).unwrap();
    assert_eq!(backend.len().unwrap(), 0);
    backend.set_len(100).unwrap();
    backend.write(90, &[1; 10]).unwrap();
    assert!(backend.write(91, &[2; 10]).is_err());
    assert!(backend.read(u64::MAX, &mut [0; 2]).is_err());
    backend.set_len(200).unwrap();
    let mut all = [9; 200];
    backend.read(0, &mut all).unwrap();
    assert_eq!(all, std::array::from_fn(|at| u8::from((90..100).contains(&at))));
    // More than there are addresses for.
    assert!(backend.set_len(1 << 40).is_err());
    assert_eq!(backend.len().unwrap(), 200);
}

/// Storage that there is not is an error of the commit, and no signal in a store.
#[test]
fn a_full_file_system_is_an_error() {
    needs_root!();
    let made = made::file_on("tmpfs", "size=6m", 0).unwrap();
    // SAFETY: the descriptor is open, and the file is a copy.
    let fd = unsafe { BorrowedFd::borrow_raw(made.raw()) }.try_clone_to_owned();
    let file = File::from(fd.unwrap());
    let database = Builder::new().create_with_backend(Mapped::new(file).unwrap()).unwrap();
    insert(&database, 0..10, 1000);
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(TABLE).unwrap();
    let full = (10..).find_map(|key| table.insert(key, &*vec![0; 100_000]).err());
    let full =
        matches!(full, Some(StorageError::Io(error)) if error.kind() == ErrorKind::StorageFull);
    assert!(full);
}

/// Every commit that a process told of is there after it was killed.
#[test]
fn commits_are_there_after_a_kill() {
    const CHILD: &str = "PMEM2_TEST_REDB";
    if let Some(path) = std::env::var_os(CHILD) {
        let database = database(path.as_ref());
        for key in 0.. {
            insert(&database, key..key + 1, 100);
            println!("told {key}");
        }
    }
    everywhere(|path| {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "commits_are_there_after_a_kill", "--nocapture"])
            .env(CHILD, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut told = lines.filter_map(|line| Some(line.strip_prefix("told ")?.to_owned()));
        told.by_ref().nth(20).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let told = told.count() as u64 + 21;

        let database = self::database(path);
        let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
        let found = table.len().unwrap();
        // The last one may be there and not told.
        assert!(found == told || found == told + 1, "{told} told, {found} found");
    });
}
