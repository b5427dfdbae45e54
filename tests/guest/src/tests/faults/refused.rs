//! Refusals, and their reasons.

use pmem2::{
    Error,
    error::{Errno, Subject},
};
use pmem2_guest::machine::{Device, Machine};

use super::bed::Bed;
use crate::common::child::{Ended, in_child};

/// An ordinary user, in a process of its own.
fn as_nobody<T: Copy + 'static>(body: impl FnOnce() -> T) -> Ended<T> {
    in_child(|| {
        // SAFETY: they take numbers. The raw calls, since the C library's would ask other threads
        // of the parent's to follow.
        unsafe {
            assert_eq!(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<u8>()), 0);
            assert_eq!(libc::syscall(libc::SYS_setresgid, 65534, 65534, 65534), 0);
            assert_eq!(libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534), 0);
        }
        body()
    })
}

pub(crate) fn with_a_reason(machine: &Machine, device: &Device) {
    let bed = Bed::empty(machine, device, 0);
    let source = bed.source();
    let found = as_nobody(|| source.bad_blocks().map(drop));
    let refused = |what| Err(Error::Os { subject: what, errno: Errno::EACCES });
    let expected = if device.is_device_dax() {
        // Where a device lies in its region is root's to know.
        refused(Subject::BadBlocks)
    } else if device.is_volume() {
        refused(Subject::Volume)
    } else {
        Ok(())
    };
    assert_eq!(found, Ended::With(expected));
}
