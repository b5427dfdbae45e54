//! The C library of this repository, as a C program would have it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Installs the library below target/, and says where it is.
pub(crate) fn install() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prefix = root.join("target/capi/installed");
    // It goes by its own configuration, not by this build's.
    let status =
        Command::new(root.join("ci/install")).arg(&prefix).env_remove("CARGO_TARGET_DIR").status();
    assert!(status.expect("ci/install runs").success(), "ci/install");
    prefix.join("lib/libpmem2.so.1")
}
