//! The questions about a subject: each function of the documentation, and the methods of the
//! backend.

use pmem2::{
    Error, Fd, Granularity, MapConfig, Mapping, Pool, Sharing, Source,
    badblocks::ClearBy,
    error::Subject,
    linux::Linux,
    platform::{Fail, Locate, Platform},
    report::Report,
    transfer::{Reader, TransferError, WriteBuffer, Writer},
};

use crate::subjects::Target;

/// The result from a child: an answer, or the number of things that were right.
pub(crate) type Answer = Result<u64, Error>;

pub(crate) type Function = fn(&Target) -> Answer;

fn source(subject: &Target) -> &Source<Fd<'static>> {
    subject.source.as_ref().expect("a source")
}

pub(crate) const NEW: Function = |subject| Source::new(subject.fd).map(|_| 0);
pub(crate) const SIZE: Function = |subject| source(subject).size();
pub(crate) const ALIGNMENT: Function = |subject| source(subject).alignment();
pub(crate) const ALLOCATED: Function = |subject| source(subject).allocated();
pub(crate) const FILE_SYSTEM: Function =
    |subject| source(subject).file_system().map(|system| system.magic().into());
pub(crate) const CHECK_RANGE: Function =
    |subject| source(subject).check_range(0, 4096).map(|range| range.end);
pub(crate) const REPORT: Function = |subject| Report::new(&subject.fd).verdict().map(|()| 0);
pub(crate) const PLACE: Function =
    |subject| source(subject).place().map(|place| place.regions().count() as u64);
pub(crate) const NUMA_NODE: Function =
    |subject| source(subject).numa_node().map(|node| node.map_or(99, u64::from));
pub(crate) const TARGET_NODE: Function =
    |subject| source(subject).target_node().map(|node| node.map_or(99, u64::from));
pub(crate) const DEVICE_ID: Function =
    |subject| source(subject).device_id().map(|id| id.len() as u64);
pub(crate) const DEVICE_USC: Function = |subject| source(subject).device_usc();
pub(crate) const GRANULARITY: Function = |subject| {
    source(subject)
        .expected_granularity(Sharing::Shared)
        .map(|expected| expected.granularity as u64)
};

pub(crate) const DIMMS: Function = |subject| {
    source(subject)
        .dimms()?
        .try_fold(0, |count, dimm| dimm.map(|dimm| count + dimm.region() as u64 + 1))
};
pub(crate) const PRIVATE: Function = |subject| {
    source(subject)
        .expected_granularity(Sharing::Private)
        .map(|expected| expected.granularity as u64)
};
pub(crate) const GRANULARITY_AT: Function = |subject| {
    let place = subject.place.expect("a place");
    source(subject)
        .expected_granularity_at(&place, Sharing::Shared)
        .map(|expected| expected.granularity as u64)
};
pub(crate) const DIMM_ID: Function =
    |subject| subject.dimm.expect("a DIMM").id().map(|id| id.len() as u64);
pub(crate) const DIRTY_SHUTDOWNS: Function =
    |subject| subject.dimm.expect("a DIMM").dirty_shutdowns();

/// Confirms the place where the source is, or none, which does not lie there then.
pub(crate) const CONFIRM_PLACE: Function = |subject| match &subject.place {
    Some(place) => source(subject).confirm_place(place).map(|()| 0),
    None => source(subject).place().map(|_| 0),
};

/// The other ways to a source.
pub(crate) const WAYS: Function = |subject| {
    let pool = Pool::<Linux, 1>::new();
    let pooled = pool.source(subject.fd).map(|_| 0);
    let mut place = std::mem::MaybeUninit::uninit();
    let placed = Source::new_in(&mut place, subject.fd).map(|_| 0);
    let given = Source::try_from_handle(subject.fd).map(|_| 0).map_err(|(_, error)| error);
    let from_fd = Source::from_fd(subject.fd).map(|_| 0);
    if pooled == placed && placed == given && given == from_fd { pooled } else { Ok(1) }
};

/// The answers that are known without asking.
pub(crate) const KNOWN: Function = |subject| {
    let source = *source(subject);
    let _ = (source.kind(), source.access(), source.id(), source.handle(), source.facts());
    let raw = source.into_inner().as_raw();
    let of_place = subject.place.map_or(0, |place| {
        place.regions().count()
            + place.warnings().count()
            + place.device().len()
            + usize::from(place.dax_capable().is_some())
    });
    let number = subject.dimm.map_or(Ok(0), |dimm| dimm.number())?;
    let of_spot = subject.spot.map_or(0, |spot| {
        let known = (Linux.backing(&spot), Linux.device(&spot), Linux.regions(&spot));
        usize::from(known.0.is_ok()) + known.1.map_or(0, |name| name.len()) + known.2.unwrap_or(99)
    });
    Ok(u64::from(raw == subject.fd.as_raw()) + u64::from(number) + (of_place + of_spot) as u64)
};

pub(crate) const ANONYMOUS: Function = |_| {
    let source = Source::from_anon(8192)?;
    Ok(source.size()? + source.alignment()? + source.check_range(0, 0)?.end)
};

/// So many bytes somewhere in the source.
const AT: u64 = 1000;

fn transferred(result: Result<(), TransferError>) -> Answer {
    result.map(|()| 1).map_err(Error::from)
}

pub(crate) const READ: Function = |subject| transferred(source(subject).read_at(AT, &mut [0; 100]));
pub(crate) const WRITE: Function = |subject| transferred(source(subject).write_at(AT, &[7; 100]));
pub(crate) const SYNC: Function = |subject| source(subject).sync().map(|()| 1);

fn nowhere() -> WriteBuffer<'static> {
    // SAFETY: there is no object of Rust's in the first page.
    unsafe { WriteBuffer::from_raw_parts(std::ptr::without_provenance(8), 100) }
}

pub(crate) const WRITE_FROM_NOWHERE: Function =
    |subject| transferred(source(subject).write_from(AT, nowhere()));
pub(crate) const NEW_READER: Function = |subject| Reader::new(*source(subject)).map(|_| 1);
pub(crate) const NEW_WRITER: Function = |subject| Writer::new(*source(subject)).map(|_| 1);

fn writer(subject: &Target) -> &'static Writer<Fd<'static>> {
    subject.writer.expect("a writer")
}

// A reader does the same as a writer does.
pub(crate) const READ_KEPT: Function =
    |subject| transferred(writer(subject).read_at(AT, &mut [0; 100]));
pub(crate) const WRITE_KEPT: Function =
    |subject| transferred(writer(subject).write_at(AT, &[7; 100]));
pub(crate) const WRITE_KEPT_FROM_NOWHERE: Function =
    |subject| transferred(writer(subject).write_from(AT, nowhere()));

pub(crate) const ANY: MapConfig<'static> = MapConfig::new(Granularity::Page);

/// Maps the source, and unmaps it.
fn mapped(subject: &Target, config: &MapConfig<'_>) -> Answer {
    source(subject).map(config).map(|map| map.granularity() as u64)
}

pub(crate) const MAP: Function = |subject| mapped(subject, &ANY);
pub(crate) const MAP_BY_CALL: Function = |subject| mapped(subject, &ANY.by_call());
pub(crate) const MAP_PRIVATE: Function = |subject| mapped(subject, &ANY.sharing(Sharing::Private));
/// Mapped where it lies on a cache line at the most, which a file without DAX does not.
pub(crate) const MAP_FINER: Function =
    |subject| mapped(subject, &MapConfig::new(Granularity::CacheLine));
pub(crate) const MAP_AT: Function =
    |subject| mapped(subject, &ANY.at_place(&subject.place.expect("a place")));

fn map(subject: &Target) -> &'static std::cell::RefCell<Mapping<Fd<'static>>> {
    subject.mapping.expect("a mapping")
}

/// All that makes bytes durable, except for what asks more.
pub(crate) const PERSIST: Function = |subject| {
    let map = map(subject).borrow();
    map.write(100, &[1; 100])?;
    map.fill(10..20, 2)?;
    map.move_within(10..20, 15)?;
    map.put(50, &3_u32)?;
    map.commit(8, 4)?;
    map.word(16)?.store(5)?;
    map.flush(..64)?;
    map.persist(..64)?;
    map.batch(|stores| stores.write(0, &[6]))?;
    map.drain();
    Ok(1)
};
/// And what asks nobody.
pub(crate) const STORED: Function = |subject| {
    let map = map(subject).borrow();
    map.read(100, &mut [0; 100])?;
    map.unflushed().write(100, &[1; 100])?;
    Ok(map.get::<u64>(8)? + map.word(8)?.load()? + map.part(..64)?.length() as u64)
};
pub(crate) const SYNC_MAP: Function = |subject| map(subject).borrow().sync(..).map(|()| 1);
pub(crate) const DEEP_FLUSH: Function = |subject| map(subject).borrow().deep_flush(..).map(|()| 1);
pub(crate) const GROW: Function = |subject| {
    let map = map(subject).borrow();
    map.grow(map.room()).map(|()| map.length() as u64)
};
pub(crate) const GROW_FINER: Function = |subject| {
    let map = subject.finer.expect("a mapping").borrow();
    map.grow(map.room()).map(|()| map.length() as u64)
};
pub(crate) const SHRINK: Function = |subject| map(subject).borrow_mut().shrink(4096).map(|()| 1);
pub(crate) const CATCH_UP: Function =
    |subject| map(subject).borrow().catch_up().map(|length| length as u64);
pub(crate) const CATCH_UP_FINER: Function = |subject| {
    let map = subject.finer.expect("a mapping").borrow();
    map.catch_up().map(|length| length as u64)
};
pub(crate) const POPULATE: Function =
    |subject| map(subject).borrow().populate(..4096, true).map(|()| 1);
pub(crate) const DEALLOCATE: Function =
    |subject| map(subject).borrow().deallocate(..4096).map(|()| 1);
/// A copy: the trial is in a process of its own.
pub(crate) const UNMAP: Function = |subject| {
    // SAFETY: read requires a valid value, and that only one of the two is used from now on: the
    // other is not, in this process.
    let map = unsafe { std::ptr::read(map(subject).as_ptr()) };
    map.unmap().map(|_| 1).map_err(|(_, error)| error)
};

/// How many ranges there are, and whether there was an error.
pub(crate) const BAD_BLOCKS: Function = |subject| {
    source(subject).bad_blocks()?.try_fold(0, |count, range| range.map(|range| count + range.end))
};

/// Clears a file with nothing but bad blocks, on a disk that has no others.
pub(crate) const CLEAR: Function =
    |subject| source(subject).clear_bad_blocks(0..512, ClearBy::Allocation).map(|()| 1);
/// By a command of a bus that is not there.
pub(crate) const COMMAND: Function =
    |subject| source(subject).clear_bad_blocks(0..512, ClearBy::DeviceCommand).map(|()| 1);

/// The methods of the backend. Only whether there was an answer is told apart here.
pub(crate) mod backend {
    use pmem2::{
        Kind,
        badblocks::ClearBy,
        map::{Map, Request, Span},
        platform::{Alignment, BadBlocks, Transfer},
        transfer::Partial,
    };

    use super::{Answer, Error, Fail, Function, Linux, Locate, Platform, Subject, Target, source};

    fn of<T>(answer: Result<T, Fail>) -> Answer {
        answer.map(|_| 1).map_err(|_| Error::Unknown(Subject::Handle))
    }

    fn spot(subject: &Target) -> &<Linux as Locate>::Location {
        subject.spot.as_ref().expect("a spot")
    }

    pub(crate) const LOCATE: Function =
        |subject| of(Linux::locate(subject.fd.into(), source(subject).facts()));
    pub(crate) const CONFIRM: Function = |subject| of(Linux.confirm(spot(subject)));
    pub(crate) const REGION: Function = |subject| of(Linux.region(spot(subject), 0));
    pub(crate) const DOMAIN: Function = |subject| of(Linux.domain(spot(subject), 0, false));
    pub(crate) const SYNCHRONOUS_DOMAIN: Function =
        |subject| of(Linux.domain(spot(subject), 0, true));
    pub(crate) const READ_ONLY: Function = |subject| of(Linux.read_only(spot(subject), 0));
    pub(crate) const ARMED: Function = |subject| of(Linux.armed(spot(subject), 0));
    pub(crate) const NUMA_NODE: Function = |subject| of(Linux.numa_node(spot(subject), 0));
    pub(crate) const TARGET_NODE: Function = |subject| of(Linux.target_node(spot(subject), 0));
    pub(crate) const DIMM: Function = |subject| of(Linux.dimm(spot(subject), 0, 0));
    pub(crate) const DIMM_ID: Function =
        |subject| of(Linux.dimm_id(subject.raw_dimm.expect("a DIMM")));
    pub(crate) const DIRTY: Function =
        |subject| of(Linux.dimm_dirty_shutdowns(subject.raw_dimm.expect("a DIMM")));
    pub(crate) const DAX_CAPABLE: Function = |subject| of(Linux.dax_capable(spot(subject)));
    pub(crate) const SYNCHRONOUS: Function =
        |subject| of(Linux::synchronous(subject.fd.into(), source(subject).facts()));
    pub(crate) const DIRECT: Function =
        |subject| of(Linux::direct(subject.fd.into(), source(subject).facts()));
    pub(crate) const CHANNEL: Function = |subject| {
        of(Linux::channel(subject.fd.into(), source(subject).facts(), None, 0..4096, true))
    };

    /// Through the channel of a file, which has nothing in it.
    fn moved(
        subject: &Target,
        how: impl FnOnce(&<Linux as Transfer>::Channel) -> Result<(), Partial>,
    ) -> Answer {
        let channel =
            Linux::channel(subject.fd.into(), source(subject).facts(), None, 0..4096, true);
        channel.map_or_else(
            |_| Ok(0),
            |channel| how(&channel).map(|()| 1).map_err(|_| Error::Unknown(Subject::Handle)),
        )
    }

    pub(crate) const READ: Function = |subject| {
        moved(subject, |channel| {
            Linux::read_at(subject.fd.into(), channel, 0, [0; 100].as_mut_slice().into())
        })
    };
    pub(crate) const WRITE: Function = |subject| {
        moved(subject, |channel| {
            Linux::write_at(subject.fd.into(), channel, 0, [7; 100].as_slice().into())
        })
    };
    pub(crate) const WRITE_FROM_NOWHERE: Function = |subject| {
        moved(subject, |channel| Linux::write_at(subject.fd.into(), channel, 0, super::nowhere()))
    };
    pub(crate) const SYNC: Function =
        |subject| of(<Linux as Transfer>::sync(subject.fd.into(), source(subject).facts()));
    pub(crate) const LIST_BAD: Function =
        |subject| of(Linux::list_bad(subject.fd.into(), source(subject).facts()));
    pub(crate) const NEXT_BAD: Function = |subject| {
        // By a list that is taken before: see below.
        let mut list = subject.list.expect("a list").clone();
        of(Linux::next_bad(subject.fd.into(), source(subject).facts(), &mut list, 0))
    };
    pub(crate) const CLEAR_BAD: Function = |subject| {
        let facts = source(subject).facts();
        let by = if facts.kind == Kind::DeviceDax {
            ClearBy::DeviceCommand
        } else {
            ClearBy::Allocation
        };
        of(Linux::clear_bad(subject.fd.into(), facts, 0..512, by))
    };
    fn request() -> Request {
        let mut request = Request::new(4096, 100);
        request.synchronous = true;
        request
    }

    pub(crate) const MAP: Function =
        |subject| of(Linux::map(subject.fd.into(), source(subject).facts(), &request()));
    /// At an address that the kernel does not choose by itself.
    pub(crate) const MAP_ALIGNED: Function = |subject| {
        let mut request = request();
        request.alignment = Alignment::new(1 << 36);
        of(Linux::map(subject.fd.into(), source(subject).facts(), &request))
    };
    pub(crate) const MAP_ANONYMOUS: Function = |_| {
        let mut request = request();
        request.private = true;
        of(Linux.map_anonymous(&request))
    };
    /// The bytes of the mapping that was made before.
    fn mapped(subject: &Target) -> Span {
        let map = super::map(subject).borrow();
        Span { at: std::ptr::NonNull::new(map.as_ptr()).expect("an address"), length: 4096 }
    }
    // SAFETY: the process is the trial's own, and nobody uses the mapping after it.
    pub(crate) const UNMAP: Function = |subject| of(unsafe { Linux.unmap(mapped(subject)) });
    pub(crate) const MSYNC: Function =
        // SAFETY: sync requires bytes of a mapping of the object.
        |subject| of(unsafe { <Linux as Map>::sync(subject.fd.into(), mapped(subject)) });
    pub(crate) const POPULATE: Function =
        // SAFETY: likewise.
        |subject| of(unsafe { Linux.populate(mapped(subject), true) });
    pub(crate) const DEEP_FLUSH: Function =
        |subject| of(Linux::deep_flush(subject.fd.into(), source(subject).facts()));
    pub(crate) const EXTEND: Function = |subject| {
        of(Linux::extend(subject.fd.into(), source(subject).facts(), 0..100, Some(0), true))
    };
    pub(crate) const SETTLE: Function =
        |subject| of(Linux::settle(subject.fd.into(), source(subject).facts(), true));
    pub(crate) const TRUNCATE: Function =
        |subject| of(Linux::truncate(subject.fd.into(), source(subject).facts(), 4096..u64::MAX));
    pub(crate) const DEALLOCATE: Function =
        |subject| of(Linux::deallocate(subject.fd.into(), source(subject).facts(), 0..4096));
    pub(crate) const DESCRIBE: Function = |subject| of(Linux::describe(subject.fd.into()));
}
