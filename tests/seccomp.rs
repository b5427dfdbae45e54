//! The system calls of each function: those that its documentation lists, each of them, and no other. And what becomes of a
//! call that a filter refuses.
#![cfg(target_os = "linux")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    child::{Ended, in_child},
    device_dax::{dev_null, with_sysfs},
    fd,
    filter::{failing, only},
    made::{self, HUGE_PAGE, Made, memfd},
};
use pmem2::{Errno, Error, Fd, Linux, Pool, Report, Source, What};
use rustix::fs::{MemfdFlags, OFlags};
use seccompiler::{BpfProgram, apply_filter};

/// What a function is tried on.
#[derive(Clone, Copy)]
enum On {
    File,
    HugePages,
    DeviceDax,
    Character,
    Terminal,
    Directory,
    Nothing,
}

/// A descriptor of each sort, and the sources of those that are some.
struct Subjects {
    made: Vec<Made>,
}

#[derive(Clone, Copy)]
struct Subject {
    fd: Fd<'static>,
    source: Option<Source<Fd<'static>>>,
}

impl Subjects {
    /// On a thread with a /sys of its own.
    fn new(sysfs: &common::device_dax::Sysfs) -> Self {
        sysfs.device_dax("8192\n", "4096\n");
        std::fs::create_dir("/sys/dev/char/1:5").expect("an entry for /dev/zero");
        std::os::unix::fs::symlink("../../../../class/mem", "/sys/dev/char/1:5/subsystem").expect("a link");
        // Where the ABI does not fix the page size it is asked for once in a process: now.
        Source::from_anon(0).expect("the page size");
        let huge = MemfdFlags::HUGETLB | MemfdFlags::HUGE_2MB;
        let path = |name| made::path(name, OFlags::RDONLY).map(Made::of).expect(name);
        let (master, slave) = made::terminal().expect("a terminal");
        let made = vec![
            made::file(OFlags::RDWR).expect("a file"),
            Made::of(memfd(huge, HUGE_PAGE).expect("a memfd of huge pages")),
            Made::of(dev_null()),
            path("/dev/zero"),
            Made::of(slave).beside(master),
            path("/"),
            Made::number(-1),
        ];
        Self { made }
    }

    fn get(&self, on: On) -> Subject {
        let fd = fd(self.made[on as usize].raw());
        Subject { fd, source: Source::new(fd).ok() }
    }
}

/// What comes back from a child: an answer, or the number of things that were right.
type Answer = Result<u64, Error>;

type Function = fn(&Subject) -> Answer;

fn source(subject: &Subject) -> &Source<Fd<'static>> {
    subject.source.as_ref().expect("a source")
}

const NEW: Function = |subject| Source::new(subject.fd).map(|_| 0);
const SIZE: Function = |subject| source(subject).size();
const ALIGNMENT: Function = |subject| source(subject).alignment();
const ALLOCATED: Function = |subject| source(subject).allocated();
const FILE_SYSTEM: Function = |subject| source(subject).file_system().map(|system| system.magic().into());
const CHECK_RANGE: Function = |subject| source(subject).check_range(0, 4096).map(|range| range.end);
const REPORT: Function = |subject| Report::of(&subject.fd).verdict().map(|()| 0);

/// The other ways to a source.
const WAYS: Function = |subject| {
    let pool = Pool::<Linux, 1>::new();
    let pooled = pool.source(subject.fd).map(|_| 0);
    let mut place = std::mem::MaybeUninit::uninit();
    let placed = Source::new_in(&mut place, subject.fd).map(|_| 0);
    let given = Source::try_from_handle(subject.fd).map(|_| 0).map_err(|(_, error)| error);
    let from_fd = Source::from_fd(subject.fd).map(|_| 0);
    if pooled == placed && placed == given && given == from_fd { pooled } else { Ok(1) }
};

/// What is known without asking.
const KNOWN: Function = |subject| {
    let source = *source(subject);
    let _ = (source.kind(), source.access(), source.id(), source.handle(), source.facts());
    let raw = source.into_inner().as_raw();
    Ok(u64::from(raw == subject.fd.as_raw()))
};

const ANONYMOUS: Function = |_| {
    let source = Source::from_anon(8192)?;
    Ok(source.size()? + source.alignment()? + source.check_range(0, 0)?.end)
};

/// A function, what it is asked about, and exactly the calls that it then needs.
struct Case {
    /// The function whose documentation lists them.
    function: &'static str,
    run: Function,
    on: On,
    calls: &'static [&'static str],
}

const DEVICE: &[&str] = &["fstat", "openat", "read", "close"];
const MAKE: &[&str] = &["fcntl", "fstat"];
const MAKE_DEVICE: &[&str] = &["fcntl", "fstat", "readlinkat"];

const fn case(function: &'static str, run: Function, on: On, calls: &'static [&'static str]) -> Case {
    Case { function, run, on, calls }
}

const CASES: &[Case] = &[
    case("new", NEW, On::File, MAKE),
    case("new", NEW, On::HugePages, &["fcntl", "fstat", "fstatfs"]),
    case("new", NEW, On::DeviceDax, MAKE_DEVICE),
    case("new", NEW, On::Character, MAKE_DEVICE),
    case("new", NEW, On::Terminal, &["fcntl", "fstat", "readlinkat", "faccessat"]),
    case("new", NEW, On::Directory, MAKE),
    case("new", NEW, On::Nothing, &[]),
    case("new", WAYS, On::File, MAKE),
    case("new", WAYS, On::DeviceDax, MAKE_DEVICE),
    case("new", WAYS, On::Directory, MAKE),
    case("size", SIZE, On::File, &["fstat"]),
    case("size", SIZE, On::DeviceDax, DEVICE),
    case("alignment", ALIGNMENT, On::File, &[]),
    case("alignment", ALIGNMENT, On::HugePages, &[]),
    case("alignment", ALIGNMENT, On::DeviceDax, DEVICE),
    case("allocated", ALLOCATED, On::File, &["fstat"]),
    case("allocated", ALLOCATED, On::DeviceDax, &["fstat"]),
    case("file_system", FILE_SYSTEM, On::File, &["fstat", "fstatfs"]),
    case("file_system", FILE_SYSTEM, On::DeviceDax, &["fstat", "fstatfs"]),
    case("check_range", CHECK_RANGE, On::File, &["fstat"]),
    case("check_range", CHECK_RANGE, On::DeviceDax, DEVICE),
    case("of", REPORT, On::File, &["fcntl", "fstat", "fstatfs"]),
    case("of", REPORT, On::DeviceDax, &["fcntl", "fstat", "readlinkat", "openat", "read", "close", "fstatfs"]),
    case("of", REPORT, On::Terminal, &["fcntl", "fstat", "readlinkat", "faccessat", "fstatfs"]),
    case("kind and others", KNOWN, On::File, &[]),
    case("kind and others", KNOWN, On::DeviceDax, &[]),
    case("from_anon", ANONYMOUS, On::Nothing, &[]),
];

fn under(filter: &BpfProgram, run: Function, subject: &Subject) -> Ended<Answer> {
    in_child(|| {
        apply_filter(filter).expect("seccomp");
        run(subject)
    })
}

#[test]
fn each_function_needs_the_calls_of_its_documentation_and_no_other() {
    with_sysfs(|sysfs| {
        let subjects = Subjects::new(sysfs);
        for &Case { function, run, on, calls } in CASES {
            let subject = subjects.get(on);
            let name = format!("{function} of descriptor {:?}", subject.fd);
            assert_eq!(under(&only(calls), run, &subject), Ended::With(run(&subject)), "{name} with {calls:?}");
            for without in calls {
                let fewer: Vec<_> = calls.iter().filter(|call| *call != without).copied().collect();
                assert_eq!(
                    under(&only(&fewer), run, &subject),
                    Ended::Killed(libc::SIGSYS),
                    "{name} without {without}"
                );
            }
        }
    });
}

/// By function, the calls of all its cases.
fn needed() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut needed = BTreeMap::<_, BTreeSet<_>>::new();
    for case in CASES {
        needed.entry(case.function).or_default().extend(case.calls.iter().map(|&call| call.to_owned()));
    }
    needed
}

/// The words in backticks that are names of calls or functions, without arguments and paths.
fn names(text: &str) -> Vec<String> {
    // What decides on calls and is none; and the page size's, where the ABI does not fix it.
    const NO_CALLS: [&str; 2] = ["st_blksize", "msync"];
    let words = text.split('`').skip(1).step_by(2);
    let bare = words.map(|word| word.split('(').next().unwrap_or_default().rsplit("::").next().unwrap_or_default());
    bare.filter(|word| !NO_CALLS.contains(word)).map(str::to_owned).collect()
}

/// The calls that the documentation of `function` lists.
fn documented(code: &str, function: &str) -> BTreeSet<String> {
    let start = code.find(&format!("pub fn {function}")).unwrap_or_else(|| panic!("no function {function}"));
    let documentation: Vec<_> = code[..start].lines().rev().skip(1).map(str::trim).collect();
    let mut lines: Vec<_> =
        documentation.into_iter().take_while(|line| line.starts_with("//") || line.starts_with("#[")).collect();
    lines.reverse();
    let paragraph: Vec<_> =
        lines.into_iter().skip_while(|line| !line.contains("System calls")).take_while(|line| *line != "///").collect();
    assert!(!paragraph.is_empty(), "{function} does not say what system calls it makes");
    let functions = needed();
    let mut calls = BTreeSet::new();
    for name in names(&paragraph.join(" ")) {
        if functions.contains_key(name.as_str()) {
            calls.extend(documented(include_str!("../src/source.rs"), &name));
        } else {
            calls.insert(name);
        }
    }
    calls
}

#[test]
fn the_documentation_of_sources_and_reports_lists_them() {
    for (function, calls) in needed() {
        match function {
            "of" => assert_eq!(documented(include_str!("../src/report.rs"), "of<"), calls, "Report::of"),
            "kind and others" | "from_anon" => assert!(calls.is_empty()),
            function => {
                assert_eq!(documented(include_str!("../src/source.rs"), &format!("{function}(")), calls, "{function}");
            }
        }
    }
}

#[test]
fn the_table_of_the_backend_lists_them() {
    let table = include_str!("../platform/src/linux/mod.rs");
    let mut listed = BTreeMap::<String, BTreeSet<String>>::new();
    for row in table.lines().filter_map(|line| line.strip_prefix("/// | `")) {
        let (methods, calls) = row.split_once('|').expect("two columns");
        for method in names(&format!("`{methods}")) {
            let calls = names(calls).into_iter().map(|call| match call.as_str() {
                // As the text below the table says.
                "readlink" | "open" => call + "at",
                "access" => "faccessat".to_owned(),
                _ => call,
            });
            let method = if method == "describe" { "new".to_owned() } else { method };
            listed.entry(method).or_default().extend(calls);
        }
    }
    // Only the page size is a method of the platform that no function of a source is.
    assert_eq!(listed.remove("page_size"), Some(BTreeSet::new()));
    let mut needed = needed();
    needed.retain(|function, _| !["of", "check_range", "kind and others", "from_anon"].contains(function));
    assert_eq!(listed, needed.into_iter().map(|(function, calls)| (function.to_owned(), calls)).collect());
}

#[test]
fn a_call_that_a_filter_refuses_gives_its_errno() {
    let table: &[(Function, On, &str, What)] = &[
        (NEW, On::File, "fcntl", What::Handle),
        (NEW, On::File, "fstat", What::Handle),
        (NEW, On::HugePages, "fstatfs", What::FileSystem),
        (NEW, On::DeviceDax, "readlinkat", What::Subsystem),
        (NEW, On::Character, "readlinkat", What::Subsystem),
        (NEW, On::Terminal, "readlinkat", What::Subsystem),
        (NEW, On::Terminal, "faccessat", What::Sysfs),
        (SIZE, On::File, "fstat", What::Handle),
        (SIZE, On::DeviceDax, "fstat", What::Handle),
        (SIZE, On::DeviceDax, "openat", What::Size),
        (SIZE, On::DeviceDax, "read", What::Size),
        (ALIGNMENT, On::DeviceDax, "fstat", What::Handle),
        (ALIGNMENT, On::DeviceDax, "openat", What::Alignment),
        (ALIGNMENT, On::DeviceDax, "read", What::Alignment),
        (ALLOCATED, On::File, "fstat", What::Handle),
        (FILE_SYSTEM, On::File, "fstat", What::Handle),
        (FILE_SYSTEM, On::File, "fstatfs", What::FileSystem),
        (CHECK_RANGE, On::File, "fstat", What::Handle),
        (CHECK_RANGE, On::DeviceDax, "openat", What::Size),
    ];
    with_sysfs(|sysfs| {
        let subjects = Subjects::new(sysfs);
        for &(run, on, call, what) in table {
            for errno in [Errno::EPERM, Errno::EIO, Errno::ENOSYS, Errno::EACCES] {
                let subject = subjects.get(on);
                let error = Error::Os { what, errno };
                assert_eq!(
                    under(&failing(call, errno.raw()), run, &subject),
                    Ended::With(Err(error)),
                    "{call}, {errno:?}"
                );
                assert_eq!(error.code(), -errno.raw());
            }
        }
    });
    let sentence = Error::Os { what: What::Subsystem, errno: Errno::EPERM }.to_string();
    assert!(sentence.contains("seccomp"), "{sentence}");
}
