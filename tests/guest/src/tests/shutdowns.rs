//! A counter of unsafe shutdowns. QEMU's DIMMs have none, so that a directory with one is put in
//! the place of theirs.

use std::{
    fs::{self, Permissions},
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use pmem2::{
    Error, Source,
    error::{Errno, Subject},
};
use pmem2_guest::machine::{Device, Machine, Volume};
use rustix::mount::mount_bind;

use crate::{
    common::{
        libpmem2::Libpmem2,
        thread::{as_nobody, with_own_mounts},
    },
    expected, open,
};

const UNSUPPORTED: Error = Error::Unsupported(Subject::UnsafeShutdowns);
const DENIED: Error = Error::Os { subject: Subject::UnsafeShutdowns, errno: Errno::EACCES };

/// The directories of the DIMMs' own files, copied to where they can be changed, and a counter in
/// each.
struct Counters(Vec<PathBuf>);

impl Counters {
    /// On a thread with mounts of its own.
    fn new(machine: &Machine, device: &Device, place: &Path) -> Self {
        let dimms = expected::regions(machine, device).into_iter().flat_map(|region| region.dimms);
        let copied = dimms.map(|dimm| {
            let (theirs, ours) =
                (format!("/sys/bus/nd/devices/nmem{dimm}/nfit"), place.join(dimm.to_string()));
            fs::create_dir(&ours).expect("a directory");
            for entry in fs::read_dir(&theirs).expect("the DIMM's files").flatten() {
                if let Ok(text) = fs::read(entry.path()) {
                    fs::write(ours.join(entry.file_name()), text).expect("copied");
                }
            }
            mount_bind(&ours, &theirs).unwrap_or_else(|errno| panic!("{theirs}: {errno}"));
            ours
        });
        Self(copied.collect())
    }

    /// All say this.
    fn say(&self, text: &str) {
        for directory in &self.0 {
            fs::write(directory.join("dirty_shutdown"), text).expect("a counter");
        }
    }
}

pub(crate) fn counted(machine: &Machine, device: &Device) {
    let file = open(device, 0);
    let source = Source::new(&file).expect("a source");
    let id = source.device_id().expect("an id");
    with_own_mounts(|| {
        let place = tempfile::tempdir().expect("a directory");
        // Others may look into it: what they may read there is what is tried.
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).expect("chmod");
        let counters = Counters::new(machine, device, place.path());
        assert_eq!(source.device_usc(), Err(UNSUPPORTED));

        let dimms = u64::try_from(counters.0.len()).expect("a few");
        for (text, count) in [("0\n", 0), ("7\n", 7), ("4294967297\n", 1 << 32 | 1), ("7", 7)] {
            counters.say(text);
            assert_eq!(source.device_usc(), Ok(dimms * count), "{text:?}");
            let each: Vec<_> =
                source.dimms().expect("DIMMs").map(|dimm| dimm?.dirty_shutdowns()).collect();
            assert_eq!(each, vec![Ok(count); counters.0.len()], "{text:?}");
        }
        // Different ones, the sum of both; what the other is follows from neither.
        for (number, directory) in counters.0.iter().enumerate() {
            fs::write(directory.join("dirty_shutdown"), format!("{}\n", 10 + number))
                .expect("a counter");
        }
        assert_eq!(source.device_usc(), Ok((0..dimms).map(|number| 10 + number).sum()));
        beside_libpmem2(device, &file, source.device_usc());

        for garbage in
            ["", "\n", "x\n", "-1\n", "7 \n", "7\n7\n", "0x7\n", "18446744073709551616\n"]
        {
            counters.say(garbage);
            assert_eq!(source.device_usc(), Err(Error::InvalidDevFormat), "{garbage:?}");
        }
        // Each is a count, and together they are none.
        counters.say("18446744073709551615\n");
        assert_eq!(
            source.device_usc(),
            if dimms == 1 { Ok(u64::MAX) } else { Err(Error::InvalidDevFormat) }
        );

        counters.say("7\n");
        for directory in &counters.0 {
            let counter = directory.join("dirty_shutdown");
            fs::set_permissions(counter, Permissions::from_mode(0o400)).expect("chmod");
        }
        assert_eq!(source.device_usc(), Ok(dimms * 7));
        assert_eq!(as_nobody(|| source.device_usc()), Err(DENIED));
        assert_eq!(DENIED.code(), -libc::EACCES);
        // Only that.
        assert_eq!(as_nobody(|| source.device_id()), Ok(id));
        for directory in &counters.0 {
            fs::remove_file(directory.join("dirty_shutdown")).expect("removed");
        }
        assert_eq!(source.device_usc(), Err(UNSUPPORTED));
    });
}

/// libpmem2 sees them too, but for what it does not follow to the region.
fn beside_libpmem2(device: &Device, file: &fs::File, ours: Result<u64, Error>) {
    if device.volume != Volume::Whole {
        return;
    }
    let library = Libpmem2::load();
    let peer = library.source(file.as_raw_fd()).expect("a source");
    assert_eq!(peer.device_usc(), ours.map_err(|error| error.code()));
    peer.delete();
}
