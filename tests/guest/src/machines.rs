//! The machines and what is in them. A new kind of device is a line.

use crate::machine::{
    ADR, Device, EADR, MIB, Machine, Memory, PAGE, btt, cache_line, cxl, devdax, e820, fsdax,
    nvdimm, page, raw, soft_reserved, test_region, tmpfs, virtio_blk, virtio_pmem,
};

/// Every machine, with every kind of device. The slowest first, so that the others fit beside it.
#[must_use]
pub fn machines() -> Vec<Machine> {
    vec![
        mem_ctrl(),
        volumes(),
        cuts(),
        members(),
        nfit_test(),
        nfit_test_volume(),
        regions(32),
        regions(8),
        cpu(),
        no_domain(),
        nothing(),
        cxl_type3(),
        cuts_cpu(),
        regions(1),
        faults(),
        faults_elsewhere(),
    ]
}

/// NVDIMMs in two nodes whose stores are durable when they have left the processor's caches: whole
/// ones.
fn mem_ctrl() -> Machine {
    Machine::new("mem-ctrl")
        .persistence("mem-ctrl")
        .nodes(2)
        .memory([
            nvdimm("m0", 64 * MIB),
            nvdimm("m1", 64 * MIB).node(1),
            nvdimm("m2", 64 * MIB),
            nvdimm("m3", 384 * MIB).node(1),
            nvdimm("m4", 64 * MIB),
            nvdimm("m5", 64 * MIB).node(1),
            nvdimm("m6", 64 * MIB),
            nvdimm("m7", 64 * MIB),
            nvdimm("m8", 64 * MIB),
            nvdimm("m9", 64 * MIB),
        ])
        .devices([
            fsdax("ext4-dax-always", "m0").ext4("dax=always").gives(ADR).test_programs(),
            fsdax("ext4-dax-never", "m1").ext4("dax=never").gives(page("mounted_without_dax")),
            fsdax("ext4-dax-inode", "m2").ext4("dax=inode").gives(page("file_flag_off")),
            fsdax("xfs-dax-never", "m3").xfs("dax=never").gives(page("mounted_without_dax")),
            devdax("devdax-2m", "m4", 2 * MIB).gives(ADR),
            devdax("devdax-4k", "m5", PAGE).gives(ADR),
            btt("btt-ext4", "m6").ext4("").gives(page("sector")),
            raw("raw-ext4", "m7").ext4("").gives(page("device_without_dax")),
            fsdax("ext4-dax-flag", "m8").ext4("dax=inode").flag().gives(ADR),
            fsdax("overlay-on-dax", "m9")
                .overlay("dax=always")
                .gives(page("not_persistent_memory")),
            tmpfs("tmpfs"),
        ])
}

/// The same in parts and in volumes, and what would not keep data.
fn volumes() -> Machine {
    Machine::new("volumes")
        .persistence("mem-ctrl")
        .nodes(2)
        .memory([
            nvdimm("x", 384 * MIB),
            nvdimm("labelled", 256 * MIB).labels().node(1),
            nvdimm("p", 64 * MIB),
            nvdimm("r", 384 * MIB),
            nvdimm("linear0", 64 * MIB),
            nvdimm("linear1", 64 * MIB).node(1),
            nvdimm("near0", 64 * MIB).node(1),
            nvdimm("near1", 64 * MIB).node(1),
            nvdimm("mixed", 64 * MIB),
            virtio_blk("disk", 64 * MIB),
            nvdimm("u0", 64 * MIB).unarmed(),
            nvdimm("u1", 64 * MIB).unarmed(),
            nvdimm("u2", 64 * MIB).unarmed(),
        ])
        .devices([
            fsdax("xfs-dax-always", "x").xfs("dax=always").gives(ADR).test_programs(),
            fsdax("part-fsdax-ext4", "labelled")
                .part_of_region(64 * MIB)
                .ext4("dax=always")
                .gives(ADR),
            devdax("part-devdax", "labelled", 2 * MIB).part_of_region(64 * MIB).gives(ADR),
            btt("part-btt", "labelled").part_of_region(64 * MIB),
            fsdax("partition-ext4", "p").partition().ext4("dax=always").gives(ADR),
            fsdax("xfs-reflink-flag", "r").partition().xfs("dax=inode").flag().gives(ADR),
            fsdax("linear-ext4", "linear0").linear_with("linear1").ext4("dax=always").gives(ADR),
            fsdax("near-ext4", "near0").linear_with("near1").ext4("dax=always").gives(ADR),
            fsdax("mixed-ext4", "mixed")
                .linear_with("disk")
                .ext4("")
                .gives(page("not_persistent_memory")),
            raw("unarmed-raw", "u0"),
            fsdax("unarmed-ext4", "u1").ext4("dax=always").read_only().gives(cache_line("unarmed")),
            devdax("unarmed-devdax", "u2", 2 * MIB).gives(cache_line("unarmed")),
        ])
}

/// File systems of several disks: the one that `stat` names is not the one that a file lies on.
/// The first has eADR, the second states nothing, so that what is said of the first is too much
/// where the data lies on the second.
fn members() -> Machine {
    Machine::new("members")
        .persistence("cpu")
        .memory([
            nvdimm("x", 384 * MIB),
            nvdimm("f", 64 * MIB),
            nvdimm("r", 64 * MIB),
            e820("realtime", 64 * MIB),
            e820("f-more", 64 * MIB),
            e820("r-data", 64 * MIB),
            nvdimm("s", 64 * MIB),
        ])
        .devices([
            fsdax("xfs-realtime", "x")
                .xfs_realtime("realtime", "dax=always")
                .gives(cache_line("domain_unknown")),
            fsdax("f2fs-two", "f").f2fs_with("f-more").gives(page("not_persistent_memory")),
            fsdax("erofs-two", "r")
                .erofs("r-data", "dax=always")
                .gives(page("not_persistent_memory")),
            fsdax("ext4-1k", "s")
                .ext4("dax=never")
                .block_size(1024)
                .gives(page("mounted_without_dax")),
        ])
}

/// The kernel's own tests (nfit_test of tools/testing/nvdimm): what QEMU's DIMMs cannot be. They
/// are interleaved, they count unsafe shutdowns, they report failures, and their bus has commands
/// for bad memory.
fn nfit_test() -> Machine {
    Machine::new("nfit-test")
        .test_modules()
        .memory([
            of_two_dimms(),
            of_four_dimms(),
            test_region("failed", 32 * MIB, "nfit_test.1", &["cdab-0a-07e0-fffffeff"]).reporting(
                &["save_fail", "restore_fail", "flush_fail", "not_armed", "smart_event"],
            ),
            test_region("volatile", 4 * MIB, "nfit_test.1", &[]),
        ])
        .devices([
            devdax("devdax-4k", "two", PAGE).gives(ADR),
            fsdax("ext4-dax", "four").ext4("dax=always").gives(ADR),
            fsdax("failed-ext4", "failed")
                .ext4("dax=always")
                .read_only()
                .gives(cache_line("unarmed")),
            // Too small for the other modes.
            raw("volatile-ext4", "volatile").ext4("").gives(page("device_without_dax")),
        ])
}

/// The ids of the kernel's test DIMMs, by number.
const TEST_DIMMS: [&str; 4] = [
    "cdab-0a-07e0-ffffffff",
    "cdab-0a-07e0-feffffff",
    "cdab-0a-07e0-fffeffff",
    "cdab-0a-07e0-fefeffff",
];

fn of_two_dimms() -> Memory {
    test_region("two", 32 * MIB, "nfit_test.0", &[TEST_DIMMS[0], TEST_DIMMS[1]])
}

fn of_four_dimms() -> Memory {
    test_region("four", 64 * MIB, "nfit_test.0", &TEST_DIMMS)
}

/// A volume of two regions that have DIMMs in common: each counts once.
fn nfit_test_volume() -> Machine {
    Machine::new("nfit-test-volume")
        .test_modules()
        .memory([of_two_dimms(), of_four_dimms()])
        .devices([fsdax("linear-ext4", "two").linear_with("four").ext4("dax=always").gives(ADR)])
}

/// The same with eADR: the processor's caches too are written back when power fails.
fn cpu() -> Machine {
    Machine::new("cpu")
        .persistence("cpu")
        .memory([
            nvdimm("m0", 64 * MIB),
            nvdimm("m1", 64 * MIB),
            nvdimm("m2", 64 * MIB),
            e820("e0", 64 * MIB),
        ])
        .devices([
            fsdax("ext4-dax-always", "m0").ext4("dax=always").gives(EADR).comes_back(),
            fsdax("ext4-dax-never", "m1").ext4("dax=never").gives(page("mounted_without_dax")),
            devdax("devdax-2m", "m2", 2 * MIB).gives(EADR),
            raw("e820-ext4-dax", "e0").ext4("dax=always").gives(cache_line("domain_unstated")),
        ])
}

/// NVDIMMs whose platform does not say, and what is not on a DIMM at all.
fn no_domain() -> Machine {
    let unstated = cache_line("domain_unstated");
    Machine::new("no-domain")
        .memory([
            nvdimm("m0", 64 * MIB),
            e820("e0", 64 * MIB),
            e820("e1", 64 * MIB),
            soft_reserved("s0", 64 * MIB),
            virtio_pmem("v0", 64 * MIB),
            virtio_pmem("v1", 64 * MIB),
            virtio_blk("b0", 64 * MIB),
        ])
        .devices([
            fsdax("ext4-dax-always", "m0").ext4("dax=always").gives(unstated),
            raw("e820-ext4-dax", "e0").ext4("dax=always").gives(unstated),
            devdax("e820-devdax", "e1", 2 * MIB).gives(unstated),
            devdax("hmem-devdax", "s0", 2 * MIB).gives(cache_line("no_region")),
            raw("virtio-pmem-ext4-dax", "v0").ext4("dax=always").gives(page("host")),
            devdax("virtio-pmem-devdax", "v1", 2 * MIB).gives(page("never_durable")),
            raw("virtio-blk-ext4", "b0").ext4("").gives(page("not_persistent_memory")),
        ])
}

/// A CXL memory device behind a host bridge.
fn cxl_type3() -> Machine {
    Machine::new("cxl").memory([cxl("c0", 256 * MIB)]).devices([
        fsdax("cxl-ext4", "c0").part_of_region(64 * MIB).ext4("dax=always").gives(ADR),
        devdax("cxl-devdax", "c0", 2 * MIB).part_of_region(64 * MIB).gives(ADR),
        raw("cxl-raw", "c0").part_of_region(64 * MIB),
    ])
}

/// The machine whose memory goes bad under direct mappings.
fn faults() -> Machine {
    Machine::new("faults")
        .persistence("mem-ctrl")
        .faults()
        .memory([
            nvdimm("m0", 64 * MIB),
            nvdimm("m1", 384 * MIB),
            nvdimm("m2", 64 * MIB),
            nvdimm("m3", 64 * MIB),
            nvdimm("m4", 32 * MIB),
            nvdimm("m5", 64 * MIB),
        ])
        .devices([
            fsdax("ext4-dax", "m0").ext4("dax=always"),
            fsdax("xfs-dax", "m1").xfs("dax=always"),
            devdax("devdax-2m", "m2", 2 * MIB).bench(),
            devdax("devdax-4k", "m3", PAGE),
            fsdax("many-ext4", "m4").ext4("dax=always").many(),
            devdax("many-devdax", "m5", 2 * MIB).many(),
        ])
}

/// The machine whose memory goes bad under other layers, and where nobody keeps a list of all of
/// it.
fn faults_elsewhere() -> Machine {
    Machine::new("faults-elsewhere")
        .persistence("mem-ctrl")
        .faults()
        .memory([
            nvdimm("m0", 64 * MIB),
            nvdimm("m1", 64 * MIB),
            nvdimm("m2", 64 * MIB),
            nvdimm("m3", 64 * MIB),
            nvdimm("m4", 64 * MIB),
            e820("e0", 64 * MIB),
            virtio_pmem("v0", 64 * MIB),
            cxl("c0", 256 * MIB),
            nvdimm("m5", 64 * MIB),
        ])
        .devices([
            fsdax("partition-ext4", "m0").partition().ext4("dax=always"),
            fsdax("linear-ext4", "m1").linear_with("m2").ext4("dax=always"),
            fsdax("ext4-without-dax", "m3").ext4("dax=never"),
            fsdax("ext4-1k", "m5").ext4("dax=never").block_size(1024),
            raw("e820-ext4", "e0").ext4("dax=always"),
            raw("virtio-pmem-ext4", "v0").ext4("dax=always"),
            fsdax("cxl-ext4", "c0").part_of_region(64 * MIB).ext4("dax=always"),
            devdax("cxl-devdax", "c0", 2 * MIB).part_of_region(64 * MIB),
            btt("btt-ext4", "m4").ext4(""),
        ])
}

/// The machine whose power is cut: every kind of memory whose contents the host keeps.
fn cuts() -> Machine {
    Machine::new("cuts")
        .persistence("mem-ctrl")
        .cuts([1, 200])
        .memory([
            nvdimm("m0", 64 * MIB),
            nvdimm("m1", 384 * MIB),
            nvdimm("m2", 64 * MIB),
            nvdimm("m3", 64 * MIB),
            nvdimm("m4", 64 * MIB),
            nvdimm("m5", 64 * MIB),
            virtio_pmem("v0", 64 * MIB),
            cxl("c0", 256 * MIB),
        ])
        .devices([
            fsdax("ext4-dax", "m0").ext4("dax=always").gives(ADR),
            fsdax("xfs-dax", "m1").xfs("dax=always").gives(ADR),
            devdax("devdax-2m", "m2", 2 * MIB).gives(ADR),
            btt("btt-ext4", "m3").ext4("").gives(page("sector")),
            fsdax("ext4-dax-never", "m4").ext4("dax=never").gives(page("mounted_without_dax")),
            raw("raw-ext4", "m5").ext4("").gives(page("device_without_dax")),
            raw("virtio-pmem-ext4", "v0").ext4("dax=always").gives(page("host")),
            fsdax("cxl-ext4", "c0").part_of_region(64 * MIB).ext4("dax=always").gives(ADR),
            devdax("cxl-devdax", "c0", 2 * MIB).part_of_region(64 * MIB).gives(ADR),
        ])
}

/// The same with eADR.
fn cuts_cpu() -> Machine {
    Machine::new("cuts-cpu")
        .persistence("cpu")
        .cuts([50])
        .memory([nvdimm("m0", 64 * MIB), nvdimm("m1", 64 * MIB)])
        .devices([
            fsdax("ext4-dax", "m0").ext4("dax=always").gives(EADR),
            devdax("devdax-4k", "m1", PAGE).gives(EADR),
        ])
}

/// So many NVDIMMs: the first for a file system, the last a device DAX, the others as they are.
fn regions(count: u32) -> Machine {
    let memory = |index: u32| format!("m{index}");
    let device = |index: u32| -> Device {
        match index {
            0 => fsdax("ext4-dax-always", "m0").ext4("dax=always").gives(ADR).bench(),
            last if last + 1 == count => devdax("devdax-2m", &memory(last), 2 * MIB).gives(ADR),
            other => raw(format!("raw-{other}"), &memory(other)),
        }
    };
    Machine::new(format!("regions-{count}"))
        .persistence("mem-ctrl")
        .memory((0..count).map(|index| nvdimm(memory(index), 32 * MIB)))
        .devices((0..count).map(device))
}

/// No persistent memory.
fn nothing() -> Machine {
    let disk = page("not_persistent_memory");
    Machine::new("nothing")
        .memory([virtio_blk("b0", 64 * MIB), virtio_blk("b1", 64 * MIB)])
        .devices([
            raw("virtio-blk-ext4", "b0").ext4("").gives(disk).test_programs(),
            raw("virtio-blk", "b1"),
            tmpfs("tmpfs"),
        ])
}

/// Machines that are described wrongly: each has to fail, in the tests that are named and for the
/// reasons that are named.
#[must_use]
pub fn planted() -> Vec<Machine> {
    let named = |name: &str, on| devdax(name, on, 2 * MIB).gives(ADR);
    vec![
        Machine::new("wrong-value")
            .persistence("mem-ctrl")
            .memory(["m0", "m1", "m2", "m3", "m4"].map(|name| nvdimm(name, 64 * MIB)))
            .devices([
                named("alignment", "m0").alignment(MIB),
                named("id", "m1").wrong_id("8680-00000000"),
                named("granularity", "m2").gives(EADR),
                fsdax("reason", "m3").ext4("dax=never").gives(page("file_flag_off")),
                named("right", "m4"),
            ])
            .planted("alignment alignment", "1048576")
            .planted("identity id", "8680-00000000")
            .planted("granularity granularity", "Byte")
            .planted("granularity reason", "file_flag_off"),
        Machine::new("missing-device")
            .memory([nvdimm("m0", 64 * MIB), nvdimm("m1", 64 * MIB).missing()])
            .devices([raw("raw", "m0"), named("devdax-2m", "m1")])
            .planted("made devdax-2m", "no DIMM"),
    ]
}
