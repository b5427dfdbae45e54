# Sourced by ci/cross and ci/bare: builds for targets that rustup has no core library for on this
# machine, with Debian's compiler and its sources of core.

debian_rust

# Rustup's linker is for every target, Debian's compiler has the sources: found before RUSTC says
# which compiler to take.
host=$(rustc --version --verbose | sed -n 's/^host: //p')
lld=$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld
[ -x "$lld" ] || fail "rust-lld is missing: $lld"
target_dir=$PWD/target/cross

# cross TARGET ARGUMENTS...: builds for the target, and core and alloc with it. Nothing of pmem2 may
# give a warning.
cross() {
    local target=$1
    shift
    # Flags of the environment would build core anew, and mean something else.
    env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_TARGET -u CARGO_TARGET_DIR \
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        /usr/bin/cargo build --locked --quiet --target-dir "$target_dir" --target "$target" \
        -Zbuild-std=core,alloc -Zbuild-std-features=compiler-builtins-mem \
        -Zwarnings --config 'build.warnings="deny"' "$@"
}
