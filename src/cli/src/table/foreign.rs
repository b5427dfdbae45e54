//! Files that are no table: the things that people have at hand instead.

use std::fmt::{self, Display};

/// The type of a file that is no table, as far as its bytes tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It has no bytes.
    Empty,
    /// Another table of ACPI's, with this signature.
    Acpi(String),
    /// ACPI's root pointer.
    RootPointer,
    /// Output of acpidump(8), with these tables and without an NFIT.
    Dump(Vec<String>),
    /// Output of acpidump(8) whose NFIT is damaged at the line with this number.
    DumpLine(usize),
    /// Output of iasl(1) or acpixtract(1) for people.
    Listing,
    /// The source of a devicetree.
    Source,
    /// Text in UTF-16.
    Wide,
    /// Compressed data, with the command that decompresses it.
    Compressed(&'static str),
    Elf,
    /// Something else, which begins with these bytes, or fewer.
    Unknown(Vec<u8>),
}

/// The first bytes of compressed data, and the command that decompresses it.
const COMPRESSED: [(&[u8], &str); 5] = [
    (&[0x1f, 0x8b], "gzip -dc"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz -dc"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd -dc"),
    (b"BZh", "bzip2 -dc"),
    (b"PK\x03\x04", "unzip -p"),
];

impl Foreign {
    /// Recognizes these bytes.
    pub(crate) fn recognize(bytes: &[u8]) -> Self {
        let has = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
        let compressed = COMPRESSED.iter().find(|(magic, _)| bytes.starts_with(magic));
        if bytes.is_empty() {
            Self::Empty
        } else if let Some(&(_, undo)) = compressed {
            Self::Compressed(undo)
        } else if bytes.starts_with(b"\x7fELF") {
            Self::Elf
        } else if bytes.starts_with(b"RSD PTR ") {
            Self::RootPointer
        } else if let Some(signature) = acpi(bytes) {
            Self::Acpi(signature)
        } else if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            Self::Wide
        } else if bytes.contains(&0) {
            Self::unknown(bytes)
        } else if has(b"/dts-v1/") {
            Self::Source
        } else if has(b"Intel ACPI Component Architecture") {
            Self::Listing
        } else {
            Self::unknown(bytes)
        }
    }

    fn unknown(bytes: &[u8]) -> Self {
        Self::Unknown(bytes.iter().take(4).copied().collect())
    }
}

/// The signature of a table of ACPI's: four letters, and a length that can be.
fn acpi(bytes: &[u8]) -> Option<String> {
    let signature = signature(bytes.first_chunk()?)?;
    let length = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
    let fits = usize::try_from(length).is_ok_and(|length| (36..=bytes.len()).contains(&length));
    // The FACS has another header.
    fits.then_some(signature)
}

/// Four capitals, digits, or underscores.
fn signature(bytes: &[u8; 4]) -> Option<String> {
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    bytes.iter().all(plain).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Finds the table with this signature in output of acpidump(8). `None` if the text is no such
/// output.
pub(crate) fn dumped(text: &[u8], wanted: &str) -> Option<Result<Vec<u8>, Foreign>> {
    // A table is no text, whatever strings it has.
    if text.contains(&0) {
        return None;
    }
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end).zip(1..);
    let mut others = Vec::new();
    while let Some((line, _)) = lines.next() {
        match heading(line) {
            Some(found) if found == wanted => return Some(rows(lines)),
            other => others.extend(other),
        }
    }
    if others.is_empty() { None } else { Some(Err(Foreign::Dump(others))) }
}

/// Parses `NFIT @ 0x000000007FFE1FE0`: the signature.
fn heading(line: &[u8]) -> Option<String> {
    let digits = line.get(4..)?.strip_prefix(b" @ 0x")?;
    let hexadecimal = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    signature(line.first_chunk()?).filter(|_| hexadecimal)
}

/// The bytes of the lines up to an empty one, or to the next table.
fn rows<'t>(lines: impl Iterator<Item = (&'t [u8], usize)>) -> Result<Vec<u8>, Foreign> {
    let mut table = Vec::new();
    for (line, number) in lines {
        if line.is_empty() || heading(line).is_some() {
            break;
        }
        row(line, &mut table).ok_or(Foreign::DumpLine(number))?;
    }
    Ok(table)
}

/// Parses `    0010: 42 4F 43 48  BOCH`: an offset, which has to be that of the next byte, up to 16
/// bytes, each in its column, and text for people.
fn row(line: &[u8], table: &mut Vec<u8>) -> Option<()> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (offset, rest) = line.split_at_checked(colon)?;
    let offset = str::from_utf8(offset.trim_ascii_start()).ok()?;
    if usize::from_str_radix(offset, 16) != Ok(table.len()) {
        return None;
    }
    for column in rest.get(1..)?.chunks(3).take(16) {
        match column {
            [b' ', high, low] if !high.is_ascii_whitespace() => {
                let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
                table.push(digit(*high)? << 4 | digit(*low)?);
            }
            // The row ends early.
            _ => break,
        }
    }
    Some(())
}

impl Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no firmware's table: it has no bytes",
            Self::Acpi(signature) => {
                return write!(
                    f,
                    "ACPI's table {signature}, not the NFIT, which is the one about NVDIMMs: \
                     \"acpidump -b -n NFIT\" writes the NFIT to a file"
                );
            }
            Self::RootPointer => {
                "ACPI's root pointer (RSDP), not the NFIT: \"acpidump -b -n NFIT\" writes the NFIT \
                 to a file"
            }
            Self::Dump(tables) => {
                return write!(
                    f,
                    "output of acpidump without an NFIT: ACPI knows no NVDIMMs of the machine, or \
                     only these tables were printed: {}",
                    tables.join(" ")
                );
            }
            Self::DumpLine(number) => {
                return write!(
                    f,
                    "damaged output of acpidump: its line {number} is no row of the NFIT before it"
                );
            }
            Self::Listing => {
                "output of an ACPICA tool (iasl, acpixtract) for people: the NFIT itself is needed"
            }
            Self::Source => {
                "the source of a devicetree: \"dtc -O dtb\" makes a flattened devicetree from it"
            }
            Self::Wide => {
                "text in UTF-16, not a firmware's table: the output of acpidump is read in ASCII"
            }
            Self::Compressed(undo) => {
                return write!(f, "compressed: pipe it through \"{undo}\" into --table /dev/stdin");
            }
            Self::Elf => "an ELF file (a program, a kernel, an object), not a firmware's table",
            Self::Unknown(first) => {
                f.write_str("neither an NFIT nor a flattened devicetree: its first bytes are")?;
                return first.iter().try_for_each(|byte| write!(f, " {byte:02x}"));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_dump() {
        let of = |lines: &str| {
            let text = format!("NFIT @ 0x0\n{lines}");
            dumped(text.as_bytes(), "NFIT").unwrap()
        };
        let damaged = |line| Err(Foreign::DumpLine(line));
        for (lines, expected) in [
            ("", Ok(vec![])),
            ("    0000: 4E 46", Ok(vec![0x4e, 0x46])),
            ("0000: 4e 46  NF", Ok(vec![0x4e, 0x46])),
            // The text after the bytes looks like more of them.
            (
                "    0000: 41 42                                            AB CD EF",
                Ok(vec![0x41, 0x42]),
            ),
            (
                "    0000: 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11",
                Ok((0..16).collect()),
            ),
            ("    0000: 01\r\n    0001: 02\r\n\r\nmore", Ok(vec![1, 2])),
            ("    0000: 01\nSSDT @ 0x1\n    0000: 02", Ok(vec![1])),
            // A row is missing, comes twice, or is none.
            ("    0000: 01\n    0002: 02", damaged(3)),
            ("    0000: 01\n    0000: 01", damaged(3)),
            ("    0000: 0G", damaged(2)),
            ("    0000: 1 02", damaged(2)),
            ("more", damaged(2)),
            ("    -000: 01", damaged(2)),
        ] {
            assert_eq!(of(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn headings() {
        for (line, expected) in [
            ("NFIT @ 0x000000007FFE1FE0", Some("NFIT")),
            ("SSD2 @ 0x0", Some("SSD2")),
            ("NFIT @ 0x", None),
            ("NFIT @ 0xg", None),
            ("nfit @ 0x0", None),
            (" NFIT @ 0x0", None),
            ("NFIT", None),
            ("NFIT @ 0x0 and more", None),
        ] {
            assert_eq!(heading(line.as_bytes()).as_deref(), expected, "{line}");
        }
        assert_eq!(dumped(b"no dump\nof any table", "NFIT"), None);
        assert_eq!(dumped(b"", "NFIT"), None);
        assert_eq!(dumped(b"NFIT @ 0x0\n    0000: 01\n\0", "NFIT"), None);
    }
}
