//! The questions about a subject: each function of the documentation, and the methods of the
//! backend.

use pmem2::{
    Error, Fd, Pool, Sharing, Source,
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
        platform::{BadBlocks, Transfer},
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
        |subject| of(Linux::sync(subject.fd.into(), source(subject).facts()));
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
    pub(crate) const DESCRIBE: Function = |subject| of(Linux::describe(subject.fd.into()));
}
