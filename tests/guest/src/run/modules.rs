//! The kernel's modules and what they need of each other. The package has no modules.dep: that is
//! made where it is installed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Those that the table's devices need; what these need is found.
pub(crate) const WANTED: &[&str] = &[
    "virtio_pci",
    "virtio_blk",
    "virtio_pmem",
    "nfit",
    "nd_e820",
    "nd_pmem",
    "dax_pmem",
    "device_dax",
    "dax_hmem",
    // ext4 and XFS ask for it by the algorithm's name, so that no module is said to depend on it.
    "crc32c_generic",
    "ext4",
    "xfs",
    // The same of f2fs.
    "crc32_generic",
    "f2fs",
    "erofs",
    "overlay",
    "dm_mod",
    "cxl_acpi",
    "cxl_pci",
    "cxl_mem",
    "cxl_pmem",
    "mce_inject",
];

/// The modules that the kernel's own tests add: DIMMs that nobody has.
pub(crate) const WANTED_FOR_TESTS: &[&str] = &["nfit_test"];

/// Modules by name.
pub(crate) struct Modules(BTreeMap<String, PathBuf>);

impl Modules {
    /// All below a directory.
    pub(crate) fn find(directory: &Path) -> Result<Self, String> {
        let mut found = BTreeMap::new();
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in
                fs::read_dir(&directory).map_err(|e| format!("{}: {e}", directory.display()))?
            {
                let path = entry.map_err(|e| format!("{}: {e}", directory.display()))?.path();
                if path.is_dir() {
                    directories.push(path);
                } else if let Some(name) =
                    path.file_stem().filter(|_| path.extension().is_some_and(|e| e == "ko"))
                {
                    found.insert(name.to_string_lossy().replace('-', "_"), path);
                }
            }
        }
        Ok(Self(found))
    }

    /// Those of `others` in place of those of the same names.
    pub(crate) fn replaced_by(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.0.get(name).ok_or_else(|| format!("this kernel has no module {name}"))?;
        fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// These and all that they need, each after what it needs.
    pub(crate) fn in_order(&self, wanted: &[&str]) -> Result<Vec<String>, String> {
        let mut order = Vec::new();
        for name in wanted {
            self.visit(name, &mut order)?;
        }
        Ok(order)
    }

    fn visit(&self, name: &str, order: &mut Vec<String>) -> Result<(), String> {
        if order.iter().any(|known| known == name) {
            return Ok(());
        }
        for needed in depends(&self.read(name)?) {
            self.visit(&needed, order)?;
        }
        order.push(name.to_owned());
        Ok(())
    }
}

/// The modules that a module's `.modinfo` names as needed.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let value = module
        .windows(KEY.len())
        .position(|bytes| bytes == KEY)
        .map(|at| &module[at + KEY.len()..]);
    let value = value.and_then(|rest| rest.split(|&byte| byte == 0).next()).unwrap_or_default();
    let names = String::from_utf8_lossy(value).replace('-', "_");
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::depends;

    #[test]
    fn what_a_module_needs() {
        assert_eq!(
            depends(b"..\0license=GPL\0depends=nd-btt,libnvdimm\0retpoline=Y\0"),
            ["nd_btt", "libnvdimm"]
        );
        assert_eq!(depends(b"..\0depends=\0"), [""; 0]);
        assert_eq!(depends(b"no module"), [""; 0]);
    }
}
