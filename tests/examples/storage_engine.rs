//! A storage engine: file and source in one struct, pages that are read, written and made durable.
//!
//! ```sh
//! cargo run --example storage_engine -- PATH
//! ```
//!
//! The file is created if it is not there. Without a path it is a new one in the directory for
//! temporary files, which is removed at the end.

use std::{
    env,
    error::Error,
    fs,
    fs::File,
    io,
    path::Path,
    process::{self, ExitCode},
};

use pmem2::{
    Source,
    transfer::{TransferError, Writer},
};

const PAGE: usize = 4096;

type Page = [u8; PAGE];

/// A file of pages.
///
/// The writer owns the source, and the source owns the file, so that all of it is one value without
/// a lifetime. Pages survive bad memory: a page that cannot be read is an error that says where the
/// bad bytes are, on a device DAX too, where a plain load would end the program with SIGBUS.
struct Engine {
    file: Writer<File>,
    pages: u64,
}

impl Engine {
    /// Opens the file at `path`, and makes it if it is not there, with room for `pages` pages.
    fn open(path: &Path, pages: u64) -> io::Result<Self> {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        // pmem2 neither creates nor resizes files: that is the engine's part.
        let size = pages.checked_mul(PAGE as u64).ok_or(io::ErrorKind::InvalidInput)?;
        if file.metadata()?.len() < size {
            file.set_len(size)?;
        }
        let source = Source::new(file)?;
        let pages = source.size()? / PAGE as u64;
        Ok(Self { file: Writer::new(source)?, pages })
    }

    /// Returns a page.
    fn read(&self, page: u64) -> Result<Page, TransferError> {
        let mut bytes = [0; PAGE];
        self.file.read_at(offset(page), &mut bytes)?;
        Ok(bytes)
    }

    /// Writes a page. It is durable after `sync`.
    fn write(&self, page: u64, bytes: &Page) -> Result<(), TransferError> {
        self.file.write_at(offset(page), bytes)
    }

    /// Makes all that was written durable.
    fn sync(&self) -> Result<(), pmem2::Error> {
        self.file.sync()
    }

    /// Closes the engine, and gives the file back.
    fn into_file(self) -> File {
        self.file.into_source().into_inner()
    }
}

/// Returns the first byte of a page. A page beyond the file gets an offset that every transfer
/// refuses.
fn offset(page: u64) -> u64 {
    page.saturating_mul(PAGE as u64)
}

fn main() -> ExitCode {
    match with_path() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn with_path() -> Result<(), Box<dyn Error>> {
    match env::args_os().nth(1) {
        Some(path) => run(Path::new(&path)),
        None => {
            let path = env::temp_dir().join(format!("storage_engine.{}", process::id()));
            let done = run(&path);
            fs::remove_file(&path)?;
            done
        }
    }
}

fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    let engine = Engine::open(path, 16)?;
    println!("{}: {} pages", path.display(), engine.pages);

    let mut page = [0; PAGE];
    page[..5].copy_from_slice(b"hello");
    engine.write(3, &page)?;
    engine.sync()?;
    if engine.read(3)? != page {
        return Err("page 3 is not what was written".into());
    }
    println!("page 3 is durable, and reads back");

    // A page that is not there: an error, and the file does not grow.
    match engine.write(engine.pages, &page) {
        Ok(()) => return Err("a page was written past the end".into()),
        Err(error) => println!("one page too far: {error}"),
    }
    println!("{} bytes in the end", engine.into_file().metadata()?.len());
    Ok(())
}
