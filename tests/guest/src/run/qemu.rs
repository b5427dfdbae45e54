//! One run of QEMU.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::monitor::{self, Monitor};
use pmem2_guest::{
    machine::{Bus, LABELS, MIB, Machine, Memory},
    report::EXIT_PORT,
};

/// A guest that takes longer hangs: the slowest takes a fifteenth of it, and a quarter where much
/// else runs beside it.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Main memory; some of it may be made to look like other memory, by the kernel's command line.
const MAIN: u64 = 1024 * MIB;

/// A guest that has ended.
pub(crate) struct Ran {
    /// `None`: it did not end in time.
    pub(crate) status: Option<ExitStatus>,
    /// The output of the second serial port.
    pub(crate) report: String,
    /// The output of the first, and QEMU's own.
    pub(crate) console: String,
}

/// The files that a machine boots from, and the directory of its own.
#[derive(Clone, Copy)]
pub(crate) struct Files<'f> {
    pub(crate) directory: &'f Path,
    pub(crate) kernel: &'f Path,
    pub(crate) initrd: &'f Path,
}

impl Files<'_> {
    /// Makes the directory anew: what an earlier run left would be taken for this one's.
    pub(crate) fn begin(&self) -> Result<(), String> {
        match fs::remove_dir_all(self.directory) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => fs::create_dir_all(self.directory),
        }
        .map_err(|e| format!("{}: {e}", self.directory.display()))
    }

    /// Removes the machine's memory.
    pub(crate) fn end(&self, machine: &Machine) {
        for memory in &machine.memory {
            // What was never made need not be removed.
            let _ = fs::remove_file(self.directory.join(&memory.name));
        }
    }
}

/// Boots the machine, with the memory that it has if this is not its first `boot`. Its power is cut
/// when `cut` says so of what it has reported.
pub(crate) fn boot(
    machine: &Machine,
    files: Files<'_>,
    boot: usize,
    cut: impl Fn(&str) -> bool,
) -> Result<Ran, String> {
    let directory = files.directory;
    let cannot = |e: std::io::Error| format!("{}: {e}", directory.display());
    let said = directory.join("qemu");
    let mut command = command(machine, files, boot)?;
    // Of the boot before.
    let _ = fs::remove_file(directory.join("report"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said).map_err(cannot)?);
    let mut child = command.spawn().map_err(|e| format!("qemu-system-x86_64: {e}"))?;
    let text = |name: &str| {
        fs::read(directory.join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let (mut monitor, start) = (Monitor::new(directory), Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait().map_err(cannot)? {
            break Some(status);
        }
        if start.elapsed() > TIMEOUT {
            child.kill().map_err(cannot)?;
            child.wait().map_err(cannot)?;
            break None;
        }
        if cut(&text("report").unwrap_or_default()) {
            // SIGKILL: QEMU writes nothing any more.
            child.kill().map_err(cannot)?;
            break Some(child.wait().map_err(cannot)?);
        }
        if let Err(e) = monitor.pass_on() {
            child.kill().map_err(cannot)?;
            child.wait().map_err(cannot)?;
            return Err(format!("QEMU's monitor: {e}"));
        }
        sleep(Duration::from_millis(20));
    };
    Ok(Ran {
        status,
        report: text("report").unwrap_or_default(),
        console: [text("qemu").map_err(cannot)?, text("console").unwrap_or_default()].concat(),
    })
}

fn command(machine: &Machine, files: Files<'_>, boot: usize) -> Result<Command, String> {
    let Files { directory, kernel, initrd } = files;
    let mut options = "q35".to_owned();
    if machine.memory.iter().any(|memory| matches!(memory.bus, Bus::Nvdimm { .. })) {
        options += ",nvdimm=on";
    }
    if let Some(domain) = machine.persistence {
        options += &format!(",nvdimm-persistence={domain}");
    }
    if machine.memory.iter().any(|memory| memory.bus == Bus::Cxl) {
        options += ",cxl=on,cxl-fmw.0.targets.0=cxl.1,cxl-fmw.0.size=4G";
    }
    let mut line = format!(
        // Where much else runs beside it, the kernel's test of the timer is too slow, and it
        // panics.
        "console=ttyS0 panic=-1 loglevel=5 no_timer_check hugepages=16 secretmem.enable=1 \
         machine={} boot={boot}",
        machine.name
    );
    for memory in &machine.memory {
        // Numbers of the types of e820 entries in arch/x86/include/asm/e820/types.h: 1 is RAM.
        match memory.bus {
            Bus::E820 => {
                line += &format!(" memmap={:#x}!{:#x}", memory.size, machine.taken_from(memory))
            }
            Bus::SoftReserved => {
                line += &format!(
                    " memmap={:#x}%{:#x}-1+0xefffffff",
                    memory.size,
                    machine.taken_from(memory)
                );
            }
            _ => {}
        }
    }

    let mut command = Command::new("qemu-system-x86_64");
    // The kernel knows Intel's machine checks of memory.
    let processor = if machine.faults { "max,vendor=GenuineIntel" } else { "max" };
    command.args(["-accel", "tcg,thread=multi", "-cpu", processor, "-machine", &options]);
    command
        .arg("-chardev")
        .arg(format!("socket,id=monitor,server=on,wait=off,path={}", monitor::path(directory)));
    command.args(["-mon", "chardev=monitor,mode=readline"]);
    command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
    command.args(["-m", &format!("{}M,slots=64,maxmem=32G", MAIN / MIB)]);
    command.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd).args(["-append", &line]);
    for port in ["console", "report"] {
        command.arg("-serial").arg(format!("file:{}", directory.join(port).display()));
    }
    command.args(["-device", &format!("isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4")]);
    nodes(&mut command, machine.nodes);
    for memory in machine.memory.iter().filter(|memory| !memory.missing) {
        give(&mut command, machine, memory, directory)?;
    }
    Ok(command)
}

/// Main memory in equal parts: the kernel ignores a node without any.
fn nodes(command: &mut Command, count: u32) {
    if count == 1 {
        return;
    }
    for node in 0..count {
        let size = MAIN / u64::from(count);
        command.args(["-object", &format!("memory-backend-ram,id=main{node},size={size}")]);
        let cpus = if node == 0 { ",cpus=0" } else { "" };
        command.args(["-numa", &format!("node,nodeid={node},memdev=main{node}{cpus}")]);
    }
}

fn give(
    command: &mut Command,
    machine: &Machine,
    memory: &Memory,
    directory: &Path,
) -> Result<(), String> {
    let Memory { name, size, node, bus, .. } = memory;
    let file = |name: &str, size: u64| -> Result<String, String> {
        let path = directory.join(name);
        File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .and_then(|file| file.set_len(size))
            .map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(path.display().to_string())
    };
    let backend = |id: &str, size: u64| -> Result<String, String> {
        Ok(format!("memory-backend-file,id={id},share=on,mem-path={},size={size}", file(id, size)?))
    };
    match *bus {
        Bus::Nvdimm { labels, unarmed } => {
            // The label area is a part of the memory's file, behind the rest.
            let (area, labels) =
                if labels { (LABELS, format!(",label-size={LABELS}")) } else { (0, String::new()) };
            let unarmed = if unarmed { ",unarmed=on" } else { "" };
            command.args(["-object", &backend(name, size + area)?]);
            let slot = machine.index(memory);
            let options = format!(
                "nvdimm,id=d-{name},memdev={name},slot={slot},node={node}{labels}{unarmed}"
            );
            command.args(["-device", &options]);
        }
        Bus::E820 | Bus::SoftReserved | Bus::Test { .. } => {}
        Bus::VirtioPmem => {
            command.args(["-object", &backend(name, *size)?]);
            let slot = machine.pci_slot(memory);
            command.args([
                "-device",
                &format!("virtio-pmem-pci,id=d-{name},memdev={name},bus=pcie.0,addr={slot:#x}"),
            ]);
        }
        Bus::VirtioBlk => {
            let path = file(name, *size)?;
            command.args(["-drive", &format!("if=none,id={name},format=raw,file={path}")]);
            let slot = machine.pci_slot(memory);
            command.args([
                "-device",
                &format!("virtio-blk-pci,id=d-{name},drive={name},bus=pcie.0,addr={slot:#x}"),
            ]);
        }
        Bus::Cxl => {
            command.args(["-object", &backend(name, *size)?]);
            command.args(["-object", &backend(&format!("{name}-labels"), MIB)?]);
            command.args(["-device", "pxb-cxl,bus_nr=12,bus=pcie.0,id=cxl.1"]);
            // With one port alone, writes are lost.
            for port in 0..2 {
                let slot = port + 2;
                command.args([
                    "-device",
                    &format!("cxl-rp,port={port},bus=cxl.1,id=port{port},chassis=0,slot={slot}"),
                ]);
            }
            // Without a serial number its regions have 0 for an id, and the kernel finds none of
            // their namespaces again (create_namespace_pmem of drivers/nvdimm/namespace_devs.c).
            command.args([
                "-device",
                &format!("cxl-type3,bus=port0,memdev={name},lsa={name}-labels,id=d-{name},sn=1"),
            ]);
        }
    }
    Ok(())
}
