# A part of ci/capi.
step "export!: a platform of one's own, a static pool, no heap"
for features in "" messages; do
    (cd $sources/export && cargo build --locked --quiet --release --features "$features")
    library=target/capi-export/release/libpmem2_capi_export.a
    grep -v 'pmem2_perror\|pmem2_sigbus_' "$work/names" >"$work/exports"
    ld -r --gc-sections --entry=pmem2_source_from_fd $(sed 's/^/--undefined=/' "$work/exports") \
        --undefined=machine_replace \
        -o "$work/export.o" $library
    # No malloc, no libc but what compilers ask for.
    undefined=$(nm -u "$work/export.o" | awk '{ print $2 }' |
        grep -vxE 'mem(cpy|move|set|cmp)|bcmp|message_of_thread' || true)
    [ -z "$undefined" ] || fail "it needs $undefined"
    nm -g --defined-only "$work/export.o" | awk '$3 ~ /^pmem2_/ { print $3 }' | sort |
        diff "$work/exports" -
    [ -z "$features" ] || features="-D${features^^}"
    gcc $warnings -std=gnu99 $flags $features $sources/export.c "$work/export.o" -pthread -o \
        "$work/export"
    "$work/export"
done
