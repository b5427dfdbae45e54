use pmem2::Source;

fn main() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    // This one owns its file, and may live as long as it likes.
    let source = Source::new(file).unwrap();
    source.size().unwrap();
}
