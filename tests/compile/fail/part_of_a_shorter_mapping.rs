#![forbid(unsafe_code)]

use pmem2::{Granularity, MapConfig, Source};

fn main() {
    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let config = MapConfig::new(Granularity::Page).protection(pmem2::map::Protection::READ);
    let mut map = Source::new(&file).unwrap().map(&config).unwrap();
    let part = map.part(..4).unwrap();
    assert_eq!(part.get(0), Ok(*b"\x7fELF"));
    // Nobody has a part of what is cut off.
    map.shrink(1).unwrap_err();
    assert_eq!(part.get(0), Ok(*b"\x7fELF"));
}
