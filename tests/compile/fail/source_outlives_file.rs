use pmem2::Source;

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let source = Source::from_fd(&file).unwrap();
    drop(file);
    source.size().unwrap();
}
