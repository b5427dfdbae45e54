//! Texts and kernels that say anything: what must hold is in [`crate::linux::hostile`].

use std::vec::Vec;

use proptest::{collection::vec, prelude::*};

use crate::{
    Fail, fuzz,
    linux::{
        badblocks::text::End,
        hostile::{healed, listed},
    },
    seed::seed,
};

const THREE: &[u8] = seed!("linux/tests/seeds/badblocks_text/three");
const CUT: &[u8] = seed!("linux/tests/seeds/badblocks_text/cut");
const NONE: &[u8] = seed!("linux/tests/seeds/badblocks_text/none");

/// Inputs of [`crate::linux::hostile`] that lead through everything.
const FILE: &[u8] = seed!("linux/tests/seeds/badblocks/file");
const DEVICE: &[u8] = seed!("linux/tests/seeds/badblocks/device");
const VOLUME: &[u8] = seed!("linux/tests/seeds/badblocks/volume");

#[test]
fn seeds_are_whole_answers() {
    assert_eq!(
        listed(THREE).map(|(list, end)| (list.within(0..u64::MAX).count(), end)),
        Ok((2, End::Whole))
    );
    assert_eq!(
        listed(CUT).map(|(list, end)| (list.within(0..u64::MAX).count(), end)),
        Ok((2, End::Cut))
    );
    assert_eq!(listed(NONE).map(|(_, end)| end), Ok(End::NoList));
    assert_eq!(healed(FILE), ((Ok([5120..5632, 20_480..21_504].to_vec()), Some(Ok(()))), 0));
    assert_eq!(healed(DEVICE), ((Ok([512..1024].to_vec()), Some(Ok(()))), 0));
    let ((found, cleared), left) = healed(VOLUME);
    assert_eq!((found, left), (Ok([5120..5632].to_vec()), 0));
    assert!(matches!(cleared, Some(Err(Fail::Os(..)))), "there is no more to be said");
}

/// Lines, and what might be between them.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0..2000_u64, any::<u64>(), Just(1 << 43)]
        .prop_map(|number| std::format!("{number}"));
    let line = (
        number.clone(),
        number,
        prop::sample::select(&["\n", "\n", "\n", "\n", " ", "\n\n", "", " \n", "x"][..]),
    );
    vec(line.prop_map(|(sector, count, end)| std::format!("{sector} {count}{end}")), 0..20)
        .prop_map(|lines| lines.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in text(), small in vec(prop::sample::select(&b"0123456789 \nx"[..]), 0..60)) {
        fuzz::badblocks_text(&text);
        fuzz::badblocks_text(&small);
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..1000)) {
        fuzz::badblocks_text(&bytes);
        fuzz::badblocks(&bytes);
    }

    #[test]
    fn changed(
        seed in prop::sample::select(&[FILE, DEVICE, VOLUME][..]),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut bytes = seed.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz::badblocks(&bytes);
    }
}
