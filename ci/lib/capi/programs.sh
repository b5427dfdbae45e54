# A part of ci/capi.
step "sources in the caller's memory, NULL, descriptions, threads, transfers, bad blocks, SIGBUS"
gcc $warnings $flags $sources/source.c -L"$prefix/lib" -lpmem2 -o "$work/source-shared"
gcc $warnings $flags $wrap -static $sources/source.c "$prefix/lib/libpmem2.a" -o \
    "$work/source-glibc"
musl-gcc $warnings $flags $kernel $wrap -static $sources/source.c "$prefix/lib/libpmem2.a" -o \
    "$work/source-musl"
gcc $warnings $flags $sources/transfer.c -L"$prefix/lib" -lpmem2 -pthread -o "$work/transfer-shared"
gcc $warnings $flags $wrap -static $sources/transfer.c "$prefix/lib/libpmem2.a" -pthread -o \
    "$work/transfer-glibc"
musl-gcc $warnings $flags $kernel $wrap -static $sources/transfer.c "$prefix/lib/libpmem2.a" -o \
    "$work/transfer-musl"
gcc $warnings $flags $sources/threads.c -L"$prefix/lib" -lpmem2 -pthread -o "$work/threads-shared"
gcc $warnings $flags -static $sources/threads.c "$prefix/lib/libpmem2.a" -pthread -o \
    "$work/threads-glibc"
musl-gcc $warnings $flags -static $sources/threads.c "$prefix/lib/libpmem2.a" -o \
    "$work/threads-musl"
gcc $warnings $flags -rdynamic $sources/loaded.c -pthread -o "$work/loaded" &&
    GLIBC_TUNABLES=glibc.rtld.optional_static_tls=0 "$work/loaded" "$shared"
for program in source threads transfer; do
    for how in shared glibc musl; do
        LD_LIBRARY_PATH=$prefix/lib "$work/$program-$how"
    done
done
cargo build --locked --quiet --release --package pmem2-cli
for path in "$work/file" /etc/passwd /sys/kernel/notes; do
    # A description has no list, and maps nothing.
    diff <(target/release/pmem2 inspect --fd 3 3<"$path" |
        sed '1d; /^  bad blocks /d; /^  mapping /d; s/^  //') \
        <(LD_LIBRARY_PATH=$prefix/lib "$work/source-shared" 3 3<"$path") ||
        fail "described otherwise than inspected: $path"
done
