#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pmem2_platform::fuzz::badblocks_text(bytes));
