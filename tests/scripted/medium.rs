//! The bytes of a script's object, and the bad ones among them: the script's [`Transfer`] and
//! [`BadBlocks`].

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    ops::Range,
    sync::LazyLock,
};

use pmem2::{
    Handle,
    badblocks::ClearBy,
    persist::{Means, Route},
    platform::{BadBlocks, Borrowed, Facts, Fail, Transfer},
    transfer::{Partial, ReadBuffer, WriteBuffer},
};

use crate::script::{Call, Id, RAW, Raw, Script};

/// Its bytes at first.
static PATTERN: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..0x1_0000_u32).map(|at| at as u8 ^ (at >> 8) as u8).collect());

/// The answers, and the bytes.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    pub(crate) bytes: RefCell<Cow<'static, [u8]>>,
    pub(crate) channel: Result<(), Fail>,
    /// The means to make a write durable.
    pub(crate) means: Means,
    /// How the core decided that a write becomes durable.
    pub(crate) route: Cell<Option<Route>>,
    /// How each transfer ends, if not well. The bytes before are transferred.
    pub(crate) halted: Cell<Option<Partial>>,
    pub(crate) sync: Result<(), Fail>,
    /// Whether a byte that is read alone is another one.
    pub(crate) garbles: bool,
    /// Whether a write changes the byte behind it, too.
    pub(crate) spills: bool,
    /// Whether a transfer ends where a byte is bad, and not only the list has it.
    pub(crate) bad_halts: bool,
    /// The bytes that are bad now.
    pub(crate) bad: RefCell<BTreeSet<u64>>,
    pub(crate) list: Result<(), Fail>,
    /// The platform's answers about the next bad bytes, if they are not the truth.
    pub(crate) next: RefCell<VecDeque<Result<Option<Range<u64>>, Fail>>>,
    next_fails: Option<Fail>,
    pub(crate) clear: Result<(), Fail>,
    /// Whether it clears what is not bad, too.
    pub(crate) clears_all: bool,
    /// For each channel that was dropped, how many handles had been before.
    pub(crate) closed: RefCell<Vec<usize>>,
}

impl Medium {
    /// 64 KiB that count upwards, none of which are bad.
    pub(crate) fn new() -> Self {
        Self {
            bytes: RefCell::new(Cow::Borrowed(&PATTERN)),
            channel: Ok(()),
            means: Means::CALL,
            route: Cell::new(None),
            halted: Cell::new(None),
            sync: Ok(()),
            garbles: false,
            spills: false,
            bad_halts: false,
            bad: RefCell::default(),
            list: Ok(()),
            next: RefCell::default(),
            next_fails: None,
            clear: Ok(()),
            clears_all: false,
            closed: RefCell::default(),
        }
    }

    /// The answer to one question becomes a failure.
    pub(crate) fn fail(&mut self, call: Call, fail: Fail) {
        match call {
            Call::Channel(..) => self.channel = Err(fail),
            Call::Sync => self.sync = Err(fail),
            Call::ListBad => self.list = Err(fail),
            Call::NextBad(_) => self.next_fails = Some(fail),
            Call::ClearBad(..) => self.clear = Err(fail),
            other => panic!("{other:?} is no question about a medium"),
        }
    }

    /// How far a transfer of `length` bytes at `offset` gets, and how it ends: as it was told, or
    /// where there are no more bytes, or where the first bad one is.
    fn run(&self, offset: u64, length: usize) -> (usize, Result<(), Partial>) {
        let partial = |fail, done| (done, Err(Partial { done, fail }));
        let room = self.bytes.borrow().len().saturating_sub(offset as usize);
        let bad = self.bad.borrow().range(offset..).next().map(|bad| (bad - offset) as usize);
        match (self.halted.get(), bad) {
            (Some(halted), _) => (halted.done.min(length), Err(halted)),
            (None, Some(bad)) if bad < length && self.bad_halts => {
                partial(Fail::bad_memory(1), bad)
            }
            (None, _) if room < length => partial(Fail::Ended, room),
            (None, _) => (length, Ok(())),
        }
    }
}

/// The state that the script keeps over transfers.
pub(crate) struct Channel<'s> {
    script: &'s Script,
    range: Range<u64>,
    writable: bool,
}

impl Drop for Channel<'_> {
    fn drop(&mut self) {
        self.script.medium.closed.borrow_mut().push(self.script.dropped.get());
    }
}

impl Channel<'_> {
    fn admits(&self, raw: Raw, offset: u64, length: usize) {
        assert_eq!(raw, RAW);
        let end = offset.checked_add(length as u64).expect("no range that wraps");
        assert!(self.range.start <= offset && end <= self.range.end, "beyond the channel");
        assert_ne!(length, 0, "the platform is not asked for nothing");
    }
}

impl<'s> Transfer for &'s Script {
    type Guard = u8;
    type Channel = Channel<'s>;

    fn channel(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        via: Option<u8>,
        range: Range<u64>,
        writable: bool,
    ) -> Result<Channel<'s>, Fail> {
        let script = handle.platform();
        let call = Call::Channel(via, (range.start, range.end), writable);
        script.ask(call, handle.raw(), facts, script.medium.channel)?;
        // A file may grow: what was added later is transferred, too.
        let range = if facts.kind == pmem2::Kind::RegularFile { 0..u64::MAX } else { range };
        Ok(Channel { script, range, writable })
    }

    fn means(channel: &Channel<'s>) -> Means {
        assert!(channel.writable, "only what is written becomes durable");
        channel.script.medium.means
    }

    fn set_route(channel: &mut Channel<'s>, route: Route) {
        channel.script.medium.route.set(Some(route));
    }

    fn read_at(
        handle: Borrowed<'_, Self>,
        channel: &Channel<'s>,
        offset: u64,
        buffer: ReadBuffer<'_>,
    ) -> Result<(), Partial> {
        let script = handle.platform();
        channel.admits(handle.raw(), offset, buffer.len());
        let _ = script.answer(Call::Read(offset, buffer.len()), Ok(()));
        let (done, end) = script.medium.run(offset, buffer.len());
        let bytes = script.medium.bytes.borrow();
        let from = bytes.get(offset as usize..).map_or(&[][..], |from| &from[..done]);
        // SAFETY: copy_to wants both to be valid for that many bytes and not to overlap: the buffer
        // has at least as many, and is the caller's.
        unsafe { from.as_ptr().copy_to_nonoverlapping(buffer.as_ptr(), done) };
        if script.medium.garbles && buffer.len() == 1 {
            // SAFETY: it is a byte of the buffer, which has just been written.
            unsafe { *buffer.as_ptr() ^= 1 };
        }
        end
    }

    fn write_at(
        handle: Borrowed<'_, Self>,
        channel: &Channel<'s>,
        offset: u64,
        buffer: WriteBuffer<'_>,
    ) -> Result<(), Partial> {
        let script = handle.platform();
        channel.admits(handle.raw(), offset, buffer.len());
        assert!(channel.writable, "the channel is for reading");
        assert!(script.medium.route.get().is_some(), "how it becomes durable is decided before");
        let _ = script.answer(Call::Write(offset, buffer.len()), Ok(()));
        let (done, end) = script.medium.run(offset, buffer.len());
        let mut bytes = script.medium.bytes.borrow_mut();
        let to = &mut bytes.to_mut()[offset as usize..][..done];
        // SAFETY: as above.
        unsafe { to.as_mut_ptr().copy_from_nonoverlapping(buffer.as_ptr(), done) };
        if let Some(behind) =
            bytes.to_mut().get_mut(offset as usize + done).filter(|_| script.medium.spills)
        {
            *behind ^= 1;
        }
        end
    }

    fn sync(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<(), Fail> {
        let script = handle.platform();
        script.ask(Call::Sync, handle.raw(), facts, script.medium.sync)
    }
}

impl BadBlocks for &Script {
    /// The bytes that were bad when the list was made. Later ones are not told, as on
    /// Linux.
    type List = BTreeSet<u64>;

    fn list_bad(handle: Borrowed<'_, Self>, facts: &Facts<Id>) -> Result<BTreeSet<u64>, Fail> {
        let script = handle.platform();
        let list = script.medium.bad.borrow().clone();
        script.ask(Call::ListBad, handle.raw(), facts, script.medium.list.map(|()| list))
    }

    fn next_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        list: &mut BTreeSet<u64>,
        from: u64,
    ) -> Result<Option<Range<u64>>, Fail> {
        let script = handle.platform();
        let lie = script.medium.next.borrow_mut().pop_front();
        let now = script.medium.bad.borrow();
        let mut known = now.intersection(list).copied().skip_while(|byte| *byte < from);
        let first = known.next();
        let range = first.map(|first| {
            let adjoining =
                known.zip(first + 1..).take_while(|(byte, next)| byte == next).count() as u64;
            first..first + adjoining + 1
        });
        let answer = script.medium.next_fails.map_or(lie.unwrap_or(Ok(range)), Err);
        script.ask(Call::NextBad(from), handle.raw(), facts, answer)
    }

    fn clear_bad(
        handle: Borrowed<'_, Self>,
        facts: &Facts<Id>,
        range: Range<u64>,
        by: ClearBy,
    ) -> Result<(), Fail> {
        let script = handle.platform();
        let mut bad = script.medium.bad.borrow_mut();
        let all = script.medium.clears_all || range.clone().all(|byte| bad.contains(&byte));
        let answer = script.medium.clear.and_then(|()| match all {
            true => {
                bad.retain(|byte| !range.contains(byte));
                Ok(())
            }
            false => Err(Fail::NotBad),
        });
        script.ask(Call::ClearBad((range.start, range.end), by), handle.raw(), facts, answer)
    }
}
