use pmem2::Source;

fn main() {
    let file = "/proc/self/exe";
    Source::new(file).unwrap();
}
