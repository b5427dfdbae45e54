use pmem2::{Native, Pool};

fn main() {
    let pool = Pool::<Native, 1>::new();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let slot = pool.source(&file).unwrap();
    drop(file);
    slot.size().unwrap();
}
