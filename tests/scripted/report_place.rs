//! The lines of a report about where a source lies, on what hardware, and in what steps it can be
//! made durable.

#[cfg(target_os = "linux")]
use pmem2::{Access, Error};
use pmem2::{
    Granularity, Kind,
    persist::PersistenceDomain,
    place::{Backing, DaxOption, DaxState, DimmState, MapSync, Mode, Place, Reason},
    report::{Answer, Report},
};

#[cfg(target_os = "linux")]
use crate::place::{DISK, tmpfs};
use crate::{
    land::{Dimm, Land, region, text},
    place::overlay,
    script::{Call, Id, Script},
    world::{BTRFS, World, worlds},
};

fn report(kind: Kind, land: Land) -> Report<Id> {
    Report::new(&Script::at(kind, land).object())
}

/// The lines except those that every source has.
fn beyond(report: &Report<Id>) -> Vec<String> {
    const OF_ALL: [&str; 7] =
        ["kind", "access", "identity", "file system", "size", "allocated", "alignment"];
    let about_it = |line: &&str| !OF_ALL.contains(&line.split("  ").next().expect("a key"));
    report.to_string().lines().filter(about_it).map(String::from).collect()
}

#[track_caller]
fn of_file(land: Land, expected: &[&str]) {
    assert_eq!(beyond(&report(Kind::RegularFile, land)), expected);
}

const PLACE: &str = "place            pmem0, fsdax namespace0.0 of region0 on ndbus0 (ACPI.NFIT)";
const DOMAIN: &str = "persistence      memory_controller";
const YES: &str = "persistent: yes, CACHE_LINE (ADR: caches are not saved)";
const ADR: &str = "reason           the platform flushes the memory controller's buffers when \
                   the power \
                   fails, but not the processor's caches (no eADR)";
const EADR: &str = "remedy           BYTE needs a platform with eADR";
const LINES: &str = "granularity      CACHE_LINE with MAP_SYNC, PAGE without";

#[test]
fn on_persistent_memory() {
    let land = || {
        let mut land = Land::fsdax();
        land.dimms[0].push(Dimm::new(3, "8680-57341200", 41));
        land
    };
    let id = "device id        8680-000000008680-57341200";
    let (node, count) = ("numa node        0", "unsafe shutdowns 42");
    of_file(land(), &[YES, ADR, EADR, PLACE, DOMAIN, node, id, count, LINES]);
    let report = report(Kind::RegularFile, land());
    assert_eq!(
        report.place().map(|place| place.map(|place| place.backing())),
        Some(Ok(Backing::Regions))
    );
    assert_eq!((report.numa_node(), report.device_usc()), (Some(Ok(Some(0))), Some(Ok(42))));
    assert_eq!(report.device_id().map(|id| id.as_deref()), Some(Ok("8680-000000008680-57341200")));
    assert_eq!(report.granularity().map(|answer| answer.is_ok()), Some(true));
}

/// Where the memory would be as ordinary memory is told where the platform says so.
#[test]
fn target_nodes() {
    let mut first = region(0, 0, Mode::Fsdax);
    first.target_node = Some(3);
    let one = Land::of([first]);
    let (id, count) = ("device id        8680-00000000", "unsafe shutdowns 1");
    let (node, target) = ("numa node        0", "target node      3");
    let lines = [YES, ADR, EADR, PLACE, DOMAIN, node, target, id, count, LINES];
    assert_eq!(report(Kind::RegularFile, one.clone()).target_node(), Some(Ok(Some(3))));
    of_file(one, &lines);
    let mut second = region(1, 4, Mode::Fsdax);
    second.target_node = Some(4);
    let two = beyond(&report(Kind::RegularFile, Land::of([first, second])));
    assert!(two[4].ends_with("; numa node 0; target node 3"), "{two:?}");
    assert!(two.contains(&"target node      several: see the regions".to_owned()), "{two:?}");
}

/// A region of volatile memory has a domain that says so, and no hardware that would keep anything.
#[test]
fn volatile_memory() {
    let mut memory = region(0, 0, Mode::Fsdax);
    memory.domain = PersistenceDomain::Volatile;
    let report = report(Kind::RegularFile, Land::of([memory]));
    assert_eq!((report.numa_node(), report.target_node(), report.device_usc()), (None, None, None));
    assert!(report.device_id().is_none());
    let lines = beyond(&report);
    assert_eq!(lines[0], "persistent: no: volatile memory");
    assert!(lines[4].starts_with("persistence      none, since"), "{lines:?}");
    assert_eq!(lines[5], LINES);
    // Beside a region that is persistent there is one.
    let report = self::report(Kind::RegularFile, Land::of([memory, region(0, 1, Mode::Fsdax)]));
    assert_eq!(report.device_usc(), Some(Ok(3)));
}

#[test]
fn without_dimms() {
    let mut land = Land::fsdax();
    land.dimms = vec![vec![]];
    land.nodes = vec![Ok(None)];
    let none = "device id        none: the system knows no DIMM of it";
    let node = "numa node        not stated by the platform";
    of_file(land, &[YES, ADR, EADR, PLACE, DOMAIN, node, none, LINES]);
}

/// A warning comes before everything that looks good.
#[test]
fn warnings_come_first() {
    let mut land = Land::fsdax();
    let mut region = region(0, 7, Mode::Fsdax);
    (region.state, region.read_only, region.provider) = (DimmState::NOT_ARMED, true, text("e820"));
    land.regions = vec![Ok(region)];
    let report = report(Kind::RegularFile, land).to_string();
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines[0], "persistent: not as it is: a DIMM is not armed");
    assert!(lines[1].starts_with("reason ") && lines[2].starts_with("remedy "), "{lines:?}");
    assert_eq!(
        lines[3..7],
        [
            "warning          a DIMM of region7 is not armed: stores will be lost when the power \
             fails",
            "warning          region7 can only be read",
            "warning          region7 is only declared to be persistent (e820, memmap=, \
             ramdax): ordinary memory keeps nothing without power",
            "kind             regular file",
        ]
    );
}

#[test]
fn a_volume_has_a_line_for_each_region() {
    let mut other = region(1, 4, Mode::Raw);
    (other.numa_node, other.domain) = (None, PersistenceDomain::Unstated);
    let land = Land::of([region(0, 2, Mode::Fsdax), other]);
    of_file(
        land,
        &[
            "persistent: yes, CACHE_LINE (eADR is not stated)",
            "reason           the platform does not say whether it flushes the processor's \
             caches (eADR)",
            EADR,
            "place            pmem0, a volume on 2 regions",
            "region           fsdax namespace2.0 of region2 on ndbus0 (ACPI.NFIT); persistence \
             memory_controller; numa node 0",
            "region           raw namespace4.0 of region4 on ndbus1 (ACPI.NFIT); persistence not \
             stated; numa node not \
             stated by the platform",
            "numa node        several: see the regions",
            "device id        8680-000000008680-00000001",
            "unsafe shutdowns 3",
            LINES,
        ],
    );
}

// Windows has other words for some: tests/windows.
#[cfg(target_os = "linux")]
#[test]
fn what_could_not_be_found_out() {
    use pmem2::{
        error::{Errno, Subject},
        platform::Fail,
    };
    let changed = |change: fn(&mut Land)| {
        let mut land = Land::fsdax();
        change(&mut land);
        beyond(&report(Kind::RegularFile, land))
    };
    let line = |lines: Vec<String>, key: &str| {
        lines
            .into_iter()
            .find_map(|line| line.strip_prefix(key).map(|value| value.trim_start().to_owned()))
    };
    let denied = |what| Fail::Os(what, Errno::EACCES);
    assert_eq!(
        line(
            changed(|land| land.fail(Call::DimmDirtyShutdowns(0, 0), Fail::Unsupported)),
            "unsafe shutdowns"
        )
        .as_deref(),
        Some("not counted by its DIMMs")
    );
    assert_eq!(
        line(changed(|land| land.fail(Call::DimmId(0, 0), Fail::Unsupported)), "device id")
            .as_deref(),
        Some("none: its DIMMs have no ids that the system knows")
    );
    let mut land = Land::fsdax();
    land.fail(Call::DimmDirtyShutdowns(0, 0), denied(Subject::UnsafeShutdowns));
    land.fail(Call::DimmId(0, 0), Fail::Malformed(Subject::DeviceId));
    land.fail(Call::NumaNode(0), Fail::Malformed(Subject::NumaNode));
    of_file(
        land,
        &[
            YES,
            ADR,
            EADR,
            PLACE,
            DOMAIN,
            "numa node        unknown: the system's answer about the source's region makes no \
             sense",
            "device id        unknown: the system's answer about the source's device makes no \
             sense",
            "unsafe shutdowns unknown: the system failed when it was asked for the count of \
             unsafe shutdowns: permission \
             denied (EACCES); more rights are needed, or a filter (seccomp) that allows the call",
            LINES,
        ],
    );
    let mut land = Land::fsdax();
    land.fail(Call::Locate, denied(Subject::Device));
    let report = report(Kind::RegularFile, land);
    let failed = Error::Os { subject: Subject::Device, errno: Errno::EACCES };
    assert_eq!(
        (report.place(), report.verdict()),
        (Some(&Err(failed)), Ok(())),
        "a source all the same"
    );
    assert_eq!((report.numa_node(), report.device_usc()), (None, None));
    assert!(report.device_id().is_none());
    assert_eq!(
        beyond(&report),
        [
            "persistent: not known: mapped directly, but its region cannot be told",
            "reason           the mapping is synchronous, but its region cannot be told",
            "remedy           BYTE needs eADR, which only /sys tells, of a file whose device is \
             known: mount sysfs on /sys, and use \
             ext4, or xfs without its realtime device",
            "place            unknown: the system failed when it was asked for the source's \
             device in /sys/dev: permission \
             denied (EACCES); more rights are needed, or a filter (seccomp) that allows the call",
            LINES,
        ]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn on_no_persistent_memory() {
    let use_one = "remedy           use a file on ext4 or xfs, mounted with DAX, on persistent \
                   memory, or a device DAX";
    let page = "granularity      PAGE";
    let mut land = Land::on(DISK);
    land.device = Ok(text("sda1"));
    of_file(
        land,
        &[
            "persistent: no: an ordinary disk",
            "reason           it lies on the block device 8:1, which is not persistent memory",
            use_one,
            "place            sda1, the block device 8:1, which is not persistent memory",
            page,
        ],
    );
    let mut land = Land::on(tmpfs());
    land.device = Ok(text(""));
    of_file(
        land.clone(),
        &[
            "persistent: no: ordinary memory (tmpfs)",
            "reason           it lies on tmpfs, which keeps its files in ordinary memory",
            use_one,
            "place            tmpfs, which keeps its files in ordinary memory",
            page,
        ],
    );
    land.backing = Ok(overlay());
    of_file(
        land,
        &[
            "persistent: not known: overlay does not say which device the file is on",
            "reason           it lies on overlay, a file system that does not say which device \
             the file is on",
            "remedy           use a file on ext4 or xfs, mounted with DAX, on persistent memory \
             itself",
            "place            overlay, a file system that does not say which device the file is on",
            page,
        ],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn of_device_dax() {
    let mut land = Land::on(Backing::DeviceDax);
    land.device = Ok(text("dax0.0"));
    land.nodes = vec![Ok(Some(1))];
    assert_eq!(
        beyond(&report(Kind::DeviceDax, land)),
        [
            "persistent: not known: in no region of persistent memory",
            "reason           it is mapped directly, but is in no region of persistent memory",
            "remedy           memory in a region of persistent memory is needed",
            "warning          its memory is in no region of persistent memory: nothing says that \
             it keeps its contents",
            "place            dax0.0, memory that is in no region of persistent memory (CXL, \
             dax_hmem)",
            "numa node        1",
            "granularity      CACHE_LINE",
        ]
    );
    let mut on_host = region(0, 0, Mode::Devdax);
    (on_host.domain, on_host.provider) = (PersistenceDomain::Host, text("virtio-pmem"));
    let mut land = Land::of([on_host]);
    land.dimms = vec![vec![]];
    let report = report(Kind::DeviceDax, land);
    assert_eq!(report.granularity(), Some(Err(Error::NeverDurable)));
    let lines = beyond(&report);
    assert_eq!(lines[0], "persistent: not as it is: only the host can flush it");
    assert_eq!(
        lines[3..],
        [
            "persistence      the host's",
            "numa node        0",
            "device id        none: the system knows no DIMM of it",
            "granularity      none",
        ]
    );
    assert_eq!(
        lines[1..2],
        ["reason           a device DAX of virtio-pmem or of PowerPC's hypervisor \
             cannot be made durable by the guest, only by the host's flush: use a file on a file \
             system on it instead (ndctl create-namespace --mode=fsdax)",]
    );
}

/// It is no source, and has a place all the same.
#[cfg(target_os = "linux")]
#[test]
fn of_what_is_refused() {
    let report_of = |kind| report(kind, Land::fsdax());
    let disk = report_of(Kind::BlockDevice);
    assert!(disk.verdict().is_err());
    let lines = beyond(&disk);
    let id = "device id        8680-00000000";
    assert_eq!(lines[2..], [PLACE, DOMAIN, "numa node        0", id, "unsafe shutdowns 1"]);
    assert!(disk.granularity().is_none());
    for kind in [
        Kind::Directory,
        Kind::Pipe,
        Kind::CharacterDevice,
        Kind::Socket,
        Kind::AnonymousInode,
        Kind::Other,
    ] {
        let other = report_of(kind);
        assert!(
            other.place().is_none() && other.granularity().is_none() && other.numa_node().is_none(),
            "{kind}"
        );
    }
    // What cannot be read cannot be mapped to see how: that is said once.
    for access in [Access::WRITE, Access::PATH, Access::empty()] {
        let mut script = Script::with(Kind::RegularFile, access);
        script.land = Land::fsdax();
        for report in [Report::new(&script.object()), Report::new_unopened(&script.object())] {
            assert!(report.place().is_some_and(Result::is_ok));
            assert_eq!(report.granularity(), None, "{access:?}");
        }
        assert!(!script.calls().contains(&Call::MapSync));
    }
    let nothing = Report::<Id>::refused(Error::SourceEmpty);
    assert!(
        nothing.place().is_none()
            && nothing.granularity().is_none()
            && nothing.device_id().is_none()
    );
    assert!(nothing.numa_node().is_none() && nothing.device_usc().is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn what_would_have_to_change() {
    let mut land = Land::fsdax();
    (land.synchronous, land.direct) =
        (Ok(MapSync::Refused), Ok(DaxState::new(Some(false), Some(DaxOption::Never))));
    let lines = beyond(&report(Kind::RegularFile, land));
    assert_eq!(
        lines[..3],
        [
            "persistent: not as it is: mounted without DAX",
            "reason           its file system is mounted without DAX",
            "remedy           mount the file system again with -o dax=always; XFS with reflink \
             refuses that before \
             Linux 6.0, and on a partition: mount it with dax=inode, set the directory's flag \
             (xfs_io -c 'chattr +x') and copy the \
             file within it, or create it again with mkfs.xfs -m reflink=0",
        ]
    );
    let mut land = Land::fsdax();
    let mut region = region(0, 0, Mode::Fsdax);
    region.domain = PersistenceDomain::CpuCache;
    land.regions = vec![Ok(region)];
    let lines = beyond(&report(Kind::RegularFile, land));
    assert_eq!(
        lines[..2],
        [
            "persistent: yes, BYTE (eADR: caches are saved)",
            "reason           the platform saves the processor's caches when the power fails \
             (eADR), or there are no caches",
        ]
    );
    assert_eq!(lines[lines.len() - 1], "granularity      BYTE with MAP_SYNC, PAGE without");
}

/// The places that users meet, in the words of the first line.
#[test]
fn verdicts() {
    use MapSync::{Granted, Refused, Unknown};
    let best = World::BEST;
    let domain = |domain| World { regions: [Some((Mode::Fsdax, domain)), None], ..best };
    let mode = |mode| World {
        regions: [Some((mode, PersistenceDomain::CpuCache)), None],
        dax_capable: Some(false),
        ..best
    };
    let how = |file, mount| World { direct: Some(DaxState::new(Some(file), Some(mount))), ..best };
    let (without, btrfs) = (World { direct: None, ..best }, World { system: Some(BTRFS), ..best });
    let nowhere = World { backing: None, ..best };
    for (world, synchronous, verdict) in [
        (best, Granted, "yes, BYTE (eADR: caches are saved)"),
        (domain(PersistenceDomain::Host), Refused, "yes, PAGE (by the host's flush)"),
        (domain(PersistenceDomain::Unstated), Granted, "yes, CACHE_LINE (eADR is not stated)"),
        (World { unarmed: true, ..best }, Granted, "not as it is: a DIMM is not armed"),
        (
            World { unarmed: true, ..domain(PersistenceDomain::Host) },
            Refused,
            "not as it is: a DIMM is not armed",
        ),
        (
            World { backing: Some(overlay()), regions: [None; 2], ..best },
            Refused,
            "not known: overlay does not say which device the file is on",
        ),
        (mode(Mode::Sector), Refused, "not as it is: a namespace of sectors (BTT)"),
        (mode(Mode::Raw), Refused, "not as it is: a raw namespace without DAX"),
        (mode(Mode::Fsdax), Refused, "not as it is: a volume without DAX"),
        (how(false, DaxOption::Never), Refused, "not as it is: mounted without DAX"),
        (how(false, DaxOption::Inode), Refused, "not as it is: the file's flag for DAX is off"),
        (
            how(false, DaxOption::Always),
            Refused,
            "not as it is: the file system leaves this file out of DAX",
        ),
        (how(true, DaxOption::Always), Refused, "not as it is: the kernel refuses MAP_SYNC"),
        (btrfs, Refused, "not as it is: btrfs has no DAX"),
        (without, Refused, "not as it is: not mapped directly (DAX)"),
        (best, Unknown, "not as it is: the kernel has no MAP_SYNC"),
        (nowhere, Granted, "not known: mapped directly, but its region cannot be told"),
        (nowhere, Refused, "not known: not mapped directly, and its place cannot be told"),
        (nowhere, Unknown, "not known: the kernel has no MAP_SYNC"),
    ] {
        let report = Report::new(&world.script(Kind::RegularFile, Ok(synchronous)).object());
        assert_eq!(report.persistent().to_string(), verdict, "{world:?}");
    }
}

/// In every combination of facts: a yes needs a place that keeps what is stored, with every region
/// armed, and a way to make it durable; a no needs a place that is known.
#[test]
fn no_verdict_is_better_than_the_facts() {
    let mut seen = [0; 4];
    for world in worlds() {
        for synchronous in [MapSync::Granted, MapSync::Refused, MapSync::Unknown] {
            let report = Report::new(&world.script(Kind::RegularFile, Ok(synchronous)).object());
            let verdict = report.persistent();
            let expected = report.granularity().and_then(Result::ok).expect("a granularity");
            let place = report.place().and_then(|place| place.ok());
            let kept = |place: &Place| {
                let mut regions = place.regions().peekable();
                regions.peek().is_some()
                    && regions.all(|region| region.domain != PersistenceDomain::Volatile)
            };
            let durable =
                expected.granularity < Granularity::Page || expected.reason == Reason::Host;
            seen[verdict.answer() as usize] += 1;
            match verdict.answer() {
                Answer::Yes => {
                    assert!(durable && place.is_some_and(|place| kept(&place)), "{world:?}");
                    assert!(!world.unarmed, "{world:?} {verdict}");
                    // Of these worlds nothing else is warned of.
                    assert!(!verdict.to_string().ends_with("; see the warnings"), "{verdict}");
                }
                Answer::NotAsItIs => assert!(place.is_some_and(|place| kept(&place))),
                Answer::No => {
                    assert!(place.is_some_and(|place| !kept(&place)), "{world:?} {verdict}");
                    assert!(!matches!(world.backing, Some(Backing::Hidden(_))), "{world:?}");
                }
                answer => assert!(answer == Answer::Unknown, "{world:?} {verdict}"),
            }
            if place.is_none() {
                assert_eq!(verdict.answer(), Answer::Unknown);
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn each_fact_is_asked_for_once() {
    let script = Script::at(Kind::RegularFile, Land::fsdax());
    let report = Report::new(&script.object());
    let calls = script.calls();
    let count = |call| calls.iter().filter(|made| **made == call).count();
    for call in [
        Call::Device,
        Call::DaxCapable,
        Call::Region(0),
        Call::NumaNode(0),
        Call::TargetNode(0),
        Call::DimmId(0, 0),
        Call::DimmDirtyShutdowns(0, 0),
        Call::MapSync,
    ] {
        assert_eq!(count(call), 1, "{call:?}");
    }
    // Each of the five answers is found and confirmed on its own.
    assert_eq!((count(Call::Locate), count(Call::Confirm)), (5, 5));
    let _ = format!("{report} {report:?}");
    assert_eq!(script.calls(), [], "to print it asks nothing");
}
