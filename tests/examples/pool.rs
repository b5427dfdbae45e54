//! A pool of sources in a `static`: no heap, a fixed number, shared by threads.
//!
//! ```sh
//! cargo run --example pool
//! ```

use std::{env, error::Error, fs::File, io, thread};

use pmem2::{Native, Pool};

/// Room for four sources of the system that the program is built for. It is in memory that is zero
/// at the start, and taking a slot needs no lock: a signal handler may do it.
static SOURCES: Pool<Native, 4> = Pool::new();

fn main() -> Result<(), Box<dyn Error>> {
    let file = File::open(env::current_exe()?)?;

    // Threads take slots and give them back by dropping what they got.
    let sizes = thread::scope(|scope| {
        let size = || -> io::Result<u64> { Ok(SOURCES.source(&file)?.size()?) };
        let threads = [(); 4].map(|()| scope.spawn(size));
        threads.map(|thread| thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
    });
    for size in sizes {
        println!("{} bytes", size?);
    }

    // The fifth is refused, and nothing is changed.
    let all = [(); 4].map(|()| SOURCES.source(&file));
    match SOURCES.source(&file) {
        Ok(_) => return Err("a pool of four has a fifth source".into()),
        Err(error) => println!("the fifth: {error}"),
    }
    drop(all);
    println!("empty again: {}", SOURCES.is_empty());
    Ok(())
}
