//! Whether data may have been lost when the power failed: PMDK's libpmem2_unsafe_shutdown(7).

/// A record that a program keeps beside its data, in the same persistent memory and made durable
/// with it (pmem2_deep_flush(3)), to notice an unsafe shutdown when it starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShutdownRecord<'a> {
    /// The [device id](crate::Source::device_id) of the time when it was written.
    pub device_id: &'a str,
    /// The [count of unsafe shutdowns](crate::Source::device_usc) of that time.
    pub count: u64,
    /// Whether the data was in use: set before the first store, taken back after the last one was
    /// made durable.
    pub in_use: bool,
}

/// The verdict of a record on the data beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// The data is as it was: no shutdown was unsafe, or none that was could have harmed it, since
    /// nothing used it. Write the current count into the record.
    Fine,
    /// A shutdown was unsafe while the data was in use: it may be damaged. Check it or restore it.
    Suspect,
    /// The data was moved to other hardware, whose count says nothing about it. Write the current
    /// id and count into the record. Where it was in use when it was moved, the program has to find
    /// out whether all of it came along.
    Moved,
}

/// Judges the data beside the record `stored`, on a device with the id `device_id` and `count`
/// unsafe shutdowns now: libpmem2_unsafe_shutdown(7) as a function, with no system below.
///
/// Any change of the count is taken for an unsafe shutdown; counts only grow.
///
/// ```
/// use pmem2::place::{Shutdown, ShutdownRecord, judge_shutdown};
///
/// let stored = ShutdownRecord { device_id: "8680-56341200", count: 3, in_use: true };
/// assert_eq!(judge_shutdown(&stored, "8680-56341200", 3), Shutdown::Fine);
/// assert_eq!(judge_shutdown(&stored, "8680-56341200", 4), Shutdown::Suspect);
/// assert_eq!(judge_shutdown(&stored, "8680-57341200", 4), Shutdown::Moved);
/// ```
#[must_use]
pub fn judge_shutdown(stored: &ShutdownRecord<'_>, device_id: &str, count: u64) -> Shutdown {
    if stored.device_id != device_id {
        Shutdown::Moved
    } else if stored.in_use && stored.count != count {
        Shutdown::Suspect
    } else {
        Shutdown::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::{Shutdown, ShutdownRecord, judge_shutdown};

    /// id, count and flag that were stored, id and count of now.
    type Row = ((&'static str, u64, bool), (&'static str, u64), Shutdown);

    #[test]
    fn the_manual_page() {
        let table: [Row; 11] = [
            (("a", 3, true), ("a", 3), Shutdown::Fine),
            (("a", 3, false), ("a", 3), Shutdown::Fine),
            (("a", 3, true), ("a", 4), Shutdown::Suspect),
            (("a", 3, true), ("a", u64::MAX), Shutdown::Suspect),
            (("a", 3, true), ("a", 2), Shutdown::Suspect),
            (("a", 3, false), ("a", 4), Shutdown::Fine),
            (("a", 3, true), ("b", 3), Shutdown::Moved),
            (("a", 3, true), ("b", 4), Shutdown::Moved),
            (("a", 3, false), ("b", 4), Shutdown::Moved),
            (("", 0, true), ("", 0), Shutdown::Fine),
            (("ab", 0, true), ("a", 0), Shutdown::Moved),
        ];
        for ((device_id, count, in_use), (now, count_now), expected) in table {
            let stored = ShutdownRecord { device_id, count, in_use };
            assert_eq!(
                judge_shutdown(&stored, now, count_now),
                expected,
                "{stored:?}, {now}, {count_now}"
            );
        }
    }
}
