//! The argument of the programs.

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    process::{self, ExitCode},
};

/// Calls a program with the path that the command line names, or with that of a new file in the
/// directory for temporary files, which is removed at the end. Prints the error.
pub(crate) fn with_path(
    name: &str,
    program: impl FnOnce(&Path) -> Result<(), Box<dyn Error>>,
) -> ExitCode {
    match called(name, program) {
        Ok(()) => ExitCode::SUCCESS,
        // The cause and the remedy. A main that returned the error would print its fields.
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn called(
    name: &str,
    program: impl FnOnce(&Path) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    match env::args_os().nth(1) {
        Some(path) => program(path.as_ref()),
        None => {
            let path = env::temp_dir().join(format!("{name}.{}", process::id()));
            let done = program(&path);
            fs::remove_file(&path)?;
            done
        }
    }
}
