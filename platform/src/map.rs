//! The contract for mapping: what a system does, and the memory that it makes.

bitflags::bitflags! {
    /// The accesses that mapped memory allows: `PMEM2_PROT_*` of pmem2_config_set_protection(3). No
    /// bit is `PMEM2_PROT_NONE`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Protection: u8 {
        /// Loads.
        const READ = 1;
        /// Stores.
        const WRITE = 2;
        /// Execution of instructions.
        const EXEC = 4;
    }
}
