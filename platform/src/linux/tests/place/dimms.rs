//! The DIMMs of a region: which, in which order, and what is said of each.

use std::{format, vec, vec::Vec};

use crate::linux::tests::{
    machine::{FSDAX, HMEM, SDA1, of_dimm, of_region, read},
    place::regions::{first, usual, usual_region},
    source::contents::{GARBAGE, long},
    world::{Call, World},
};
use crate::{
    DimmState, Fail, Region, Subject, Text,
    linux::place::region::{Dimm, dimm, dimm_id, dirty_shutdowns},
};

fn dimms(world: &World) -> Result<Vec<Dimm>, Fail> {
    let spot = world.located().unwrap();
    (0..).map_while(|index| dimm(world.sys(), &spot, 0, index).transpose()).collect()
}

/// A file on persistent memory whose DIMM 4 is of this family.
fn family(name: &str) -> World {
    let parent = match name {
        "nfit" => "ACPI0012:00",
        "cxl" => "root0/nvdimm-bridge0",
        "papr" => "ibm,persistent-memory/ibm,persistent-memory:ibm,pmem@44100001",
        other => panic!("{other}"),
    };
    World::on(format!("../../devices/{parent}/ndbus0/region1/pfn1.2/block/pmem1"))
        .with_file(&of_region(1, "mapping0"), "nmem4,0,1,0\n")
}

#[test]
fn flags_of_dimms() {
    use DimmState as D;
    let failed = D::SAVE_FAILED | D::FLUSH_FAILED | D::MAP_FAILED | D::RESTORE_FAILED;
    let rows = [
        ("\n", D::empty()),
        ("", D::empty()),
        ("not_armed\n", D::NOT_ARMED),
        ("not_armed", D::NOT_ARMED),
        ("save_fail not_armed smart_notify\n", D::SAVE_FAILED | D::NOT_ARMED),
        ("save_fail flush_fail map_fail restore_fail smart_notify\n", failed),
        (
            "save_fail restore_fail flush_fail map_fail smart_event smart_notify \n",
            failed | D::SMART_EVENT,
        ),
        ("save_fail\n", D::SAVE_FAILED),
        ("restore_fail\n", D::RESTORE_FAILED),
        ("flush_fail\n", D::FLUSH_FAILED),
        ("map_fail\n", D::MAP_FAILED),
        ("smart_event\n", D::SMART_EVENT),
        ("not_armed_x\n", D::empty()),
        ("xnot_armed\n", D::empty()),
        ("not-armed\n", D::empty()),
        ("NOT_ARMED\n", D::empty()),
        ("  not_armed \n", D::NOT_ARMED),
    ];
    for (flags, state) in rows {
        for dimm in [4, 2] {
            let world = usual().with_file(&of_dimm(dimm, "nfit/flags"), flags);
            assert_eq!(
                first(&world),
                Ok(Some(Region { state, ..usual_region() })),
                "{flags:?} of {dimm}"
            );
        }
    }
    let path = of_dimm(4, "nfit/flags");
    let world =
        usual().with_file(&path, "not_armed\n").with_file(&of_dimm(2, "nfit/flags"), "not_armed\n");
    assert!(first(&world).unwrap().unwrap().is_unarmed());
    // A family without flags reports nothing.
    assert_eq!(first(&usual().without_file(&path)), Ok(Some(usual_region())));
    let long = "x".repeat(255);
    assert_eq!(first(&usual().with_file(&path, &long)), Ok(Some(usual_region())));
    assert_eq!(first(&usual().with_file(&path, long + "x")), Err(Fail::Malformed(Subject::Dimm)));
    for (name, flags, state) in [
        ("cxl", "not_armed\n", D::NOT_ARMED),
        // A hypervisor's events.
        (
            "papr",
            "flush_fail not_armed smart_notify \n",
            D::FLUSH_FAILED | D::NOT_ARMED | D::SMART_EVENT,
        ),
    ] {
        let world = family(name)
            .with_region(1, &[])
            .with_file(&of_region(1, "mapping0"), "nmem4,0,1,0\n")
            .carried("pfn1.2", "namespace1.5")
            .with_file(&of_dimm(4, &format!("{name}/flags")), flags);
        assert_eq!(first(&world).unwrap().unwrap().state, state);
    }
}

#[test]
fn dimms_in_the_order_of_the_mappings() {
    let numbers = [7, 0, 99, 7, 12, 3, 2, 1, 5, 6, 8, 9];
    let world = World::on(FSDAX).with_region(1, &numbers);
    assert_eq!(dimms(&world).unwrap().iter().map(|dimm| dimm.number).collect::<Vec<_>>(), numbers);
    let mut calls: Vec<_> = (0..numbers.len())
        .flat_map(|index| read(of_region(1, &format!("mapping{index}"))))
        .collect();
    calls.push(Call::Open(of_region(1, "mapping12")));
    assert_eq!(world.calls()[3..], calls);
    for none in [World::on(FSDAX).with_region(1, &[]), World::on(SDA1), World::dax_in(HMEM)] {
        assert_eq!(dimms(&none), Ok(vec![]));
    }
}

#[test]
fn a_region_does_not_have_dimms_without_end() {
    let most = Vec::from_iter(0..64);
    assert_eq!(dimms(&World::on(FSDAX).with_region(1, &most)).unwrap().len(), 64);
    let more =
        World::on(FSDAX).with_region(1, &Vec::from_iter(0..65)).carried("pfn1.2", "namespace1.5");
    assert_eq!(dimms(&more), Err(Fail::TooLarge(Subject::Dimm)));
    assert_eq!(first(&more), Err(Fail::TooLarge(Subject::Dimm)));
}

#[test]
fn mappings() {
    let path = of_region(1, "mapping1");
    for text in ["nmem3,0,134217728,0\n", "nmem3,x\n", "nmem3,\n", "nmem3\n", "nmem3", "nmem03,"] {
        let found = dimms(&usual().with_file(&path, text)).unwrap();
        assert_eq!(found.iter().map(|dimm| dimm.number).collect::<Vec<_>>(), [4, 3], "{text:?}");
    }
    let last = dimms(&usual().with_file(&path, "nmem4294967295,0,1,0\n")).unwrap();
    assert_eq!(last[1].number, u32::MAX);
    let bad = [
        "",
        "\n",
        "nmem",
        "nmem,3",
        "3,0",
        "nmemx,0",
        "nmem-1,0",
        "nmem4294967296,0",
        " nmem3,0",
        "nmem3 ,0",
        "dimm3,0",
    ];
    for text in bad {
        let world = usual().with_file(&path, text);
        assert_eq!(dimms(&world), Err(Fail::Malformed(Subject::Dimm)), "{text:?}");
        assert_eq!(first(&world), Err(Fail::Malformed(Subject::Dimm)));
    }
    let text = |length: usize| format!("nmem3,{}", "0".repeat(length - 6));
    assert_eq!(dimms(&usual().with_file(&path, text(127))).unwrap().len(), 2);
    assert_eq!(dimms(&usual().with_file(&path, text(128))), Err(Fail::Malformed(Subject::Dimm)));
}

#[test]
fn ids_of_dimms() {
    for name in ["nfit", "cxl", "papr"] {
        let path = of_dimm(4, &format!("{name}/id"));
        let id = |text: &str| {
            let world = family(name).with_file(&path, text);
            let dimm = dimms(&world).unwrap()[0];
            world.calls();
            let id = dimm_id(world.sys(), dimm);
            assert_eq!(world.calls(), read(path.clone()));
            id
        };
        for text in [
            "8680-56341200",
            "8680-a2-1746-0000111f",
            "0",
            "!~",
            "12345678901234567890123456789012",
        ] {
            assert_eq!(id(text), Ok(Text::fit(text).unwrap()));
            assert_eq!(id(&format!("{text}\n")), Ok(Text::fit(text).unwrap()));
        }
        let long = "0".repeat(64);
        let bad = [
            "",
            "\n",
            "a b",
            " a",
            "a\n\n",
            "a\tb",
            "a\0",
            "é",
            "\x7f",
            "123456789012345678901234567890123",
            &long,
        ];
        for text in bad {
            assert_eq!(id(text), Err(Fail::Malformed(Subject::DeviceId)), "{text:?}");
        }
        let world = family(name);
        assert_eq!(
            dimm_id(world.sys(), dimms(&world).unwrap()[0]),
            Err(Fail::Unsupported),
            "no such file"
        );
    }
    let world = family("nfit").with_file(&of_dimm(4, "nfit/id"), b"\xff\n");
    assert_eq!(
        dimm_id(world.sys(), dimms(&world).unwrap()[0]),
        Err(Fail::Malformed(Subject::DeviceId))
    );
}

#[test]
fn unsafe_shutdowns() {
    for name in ["nfit", "cxl", "papr"] {
        let path = of_dimm(4, &format!("{name}/dirty_shutdown"));
        let count = |text: &[u8]| {
            let world = family(name).with_file(&path, text);
            let dimm = dimms(&world).unwrap()[0];
            world.calls();
            let count = dirty_shutdowns(world.sys(), dimm);
            assert_eq!(world.calls(), read(path.clone()));
            count
        };
        let good: [(&[u8], u64); 5] = [
            (b"0\n", 0),
            (b"7\n", 7),
            (b"7", 7),
            (b"4294967296\n", 1 << 32),
            (b"18446744073709551615\n", u64::MAX),
        ];
        for (text, expected) in good {
            assert_eq!(count(text), Ok(expected));
        }
        let long = long();
        let no_number = GARBAGE.into_iter().filter(|text| *text != b"4294967296\n");
        for text in no_number.chain([long.as_slice(), b"-1\n", b"18446744073709551616\n"]) {
            assert_eq!(count(text), Err(Fail::Malformed(Subject::UnsafeShutdowns)), "{text:?}");
        }
        let world = family(name);
        assert_eq!(
            dirty_shutdowns(world.sys(), dimms(&world).unwrap()[0]),
            Err(Fail::Unsupported),
            "no such file"
        );
    }
}
