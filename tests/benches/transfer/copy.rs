//! The copy of a mapping.

use std::{
    cell::RefCell, fs::File, hint::black_box, os::fd::AsRawFd, ptr::null_mut, slice, time::Duration,
};

use pmem2_platform::{GuardedCopy, SigbusHandler};

use crate::figures::{CALLS, Contender, Effort, interleave, print_ratio, report};

/// The copy of a mapping, beside a memcpy of the same bytes to the same place: at least 0.9 of its
/// speed is wanted for 1 MiB. (For what is in the nearest caches it takes up to twice as long, some
/// hundredths of a microsecond: memcpy has wider registers, and string instructions, which bad
/// memory must not meet.)
pub(crate) fn measure() {
    let mut ratios = Vec::new();
    for (length, name) in
        [(64, "64"), (4 << 10, "4kib"), (64 << 10, "64kib"), (1 << 20, "1mib"), (16 << 20, "16mib")]
    {
        // The buffer is aligned like the mapping, or it is not.
        for (shift, aligned) in [(0, ""), (24, "_shifted")] {
            ratios.push((format!("copy_{name}{aligned}_speed_vs_memcpy"), one(length, shift)));
        }
    }
    println!();
    for (name, ratio) in ratios {
        print_ratio(&name, ratio, 3);
    }
}

fn one(length: usize, shift: usize) -> f64 {
    let file: File = rustix::fs::memfd_create(c"bench", rustix::fs::MemfdFlags::CLOEXEC)
        .expect("a memfd")
        .into();
    file.set_len(length as u64).expect("its length");
    let handler = SigbusHandler::install().expect("a handler of SIGBUS");
    let mapping = GuardedCopy::new(handler, &file, 0, length, false).expect("a mapping");
    let (protection, flags) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: a mapping at an address of the kernel's choice touches no memory that anybody has. It
    // stays.
    let bytes = unsafe {
        let at = libc::mmap(null_mut(), length, protection, flags, file.as_raw_fd(), 0);
        assert_ne!(at, libc::MAP_FAILED, "a mapping of our own");
        slice::from_raw_parts(at.cast::<u8>(), length)
    };
    let room = RefCell::new(vec![1_u8; length + 8192]);
    let start = room.borrow().as_ptr().align_offset(4096) + shift;
    let ours = || {
        let target = &mut room.borrow_mut()[start..start + length];
        assert_eq!(mapping.read(0, black_box(target)), Ok(()));
    };
    let theirs = || {
        let target = &mut room.borrow_mut()[start..start + length];
        black_box(target).copy_from_slice(black_box(bytes));
    };
    let calls = u32::try_from((4 << 20) / length).unwrap_or(1).clamp(1, CALLS);
    let contenders = [
        Contender { name: "mcsafe, ns", call: &ours, calls },
        Contender { name: "memcpy, ns", call: &theirs, calls },
    ];
    let samples =
        interleave(&contenders, Effort { limit: Duration::from_secs(3), ..Effort::USUAL });
    println!("{length} bytes, shifted by {shift}");
    for (contender, values) in contenders.iter().zip(&samples) {
        report(contender.name, values);
    }
    let [ours, theirs] = [0, 1].map(|index| samples[index].as_slice());
    let speeds: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| theirs / ours).collect();
    report("speed of memcpy's", &speeds)
}
