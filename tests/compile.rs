//! What must not compile, with the compiler's words for it, and beside each a twin that differs in
//! the one point and does.
#![cfg(target_os = "linux")]

#[test]
fn compile_fail_and_twins() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile/pass/*.rs");
    cases.compile_fail("tests/compile/fail/*.rs");
}
