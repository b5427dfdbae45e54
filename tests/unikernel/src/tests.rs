//! The port on a host.

use std::{
    fmt::Debug,
    format, panic,
    string::{String, ToString},
    vec::Vec,
};

use pmem2::{
    Code, Error, Granularity, Handle, Pool, Sharing, Source,
    error::{Errno, Subject},
    place::{Dimm, Reason},
    platform::{Fail, Locate},
};

use crate::{
    fault::{Fuse, Inner},
    kernel::{Kernel, PAGE, READ, WRITE},
    port::{File, Number},
    suite,
};

/// Returns the code that C would return.
fn code(error: Error) -> i32 {
    error.code()
}

#[test]
fn the_suite_passes() {
    let kernel = Kernel::new();
    assert_eq!(suite::run(&kernel), Ok(()));
    assert_eq!(kernel.open("/", READ), Ok(0), "every descriptor was closed");
}

#[test]
fn a_bank_is_placed() {
    let kernel = Kernel::new();
    let bank = Source::new(File::open(&kernel, "/bank0", READ | WRITE).unwrap()).unwrap();
    assert_eq!(bank.numa_node(), Ok(Some(1)));
    assert_eq!(bank.device_id().map(|id| id.to_string()), Ok("ac1d-00000017ac1d-0000002a".into()));
    assert_eq!(bank.device_usc(), Ok(3));
    let slots: Vec<_> = bank.dimms().unwrap().map(|dimm| dimm.unwrap().number().unwrap()).collect();
    assert_eq!(slots, [4, 5]);
    let expected = bank.expected_granularity(Sharing::Shared).unwrap();
    assert_eq!(
        (expected.granularity, expected.reason),
        (Granularity::CacheLine, Reason::MemoryController)
    );
    assert_eq!(bank.check_range(2 << 20, 0), Ok(2 << 20..1 << 30));

    let bank = Source::new(File::open(&kernel, "/bank1", READ).unwrap()).unwrap();
    assert_eq!(bank.numa_node(), Ok(None));
    assert_eq!(bank.device_usc(), Err(Error::Unsupported(Subject::UnsafeShutdowns)));
    assert_eq!(
        bank.place().map(|place| place.regions().all(|region| region.is_unarmed())),
        Ok(true)
    );
}

#[test]
fn a_file_is_where_its_file_system_is() {
    let kernel = Kernel::new();
    let data = Source::new(File::open(&kernel, "/bank0/data", READ | WRITE).unwrap()).unwrap();
    assert_eq!(data.numa_node(), Ok(Some(1)));
    assert_eq!(
        data.expected_granularity(Sharing::Shared).map(|it| it.granularity),
        Ok(Granularity::CacheLine)
    );

    let log = Source::new(File::open(&kernel, "/ram/log", READ).unwrap()).unwrap();
    assert_eq!(log.numa_node().map_err(code), Err(Code::DaxRegionNotFound.raw()));
    assert_eq!(
        log.expected_granularity(Sharing::Shared).map(|it| it.granularity),
        Ok(Granularity::Page)
    );
    assert_eq!(log.file_system().map(|it| format!("{:#x}", it.magic())), Ok("0xac1d001".into()));
    kernel.resize(1, 0).unwrap();
    assert_eq!((log.size(), log.check_range(0, 0)), (Ok(0), Err(Error::SourceEmpty)));
    kernel.resize(1, 10_000).unwrap();
    assert_eq!(log.size(), Ok(10_000));
}

/// A number that was closed and reused: the question of the suite to the platform, put to a source.
#[test]
fn a_reused_number_is_noticed() {
    let kernel = Kernel::new();
    let number = kernel.open("/bank0", READ).unwrap();
    // SAFETY: violated on purpose. No memory is mapped, so only answers can be wrong.
    let source = Source::new(unsafe { Number::new(&kernel, number) }).unwrap();
    assert_eq!(source.size(), Ok(1 << 30));

    // SAFETY: violated on purpose: the test is about this.
    unsafe { kernel.close(number) }.unwrap();
    assert_eq!(source.size().map_err(code), Err(Code::InvalidFileHandle.raw()));
    assert_eq!(kernel.open("/bank1", READ), Ok(number));
    for answer in [source.size(), source.alignment(), source.device_usc()] {
        assert_eq!(answer.map_err(code), Err(Code::InvalidFileHandle.raw()));
    }
    // SAFETY: violated on purpose: the test is about this.
    unsafe { kernel.close(number) }.unwrap();
    assert_eq!(kernel.open("/bank0", READ), Ok(number));
    assert_eq!(source.size(), Ok(1 << 30), "it is the same bank again");
}

#[test]
fn a_pool_in_a_static() {
    static KERNEL: Kernel = Kernel::new();
    static SOURCES: Pool<&Kernel, 2> = Pool::new();
    let (near, far) = (
        File::open(&KERNEL, "/bank0", READ).unwrap(),
        File::open(&KERNEL, "/bank1", READ).unwrap(),
    );
    let (one, other) = (SOURCES.source(&near).unwrap(), SOURCES.source(&far).unwrap());
    assert_eq!((one.size(), other.size()), (Ok(1 << 30), Ok(64 << 20)));
    assert_eq!(SOURCES.source(&near).err().map(code), Some(-Errno::ENOMEM.raw()));
    drop(one);
    assert!(SOURCES.source(&near).is_ok());
}

/// Returns every answer of a source as a text, or the code of its error; for a refused handle only
/// that code.
fn answers<H: Handle<P: Locate>>(handle: H) -> Vec<Result<String, i32>> {
    fn text<T: Debug>(answer: Result<T, Error>) -> Result<String, i32> {
        answer.map(|answer| format!("{answer:?}")).map_err(code)
    }
    let source = match Source::new(handle) {
        Ok(source) => source,
        Err(error) => return [Err(error.code())].into(),
    };
    let number_and_id =
        |dimm: Result<Dimm<H::P>, Error>| dimm.and_then(|dimm| Ok((dimm.number()?, dimm.id()?)));
    let dimms = || source.dimms()?.map(number_and_id).collect::<Result<Vec<_>, _>>();
    [
        text(source.size()),
        text(source.alignment()),
        text(source.check_range(0, PAGE)),
        text(source.file_system()),
        text(source.place()),
        text(source.numa_node()),
        text(dimms()),
        text(source.device_id()),
        text(source.device_usc()),
        text(source.expected_granularity(Sharing::Shared)),
    ]
    .into()
}

/// Each call fails once: one answer becomes the kernel's error, and the others stay.
#[test]
fn every_failure_is_told() {
    let kernel = Kernel::new();
    for (name, is_file) in
        [("/ram/log", true), ("/bank0/data", true), ("/bank0", false), ("/bank1", false)]
    {
        let file = File::open(&kernel, name, READ).unwrap();
        let eio = Fail::Os(Subject::Device, Errno::EIO);
        let whole = Fuse::new(0, eio);
        let expected = answers(Inner { handle: file.borrow(), fuse: &whole });
        assert_eq!(expected, answers(file.borrow()), "the fuse itself changes nothing");
        assert!(whole.calls() > 20, "{} calls", whole.calls());
        for call in 1..=whole.calls() {
            let fuse = Fuse::new(call, eio);
            let found = answers(Inner { handle: file.borrow(), fuse: &fuse });
            let told = || format!("{name}, call {call}: {found:?}");
            if call == 1 {
                assert_eq!(found, [Err(-Errno::EIO.raw())], "no source without a description");
                continue;
            }
            assert_eq!(found.len(), expected.len(), "{}", told());
            let differ: Vec<_> =
                (0..found.len()).filter(|&index| found[index] != expected[index]).collect();
            // The place of a file only explains the granularity, and is asked for twice.
            let last = found.len() - 1;
            if is_file && found[last].is_ok() && differ.iter().all(|&index| index == last) {
                continue;
            }
            let [index] = differ[..] else { panic!("{differ:?} differ: {}", told()) };
            assert_eq!(found[index], Err(-Errno::EIO.raw()), "{}", told());
        }
    }
}
