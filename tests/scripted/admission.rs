//! The handles that can be sources: every access with every kind.

use pmem2::{Access, Error, Kind, Source, error::HandleFault, report::Report};

use crate::script::{Call, Script, WHATS};

fn kinds() -> Vec<Kind> {
    let mut kinds = vec![
        Kind::RegularFile,
        Kind::DeviceDax,
        Kind::Anonymous,
        Kind::CharacterDevice,
        Kind::BlockDevice,
        Kind::Directory,
        Kind::Pipe,
        Kind::Socket,
        Kind::SymbolicLink,
        Kind::AnonymousInode,
        Kind::Other,
    ];
    kinds.extend(WHATS.map(Kind::UnknownDevice));
    kinds
}

#[test]
fn the_access_comes_first() {
    let mut admitted = 0;
    for bits in 0..=Access::all().bits() {
        let access = Access::from_bits_retain(bits);
        let fault = match (bits & 4 != 0, bits & 1 != 0, bits & 2 != 0) {
            (true, _, _) => Some(HandleFault::PathOnly),
            (false, true, _) => None,
            (false, false, true) => Some(HandleFault::WriteOnly),
            (false, false, false) => Some(HandleFault::NoAccess),
        };
        for kind in kinds() {
            let unsuited = match kind {
                Kind::RegularFile | Kind::DeviceDax | Kind::Anonymous => Ok(()),
                Kind::UnknownDevice(what) => Err(Error::UnknownFileType(what)),
                kind => Err(Error::InvalidFileType(kind)),
            };
            let expected = fault.map_or(unsuited, |fault| Err(Error::InvalidFileHandle(fault)));
            let script = Script::with(kind, access);
            let found = Source::new(script.object()).map(|source| {
                assert_eq!((source.kind(), source.access()), (kind, access));
                admitted += 1;
            });
            assert_eq!(found, expected, "{kind:?} with {access:?}");
            assert_eq!(script.calls(), [Call::Describe]);
            assert_eq!(Report::new(&script.object()).verdict(), expected);
            assert_eq!(
                Report::new_unopened(&script.object()).verdict(),
                unsuited,
                "looked at, not opened"
            );
        }
    }
    assert_eq!(
        admitted,
        3 * 4,
        "three kinds, each to be read or read and written, each with and without append"
    );
}
