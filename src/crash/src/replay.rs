//! An image as a string, which finds it again.

use std::{fmt, str::FromStr};

use crate::recovery::Wish;

/// An image that a power cut left, or the cut within the recovery after it: it finds the image
/// again in the trace of the same program. As a string, `s3;4:40=0,48=1/2:` is schedule 3, the cut
/// before event 4 without the words at 0x40, and of the one at 0x48 the first version; and then one
/// before event 2 of the recovery, with all that it had stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    pub(crate) schedule: u64,
    pub(crate) cuts: Vec<(usize, Wish)>,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{};", self.schedule)?;
        for (number, (point, wish)) in self.cuts.iter().enumerate() {
            write!(f, "{}{point}:", if number == 0 { "" } else { "/" })?;
            let words = wish.iter().map(|(word, version)| format!("{:x}={version}", word * 8));
            f.write_str(&words.collect::<Vec<_>>().join(","))?;
        }
        Ok(())
    }
}

impl FromStr for Replay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = |text: &str| {
            let (at, version) = text.split_once('=')?;
            Some((usize::from_str_radix(at, 16).ok()? / 8, version.parse().ok()?))
        };
        let cut = |text: &str| {
            let (point, words) = text.split_once(':')?;
            let words = words.split(',').filter(|text| !text.is_empty()).map(word);
            Some((point.parse().ok()?, words.collect::<Option<Wish>>()?))
        };
        let parsed = text.split_once(';').and_then(|(schedule, cuts)| {
            let schedule = schedule.strip_prefix('s')?.parse().ok()?;
            Some(Self { schedule, cuts: cuts.split('/').map(cut).collect::<Option<_>>()? })
        });
        parsed.ok_or_else(|| format!("no replay: {text}"))
    }
}
