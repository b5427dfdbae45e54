"""Looks for accesses to memory by other means than asm! and atomics: see ci/accesses.

A finding is a line. Those in the list are known to touch other memory.
"""

import re
import sys
from pathlib import Path

KINDS = {
    "a copy": r"\b(?:copy|swap|replace)(?:_nonoverlapping|_to|_from|_to_nonoverlapping"
    r"|_from_nonoverlapping|_from_slice|_within|_with_slice)?\s*(?:::<[^>]*>)?\(",
    "a read or a write of a pointer": r"(?:\.|::)(?:read|write)(?:_volatile|_unaligned|_bytes)?"
    r"\s*(?:::<[^>]*>)?\(",
    "a slice": r"\bfrom_raw_parts(?:_mut)?\b|\bfrom_ptr_range\b|\bslice_from_raw_parts(?:_mut)?\b",
    "a reference": r"\.as_(?:uninit_)?(?:ref|mut)\(\)|&(?:mut\s+)?\*",
    "a dereference": r"(?:^|[(\[{,;=!|<>+\-/%^]|\breturn\b|\bin\b|\bmatch\b|\bif\b)\s*"
    r"\*(?!\s*(?:const|mut)\b)\s*[A-Za-z_(]",
    "an intrinsic": r"\bintrinsics\b|\bdrop_in_place\b|\bstd::arch::|\bcore::arch::\w+::_",
}

# Each has to be found, and none of those below.
WRONG = [
    "ptr::copy_nonoverlapping(from, to, n)",
    "core::ptr::copy(from, to, n);",
    "from.copy_to(to, n);",
    "to.copy_from_nonoverlapping(from, n)",
    "unsafe { to.write(byte) }",
    "to.write_volatile(byte);",
    "let byte = from.read_volatile();",
    "from.cast::<u64>().read_unaligned()",
    "ptr::read::<u8>(from)",
    "to.write_bytes(0, n)",
    "core::slice::from_raw_parts(at, n)",
    "slice::from_raw_parts_mut(at, n).fill(0)",
    "*to = byte;",
    "let byte = *from;",
    "unsafe { *to.add(1) = 2 }",
    "Some(*from.add(1))",
    "&*at.cast::<T>()",
    "&mut *at",
    "at.as_ref()",
    "at.as_mut()",
    "core::intrinsics::volatile_copy_memory(to, from, n)",
    "core::arch::x86_64::_mm_stream_si64(to, word)",
]
RIGHT = [
    "unsafe fn store(to: *mut u8, from: *const u8, length: usize) {",
    "let words = width * height;",
    'asm!("mov {v}, qword ptr [{a}]", v = out(reg) value, a = in(reg) from)',
    "pub fn read(&self, offset: usize) {",
    "AtomicU8::from_ptr(to).store(value, Relaxed);",
    "fn at(&self) -> *mut u8 {",
    "/// Reads `*at`, by at.read().",
]


def findings(text):
    """Returns the line and the kind of each finding, without comments and tests."""
    found = []
    for line in re.split(r"(?m)^#\[cfg\(test\)\]$", text)[0].splitlines():
        code = line.split("//", 1)[0].strip()
        if code.startswith(("use ", "pub use ", "#[")):
            continue
        for kind, pattern in KINDS.items():
            if re.search(pattern, code):
                found.append((code, kind))
                break
    return found


def main():
    for line in WRONG:
        assert findings(line), f"{line}: is not found"
    for line in RIGHT:
        assert not findings(line), f"{line}: is found"
    known, reason = {}, None
    for line in Path(sys.argv[1]).read_text().splitlines():
        if line.startswith("#"):
            reason = line
        elif line:
            assert reason, f"{line}: no reason"
            path, code = line.split(": ", 1)
            known[path, code] = 0
    failed = 0
    for path in sys.argv[2:]:
        for code, kind in findings(Path(path).read_text()):
            if (path, code) in known:
                known[path, code] += 1
            else:
                print(f"{path}: {kind}: {code}")
                failed += 1
    for (path, code), times in known.items():
        if times == 0:
            print(f"{path}: is in the list, and is not there any more: {code}")
            failed += 1
    count = len(sys.argv) - 2
    print(f"{count} files, {sum(known.values())} accesses to other memory, {failed} findings")
    sys.exit(failed != 0)


main()
