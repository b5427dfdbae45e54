//! Programs that must not compile, and the compiler's words for it. Beside each stands a twin that
//! differs in one point, compiles and runs. With `BLESS=1` the words are written anew.
#![cfg(target_os = "linux")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::available_parallelism,
};

use tempfile::TempDir;

/// The compiler, and the library that it links the programs with.
struct Compiler {
    dependencies: PathBuf,
    libraries: Vec<String>,
    directory: TempDir,
}

impl Compiler {
    /// Has Cargo build the library with the features that the programs need.
    fn new() -> Self {
        let arguments = ["build", "--quiet", "--locked", "--package", "pmem2", "--lib"];
        let features = ["--features", "std,conformance", "--message-format", "json"];
        let cargo = Command::new(env::var("CARGO").unwrap_or("cargo".into()))
            .args(arguments)
            .args(features)
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo");
        assert!(cargo.status.success(), "cargo build");
        let messages = String::from_utf8(cargo.stdout).expect("text");
        let libraries: Vec<String> = messages
            .split('"')
            .filter(|word| word.ends_with(".rlib") && word.contains("/libpmem2"))
            .map(str::to_owned)
            .collect();
        assert_eq!(libraries.len(), 2, "pmem2 and pmem2_platform: {libraries:?}");
        let dependencies = env::current_exe().expect("a path").parent().expect("deps").to_owned();
        Self { dependencies, libraries, directory: TempDir::new().expect("a directory") }
    }

    fn start(&self, program: &Path) -> Child {
        let name = program.file_stem().expect("a name");
        let mut rustc = Command::new(env::var("RUSTC").unwrap_or("rustc".into()));
        rustc.args(["--edition=2024", "--crate-type=bin", "--diagnostic-width=140"]);
        rustc.arg("-L").arg(format!("dependency={}", self.dependencies.display()));
        for library in &self.libraries {
            let name = if library.contains("platform") { "pmem2_platform" } else { "pmem2" };
            rustc.arg("--extern").arg(format!("{name}={library}"));
        }
        rustc.arg("-o").arg(self.directory.path().join(name)).arg(program);
        rustc.stderr(Stdio::piped()).spawn().expect("rustc")
    }
}

/// Returns the errors without what changes with every edit elsewhere: lines and columns of other
/// files, the number of other implementations.
fn words(output: &Output, program: &Path) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("text");
    let text = text.replace(&format!("{}/", env!("CARGO_MANIFEST_DIR")), "");
    let mut here = true;
    let mut lines = Vec::new();
    for line in text.lines() {
        let number = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        let rest = number.trim_start();
        let line = if let Some((file, _)) =
            rest.strip_prefix("--> ").and_then(|r| r.split_once(':'))
        {
            here = Path::new(file) == program;
            if here { format!("  {rest}") } else { format!("  --> {}", standard(file)) }
        } else if let Some((file, _)) = rest.strip_prefix("::: ").and_then(|r| r.split_once(':')) {
            here = Path::new(file) == program;
            format!("  ::: {}", standard(file))
        } else if rest.starts_with(['|', '=']) && line.len() != rest.len() {
            let digits = line.trim_start().len() - number.len();
            let number = line.trim_start().get(..digits).filter(|_| here).unwrap_or_default();
            format!("{number:>2} {rest}")
        } else if rest.starts_with("found ") {
            // Aligned with the line before, whose gutter is as wide as the largest number.
            format!("{:16}{rest}", "")
        } else if let Some((words, _)) =
            line.split_once(" others").filter(|(w, _)| w.contains("and "))
        {
            format!("{} $N others", words.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end())
        } else {
            line.to_owned()
        };
        lines.push(line.trim_end().to_owned());
    }
    let end = lines.iter().position(|line| line.starts_with("error: aborting due to"));
    format!("{}\n", lines[..end.unwrap_or(lines.len())].join("\n").trim_end())
}

/// Returns the path of a file of the standard library without where it is.
fn standard(file: &str) -> String {
    match file.split_once("/library/") {
        Some((_, file)) => format!("$RUST/{file}"),
        None => file.to_owned(),
    }
}

fn programs(directory: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .expect(directory)
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    found.sort();
    found
}

/// Compiles the programs, as many at a time as there are processors.
fn compile(directory: &str, mut judge: impl FnMut(&Compiler, &Path, &Output)) {
    let compiler = Compiler::new();
    let programs = programs(directory);
    for some in programs.chunks(available_parallelism().expect("processors").get()) {
        let started: Vec<_> = some.iter().map(|program| compiler.start(program)).collect();
        for (program, rustc) in some.iter().zip(started) {
            judge(&compiler, program, &rustc.wait_with_output().expect("rustc"));
        }
    }
}

#[test]
fn these_do_not_compile() {
    let mut wrong = Vec::new();
    compile("tests/compile/fail", |_, program, output| {
        let expected = program.with_extension("stderr");
        let words = words(output, program);
        if env::var_os("BLESS").is_some() {
            fs::write(&expected, &words).expect("written");
        }
        let compiles = output.status.success();
        if compiles || fs::read_to_string(&expected).unwrap_or_default() != words {
            wrong.push(format!("{}, compiles: {compiles}\n{words}", program.display()));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn their_twins_compile_and_run() {
    compile("tests/compile/pass", |compiler, program, output| {
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {words}", program.display());
        let program = compiler.directory.path().join(program.file_stem().expect("a name"));
        assert!(Command::new(&program).status().expect("it runs").success(), "{program:?}");
    });
    let names = |directory| -> Vec<_> {
        programs(directory)
            .iter()
            .map(|path| path.file_name().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names("tests/compile/fail"), names("tests/compile/pass"));
}
