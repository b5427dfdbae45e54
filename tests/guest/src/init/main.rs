//! Process 1 of the guest: loads the modules, makes the devices of its machine, runs the tests,
//! ends QEMU.

mod command;
mod cxl;
mod nd;
mod sysfs;
mod volumes;

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
};

use pmem2_guest::{
    machine::Machine,
    report::{DONE, END, EXIT_PORT, lines},
};
use rustix::{
    mount::{MountFlags, mount},
    termios::{self, OptionalActions},
};
use sysfs::{Failure, read, write};

fn main() {
    let ended = guest();
    // To the console: the host shows it where the report has no end.
    if let Err(failure) = ended {
        eprintln!("init: {failure}");
    }
    // A process 1 that returns is a kernel panic, which ends QEMU too, but with another status.
    if let Err(failure) = exit() {
        eprintln!("init: {failure}");
    }
}

fn guest() -> Result<(), Failure> {
    mount_all()?;
    let mut line = report_line()?;
    let machine = machine()?;
    let boot = word("boot=")?;
    load_modules(&machine)?;
    if machine.holds_writes_back() {
        hold_writes_back()?;
    }
    let mut all_made = true;
    for test in machine.making() {
        let made = volumes::make(&machine, test.device, boot != "0");
        all_made &= made.is_ok();
        say(&mut line, &lines(&test, &made))?;
    }
    // The host boots the machine once more where it could not be made: nothing of pmem2 shall have
    // run, nor failed, before that.
    if all_made || !machine.planted.is_empty() {
        let tests = Command::new("/bin/guest-tests")
            .args([&machine.name, &boot])
            .stdout(copy(&line)?)
            .status();
        let status = tests.map_err(|e| format!("the tests: {e}"))?;
        if !status.success() {
            return Err(format!("the tests: {status}"));
        }
    }
    say(&mut line, &format!("{END}\n"))?;
    // Every byte has to be with QEMU before it ends.
    termios::tcdrain(&line).map_err(|e| format!("the serial port: {e}"))
}

fn mount_all() -> Result<(), Failure> {
    const TABLE: &[(&str, &str, &str)] = &[
        ("proc", "/proc", ""),
        ("sysfs", "/sys", ""),
        ("debugfs", "/sys/kernel/debug", ""),
        ("devtmpfs", "/dev", ""),
        ("devpts", "/dev/pts", "ptmxmode=666"),
        ("tmpfs", "/dev/shm", ""),
        ("tmpfs", "/run", ""),
        ("tmpfs", "/tmp", ""),
        ("tmpfs", "/mnt", ""),
        ("tmpfs", "/d", ""),
    ];
    for (kind, target, options) in TABLE {
        fs::create_dir_all(target).map_err(|e| format!("{target}: {e}"))?;
        let options = std::ffi::CString::new(*options).map_err(|e| e.to_string())?;
        mount(*kind, *target, *kind, MountFlags::empty(), options.as_c_str())
            .map_err(|e| format!("{kind} on {target}: {e}"))?;
    }
    Ok(())
}

/// Nothing is written to a disk by the clock. File systems take blocks of memory that is bad, which
/// other tests have made free, for data of their own, and QEMU's NVDIMMs have no command that makes
/// a block good when it is written to: a file system that is refused there while it writes by
/// itself, after 5 or 30 seconds, ends every test that comes after. And what is not flushed has to
/// be lost where power is cut. (ext4's own 5 seconds: `volumes.rs`.)
fn hold_writes_back() -> Result<(), Failure> {
    // Documentation/admin-guide/sysctl/vm.rst: 0 is never; Documentation/admin-guide/xfs.rst: two
    // hours are the most.
    write("/proc/sys/vm/dirty_writeback_centisecs", "0")?;
    write("/proc/sys/fs/xfs/xfssyncd_centisecs", "720000")
}

/// The second serial port, which the kernel writes nothing to, as it is: a terminal would change
/// the ends of lines.
fn report_line() -> Result<File, Failure> {
    const PORT: &str = "/dev/ttyS1";
    let line =
        File::options().read(true).write(true).open(PORT).map_err(|e| format!("{PORT}: {e}"))?;
    let raw = termios::tcgetattr(&line).and_then(|mut settings| {
        settings.make_raw();
        termios::tcsetattr(&line, OptionalActions::Now, &settings)
    });
    raw.map_err(|e| format!("{PORT}: {e}"))?;
    Ok(line)
}

fn copy(line: &File) -> Result<File, Failure> {
    line.try_clone().map_err(|e| format!("the serial port: {e}"))
}

fn say(line: &mut File, text: &str) -> Result<(), Failure> {
    line.write_all(text.as_bytes()).map_err(|e| format!("the serial port: {e}"))
}

/// The host has put them in the order of what they need of each other.
fn load_modules(machine: &Machine) -> Result<(), Failure> {
    let place = Path::new(if machine.test_modules { "/test-modules" } else { "/modules" });
    for module in read(place.join("order"))?.lines() {
        let path = place.join(module);
        let loaded = File::open(&path).map_err(|e| e.to_string()).and_then(|file| {
            rustix::system::finit_module(&file, c"", 0).map_err(|e| e.to_string())
        });
        loaded.map_err(|e| format!("module {module}: {e}"))?;
    }
    Ok(())
}

/// The rest of the kernel's command line after this.
fn word(prefix: &str) -> Result<String, Failure> {
    let line = read("/proc/cmdline")?;
    let word = line.split_whitespace().find_map(|word| word.strip_prefix(prefix));
    word.map(str::to_owned).ok_or_else(|| format!("the command line has no {prefix}"))
}

fn machine() -> Result<Machine, Failure> {
    let name = word("machine=")?;
    let known = pmem2_guest::machines().into_iter().chain(pmem2_guest::planted());
    known
        .into_iter()
        .find(|machine| machine.name == name)
        .ok_or_else(|| format!("no machine {name:?} in the table"))
}

/// Ends QEMU, by the port of its debugging device.
fn exit() -> Result<(), Failure> {
    rustix::fs::sync();
    let ports =
        File::options().write(true).open("/dev/port").map_err(|e| format!("/dev/port: {e}"))?;
    ports.write_all_at(&[DONE], EXIT_PORT.into()).map_err(|e| format!("/dev/port: {e}"))
}
