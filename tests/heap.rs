//! The heap: what takes none, and what happens where there is none.
#![cfg(target_os = "linux")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fmt::{self, Write},
    fs::{File, TryLockError},
    mem::MaybeUninit,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pmem2::{
    Anonymous, Error, Fd, Kind, Native, Pool, Source,
    error::{Memory, Subject},
    report::Report,
};
use tempfile::NamedTempFile;

/// The system's allocator with a count for each thread, which can be told to have no memory.
struct Counted;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    /// Successful ones.
    taken: usize,
    given_back: usize,
    refused: usize,
}

thread_local! {
    // Constants without destructors: to reach them takes no memory, and they are there as long as
    // the thread.
    static COUNT: Cell<Count> = const { Cell::new(Count { taken: 0, given_back: 0, refused: 0 }) };
    static EMPTY: Cell<bool> = const { Cell::new(false) };
}

fn count(change: impl FnOnce(&mut Count)) {
    let mut count = COUNT.get();
    change(&mut count);
    COUNT.set(count);
}

// SAFETY: every request goes to the system's allocator as it came, or is refused with a null
// pointer, which an allocator may return at any time. Nothing here allocates or panics.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if EMPTY.get() {
            count(|count| count.refused += 1);
            return std::ptr::null_mut();
        }
        count(|count| count.taken += 1);
        // SAFETY: the caller keeps alloc's rules, which are the same there.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(|count| count.given_back += 1);
        // SAFETY: the memory came from System.alloc with this layout, as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static HEAP: Counted = Counted;

/// Runs `work`: its result, and the memory that it took and gave back.
fn counted<T>(work: impl FnOnce() -> T) -> (T, Count) {
    COUNT.set(Count::default());
    let result = work();
    (result, COUNT.get())
}

/// As counted, with an empty heap.
fn starved<T>(work: impl FnOnce() -> T) -> (T, Count) {
    EMPTY.set(true);
    let result = counted(work);
    EMPTY.set(false);
    result
}

const NOTHING: Count = Count { taken: 0, given_back: 0, refused: 0 };

/// A child has everything open that its parent has, until it becomes another program: who starts
/// one and who looks whether a file is open take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file that is locked as long as it is open.
struct Locked(NamedTempFile, #[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>);

impl Locked {
    fn new() -> (Self, File) {
        let turn = turn();
        let named = NamedTempFile::new().unwrap();
        let file = named.reopen().unwrap();
        file.lock().unwrap();
        (Self(named, turn), file)
    }

    fn is_open(&self) -> bool {
        match self.0.as_file().try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(error)) => panic!("{error}"),
        }
    }
}

#[test]
fn a_box_takes_one_piece_and_gives_it_back() {
    let (locked, file) = Locked::new();
    let (source, made) = counted(|| Source::boxed(file).unwrap());
    assert_eq!(made, Count { taken: 1, ..NOTHING });
    assert_eq!((source.size(), source.kind()), (Ok(0), Kind::RegularFile));
    assert!(locked.is_open());
    let ((), gone) = counted(|| drop(source));
    assert_eq!(gone, Count { given_back: 1, ..NOTHING });
    assert!(!locked.is_open());
}

/// The program goes on, the handle is dropped as with every other error, and nothing is kept.
#[test]
fn without_memory_there_is_an_error_and_no_abort() {
    let refused = (Err(Error::OutOfMemory(Memory::Heap)), Count { refused: 1, ..NOTHING });

    let (locked, file) = Locked::new();
    assert_eq!(starved(|| Source::boxed(&file).map(drop)), refused);
    assert!(locked.is_open(), "what was borrowed stays open");
    let shared = Arc::new(file);
    assert_eq!(starved(|| Source::boxed(Arc::clone(&shared)).map(drop)), refused);
    assert_eq!(Arc::strong_count(&shared), 1, "what was handed over is dropped");
    let file = Arc::into_inner(shared).unwrap();
    assert_eq!(starved(|| Source::boxed(file).map(drop)), refused);
    assert!(!locked.is_open(), "and closed");
    assert_eq!(starved(|| Source::boxed(Anonymous::on(Native::default(), 1)).map(drop)), refused);

    let directory = File::open("/").unwrap();
    let unsuited = (Err(Error::InvalidFileType(Kind::Directory)), NOTHING);
    assert_eq!(
        starved(|| Source::boxed(directory).map(drop)),
        unsuited,
        "what is no source asks for no memory"
    );
}

/// Counts what is written.
struct Written(usize);

impl Write for Written {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// Everything but boxes works with an empty heap, and asks nothing of it.
#[test]
fn nothing_else_asks_for_memory() {
    static POOL: Pool<Native, 2> = Pool::new();
    let file = tempfile::tempfile().unwrap();
    file.set_len(10_000).unwrap();
    let directory = File::open("/").unwrap();
    let device = File::open("/dev/null").unwrap();
    let mut place = MaybeUninit::uninit();
    let mut text = Written(0);
    let (sizes, used) = starved(|| {
        let source = Source::from_fd(&file)?;
        let anonymous = Source::from_anon(1)?;
        let placed = Source::new_in(&mut place, Fd::from(&file))?;
        let slots = [POOL.source(&file)?, POOL.source(&file)?];
        for refused in
            [POOL.source(&file).err(), Source::new(&directory).err(), Source::new(&device).err()]
        {
            let _ = write!(text, "{}", refused.ok_or(Error::Unknown(Subject::Handle))?);
        }
        let _ = write!(text, "{}{}{}", source.report(), Report::new(&device), anonymous.report());
        let _ = write!(text, "{source:?}{:?}{:?}", slots[0], POOL);
        source.check_range(0, 4096)?;
        source.file_system()?;
        Ok::<_, Error>([
            source.size()?,
            placed.size()?,
            slots[1].size()?,
            source.alignment()?,
            source.allocated()?,
        ])
    });
    assert_eq!(used, NOTHING);
    assert_eq!(sizes, Ok([10_000, 10_000, 10_000, rustix::param::page_size() as u64, 0]));
    assert!(text.0 > 500, "the sentences were made");
    assert!(POOL.is_empty());
}

/// The allocator of this program is one that refuses: what aborts elsewhere aborts here.
#[test]
fn the_empty_heap_is_empty() {
    const CHILD: &str = "PMEM2_TEST_ABORT";
    if std::env::var_os(CHILD).is_some() {
        starved(|| std::hint::black_box(Box::new(std::hint::black_box(1_u8))));
        return;
    }
    let _turn = turn();
    let this = std::env::current_exe().unwrap();
    let child = Command::new(this)
        .args(["--exact", "the_empty_heap_is_empty"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(!child.status.success(), "Box::new does not survive it");
}
