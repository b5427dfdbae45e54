//! A kernel and a sysfs that say anything: what must hold is in [`crate::linux::hostile`].

use proptest::{collection::vec, prelude::*};

use crate::{Fail, fuzz, linux::hostile::asked, seed::seed};

/// Inputs of [`crate::linux::hostile`] that lead through everything.
const FSDAX: &[u8] = seed!("linux/tests/seeds/fsdax");
const PARTITION: &[u8] = seed!("linux/tests/seeds/partition");
const DEVDAX: &[u8] = seed!("linux/tests/seeds/devdax");
const VOLUME: &[u8] = seed!("linux/tests/seeds/volume");

/// The length of the part of a seed that is about the descriptor, not about its place.
const FILE: usize = 164;
const DEVICE: usize = 109;

/// Words that the backend looks for, with numbers and without, and anything else.
fn text() -> impl Strategy<Value = std::vec::Vec<u8>> {
    let word = prop_oneof![
        prop::sample::select(&[
            "ndbus0",
            "ndbus1",
            "region0",
            "region1",
            "namespace0.0",
            "pfn1.0",
            "dax0.0",
            "btt1.0",
            "block",
            "virtual",
            "pmem0",
            "pmem0p1",
            "nvdimm-bridge0",
            "dax",
            "bus",
            "..",
            "nmem0",
            "nmem1,0,1",
            "0",
            "1",
            "-1",
            "4096",
            "cpu_cache",
            "memory_controller",
            "virtio-pmem",
            "18446744073709551616",
            "8:1",
            "",
            "not_armed",
            "36 - ext4 /dev/pmem0 rw,dax",
        ] as &[&str])
        .prop_map(|word| word.as_bytes().to_vec()),
        vec(1..=255_u8, 0..40),
    ];
    let separator = prop::sample::select(&b"/ ,\n-"[..]);
    vec((word, separator), 0..12).prop_map(|words| {
        let mut text: std::vec::Vec<u8> =
            words.into_iter().flat_map(|(word, after)| [word, [after].to_vec()].concat()).collect();
        text.push(0);
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..2000)) {
        fuzz::sysfs(&bytes);
    }

    /// A descriptor that is a file on a block device, or a device DAX, and then texts, each after
    /// the byte that says that the call succeeds.
    #[test]
    fn any_texts(dax in any::<bool>(), texts in vec((0..=201_u8, text()), 0..40)) {
        let mut bytes = if dax { &DEVDAX[..DEVICE] } else { &FSDAX[..FILE] }.to_vec();
        for (succeeds, text) in texts {
            bytes.push(succeeds);
            bytes.extend(text);
        }
        fuzz::sysfs(&bytes);
    }

    #[test]
    fn changed(seed in prop::sample::select(&[FSDAX, PARTITION, DEVDAX, VOLUME][..]), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
        let mut bytes = seed.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz::sysfs(&bytes);
    }
}

/// The seeds lead to where they are meant to: to the last question, with as many regions and DIMMs,
/// and nothing left over.
#[test]
fn seeds_are_whole_answers() {
    for (seed, expected) in
        [(FSDAX, (1, 2)), (PARTITION, (1, 0)), (DEVDAX, (1, 2)), (VOLUME, (2, 4))]
    {
        assert_eq!(asked(seed), (Ok(expected), 0));
    }
    for end in 0..FSDAX.len() {
        let (answer, _) = asked(&FSDAX[..end]);
        assert!(end >= FILE || !matches!(answer, Ok((1.., _))), "{end}");
    }
    assert!(matches!(asked(&[]).0, Err(Fail::Os(..))));
}
