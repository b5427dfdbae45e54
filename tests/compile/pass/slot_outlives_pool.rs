use pmem2::{Native, Pool};

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let pool = Pool::<Native, 1>::new();
    let slot = {
        pool.source(&file).unwrap()
    };
    slot.size().unwrap();
}
