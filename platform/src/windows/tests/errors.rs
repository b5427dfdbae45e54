//! The table of errors.

use std::{collections::HashSet, string::String, vec::Vec};

use crate::{
    Errno,
    windows::errors::{Code, TABLE},
};

#[test]
fn each_code_once_and_never_zero() {
    let codes: HashSet<_> = TABLE.iter().map(|(code, _)| code).collect();
    assert_eq!(codes.len(), TABLE.len());
    for &(code, errno) in TABLE {
        assert_eq!((Code(code).errno(), Code(code).known()), (errno, Some(errno)), "{code}");
    }
    let unknown = (0..20_000).chain([u32::MAX, 0x8007_0005]).filter(|code| !codes.contains(code));
    for code in unknown {
        assert_eq!((Code(code).errno(), Code(code).known()), (Errno::EIO, None), "{code}");
    }
}

/// The codes that matter most, by the numbers of winerror.h.
#[test]
fn well_known_codes() {
    for (code, errno) in [
        (2, Errno::ENOENT),
        (3, Errno::ENOENT),
        (4, Errno::EMFILE),
        (5, Errno::EACCES),
        (6, Errno::EBADF),
        (8, Errno::ENOMEM),
        (32, Errno::EBUSY),
        (50, Errno::ENOTSUP),
        (87, Errno::EINVAL),
        (1314, Errno::EPERM),
        (0, Errno::EIO),
    ] {
        assert_eq!(Code(code).errno(), errno);
    }
}

/// The documentation has the same table.
#[test]
fn the_documentation_has_all_of_it() {
    let rows =
        include_str!("../platform.rs").lines().filter_map(|line| line.strip_prefix("/// | `E"));
    let mut documented = Vec::new();
    for row in rows {
        let (errno, codes) = row.split_once("` | ").expect("two columns");
        for code in codes.trim_end_matches(" |").split(", ") {
            documented.push((String::from(code.trim_matches('`')), std::format!("E{errno}")));
        }
    }
    // The macro's input, line by line.
    let source = include_str!("../errors.rs");
    let (_, table) = source.split_once("\ncodes! {\n").expect("the table");
    let (table, _) = table.split_once("\n}").expect("its end");
    let mut written: Vec<_> = table
        .lines()
        .map(|line| line.trim().trim_end_matches(';').split(' ').collect::<Vec<_>>())
        .map(|words| (String::from(words[0]), String::from(words[2])))
        .collect();
    documented.sort();
    written.sort();
    assert_eq!(documented, written);
    assert_eq!(written.len(), TABLE.len());
}
