//! Running the binary, and looking at what it prints.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{PoisonError, RwLock},
};

use rustix::fs::{Mode, OFlags, inotify};
use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_pmem2");

/// The user and group nobody.
const NOBODY: u32 = 65534;

/// Where [`with_descriptor`] puts a descriptor if there is only one: far from those that anything
/// opens by itself.
pub(crate) const NUMBER: i32 = 300;

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `pmem2 inspect` with these arguments.
pub(crate) fn inspect<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = guarded(BINARY);
    command.arg("inspect").args(arguments);
    command
}

/// A program that inherits no descriptor except the standard ones. SIGALRM ends it if it hangs.
pub(crate) fn guarded(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    // SAFETY: pre_exec allows only what is async-signal-safe between fork and exec: alarm and
    // close_range are bare system calls.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(60);
            match libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed()) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        })
    };
    command
}

/// `command` inherits `descriptor` as `number`.
pub(crate) fn with_descriptor(
    command: &mut Command,
    descriptor: impl AsFd,
    number: i32,
) -> &mut Command {
    let descriptor = descriptor.as_fd().try_clone_to_owned().unwrap();
    // SAFETY: as above: dup2 is a bare system call. The closure owns the descriptor, which is open
    // as long as the command.
    unsafe {
        command.pre_exec(move || match libc::dup2(descriptor.as_raw_fd(), number) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        })
    }
}

/// The binary, run by an ordinary user: nobody, if the tests are run by root, else whoever runs
/// them.
pub(crate) fn inspect_as_ordinary_user<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    if !is_root() {
        return inspect(arguments);
    }
    // By descriptor: nobody may not be allowed to walk to where the binary lies.
    let mut command = guarded(&format!("/proc/self/fd/{NUMBER}"));
    command.arg("inspect").args(arguments);
    with_descriptor(&mut command, File::open(BINARY).unwrap(), NUMBER);
    command.uid(NOBODY).gid(NOBODY);
    command
}

/// The binary, run in a mount namespace of its own, in which `script` was run first (`$dir` is
/// `directory`). Without root, in a user namespace.
pub(crate) fn inspect_after<A: AsRef<OsStr>>(
    script: &str,
    directory: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let flags = if is_root() { "-m" } else { "-rm" };
    let script = format!("set -e; {script}\nexec \"$0\" \"$@\"");
    let mut command = guarded("unshare");
    command
        .args([flags, "sh", "-c", &script, BINARY, "inspect"])
        .args(arguments)
        .env("dir", directory);
    command
}

/// Between fork and exec a child holds copies of all descriptors of this process, whichever test
/// opened them. Starting a child holds this for reading until exec.
static FORKS: RwLock<()> = RwLock::new(());

/// Starts it; when this returns it has been executed.
pub(crate) fn spawn(command: &mut Command) -> Child {
    let _forking = FORKS.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs `action` while no child is being started, for tests that need their descriptors closed.
pub(crate) fn without_forks<T>(action: impl FnOnce() -> T) -> T {
    let _no_forks = FORKS.write().unwrap_or_else(PoisonError::into_inner);
    action()
}

pub(crate) struct Run {
    /// `None`: a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run(command: &mut Command) -> Run {
    let child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    Run {
        status: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// Runs it, and checks that it ended with `status` and had nothing to complain of.
pub(crate) fn report(status: i32, command: &mut Command) -> String {
    let run = run(command);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (Some(status), ""),
        "{command:?} printed:\n{}",
        run.stdout
    );
    run.stdout
}

/// The same, with `--json`: the object of each line.
pub(crate) fn objects(status: i32, command: &mut Command) -> Vec<Value> {
    let output = report(status, command.arg("--json"));
    assert!(output.ends_with('\n'));
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Both outputs for one path, for people and for programs. Both have to end with `status`.
pub(crate) fn both(status: i32, path: impl AsRef<OsStr>) -> (String, Value) {
    let path = path.as_ref();
    let [object] = <[Value; 1]>::try_from(objects(status, &mut inspect([path]))).unwrap();
    assert_eq!(object["usable"], status == 0);
    (report(status, &mut inspect([path])), object)
}

/// The value of a line of an entry for people; `None` if there is no such line.
pub(crate) fn fact<'b>(block: &'b str, key: &str) -> Option<&'b str> {
    block.lines().find_map(|line| {
        line.strip_prefix("  ")?.strip_prefix(key)?.strip_prefix([' ', ':']).map(str::trim_start)
    })
}

/// The errors of a made-up device DAX, of which the mapping has to be one: there is no memory.
pub(crate) fn errors_but_of_the_mapping(object: &Value) -> Value {
    let mut errors = object["answer_errors"].clone();
    let mapping = errors.as_object_mut().unwrap().remove("mapping").unwrap();
    assert!(["ENODEV", "EOVERFLOW"].contains(&mapping["symbol"].as_str().unwrap()), "{mapping}");
    assert_eq!(object["mapping"], Value::Null);
    errors
}

/// A directory that everybody may search.
pub(crate) fn directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o755)).tempdir().unwrap()
}

pub(crate) fn file(
    directory: &tempfile::TempDir,
    name: impl AsRef<OsStr>,
    contents: &str,
) -> PathBuf {
    let path = directory.path().join(name.as_ref());
    std::fs::write(&path, contents).unwrap();
    path
}

/// A block device that is there already.
pub(crate) fn block_device() -> PathBuf {
    use std::os::unix::fs::FileTypeExt;
    let is_disk = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_block_device())
    };
    let disk = std::fs::read_dir("/dev")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| is_disk(path));
    disk.expect("a block device in /dev, or root")
}

/// Opens only to look.
pub(crate) fn look(path: &Path) -> OwnedFd {
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// How often the file at `path` is opened while `action` runs, as inotify sees it.
pub(crate) fn opens(path: &Path, action: impl FnOnce()) -> usize {
    let watcher =
        inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watcher, path, inotify::WatchFlags::OPEN).unwrap();
    action();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watcher, &mut buffer);
    let mut count = 0;
    loop {
        match events.next() {
            Ok(event) => count += usize::from(event.events().contains(inotify::ReadFlags::OPEN)),
            Err(rustix::io::Errno::AGAIN) => return count,
            Err(errno) => panic!("inotify: {errno}"),
        }
    }
}

/// The binary does not open what it reports. Before Linux 6.11 inotify counts a look with `O_PATH`
/// too, so that a look of our own is the measure.
pub(crate) fn assert_only_looked_at(path: &Path) {
    let looks = opens(path, || drop(look(path)));
    let seen = opens(path, || drop(run(&mut inspect([path]))));
    assert_eq!(seen, looks, "{}", path.display());
}
