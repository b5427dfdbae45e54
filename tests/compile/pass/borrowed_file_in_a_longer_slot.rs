use pmem2::{Native, Pool, Slot};

fn same<'pool, 'short>(slot: Slot<'pool, 'short, Native, 1>) -> Slot<'pool, 'short, Native, 1> {
    slot
}

fn main() {
    let pool = Pool::<Native, 1>::new();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    same(pool.source(&file).unwrap());
}
