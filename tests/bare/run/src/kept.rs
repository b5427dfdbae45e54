//! The contents of a memory when the machine is off.

use pmem2_bare_record::{LENGTH, Record, last, offset};

/// Returns the last record of the log at the beginning of a memory. After the log there are zeros,
/// except for the beginning of one more record.
pub(crate) fn kept(bytes: &[u8]) -> Result<Option<Record>, String> {
    let at = |offset: u64| usize::try_from(offset).ok();
    let last = last(|offset| bytes.get(at(offset)?..)?.first_chunk::<LENGTH>().copied());
    let end = last.map_or(0, |last| offset(last.sequence));
    let rest = at(end).and_then(|end| bytes.get(end + LENGTH..)).unwrap_or_default();
    match rest.iter().position(|&byte| byte != 0) {
        None => Ok(last),
        Some(more) => Err(format!(
            "the log ends with {last:?}, but there is something {more} bytes behind the next record"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_followed_by_nothing_but_one_torn_record() {
        let record = |sequence| Record { sequence, boot: 1 }.encode();
        let mut bytes = [record(1), record(2), [0; LENGTH], [0; LENGTH]].concat();
        assert_eq!(kept(&bytes).unwrap().unwrap().sequence, 2);
        bytes[2 * LENGTH + 5] = 1;
        assert_eq!(kept(&bytes).unwrap().unwrap().sequence, 2);
        bytes[3 * LENGTH] = 1;
        assert!(kept(&bytes).is_err());
        assert_eq!(kept(&[0; 5 * LENGTH]), Ok(None));
        // A hole in the log.
        assert!(kept(&[record(1), [0; LENGTH], record(3), [0; LENGTH]].concat()).is_err());
    }
}
