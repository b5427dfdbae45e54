//! Values of the library as JSON. The words stay, whatever the sentences become.

use std::fmt::Display;

use pmem2::{
    Access, Error, Kind,
    error::Subject,
    place::Warning,
    report::{Persistent, Value},
};
use serde_json::{Value as Json, json};

use crate::place;

/// The value of a fact; null for what is for people only.
pub(crate) fn value(value: &Value<'_>) -> Json {
    match *value {
        Value::Persistent(persistent) => verdict(&persistent),
        Value::Warning(warning) => self::warning(&warning),
        Value::Kind(kind) => json!(self::kind(kind)),
        Value::Access(access) => json!(mode(access)),
        Value::FileSystem(system) => file_system(system.name(), system.magic()),
        Value::Bytes(number) | Value::Sparse(number) | Value::Count(number) => json!(number),
        Value::Place(place) => place::json(place),
        Value::Node(node) => json!(node),
        Value::DeviceId(id) => json!(id),
        Value::Granularity { expected, .. } => json!({
            "shared": expected.granularity.name(),
            "reason": expected.reason.name(),
            "sentence": expected.reason.to_string(),
            "remedy": expected.reason.remedy(),
        }),
        _ => Json::Null,
    }
}

fn verdict(persistent: &Persistent) -> Json {
    json!({
        "answer": persistent.answer().name(),
        "reason": persistent.reason(),
        "sentence": format!("{:#}", persistent.sentence()),
        "remedy": persistent.remedy(),
    })
}

/// The verdict on something that no report is about.
pub(crate) fn refused(symbol: Option<&str>, message: impl Display) -> Json {
    json!({
        "answer": "refused", "reason": symbol, "sentence": message.to_string(), "remedy": null,
    })
}

pub(crate) fn error(error: &Error) -> Json {
    failure(error.code(), error.symbol(), error.errno().raw(), format_args!("{error:#}"))
}

/// An error with another message.
pub(crate) fn unsupported(subject: Subject, message: impl Display) -> Json {
    let error = Error::Unsupported(subject);
    failure(error.code(), error.symbol(), error.errno().raw(), message)
}

pub(crate) fn failure(code: i32, symbol: Option<&str>, errno: i32, message: impl Display) -> Json {
    json!({"code": code, "symbol": symbol, "errno": errno, "message": message.to_string()})
}

pub(crate) fn warning(warning: &Warning) -> Json {
    json!({
        "warning": warning.name(), "region": warning.region(), "sentence": warning.to_string(),
    })
}

pub(crate) fn file_system(name: Option<&str>, magic: u32) -> Json {
    json!({"name": name, "magic": magic})
}

pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::RegularFile => "regular-file",
        Kind::DeviceDax => "device-dax",
        Kind::CharacterDevice => "character-device",
        Kind::UnknownDevice(_) => "unknown-character-device",
        Kind::BlockDevice => "block-device",
        Kind::Directory => "directory",
        Kind::Pipe => "pipe",
        Kind::Socket => "socket",
        Kind::SymbolicLink => "symbolic-link",
        Kind::AnonymousInode => "anonymous-inode",
        Kind::Region | Kind::InvalidRegion(_) => "region",
        Kind::VolatileMemory => "volatile-memory",
        Kind::VirtualDisk => "virtual-disk",
        Kind::ControlRegion => "control-region",
        Kind::BlockWindow => "block-window",
        _ => "other",
    }
}

fn mode(access: Access) -> &'static str {
    match (access.contains(Access::READ), access.contains(Access::WRITE)) {
        _ if access.contains(Access::PATH) => "path",
        (true, false) => "read-only",
        (true, true) => "read-write",
        (false, true) => "write-only",
        (false, false) => "none",
    }
}
