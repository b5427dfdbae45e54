//! A database of redb whose pages are mapped.
//!
//! ```sh
//! cargo run --example redb -- PATH
//! ```
//!
//! The file is created if it is not there. Each run adds a row. The backend is in
//! structures/redb.rs, to copy from.

#[cfg(target_os = "linux")]
#[path = "structures/redb.rs"]
mod backend;
#[cfg(target_os = "linux")]
#[path = "structures/with_path.rs"]
mod with_path;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use redb::{Builder, ReadableTableMetadata, TableDefinition};

    const RUNS: TableDefinition<'_, u64, u32> = TableDefinition::new("runs");

    with_path::with_path("redb", |path| {
        let mut options = std::fs::File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        let database = Builder::new().create_with_backend(backend::Mapped::new(file)?)?;
        let transaction = database.begin_write()?;
        let runs = {
            let mut table = transaction.open_table(RUNS)?;
            let runs = table.len()?;
            table.insert(runs, std::process::id())?;
            runs
        };
        // Durable on return.
        transaction.commit()?;
        println!("{runs} runs before this one");
        Ok(())
    })
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("there is no mapping on this system yet");
}
