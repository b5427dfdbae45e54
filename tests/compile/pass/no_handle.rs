use pmem2::Source;

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    Source::new(file).unwrap();
}
