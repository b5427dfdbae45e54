//! ekv: transactions of two keys, told after each commit. With checksums (its feature `crc`).

use std::{convert::Infallible, error::Error};

use ekv::{
    Config, Database, MountError, ReadError,
    config::{MAX_PAGE_COUNT, PAGE_SIZE},
    flash::{Flash, PageID},
};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use pmem2::Granularity;
use pmem2_crash::{Disk, Machine, Model, Run, Verdict};

use crate::{
    fails, none_fails,
    nor::{Erase, Nor},
    ready,
};

type Nors<'d> = Nor<'d, PAGE_SIZE, false>;

impl Flash for Nors<'_> {
    type Error = Infallible;

    fn page_count(&self) -> usize {
        self.pages()
    }

    async fn erase(&mut self, page: PageID) -> Result<(), Infallible> {
        self.clear(page.index() * PAGE_SIZE, (page.index() + 1) * PAGE_SIZE);
        Ok(())
    }

    async fn read(&mut self, page: PageID, at: usize, to: &mut [u8]) -> Result<(), Infallible> {
        self.load(page.index() * PAGE_SIZE + at, to);
        Ok(())
    }

    async fn write(&mut self, page: PageID, at: usize, bytes: &[u8]) -> Result<(), Infallible> {
        self.program(page.index() * PAGE_SIZE + at, bytes);
        Ok(())
    }
}

fn database(disk: Disk<'_>, erase: Erase) -> Database<Nors<'_>, NoopRawMutex> {
    Database::new(Nor::new(disk, erase), Config::default())
}

const TRANSACTIONS: u8 = 6;

const KEYS: [&[u8]; 3] = [b"a", b"b", b"c"];

/// Each transaction: two of the keys get its number.
async fn commit(database: &Database<Nors<'_>, NoopRawMutex>, number: u8) -> Result<(), String> {
    let mut keys = [KEYS[usize::from(number) % 3], KEYS[(usize::from(number) + 1) % 3]];
    keys.sort();
    let mut transaction = database.write_transaction().await;
    for key in keys {
        transaction.write(key, &[number; 9]).await.map_err(|error| format!("{error:?}"))?;
    }
    transaction.commit().await.map_err(|error| format!("{error:?}"))
}

/// The transaction of a recovery: of the first and the second key.
const OWN: u8 = 99;

/// Returns the numbers of the keys after so many transactions.
fn numbers(count: u8) -> [Option<u8>; 3] {
    let writes = |number: u8, key: u8| number % 3 == key || (number + 1) % 3 == key;
    [0, 1, 2].map(|key| (0..count).rev().find(|&number| writes(number, key)))
}

async fn found(
    database: &Database<Nors<'_>, NoopRawMutex>,
) -> Result<[Option<u8>; 3], Box<dyn Error>> {
    let mut all = [None; 3];
    let transaction = database.read_transaction().await;
    for (key, found) in KEYS.into_iter().zip(&mut all) {
        let mut value = [0; 32];
        *found = match transaction.read(key, &mut value).await {
            Ok(9) if value[..9] == [value[0]; 9] => Some(value[0]),
            Err(ReadError::KeyNotFound) => None,
            other => return Err(format!("{other:?} {value:?}").into()),
        };
    }
    Ok(all)
}

/// The images that are no failure, since it is known that there are some.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Known {
    None,
    /// Those of which no database can be opened.
    Unopened,
    /// And those of which an empty one is.
    Empty,
}

fn explored(erase: Erase, known: Known) -> Verdict {
    let run = Run::new(vec![0xff; PAGE_SIZE * MAX_PAGE_COUNT], Granularity::CacheLine);
    let trace = run.record(|disk, tell| {
        let database = database(disk, erase);
        ready(database.format()).expect("a format");
        tell.tell(0);
        for number in 0..TRANSACTIONS {
            ready(commit(&database, number)).expect("a commit");
            tell.tell(number + 1);
        }
    });
    let model = Model::new(Machine::Torn).budget(10_000);
    model.explore(&trace, |disk, told| {
        // Before the format was told, whoever finds nothing formats it again.
        let Some(&told) = told.last() else { return Ok(()) };
        let database = database(disk, erase);
        ready(async {
            match database.mount().await {
                Err(MountError::Corrupted) if known >= Known::Unopened => return Ok(()),
                mounted => mounted.map_err(|error| format!("mount: {error:?}"))?,
            }
            let found = found(&database).await?;
            if found == [None; 3] && known == Known::Empty {
                return Ok(());
            }
            // The recovery's own may be there, if it was cut off.
            let went_on = |[_, _, third]: [_; 3]| [Some(OWN), Some(OWN), third];
            let possible = [numbers(told), numbers(told + 1)];
            if !possible.into_iter().any(|all| found == all || found == went_on(all)) {
                return Err(format!("{told} were told: {found:?}").into());
            }
            // It goes on.
            Ok(commit(&database, OWN).await?)
        })
    })
}

const ERASES: [Erase; 3] = [Erase::Any, Erase::Upwards, Erase::Downwards];

/// The header of a chunk is two words, its length and its checksum. A page of metadata with the
/// first alone is taken for damaged, though the one before it is still there.
#[test]
fn a_torn_header_of_a_chunk_opens_no_database() {
    for erase in ERASES {
        let verdict = explored(erase, Known::None);
        fails(&verdict, "mount: Corrupted");
        assert_eq!(verdict.failure().map(|failure| failure.missing.len()), Some(1));
    }
}

/// A new page of metadata has its header, whose number is the highest, before it has a chunk. A cut
/// between these writes, none of them torn, leaves an empty database.
#[test]
fn a_cut_before_the_first_chunk_of_a_page_loses_all() {
    for erase in ERASES {
        let verdict = explored(erase, Known::Unopened);
        fails(&verdict, "5 were told: [None, None, None]");
        assert_eq!(verdict.failure().map(|failure| failure.missing.len()), Some(0));
    }
}

#[test]
fn what_is_there_is_whole_transactions_up_to_the_last() {
    for erase in ERASES {
        none_fails(&explored(erase, Known::Empty));
    }
}
