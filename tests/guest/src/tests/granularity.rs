//! The granularity to expect, and why. That the kernel grants it is the test `kernel`; that
//! libpmem2 does, `peer`.

use std::os::fd::AsRawFd;

use pmem2::{
    Error, Granularity, Sharing, Source,
    place::{Backing, Expected, Reason},
};
use pmem2_guest::machine::{self, Device, Machine};
use rustix::fs::OFlags;

use crate::{
    common::{fd, made::path},
    expected,
};

pub(crate) fn expected_and_why(machine: &Machine, device: &Device) {
    for flags in [OFlags::RDONLY, OFlags::RDWR] {
        if device.read_only && flags == OFlags::RDWR {
            continue;
        }
        let opened = path(device.path(), flags).expect("opened");
        let source = Source::from_fd(fd(opened.as_raw_fd())).expect("a source");
        shared(machine, device, source.expected_granularity(Sharing::Shared));
        let place = source.place().expect("a place");
        shared(machine, device, source.expected_granularity_at(&place, Sharing::Shared));
        let private = source.expected_granularity(Sharing::Private);
        if device.is_device_dax() {
            assert_eq!(private, Err(Error::SrcDevdaxPrivate));
        } else {
            let Expected { granularity, reason, .. } = private.expect("an answer");
            assert_eq!((granularity, reason), (Granularity::Byte, Reason::Private));
        }
        // A trial that changed the file would show here.
        assert_eq!(source.size(), Ok(device.size(machine)));
    }
}

fn shared(machine: &Machine, device: &Device, answer: Result<Expected, Error>) {
    if device.gives.reason == "never_durable" {
        assert_eq!(answer, Err(Error::NeverDurable));
        return;
    }
    let Expected { granularity, reason, .. } = answer.expect("an answer");
    let expected = match device.gives.granularity {
        machine::Granularity::Byte => Granularity::Byte,
        machine::Granularity::CacheLine => Granularity::CacheLine,
        machine::Granularity::Page => Granularity::Page,
    };
    assert_eq!((granularity, reason.name()), (expected, device.gives.reason));
    if let Reason::NotPersistentMemory(on) = reason {
        assert_eq!(on, expected::backing(machine, device));
        assert_ne!(on, Backing::Regions);
    }
}
