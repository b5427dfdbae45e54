//! A source: a path or an inherited descriptor, and what was found there.

use std::{convert::Infallible, ops::Range};

use pmem2::{
    Access, Error, Handle,
    error::Subject,
    map::Map,
    platform::{self, Locate},
    report::{Fact, Key, Report},
};
use serde_json::json;

use crate::{
    args::Target,
    badblocks::BadBlocks,
    entry::Entry,
    json,
    mapping::Whole,
    system::{Id, LOOK, Note, Permission, file_system, identity, represented_device},
    transfer::{Scan, Scanner},
};

/// Everything that was found.
pub(crate) struct Finding {
    pub(crate) report: Report<Id>,
    /// How it was found, if by a path.
    pub(crate) by_path: Option<ByPath>,
    pub(crate) note: Option<Note>,
    /// The granularity that a mapping of all got, if it is a source.
    pub(crate) mapping: Option<Whole>,
    /// The system's list, if it is a source.
    pub(crate) bad_blocks: Option<BadBlocks>,
    /// The scan, if it is a source and that was asked for.
    pub(crate) scan: Option<Scan>,
    /// Whether a scan was asked for and it may be usable, but was not opened.
    pub(crate) unscanned: bool,
}

pub(crate) struct ByPath {
    pub(crate) opened: Opened,
    pub(crate) permission: Permission,
}

/// The result of opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    Yes,
    /// It was tried.
    Failed,
    /// It was only looked at.
    NotTried,
}

/// The reason why something that may be usable is not known to be, and was not scanned.
const UNOPENED: &str = "it was not opened";

impl Finding {
    pub(crate) fn new(report: Report<Id>, by_path: Option<ByPath>) -> Self {
        let empty = report.verdict().is_ok() && report.size() == Some(Ok(0));
        let note = empty.then_some(Note::Unmappable(Error::SourceEmpty));
        Self {
            report,
            by_path,
            note,
            mapping: None,
            bad_blocks: None,
            scan: None,
            unscanned: false,
        }
    }

    /// Adds what a mapping gets and the system's list of bad blocks, if it is a source.
    pub(crate) fn asked<H>(self, handle: H) -> Self
    where
        H: Handle<P: platform::BadBlocks + Locate + Map> + Copy,
    {
        if !self.is_usable() {
            return self;
        }
        let (mapping, bad_blocks) = (Whole::map(handle), BadBlocks::list(handle));
        Self { mapping: Some(mapping), bad_blocks: Some(bad_blocks), ..self }
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.report.verdict().is_ok() && !self.is_unknown()
    }

    /// Whether it may be usable: it was not opened, so that mapping it was not tried.
    pub(crate) fn is_unknown(&self) -> bool {
        self.report.verdict().is_ok()
            && self.by_path.as_ref().is_some_and(|by_path| by_path.opened == Opened::NotTried)
    }

    /// The entry of the output.
    pub(crate) fn entry(&self, target: &Target) -> Entry {
        let mut entry = Entry::new(target, None);
        entry.set("usable", json!(self.is_usable()));
        match self.report.verdict() {
            Ok(()) if self.is_unknown() => {
                let why = self.note.as_ref().map_or(UNOPENED.to_owned(), ToString::to_string);
                let message = format!("not known: {why}");
                entry.set("error", json::unsupported(Subject::Mapping, message));
            }
            Ok(()) => {}
            Err(error) => {
                entry.set("error", json::error(&error));
                // The name may tell the kind of something that was not opened.
                if let Error::InvalidFileType(kind) = error {
                    entry.set("kind", json!(json::kind(kind)));
                }
            }
        }
        if matches!(target, Target::Path(_)) {
            let opened = self.by_path.as_ref().map(|by_path| by_path.opened);
            entry.set("opened", json!(opened == Some(Opened::Yes)));
        }
        for (key, value) in identity(&self.report) {
            entry.set(key, value);
        }
        let Ok(()) = self.report.facts(|fact| {
            self.tell(&fact, &mut entry);
            Ok::<_, Infallible>(())
        });
        if let Some(bad_blocks) = &self.bad_blocks {
            bad_blocks.tell(&mut entry);
        }
        if let Some(scan) = &self.scan {
            scan.tell(&mut entry);
        }
        if self.unscanned {
            entry.line("scanned", format_args!("no: {UNOPENED}"));
            entry.fail("scan", json::unsupported(Subject::Read, UNOPENED));
        }
        if let Some(note) = &self.note {
            entry.line("note", note);
        }
        entry
    }

    fn tell(&self, fact: &Fact<'_>, entry: &mut Entry) {
        match (fact.key, &self.by_path) {
            // How this program opened the file says nothing about the file.
            (Key::Access, Some(by_path)) => by_path.tell(entry),
            (Key::Access, None) => {
                entry.fact(fact);
                let append = |access: Access| access.contains(Access::APPEND);
                entry.set("append", json!(self.report.access().map(append)));
            }
            (Key::Identity, _) => {
                entry.fact(fact);
                if let Some((major, minor)) = represented_device(&self.report) {
                    entry.line("represents", format_args!("device {major}:{minor}"));
                }
            }
            (Key::FileSystem, _) => match (self.report.file_system(), file_system(&self.report)) {
                (Some(Ok(system)), Some(name)) => {
                    entry.line(fact.key.label(), name);
                    entry.set("file_system", json::file_system(Some(name), system.magic()));
                }
                _ => entry.fact(fact),
            },
            (Key::Granularity, _) => {
                entry.fact(fact);
                // Where no granularity can be had, a mapping is refused for the same reason.
                if let (Some(mapping), Ok(_)) = (&self.mapping, &fact.answer) {
                    mapping.tell(entry);
                }
            }
            _ => entry.fact(fact),
        }
    }
}

impl ByPath {
    fn tell(&self, entry: &mut Entry) {
        entry.line("permission", self.permission);
        entry.set("permission", self.permission.json());
        match self.opened {
            Opened::Yes => {}
            Opened::Failed => entry.line("opened", "no, opening it failed"),
            Opened::NotTried => only_looked_at(entry),
        }
    }
}

/// Adds the line of something that was not opened.
pub(crate) fn only_looked_at(entry: &mut Entry) {
    entry.line("opened", format_args!("no, only looked at ({LOOK})"));
}

/// Looks at a descriptor that this process inherited. It stays open.
pub(crate) fn descriptor(number: i32) -> Finding {
    let fd = inherited(number);
    Finding::new(Report::new(&fd), None).asked(fd)
}

/// Reads the object of a descriptor, holes too: to find them would move the position, which all
/// processes share that have the descriptor.
pub(crate) fn scan_descriptor(number: i32, scanner: &Scanner) -> Scan {
    scanner.scan(inherited(number), &format!("file descriptor {number}"), &|offset| {
        Some(Range { start: offset, end: u64::MAX })
    })
}

/// Borrows an inherited descriptor.
fn inherited(number: i32) -> pmem2::Fd<'static> {
    #[expect(
        unsafe_code,
        reason = "a number from the command line has no owner in Rust to be borrowed from"
    )]
    // SAFETY: borrow_raw wants a number that is open to stay open while it is borrowed, and one
    // that is not open to stay so. Nothing in this process closes a descriptor that it did not
    // open, there is one thread, and main looks at all numbers before it opens anything of its own.
    // A number that is scanned afterwards was open then.
    unsafe {
        pmem2::Fd::borrow_raw(number)
    }
}
