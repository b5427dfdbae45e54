//! The identity of the hardware below a source: its NUMA node, its DIMMs, their ids and counts.

use pmem2::{
    Error, Kind,
    error::Subject,
    place::{Backing, DeviceId, Mode},
    platform::Fail,
};
use proptest::{collection::vec, prelude::*};

use crate::{
    failures::expected,
    land::{Dimm, Land, region, some_fails, text},
    place::{GONE, elsewhere, overlay, source},
    script::{Call, Script},
};

/// Regions with these DIMMs.
fn dimms(by_region: Vec<Vec<Result<Dimm, Fail>>>) -> Land {
    let mut land =
        Land::of((0..by_region.len()).map(|number| region(0, number as u32, Mode::Devdax)));
    land.dimms = by_region;
    land
}

/// Three regions: two DIMMs, none, one.
fn interleaved() -> Land {
    dimms(vec![
        vec![Dimm::new(4, "8680-56341200", 7), Dimm::new(1, "8680-57341200", 0)],
        vec![],
        vec![Dimm::new(0, "8089-a2-1747-00000a01", 35)],
    ])
}

fn script(land: Land) -> Script {
    Script::at(Kind::DeviceDax, land)
}

fn device_id(land: Land) -> Result<DeviceId, Error> {
    source(&script(land)).device_id()
}

fn device_usc(land: Land) -> Result<u64, Error> {
    source(&script(land)).device_usc()
}

/// The calls before the first DIMM, and how each DIMM of `interleaved` is asked about.
fn calls_with(ask: Option<fn(usize, usize) -> Call>) -> Vec<Call> {
    let mut calls = vec![Call::Locate, Call::Backing, Call::Regions];
    for (region, count) in [2, 0, 1].into_iter().enumerate() {
        for index in 0..count {
            calls.push(Call::Dimm(region, index));
            calls.extend(ask.map(|ask| ask(region, index)));
        }
        calls.push(Call::Dimm(region, count));
    }
    calls.push(Call::Confirm);
    calls
}

#[test]
fn dimms_come_by_region_and_mapping() {
    let script = script(interleaved());
    let source = source(&script);
    let all: Vec<_> =
        source.dimms().expect("its DIMMs").map(|dimm| dimm.expect("a DIMM")).collect();
    assert_eq!(script.calls(), calls_with(None));
    let shown: Vec<_> = all
        .iter()
        .map(|dimm| {
            (
                dimm.region(),
                dimm.number().unwrap(),
                dimm.id().unwrap().to_string(),
                dimm.dirty_shutdowns(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (0, 4, "8680-56341200".into(), Ok(7)),
            (0, 1, "8680-57341200".into(), Ok(0)),
            (2, 0, "8089-a2-1747-00000a01".into(), Ok(35)),
        ]
    );
    assert_eq!(format!("{:?}", source.dimms().unwrap()), "Dimms { next: Some((0, 0)), .. }");
}

/// Likewise where each DIMM is asked about once: of a region that is not the first, it is looked
/// for among those before.
fn once(ask: fn(usize, usize) -> Call) -> Vec<Call> {
    let before = [
        Call::Regions,
        Call::DimmNumber(2, 0),
        Call::Dimm(0, 0),
        Call::DimmNumber(0, 0),
        Call::Dimm(0, 1),
        Call::DimmNumber(0, 1),
        Call::Dimm(0, 2),
        Call::Dimm(1, 0),
    ];
    let mut calls = calls_with(Some(ask));
    let at = calls.iter().position(|call| *call == ask(2, 0)).expect("the last DIMM");
    calls.splice(at..at, before);
    calls
}

/// A DIMM that two regions of one volume share is one DIMM: its id is there once, with the first,
/// and it counts once. As a DIMM of both regions it is listed twice.
#[test]
fn dimms_that_regions_share() {
    let (a, b, c) = (Dimm::new(4, "a", 7), Dimm::new(1, "b", 20), Dimm::new(2, "c", 300));
    for (by_region, id, count) in [
        (vec![vec![a.clone()], vec![a.clone()]], "a", 7),
        (vec![vec![a.clone(), b.clone()], vec![b.clone(), a.clone()]], "ab", 27),
        (vec![vec![a.clone()], vec![], vec![b.clone(), a.clone(), c.clone()]], "abc", 327),
        (vec![vec![a.clone()], vec![b.clone()], vec![b.clone()], vec![c]], "abc", 327),
    ] {
        let listed = by_region.iter().map(Vec::len).sum();
        assert_eq!(device_id(dimms(by_region.clone())).as_deref(), Ok(id));
        assert_eq!(device_usc(dimms(by_region.clone())), Ok(count));
        let script = script(dimms(by_region));
        assert_eq!(source(&script).dimms().expect("its DIMMs").count(), listed);
    }
    // Which they are has to be known.
    for fail in some_fails(Subject::Dimm) {
        for call in [Call::DimmNumber(0, 0), Call::DimmNumber(1, 0)] {
            let mut land = dimms(vec![vec![a.clone()], vec![b.clone()]]);
            land.fail(call, fail);
            assert_eq!(device_usc(land.clone()), Err(expected(fail, Subject::Dimm)), "{call:?}");
            assert_eq!(device_id(land).map(|_| ()), Err(expected(fail, Subject::Dimm)), "{call:?}");
        }
    }
}

#[test]
fn ids_are_joined_and_counts_are_added() {
    let script = script(interleaved());
    let source = source(&script);
    assert_eq!(
        source.device_id().as_deref(),
        Ok("8680-563412008680-573412008089-a2-1747-00000a01")
    );
    assert_eq!(script.calls(), once(Call::DimmId));
    assert_eq!(source.device_usc(), Ok(42));
    assert_eq!(script.calls(), once(Call::DimmDirtyShutdowns));
    // e820, virtio-pmem.
    for none in [vec![], vec![vec![]], vec![vec![], vec![]]] {
        assert_eq!(
            (device_id(dimms(none.clone())).as_deref(), device_usc(dimms(none))),
            (Ok(""), Ok(0))
        );
    }
}

/// A count that was taken while the DIMM was taken away must not look complete.
#[test]
fn no_answer_without_a_confirmation() {
    for fail in some_fails(Subject::Device) {
        let mut land = interleaved();
        land.fail(Call::Confirm, fail);
        land.nodes = vec![Ok(Some(1)); 3];
        let script = script(land);
        let source = source(&script);
        let error = |asked| expected(fail, asked);
        assert_eq!(source.numa_node(), Err(error(Subject::NumaNode)));
        assert_eq!(source.device_id().map(|_| ()), Err(error(Subject::Dimm)));
        assert_eq!(source.device_usc(), Err(error(Subject::Dimm)));
        let listed: Vec<_> =
            source.dimms().expect("its DIMMs").map(|dimm| dimm.map(|_| ())).collect();
        assert_eq!(
            listed,
            [Ok(()), Ok(()), Ok(()), Err(error(Subject::Dimm))],
            "and it ends there"
        );
        assert_eq!(script.calls().iter().filter(|call| **call == Call::Confirm).count(), 4);
    }
}

#[test]
fn every_failure_ends_it() {
    let early = [Call::Locate, Call::Backing, Call::Regions];
    let listing = [Call::Dimm(0, 0), Call::Dimm(0, 1), Call::Dimm(2, 0)];
    let of_each = |call: fn(usize, usize) -> Call| [call(0, 0), call(0, 1), call(2, 0)];
    let fails = || {
        [Subject::Dimm, Subject::DeviceId, Subject::UnsafeShutdowns, Subject::Device]
            .into_iter()
            .flat_map(some_fails)
    };
    for fail in fails() {
        let asked = |call: Call, whole: Subject, each: Subject| match call {
            call if early.contains(&call) => whole,
            call if listing.contains(&call) => Subject::Dimm,
            _ => each,
        };
        for call in early.into_iter().chain(listing).chain(of_each(Call::DimmId)) {
            let mut land = interleaved();
            land.fail(call, fail);
            let script = script(land);
            let error = expected(fail, asked(call, Subject::DeviceId, Subject::DeviceId));
            assert_eq!(source(&script).device_id(), Err(error), "{call:?}");
            assert_eq!(script.calls().last(), Some(&call), "nothing is asked after a failure");
        }
        for call in early.into_iter().chain(listing).chain(of_each(Call::DimmDirtyShutdowns)) {
            let mut land = interleaved();
            land.fail(call, fail);
            let script = script(land);
            let error =
                expected(fail, asked(call, Subject::UnsafeShutdowns, Subject::UnsafeShutdowns));
            assert_eq!(source(&script).device_usc(), Err(error), "{call:?}");
            assert_eq!(script.calls().last(), Some(&call));
        }
        for call in listing {
            let mut land = interleaved();
            land.fail(call, fail);
            let script = script(land);
            let source = source(&script);
            let listed: Vec<_> =
                source.dimms().expect("its DIMMs").map(|dimm| dimm.map(|_| ())).collect();
            let good = listing.iter().position(|which| *which == call).expect("one of them");
            assert_eq!(listed[..good], vec![Ok(()); good]);
            assert_eq!(
                listed[good..],
                [Err(expected(fail, Subject::Dimm))],
                "after an error it ends"
            );
        }
        let mut land = interleaved();
        for call in [Call::DimmNumber(0, 0), Call::DimmId(0, 0), Call::DimmDirtyShutdowns(0, 0)] {
            land.fail(call, fail);
        }
        let script = script(land);
        let dimm =
            source(&script).dimms().expect("its DIMMs").next().expect("a first").expect("a DIMM");
        assert_eq!(dimm.number(), Err(expected(fail, Subject::Dimm)));
        assert_eq!(dimm.id(), Err(expected(fail, Subject::DeviceId)));
        assert_eq!(dimm.dirty_shutdowns(), Err(expected(fail, Subject::UnsafeShutdowns)));
    }
}

/// Unsupported, not permitted, garbage.
#[test]
fn three_errors_are_three() {
    let failing = |fail| {
        let mut land = interleaved();
        land.fail(Call::DimmDirtyShutdowns(0, 1), fail);
        device_usc(land).expect_err("no count")
    };
    let what = Subject::UnsafeShutdowns;
    let errors =
        [Fail::Unsupported, Fail::Os(what, pmem2::error::Errno::EACCES), Fail::Malformed(what)]
            .map(failing);
    assert_eq!(errors.map(|error| error.code()), [-100_001, -13, -100_027]);
    let sentences = errors.map(|error| error.to_string());
    for (sentence, word) in
        sentences.iter().zip(["cannot be determined", "more rights are needed", "makes no sense"])
    {
        assert!(sentence.contains(word), "{sentence}");
    }
}

#[test]
fn an_id_that_is_too_long() {
    const ROOM: usize = 704;
    let of = |lengths: &[usize]| {
        let ids = lengths.iter().map(|&length| Dimm::new(0, &"x".repeat(length), 0)).collect();
        device_id(dimms(vec![ids])).map(|id| id.len())
    };
    let too_large = Err(Error::TooLarge(Subject::DeviceId));
    // The 32 DIMMs that a region can have, each with vendor, place, time and serial number.
    assert_eq!(of(&[21; 32]), Ok(21 * 32));
    assert_eq!(of(&[22; 32]), Ok(ROOM));
    assert_eq!(of(&[32; 22]), Ok(ROOM));
    assert_eq!(of(&[&[32; 22][..], &[0]].concat()), Ok(ROOM));
    assert_eq!(of(&[&[32; 22][..], &[1]].concat()), too_large);
    assert_eq!(of(&[&[32; 21][..], &[31, 2]].concat()), too_large);
    assert_eq!(of(&[32; 23]), too_large);
    assert_eq!(Error::TooLarge(Subject::DeviceId).code(), -pmem2::error::Errno::EOVERFLOW.raw());
    // Nothing is asked of the DIMMs behind.
    let script = script(dimms(vec![vec![Dimm::new(0, &"x".repeat(32), 0); 40]]));
    assert_eq!(source(&script).device_id().map(|_| ()), Err(Error::TooLarge(Subject::DeviceId)));
    assert_eq!(script.calls().last(), Some(&Call::DimmId(0, 22)));
    assert_eq!(source(&script).dimms().expect("its DIMMs").count(), 40, "they can still be listed");
}

#[test]
fn a_count_that_cannot_be() {
    let of = |counts: &[u64]| {
        device_usc(dimms(vec![counts.iter().map(|&count| Dimm::new(0, "", count)).collect()]))
    };
    assert_eq!(of(&[u64::MAX]), Ok(u64::MAX));
    assert_eq!(of(&[u64::MAX, 0]), Ok(u64::MAX));
    assert_eq!(of(&[u64::MAX, 1]), Err(Error::InvalidDevFormat));
    assert_eq!(of(&[1 << 63, 1 << 63]), Err(Error::InvalidDevFormat));
    assert_eq!(of(&[1, u64::MAX, 0]), Err(Error::InvalidDevFormat));
}

#[test]
fn what_has_no_hardware_below() {
    for on in elsewhere() {
        let script = script(Land::on(on));
        let source = source(&script);
        let not_there = |asked| Error::NotPersistentMemory { asked, on };
        assert_eq!(source.device_id(), Err(not_there(Subject::DeviceId)));
        assert_eq!(source.device_usc(), Err(not_there(Subject::UnsafeShutdowns)));
        assert_eq!(source.dimms().map(|_| ()), Err(not_there(Subject::Dimm)));
        // A device DAX may have been another one when the source was made.
        let confirmed: &[_] = if on == Backing::DeviceDax { &[Call::Confirm] } else { &[] };
        assert_eq!(script.calls(), [&[Call::Locate, Call::Backing], confirmed].concat().repeat(3));
        let node = source.numa_node();
        assert_eq!(source.target_node(), node);
        match on {
            // The driver says where it is.
            Backing::DeviceDax => assert_eq!(node, Ok(None)),
            Backing::Hidden(_) => assert_eq!(node, Err(not_there(Subject::NumaNode))),
            on => assert_eq!(
                (node, node.unwrap_err().code()),
                (Err(Error::DaxRegionNotFound(on)), -100_026)
            ),
        }
        assert_eq!(not_there(Subject::DeviceId).code(), -100_001);
    }
    let mut land = Land::on(Backing::DeviceDax);
    (land.nodes, land.targets) = (vec![Ok(Some(3))], vec![Ok(Some(4))]);
    let script = script(land);
    assert_eq!(source(&script).numa_node(), Ok(Some(3)));
    let calls = |node| [Call::Locate, Call::Backing, node, Call::Regions, Call::Confirm];
    assert_eq!(script.calls(), calls(Call::NumaNode(0)));
    assert_eq!(source(&script).target_node(), Ok(Some(4)));
    assert_eq!(script.calls(), calls(Call::TargetNode(0)));
    assert_eq!(overlay(), elsewhere()[3]);
}

#[test]
fn a_volume_has_one_node_or_none() {
    let of = |nodes: &[Option<u32>]| {
        let mut land =
            Land::of((0..nodes.len()).map(|number| region(0, number as u32, Mode::Fsdax)));
        land.nodes = nodes.iter().map(|node| Ok(*node)).collect();
        land.targets = land.nodes.clone();
        let script = script(land);
        let (node, calls) = (source(&script).numa_node(), script.calls());
        assert_eq!(source(&script).target_node(), node);
        assert_eq!(script.calls().len(), calls.len());
        (node, calls)
    };
    let several = Err(Error::SeveralNumaNodes);
    assert_eq!(of(&[Some(1)]).0, Ok(Some(1)));
    assert_eq!(of(&[None]).0, Ok(None));
    assert_eq!(of(&[None, None]).0, Ok(None));
    assert_eq!(of(&[Some(1); 16]).0, Ok(Some(1)));
    assert_eq!(of(&[Some(0), Some(1)]).0, several);
    assert_eq!(of(&[Some(1), None]).0, several);
    assert_eq!(of(&[None, Some(0)]).0, several);
    assert_eq!(of(&[Some(1), Some(1), Some(2)]).0, several);
    assert_eq!(
        of(&[Some(1), Some(1)]).1,
        [
            Call::Locate,
            Call::Backing,
            Call::NumaNode(0),
            Call::Regions,
            Call::NumaNode(1),
            Call::Confirm
        ]
    );
    assert_eq!(
        of(&[Some(1), Some(2), Some(3)]).1.last(),
        Some(&Call::NumaNode(1)),
        "two are enough"
    );
    assert_eq!(Error::SeveralNumaNodes.code(), -100_001);
    for call in [Call::Locate, Call::Backing, Call::NumaNode(0), Call::NumaNode(1)] {
        for fail in [Subject::NumaNode, Subject::Device].into_iter().flat_map(some_fails) {
            let mut land = Land::of([region(0, 0, Mode::Fsdax), region(0, 1, Mode::Fsdax)]);
            land.fail(call, fail);
            let script = script(land);
            assert_eq!(
                source(&script).numa_node(),
                Err(expected(fail, Subject::NumaNode)),
                "{call:?}"
            );
            assert_eq!(script.calls().last(), Some(&call));
        }
    }
}

proptest! {
    /// Whatever the DIMMs: their ids one behind the other, their counts together, or an error where
    /// there is no room.
    #[test]
    fn of_any_dimms(by_region in vec(vec(("[!-~]{0,32}", any::<u32>(), 0..u64::MAX / 40), 0..9), 0..8)) {
        let land = || dimms(
            by_region
                .iter()
                .map(|dimms| dimms.iter().map(|(id, number, count)| Dimm::new(*number, id, *count)).collect())
                .collect(),
        );
        let all: Vec<_> = by_region.iter().flatten().collect();
        let joined: String = all.iter().map(|(id, ..)| id.as_str()).collect();
        let id = if joined.len() <= 704 { Ok(text(&joined)) } else { Err(Error::TooLarge(Subject::DeviceId)) };
        prop_assert_eq!(device_id(land()), id);
        let sum = all.iter().map(|(.., count)| u128::from(*count)).sum::<u128>();
        prop_assert_eq!(device_usc(land()), u64::try_from(sum).map_err(|_| Error::InvalidDevFormat));
        let script = script(land());
        let numbers: Vec<_> = source(&script).dimms().unwrap().map(|dimm| dimm.unwrap().number().unwrap()).collect();
        prop_assert_eq!(numbers, all.iter().map(|(_, number, _)| *number).collect::<Vec<_>>());
    }

    /// A confirmation that fails is never overlooked.
    #[test]
    fn of_any_dimms_that_are_gone(counts in vec(0..9_usize, 0..8)) {
        let mut land = dimms(counts.iter().map(|&count| vec![Dimm::new(0, "id", 1); count]).collect());
        land.fail(Call::Confirm, Fail::DeviceReplaced);
        let script = script(land);
        let source = source(&script);
        prop_assert_eq!(source.device_id(), Err(GONE));
        prop_assert_eq!(source.device_usc(), Err(GONE));
        prop_assert_eq!(source.numa_node(), Err(GONE));
        prop_assert_eq!(source.place(), Err(GONE));
    }
}
