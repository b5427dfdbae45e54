use pmem2::{Native, Pool};

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let slot = {
        let pool = Pool::<Native, 1>::new();
        pool.source(&file).unwrap()
    };
    slot.size().unwrap();
}
