//! A machine, and everything that the kernel must find in it.

pub(crate) const MIB: u64 = 1 << 20;

/// The size of an NVDIMM's label area, at its end, in bytes.
pub(crate) const LABELS: u64 = 128 << 10;

/// The kind of QEMU, and its source of persistent memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Board {
    /// x86-64, started by PVH. NVDIMMs are devices, listed in ACPI's NFIT.
    Pc,
    /// The same, started by UEFI.
    Uefi,
    /// aarch64's `virt`. Main memory is a file, and the devicetree lists the persistent parts.
    Arm,
    /// riscv64's `virt`, the same.
    Riscv,
}

/// A range of persistent memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// The physical address of its first byte.
    pub(crate) base: u64,
    pub(crate) size: u64,
    pub(crate) node: u32,
    /// Whether a label area follows, which is not part of the range.
    pub(crate) labels: bool,
    pub(crate) unarmed: bool,
    /// Whether the devicetree says that the memory keeps nothing.
    pub(crate) volatile: bool,
}

/// A machine, and the start of its kernel.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) name: &'static str,
    pub(crate) board: Board,
    pub(crate) cpu: &'static str,
    /// QEMU's `nvdimm-persistence`.
    pub(crate) persistence: Option<&'static str>,
    pub(crate) nodes: u32,
    pub(crate) memory: Vec<Memory>,
    /// The instructions that make stores durable, as QEMU's disassembler names them: these must be
    /// executed, and no others.
    pub(crate) flushes: &'static [&'static str],
    /// Whether the power is cut.
    pub(crate) cut: bool,
    /// Whether its kernel is the one in C.
    pub(crate) c: bool,
}

/// A machine of this kind, with a processor of this name.
pub(crate) fn machine(name: &'static str, board: Board, cpu: &'static str) -> Machine {
    Machine {
        name,
        board,
        cpu,
        persistence: None,
        nodes: 1,
        memory: vec![],
        flushes: &[],
        cut: false,
        c: false,
    }
}

/// Persistent memory.
pub(crate) fn memory(base: u64, size: u64) -> Memory {
    Memory { base, size, node: 0, labels: false, unarmed: false, volatile: false }
}

impl Memory {
    pub(crate) fn node(self, node: u32) -> Self {
        Self { node, ..self }
    }

    pub(crate) fn labels(self) -> Self {
        Self { labels: true, ..self }
    }

    pub(crate) fn unarmed(self) -> Self {
        Self { unarmed: true, ..self }
    }

    pub(crate) fn volatile(self) -> Self {
        Self { volatile: true, ..self }
    }

    /// Returns whether the kernel keeps a log in it.
    pub(crate) fn logged(&self) -> bool {
        !self.unarmed && !self.volatile
    }
}

impl Board {
    /// Returns whether ACPI describes it, and not a devicetree.
    pub(crate) const fn has_acpi(self) -> bool {
        matches!(self, Self::Pc | Self::Uefi)
    }

    /// Returns QEMU's name of the architecture.
    pub(crate) const fn architecture(self) -> &'static str {
        match self {
            Self::Pc | Self::Uefi => "x86_64",
            Self::Arm => "aarch64",
            Self::Riscv => "riscv64",
        }
    }

    /// Returns the size of main memory, and its address.
    pub(crate) const fn main(self) -> (u64, u64) {
        match self {
            Self::Pc | Self::Uefi => (128 * MIB, 0),
            Self::Arm => (256 * MIB, 0x4000_0000),
            Self::Riscv => (256 * MIB, 0x8000_0000),
        }
    }
}

impl Machine {
    pub(crate) fn persistence(self, persistence: &'static str) -> Self {
        Self { persistence: Some(persistence), ..self }
    }

    pub(crate) fn nodes(self, nodes: u32) -> Self {
        Self { nodes, ..self }
    }

    pub(crate) fn with<const N: usize>(self, memory: [Memory; N]) -> Self {
        Self { memory: memory.into(), ..self }
    }

    pub(crate) fn flushes(self, flushes: &'static [&'static str]) -> Self {
        Self { flushes, ..self }
    }

    pub(crate) fn cut(self) -> Self {
        Self { cut: true, ..self }
    }

    pub(crate) fn in_c(self) -> Self {
        Self { c: true, ..self }
    }

    /// Returns the name of its kernel among the arguments.
    pub(crate) fn kernel(&self) -> &'static str {
        match self.board {
            _ if self.c => "c",
            Board::Uefi => "uefi",
            board => board.architecture(),
        }
    }

    /// Returns the kind of ACPI root table, where the kernel prints it. With PVH it is ACPI 1.0's.
    pub(crate) fn root(&self) -> Option<&'static str> {
        match self.board {
            Board::Pc if !self.c => Some("RSDT"),
            Board::Uefi => Some("XSDT"),
            Board::Pc | Board::Arm | Board::Riscv => None,
        }
    }

    /// Returns the facts that the kernel must print about the memory with this index, without its
    /// log.
    pub(crate) fn facts(&self, index: usize) -> Vec<String> {
        let Memory { base, size, node, unarmed, volatile, .. } = self.memory[index];
        if volatile {
            let why = "volatile memory does not keep its contents: \
                       only persistent memory is a data source";
            return vec![format!("{base:#x} refused {why}")];
        }
        let (provider, dimm) = match self.board {
            // What QEMU calls itself: Intel's number, and a serial number that grows with the slot.
            // Ids show bytes in their order. Handles are slots from 1.
            Board::Pc | Board::Uefi => {
                let (handle, serial) = (index + 1, 0x12_3456 + index as u32);
                ("ACPI.NFIT", Some((handle, format!("8680-{:08x}", serial.swap_bytes()))))
            }
            Board::Arm | Board::Riscv => ("devicetree", None),
        };
        let (persistence, granularity, reason) = match (self.board, self.persistence) {
            (Board::Pc | Board::Uefi, Some("mem-ctrl")) => {
                ("memory_controller", "CACHE_LINE", "memory_controller")
            }
            // This QEMU's riscv64 has no instruction that flushes caches (Zicbom): the kernel says
            // that a fence is enough.
            (Board::Pc | Board::Uefi, Some(_)) | (Board::Riscv, _) => {
                ("cpu_cache", "BYTE", "cpu_cache")
            }
            _ => ("not stated", "CACHE_LINE", "table_unstated"),
        };
        let verdict = match reason {
            _ if unarmed => "not as it is: it is not armed",
            "memory_controller" => "yes, CACHE_LINE (ADR: caches are not saved)",
            "cpu_cache" => "yes, BYTE (eADR: caches are saved)",
            _ => "yes, CACHE_LINE (not stated by its table)",
        };
        let mut facts = vec![
            format!("{base:#x} pool full"),
            format!("{base:#x} size {size}"),
            format!("{base:#x} whole 0..{size}"),
            format!("{base:#x} alignment 1"),
            // ACPI's proximity domain is no node of an operating system.
            match self.board.has_acpi() {
                true => format!("{base:#x} numa_node none"),
                false => format!("{base:#x} numa_node {node}"),
            },
            format!("{base:#x} provider {provider}"),
            format!("{base:#x} persistence {persistence}"),
            format!("{base:#x} read_only {unarmed}"),
            format!("{base:#x} unarmed {unarmed}"),
            format!("{base:#x} report persistent: {verdict}"),
        ];
        if unarmed {
            facts.push(format!("{base:#x} granularity none"));
        } else {
            facts.push(format!("{base:#x} granularity {granularity}"));
            facts.push(format!("{base:#x} reason {reason}"));
        }
        if self.board.has_acpi() {
            facts.push(format!("{base:#x} proximity_domain {node}"));
        }
        facts.push(format!("{base:#x} device_id {}", dimm.as_ref().map_or("", |(_, id)| id)));
        if self.c {
            // C has no functions for the rest.
            facts.retain(|fact| {
                [" whole ", " reason ", " report "].iter().all(|what| !fact.contains(what))
            });
            return facts;
        }
        facts.extend(dimm.map(|(handle, id)| format!("{base:#x} dimm {handle} {id}")));
        facts
    }
}
