//! Any bytes, and tables of QEMU's with some bytes changed: what must hold of them is in
//! [`crate::fuzz`].

use proptest::{collection::vec, prelude::*, sample::Index};

use super::tables::{Range, capabilities, control, hints, mapping, nfit};
use crate::{fuzz, seed::seed};

/// One of these with up to eight bytes changed, and cut off.
fn changed(seeds: &'static [&'static [u8]]) -> impl Strategy<Value = std::vec::Vec<u8>> {
    let bytes = prop_oneof![Just(0), Just(1), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()];
    (
        any::<Index>(),
        vec((any::<Index>(), bytes), 0..8),
        prop::option::weighted(0.2, any::<Index>()),
    )
        .prop_map(move |(seed, changes, end)| {
            let mut bytes = seeds[seed.index(seeds.len())].to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(end) = end {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        })
}

/// Structures of every kind, in any order, which belong to each other in any way.
fn structures() -> impl Strategy<Value = std::vec::Vec<u8>> {
    let number = prop_oneof![Just(0), 0..4_u64, Just(u64::MAX), any::<u64>()];
    let structure = (0..7_u8, 0..4_u16, 0..4_u16, number.clone(), number, any::<u16>()).prop_map(
        |(kind, first, second, base, length, bits)| match kind {
            0 | 1 => Range { flags: bits, ..Range::persistent(first, base, length) }.structure(),
            2 | 3 => mapping(second.into(), first, second, bits),
            4 => control(
                second,
                bits.to_le_bytes(),
                [1, 2, 3, 4],
                (bits & 1 != 0).then_some((7, [1, 2])),
            ),
            5 => hints(second.into(), &[base, length]),
            _ => capabilities(bits.to_le_bytes()[0], bits.into()),
        },
    );
    vec(structure, 0..40).prop_map(|all| nfit(&all))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nfit_of_any_bytes(bytes in vec(any::<u8>(), 0..400)) {
        fuzz::nfit(&bytes);
    }

    #[test]
    fn nfit_changed(bytes in changed(&[
        seed!("bare/tests/seeds/nfit/qemu-one"),
        seed!("bare/tests/seeds/nfit/qemu-two"),
        seed!("bare/tests/seeds/nfit/qemu-numa"),
    ])) {
        fuzz::nfit(&bytes);
    }

    #[test]
    fn nfit_of_any_structures(bytes in structures()) {
        fuzz::nfit(&bytes);
    }

    #[test]
    fn acpi_changed(bytes in changed(&[
        seed!("bare/tests/seeds/acpi/qemu-none"),
        seed!("bare/tests/seeds/acpi/qemu-one"),
        seed!("bare/tests/seeds/acpi/qemu-two"),
    ])) {
        fuzz::acpi(&bytes);
    }

    #[test]
    fn devicetree_of_any_bytes(bytes in vec(any::<u8>(), 0..400)) {
        fuzz::devicetree(&bytes);
    }

    #[test]
    fn devicetree_changed(bytes in changed(&[
        seed!("bare/tests/seeds/devicetree/regions"),
        seed!("bare/tests/seeds/devicetree/qemu-virt"),
    ])) {
        fuzz::devicetree(&bytes);
    }
}
