use pmem2::{Native, Pool, Slot};

/// A slot's lifetime cannot be stretched.
fn longer<'pool, 'short>(slot: Slot<'pool, 'short, Native, 1>) -> Slot<'pool, 'static, Native, 1> {
    slot
}

fn main() {
    let pool = Pool::<Native, 1>::new();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    longer(pool.source(&file).unwrap());
}
