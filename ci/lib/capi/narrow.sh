# A part of ci/capi.
step "32 bits: a size that size_t cannot hold, the storage's layout"
# The rows of 64 bits beside it.
[ -e "$work/static-glibc" ] || source ci/lib/capi/descriptors.sh
# Rustup has no core for this target: Debian's compiler and its sources.
(
    unset RUSTFLAGS
    cd src/capi
    # For shim.c, where Debian keeps <asm/...>.
    export CFLAGS_i686_unknown_linux_gnu="-idirafter /usr/include/x86_64-linux-gnu"
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo rustc --locked --quiet --release \
        --package pmem2-capi-hosted --lib \
        --crate-type staticlib --target i686-unknown-linux-gnu -Zbuild-std=core \
        -Zbuild-std-features=compiler-builtins-mem
)
narrow=target/capi/i686-unknown-linux-gnu/release/libpmem2_capi_hosted.a
for program in table source threads transfer; do
    wrapped=$wrap
    [ $program = source ] || [ $program = transfer ] || wrapped=
    gcc -m32 -idirafter /usr/include/x86_64-linux-gnu $warnings \
        -D_FILE_OFFSET_BITS=64 $flags $wrapped $sources/$program.c $narrow -pthread -o \
        "$work/$program-32"
    "$work/$program-32" >"$work/$program-on-32" ||
        { tail -1 "$work/$program-on-32"; fail "$program"; }
done
# The rows that are not as on 64 bits: a file of 5 GiB is -EOVERFLOW and leaves the output, SIZE_MAX
# is another number.
{ diff "$work/static-glibc" "$work/table-on-32" || true; } | sed -n 's/^> //p' | tee "$work/narrow"
grep -q '^file of 5 GiB: from_fd 0 size -75 77 alignment 0 4096 ' "$work/narrow" ||
    fail "no -EOVERFLOW"
grep -q '^anonymous, 4294967295 bytes: from_anon 0 size 0 4294967295 ' "$work/narrow" ||
    fail "SIZE_MAX is lost"
# No size_t is beyond what files have, but it may be beyond the file.
grep -q '^clear, beyond what files have: -100030 -100030$' "$work/narrow" ||
    fail "an offset is lost"
[ "$(wc -l <"$work/narrow")" = 3 ] || fail "other rows differ too"
