//! Tables and answers of real machines, kept as hexadecimal digits. `ci/fuzz` begins with the same
//! files.

/// Expands to the bytes of a file, whose path starts in `src/` and lacks `.hex`.
macro_rules! seed {
    ($path:literal) => {{
        const TEXT: &[u8] =
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/", $path, ".hex"));
        const BYTES: [u8; $crate::seed::digits(TEXT) / 2] = $crate::seed::bytes(TEXT);
        &BYTES as &'static [u8]
    }};
}
pub(crate) use seed;

/// Counts the digits between the ends of lines.
pub(crate) const fn digits(text: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < text.len() {
        count += (text[at] != b'\n') as usize;
        at += 1;
    }
    assert!(count.is_multiple_of(2), "half a byte");
    count
}

/// Returns the bytes that the digits stand for.
pub(crate) const fn bytes<const N: usize>(text: &[u8]) -> [u8; N] {
    let (mut bytes, mut seen, mut at) = ([0; N], 0, 0);
    while at < text.len() {
        let digit = match text[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            end => {
                assert!(end == b'\n', "no digit");
                at += 1;
                continue;
            }
        };
        bytes[seen / 2] = bytes[seen / 2] << 4 | digit;
        seen += 1;
        at += 1;
    }
    bytes
}
