//! A walk through everything that a mapping does, in each of the sandbox's file systems.

use pmem2::{Error, Granularity, MapConfig, Source};

const PAGE: MapConfig<'static> = MapConfig::new(Granularity::Page);

#[test]
fn a_file_is_mapped_written_grown_and_unmapped() {
    for dir in ["/dev/shm", env!("CARGO_TARGET_TMPDIR")] {
        let file = tempfile::tempfile_in(dir).unwrap();
        file.set_len(4096).unwrap();
        let mut map = Source::new(&file).unwrap().map(&PAGE.room(1 << 20)).unwrap();
        assert_eq!(
            (map.length(), map.room(), map.granularity()),
            (4096, 1 << 20, Granularity::Page)
        );
        map.write(100, b"kept").unwrap();
        map.commit(8, 77).unwrap();
        let all =
            std::fs::read(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)));
        let all = all.unwrap();
        assert_eq!((&all[100..104], &all[8..16]), (&b"kept"[..], &77_u64.to_ne_bytes()[..]));
        let end = map.write(4094, b"kept").unwrap_err();
        assert_eq!(end, Error::MapRange { end: 4098, size: 4096 });
        map.grow(8192).unwrap();
        map.write(4094, b"kept").unwrap();
        assert_eq!(file.metadata().unwrap().len(), 8192);
        map.batch(|stores| {
            stores.fill(5000..6000, 7)?;
            stores.move_within(5000..5004, 8000)
        })
        .unwrap();
        assert_eq!(map.get::<[u8; 5]>(7999).unwrap(), [0, 7, 7, 7, 7]);
        map.populate(.., true).unwrap();
        map.deallocate(4096..8192).unwrap();
        assert_eq!(map.get::<u32>(5000).unwrap(), 0);
        map.shrink(100).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100);
        file.set_len(200).unwrap();
        assert_eq!(map.catch_up(), Ok(200));
        map.sync(..).unwrap();
        map.deep_flush(..).unwrap();
        let (left, right) = map.split_at(100).unwrap();
        std::thread::scope(|threads| {
            threads.spawn(move || left.fill(.., 1).unwrap());
            threads.spawn(move || right.fill(.., 2).unwrap());
        });
        assert_eq!(map.get::<[u8; 2]>(99).unwrap(), [1, 2]);
        map.unmap().map_err(|(_, error)| error).unwrap();
    }
}

#[test]
fn anonymous_memory_is_mapped() {
    let map = Source::from_anon(100).unwrap().map(&MapConfig::new(Granularity::Byte)).unwrap();
    map.write(96, b"kept").unwrap();
    assert_eq!(map.get::<u32>(96).unwrap(), u32::from_ne_bytes(*b"kept"));
    assert!(map.deep_flush(..).is_err());
}
