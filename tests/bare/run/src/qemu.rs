//! One run of QEMU.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::{fs::FileExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use crate::{
    devicetree,
    machine::{Board, LABELS, MIB, Machine},
};

/// The time limit between two lines, of which the kernel needs less than a hundredth.
const TIMEOUT: Duration = Duration::from_secs(60);

const SIGKILL: i32 = 9;

/// UEFI for QEMU's PCs, from Debian's package ovmf.
const FIRMWARE: &str = "/usr/share/ovmf/OVMF.fd";

/// A machine with its memory, files in a directory that stay from run to run.
pub(crate) struct Plugged<'m> {
    pub(crate) machine: &'m Machine,
    kernel: &'m Path,
    directory: PathBuf,
}

/// A running QEMU.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: PathBuf,
}

/// The end of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this status.
    Status(i32),
    /// By SIGKILL.
    Killed,
}

impl<'m> Plugged<'m> {
    /// Makes the files, full of zeros.
    pub(crate) fn new(
        machine: &'m Machine,
        kernel: &'m Path,
        directory: PathBuf,
    ) -> Result<Self, String> {
        // Files of an earlier run are removed.
        match fs::remove_dir_all(&directory) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{}: {e}", directory.display()));
            }
            _ => fs::create_dir_all(&directory)
                .map_err(|e| format!("{}: {e}", directory.display()))?,
        }
        let plugged = Self { machine, kernel, directory };
        let make = |path: PathBuf, size: u64| {
            File::create(&path)
                .and_then(|file| file.set_len(size))
                .map_err(|e| format!("{}: {e}", path.display()))
        };
        if machine.board.has_acpi() {
            for (index, memory) in machine.memory.iter().enumerate() {
                make(plugged.file(index).0, memory.size + if memory.labels { LABELS } else { 0 })?;
            }
        } else {
            make(plugged.main(), machine.board.main().0)?;
            let plain = plugged.path("plain.dtb");
            let mut dump = plugged.virt(&format!(",dumpdtb={}", plain.display()));
            devicetree::make(
                dump.args(["-cpu", machine.cpu]),
                &plain,
                &machine.memory,
                &plugged.path("dtb"),
            )?;
        }
        Ok(plugged)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Returns the file of main memory, if it is one.
    fn main(&self) -> PathBuf {
        self.path("main")
    }

    /// Returns the file and the offset of the memory with this index.
    fn file(&self, index: usize) -> (PathBuf, u64) {
        match self.machine.board {
            Board::Pc | Board::Uefi => (self.path(&format!("memory{index}")), 0),
            board => (self.main(), self.machine.memory[index].base - board.main().1),
        }
    }

    /// Returns the contents of the memory with this index.
    pub(crate) fn contents(&self, index: usize) -> Result<Vec<u8>, String> {
        let (path, offset) = self.file(index);
        let mut bytes = vec![0; self.machine.memory[index].size as usize];
        let read = File::open(&path).and_then(|file| file.read_exact_at(&mut bytes, offset));
        read.map(|()| bytes).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Returns the path of QEMU's trace of instructions.
    pub(crate) fn trace(&self) -> PathBuf {
        self.path("instructions")
    }

    /// Starts it with this command line; with `traced` QEMU writes down the instructions.
    pub(crate) fn start(&self, line: &str, traced: bool) -> Result<Running, String> {
        let errors = self.path("errors");
        let mut command = match self.machine.board {
            Board::Pc | Board::Uefi => self.pc(),
            Board::Arm | Board::Riscv => self.virt(""),
        };
        if !self.machine.board.has_acpi() {
            command.arg("-dtb").arg(self.path("dtb"));
        }
        command
            .args(["-accel", "tcg", "-cpu", self.machine.cpu, "-append", line])
            .arg("-kernel")
            .arg(self.kernel);
        command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        if self.machine.board == Board::Uefi {
            // The firmware has the serial port.
            command.args(["-bios", FIRMWARE, "-chardev", "stdio,id=out"]);
            command.args(["-device", "isa-debugcon,iobase=0xe9,chardev=out"]);
        } else {
            command.args(["-serial", "stdio"]);
        }
        if traced {
            command.args(["-d", "in_asm", "-D"]).arg(self.trace());
        }
        let file = File::create(&errors).map_err(|e| format!("{}: {e}", errors.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let mut child =
            command.spawn().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
        let out = child.stdout.take().ok_or("no standard output")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The receiver may be gone.
            whole_lines(out).try_for_each(|line| sender.send(line)).unwrap_or_default();
        });
        Ok(Running { child, lines, errors })
    }

    fn pc(&self) -> Command {
        let machine = self.machine;
        let mut options = "q35".to_owned();
        if !machine.memory.is_empty() {
            options += ",nvdimm=on";
        }
        if let Some(domain) = machine.persistence {
            options += &format!(",nvdimm-persistence={domain}");
        }
        let (main, _) = machine.board.main();
        let mut command = Command::new("qemu-system-x86_64");
        command.args(["-machine", &options, "-m", &format!("{}M,slots=8,maxmem=16G", main / MIB)]);
        // 0xf4 twice and one is the status.
        command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        if machine.nodes > 1 {
            for node in 0..machine.nodes {
                let size = main / u64::from(machine.nodes);
                command.args(["-object", &format!("memory-backend-ram,id=main{node},size={size}")]);
                command.args(["-numa", &format!("node,nodeid={node},memdev=main{node}")]);
            }
        }
        for (slot, memory) in machine.memory.iter().enumerate() {
            let file = self.file(slot).0.display().to_string();
            let (area, labels) = if memory.labels {
                (LABELS, format!(",label-size={LABELS}"))
            } else {
                (0, String::new())
            };
            let (size, base, node) = (memory.size + area, memory.base, memory.node);
            let unarmed = if memory.unarmed { ",unarmed=on" } else { "" };
            command.args([
                "-object",
                &format!("memory-backend-file,id=m{slot},share=on,mem-path={file},size={size}"),
            ]);
            let device = format!(
                "nvdimm,id=d{slot},memdev=m{slot},slot={slot},addr={base:#x},\
                 node={node}{labels}{unarmed}"
            );
            command.args(["-device", &device]);
        }
        command
    }

    /// Adds these options of the machine.
    fn virt(&self, options: &str) -> Command {
        let board = self.machine.board;
        let mut command = Command::new(format!("qemu-system-{}", board.architecture()));
        let (size, _) = board.main();
        let file = self.main().display().to_string();
        command.args([
            "-object",
            &format!("memory-backend-file,id=main,share=on,mem-path={file},size={size}"),
        ]);
        command.args([
            "-machine",
            &format!("virt,memory-backend=main{options}"),
            "-m",
            &format!("{}M", size / MIB),
        ]);
        // The kernel asks for its command line, and ends with its status.
        command.args(["-semihosting-config", "enable=on,target=native"]);
        if board == Board::Riscv {
            command.args(["-bios", "none"]);
        }
        command
    }
}

/// Reads the complete lines, without one that QEMU's death cut off.
fn whole_lines(out: ChildStdout) -> impl Iterator<Item = String> {
    let mut out = BufReader::new(out);
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        out.read_until(b'\n', &mut line).ok()?;
        (line.pop()? == b'\n')
            .then(|| String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
    })
}

impl Running {
    /// Returns the next line; `None` when there will be no more.
    pub(crate) fn line(&mut self) -> Result<Option<String>, String> {
        match self.lines.recv_timeout(TIMEOUT) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                self.kill()?;
                Err(self.with_errors("it says nothing any more"))
            }
        }
    }

    /// Cuts the power: SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<(), String> {
        self.child.kill().map_err(|e| format!("kill: {e}"))
    }

    /// Returns the remaining lines, and the end.
    pub(crate) fn end(mut self) -> Result<(Vec<String>, Ended), String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line()? {
            lines.push(line);
        }
        let status: ExitStatus = self.child.wait().map_err(|e| format!("wait: {e}"))?;
        match (status.code(), status.signal()) {
            (Some(status), _) => Ok((lines, Ended::Status(status))),
            (None, Some(SIGKILL)) => Ok((lines, Ended::Killed)),
            _ => Err(self.with_errors(&format!("QEMU ended by {status}"))),
        }
    }

    fn with_errors(&self, what: &str) -> String {
        format!("{what}; {}", fs::read_to_string(&self.errors).unwrap_or_default().trim())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
