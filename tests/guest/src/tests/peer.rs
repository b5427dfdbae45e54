//! Debian's libpmem2 beside pmem2, call by call. Where the two differ, the difference is in
//! `peer_table.rs` with its reason; any other fails, and so does one in the table that is no more.

use std::{collections::BTreeSet, fmt::Display, os::fd::AsRawFd};

use pmem2::{Error, Fd, Granularity, Sharing, Source, place::DeviceId};
use pmem2_guest::machine::{Device, Machine};
use rustix::fs::OFlags;

use crate::{
    common::{
        child::{Ended, in_child},
        fd,
        libpmem2::{Libpmem2, PeerSource, Shared},
        made::path,
    },
    peer_table::{INTENDED, Intended},
};

/// Room for the id of the longest row of DIMMs, and the zero behind it.
const ID: usize = 705;

/// The result of our calls, as C sees it.
pub(crate) fn ours<T: Display>(answer: Result<T, Error>) -> String {
    answer.map_or_else(|error| format!("code {}", error.code()), |value| value.to_string())
}

/// The result of theirs. In a process of its own: some calls end it.
pub(crate) fn theirs<T: Copy + 'static, S: Display>(
    call: impl FnOnce() -> Result<T, i32>,
    show: impl Fn(T) -> S,
) -> String {
    // The tests have one thread, so that the child may allocate as libpmem2 does.
    match in_child(call) {
        Ended::With(Ok(answer)) => show(answer).to_string(),
        Ended::With(Err(code)) => format!("code {code}"),
        Ended::Killed(signal) => format!("killed by {signal}"),
        Ended::Failed(status) => panic!("the child ended with {status}"),
    }
}

/// Ranges with offset and length, in steps of the alignment.
fn ranges(step: u64) -> [(&'static str, u64, u64); 5] {
    [
        ("a step", 0, step),
        ("the second step", step, step),
        ("from the middle", step / 2, step),
        ("half a step", 0, step / 2),
        ("far away", 1 << 40, step),
    ]
}

/// The differences that were found: which call, ours and theirs.
#[derive(Default)]
pub(crate) struct Found(BTreeSet<(String, String, String)>);

impl Found {
    pub(crate) fn compare(&mut self, call: impl Into<String>, ours: String, theirs: String) {
        if ours != theirs {
            self.0.insert((call.into(), ours, theirs));
        }
    }

    /// Asks all questions about a source that both made, however it was opened.
    fn questions(
        &mut self,
        way: &str,
        device: &Device,
        source: &Source<Fd<'_>>,
        peer: &PeerSource<'_>,
    ) {
        let number = |value| value;
        self.compare(format!("size, {way}"), ours(source.size()), theirs(|| peer.size(), number));
        self.compare(
            format!("alignment, {way}"),
            ours(source.alignment()),
            theirs(|| peer.alignment(), number),
        );
        self.granularity(way, device, source, peer);
    }

    /// Asks the questions that are asked once: libpmem2 walks all regions of the machine for each
    /// answer.
    fn identity(&mut self, source: &Source<Fd<'_>>, peer: &PeerSource<'_>) {
        let node = source.numa_node().map(|node| node.map_or(-1, u32::cast_signed));
        self.compare("numa", ours(node), theirs(|| peer.numa_node(), |node| node));
        self.compare("usc", ours(source.device_usc()), theirs(|| peer.device_usc(), |count| count));
        let id = source.device_id();
        let dimms = || source.dimms().into_iter().flatten().flatten();
        let mut ids: Vec<_> =
            dimms().map_while(|dimm| dimm.id().ok().map(|id| id.to_string())).collect();
        ids.sort();
        // It takes DIMMs in the order of a directory, whatever that is.
        let in_order = |text: &str| {
            let is_id = id.is_ok_and(|id| *id == *text);
            let mut theirs: Vec<_> = ids.first().map_or(vec![], |id| {
                let pieces = text.as_bytes().chunks(id.len());
                pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
            });
            theirs.sort();
            if let (Err(_), true) = (id, !text.is_empty()) {
                return "an id".to_owned();
            }
            let is_same = !is_id && theirs == ids;
            if is_same { "the ids in another order".to_owned() } else { text.to_owned() }
        };
        self.compare(
            "id",
            ours(id),
            theirs(|| peer.device_id::<ID>(), |buffer| in_order(&text(buffer))),
        );
        let appended = |buffer| {
            let text = text(buffer);
            let Some(rest) = text.strip_prefix('x') else { return text.to_string() };
            let is_id = id.is_ok_and(|id| *id == *rest);
            format!("the text and {}", if is_id { "the id".to_owned() } else { in_order(rest) })
        };
        let mut with_text = [0; ID];
        with_text[0] = b'x';
        let into_text = theirs(|| peer.device_id_into(with_text), appended);
        self.compare("id, into a buffer with text", ours(id), into_text);
        // C's buffer has room for the zero.
        let length = id.map(|id| id.len() + 1);
        self.compare(
            "length of the id",
            ours(length),
            theirs(|| peer.device_id_length(), |length| length),
        );
    }

    /// Compares the granularity that theirs was granted for a mapping of one step; ours is the one
    /// to expect.
    fn granularity(
        &mut self,
        way: &str,
        device: &Device,
        source: &Source<Fd<'_>>,
        peer: &PeerSource<'_>,
    ) {
        let name = |number: i32| {
            ["BYTE", "CACHE_LINE", "PAGE"].get(usize::try_from(number).expect("a number")).copied()
        };
        let writable = way == "O_RDWR";
        for (sharing, shared) in [(Sharing::Shared, Shared::Yes), (Sharing::Private, Shared::No)] {
            // Without the right to write, private mappings are theirs to refuse or not.
            if !writable && sharing == Sharing::Private {
                continue;
            }
            let expected =
                source.expected_granularity(sharing).map(|expected| expected.granularity);
            let granted = theirs(
                || peer.granted(device.alignment, shared, writable),
                |number| name(number).expect("a granularity"),
            );
            self.compare(format!("{sharing:?}"), ours(expected.map(Granularity::name)), granted);
        }
    }

    /// Asserts that these are the intended differences, and all of them.
    pub(crate) fn are_intended(&self, table: &[Intended], machine: &Machine, device: &Device) {
        let intended = table.iter().filter(|row| (row.of)(machine, device));
        let intended: BTreeSet<_> =
            intended.flat_map(|row| row.calls.iter().map(|call| (*call, row.theirs))).collect();
        let found: BTreeSet<_> =
            self.0.iter().map(|(call, _, theirs)| (&**call, &**theirs)).collect();
        let unexpected: Vec<_> = found.difference(&intended).collect();
        let gone: Vec<_> = intended.difference(&found).collect();
        assert!(
            unexpected.is_empty() && gone.is_empty(),
            "not intended (call, theirs): {unexpected:?}\nintended, and no more: {gone:?}\nall (ours, theirs): {:?}",
            self.0
        );
    }
}

/// The string in a buffer.
fn text(buffer: [u8; ID]) -> DeviceId {
    let end = buffer.iter().position(|&byte| byte == 0).expect("a string that ends");
    DeviceId::fit(std::str::from_utf8(&buffer[..end]).expect("text")).expect("room for it")
}

pub(crate) fn side_by_side(machine: &Machine, device: &Device) {
    const WAYS: [(&str, OFlags); 4] = [
        ("O_RDONLY", OFlags::RDONLY),
        ("O_RDWR", OFlags::RDWR),
        ("O_PATH", OFlags::PATH),
        ("access mode 3", OFlags::RWMODE),
    ];
    let library = Libpmem2::load();
    let mut found = Found::default();
    for (way, flags) in WAYS {
        if device.read_only && flags.intersects(OFlags::RDWR | OFlags::RWMODE) {
            continue;
        }
        let opened =
            path(device.path(), flags).unwrap_or_else(|error| panic!("{}: {error}", device.path()));
        let raw = opened.as_raw_fd();
        let source = Source::from_fd(fd(raw));
        found.compare(
            format!("from_fd, {way}"),
            ours(source.map(|_| "a source")),
            theirs(|| library.source(raw).map(PeerSource::delete), |()| "a source"),
        );
        // What only one of them takes cannot be asked on.
        let (Ok(source), Ok(peer)) = (source, library.source(raw)) else { continue };
        found.questions(way, device, &source, &peer);
        if flags == OFlags::RDONLY {
            found.identity(&source, &peer);
        }
        // Theirs is mapped, with page granularity, for which they want to write, too.
        if flags == OFlags::RDWR {
            for (name, offset, length) in ranges(device.alignment) {
                let range = source.check_range(offset, length).map(|range| range.end - range.start);
                found.compare(
                    format!("range, {name}"),
                    ours(range),
                    theirs(|| peer.map(offset, length), |value| value),
                );
            }
        }
        assert_eq!(peer.fd(), Ok(raw));
        peer.delete();
    }
    found.are_intended(INTENDED, machine, device);
}
