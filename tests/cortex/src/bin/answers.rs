//! Prints every answer and every refusal, one a line: the region, the question, the answer.
//! ci/cortex compares them with answers.txt.
#![no_std]
#![no_main]

use core::fmt::{self, Display};

use pmem2::{
    Access, Error, Kind, Native, Sharing, Slot,
    bare::Extent,
    error::{Errno, HandleFault, Subject, WriteFault},
};
use pmem2_cortex::{
    End,
    board::{ID, SLOTS, SOURCES, extents, fram},
    run, say,
};

run!(main);

fn main() -> End {
    for (name, extent) in extents() {
        subject(name, extent);
    }
    let part = |offset, length| fram().part(offset, length);
    subject("a part", part(4096, 8192));
    subject("a part of that", part(4096, 8192).part(4096, 4096));
    subject("the last byte", part(262_143, 1));
    subject("a part of nothing", part(4096, 0));
    subject("nothing at the end", part(262_144, 0));
    subject("a byte too long", part(262_143, 2));
    subject("behind the end", part(262_145, 1));
    subject("a part beyond its part", part(4096, 8192).part(4096, 4097));
    subject("beyond 64 bits", part(u64::MAX, 2));
    full();
    foreign_words();
    End::Done
}

/// Words of other systems.
const FOREIGN: [&str; 12] = [
    "/dev",
    "/sys",
    "sysfs",
    "ndctl",
    "O_RD",
    "O_PATH",
    "O_DIRECT",
    "MAP_SYNC",
    "SIGBUS",
    "RLIMIT",
    "seccomp",
    "fallocate",
];

/// Counts these words.
struct Search(usize);

impl fmt::Write for Search {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += FOREIGN.into_iter().filter(|word| text.contains(word)).count();
        Ok(())
    }
}

/// No error has words of another system, whatever failed.
fn foreign_words() {
    let mut found = Search(0);
    let mut look = |error: Error| _ = fmt::write(&mut found, format_args!("{error}"));
    let asked = [
        Subject::Handle,
        Subject::Subsystem,
        Subject::Sysfs,
        Subject::Size,
        Subject::Device,
        Subject::MapSync,
        Subject::Read,
        Subject::Write,
        Subject::Buffer,
        Subject::Sync,
        Subject::Mapping,
        Subject::SignalHandler,
        Subject::BadBlocks,
        Subject::Extents,
        Subject::ClearBadBlock,
        Subject::Open,
    ];
    for what in asked {
        let all = [Error::Unknown(what), Error::Unsupported(what), Error::TooLarge(what)];
        all.into_iter().for_each(&mut look);
        look(Error::UnknownFileType(what));
        (1..134).for_each(|errno| look(Error::Os { subject: what, errno: Errno::from_raw(errno) }));
    }
    let handles = [HandleFault::WriteOnly, HandleFault::NoAccess, HandleFault::PathOnly];
    handles.into_iter().for_each(|fault| look(Error::InvalidFileHandle(fault)));
    let kinds = [Kind::BlockDevice, Kind::CharacterDevice, Kind::AnonymousInode, Kind::Other];
    kinds.into_iter().for_each(|kind| look(Error::InvalidFileType(kind)));
    let ways = [WriteFault::ReadOnly, WriteFault::Append];
    ways.into_iter().for_each(|fault| look(Error::NotWritable(fault)));
    [Error::NeverDurable, Error::SourceEmpty].into_iter().for_each(&mut look);
    say!("errors | words of other systems | {}", found.0);
}

/// Prints everything about one region.
fn subject(name: &str, extent: Extent<'static>) {
    let source = match SOURCES.source(&extent) {
        Ok(source) => source,
        Err(error) => return say!("{name} | source | {}", Refused(error)),
    };
    told(name, &source);
    let answer = |question: &str, text: &dyn Display| say!("{name} | {question} | {text}");
    answer("size", &Answer(source.size()));
    answer("alignment", &Answer(source.alignment()));
    answer("device id", &Answer(source.device_id_as::<ID>()));
    answer("dirty shutdowns", &Answer(source.device_usc()));
    answer("NUMA node", &Answer(source.numa_node().map(|node| Maybe(node, "none"))));
    answer("shared", &Answer(source.expected_granularity(Sharing::Shared)));
    answer("private", &Answer(source.expected_granularity(Sharing::Private)));
    answer(
        "second half",
        &Answer(source.size().and_then(|size| source.check_range(size / 2, 0)).map(Bytes)),
    );
    answer(
        "one too many",
        &Answer(source.size().and_then(|size| source.check_range(0, size + 1)).map(Bytes)),
    );
}

/// Prints the facts that a source has from the start, and those of its region.
fn told(name: &str, source: &Slot<'_, '_, Native, SLOTS>) {
    let access = if source.access().contains(Access::WRITE) { "read and write" } else { "read" };
    say!("{name} | is | {}, {access}, {}", source.kind(), source.id());
    match source.region(0) {
        Ok(Some(region)) => {
            let armed = if region.is_unarmed() { "unarmed" } else { "armed" };
            let writable = if region.read_only { "read-only" } else { "writable" };
            let (number, provider, persistence) = (region.number, region.provider, region.domain);
            say!(
                "{name} | region | {number} of {provider}, {writable}, {armed}, \
                 persistence {persistence}"
            );
        }
        Ok(None) => say!("{name} | region | none"),
        Err(error) => say!("{name} | region | {}", Refused(error)),
    }
}

/// A pool without a free slot.
fn full() {
    let fram = fram();
    let taken = [(); SLOTS].map(|()| SOURCES.source(&fram).ok());
    say!("pool | slots taken | {} of {}", SOURCES.len(), SOURCES.capacity());
    match SOURCES.source(&fram) {
        Ok(_) => say!("pool | one more | there was room"),
        Err(error) => say!("pool | one more | {}", Refused(error)),
    }
    let [one, others @ ..] = taken;
    drop(one);
    let again = SOURCES.source(&fram).and_then(|source| source.size());
    say!("pool | after one was given back | {}", Answer(again));
    drop(others);
    say!("pool | after all were | {} of {}", SOURCES.len(), SOURCES.capacity());
}

struct Answer<T>(Result<T, Error>);

impl<T: Display> Display for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(answer) => answer.fmt(f),
            Err(error) => Refused(*error).fmt(f),
        }
    }
}

struct Refused(Error);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.code(), self.0.symbol().unwrap_or("?"), self.0)
    }
}

struct Maybe<T>(Option<T>, &'static str);

impl<T: Display> Display for Maybe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str(self.1),
        }
    }
}

struct Bytes(core::ops::Range<u64>);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {} to {}", self.0.start, self.0.end)
    }
}
