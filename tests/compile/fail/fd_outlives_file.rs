use pmem2::{Fd, Native, Pool};

static POOL: Pool<Native, 1> = Pool::new();

fn main() {
    let slot = {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        POOL.source(Fd::from(&file)).unwrap()
    };
    slot.size().unwrap();
}
