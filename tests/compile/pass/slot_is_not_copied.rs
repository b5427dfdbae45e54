use pmem2::{Native, Pool};

fn main() {
    let pool = Pool::<Native, 1>::new();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let slot = pool.source(&file).unwrap();
    // The source is a plain value and can be copied out; the slot is given back once.
    let source = *slot;
    drop(slot);
    source.size().unwrap();
}
