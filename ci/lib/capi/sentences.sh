# A part of ci/capi.
step "every sentence of the manual pages"
pages="pmem2_source_from_fd pmem2_source_from_anon pmem2_source_size pmem2_source_alignment
    pmem2_source_get_fd pmem2_source_numa_node pmem2_source_device_id pmem2_source_device_usc
    pmem2_errormsg pmem2_perror pmem2_source_pread_mcsafe pmem2_badblock_context_new
    pmem2_badblock_next pmem2_badblock_clear"
for page in $pages; do
    # A page of man-db's own format, whatever of ours is on MANPATH.
    MANWIDTH=2000 man --nh --nj -P cat "/usr/share/man/man3/$page.3.gz" |
        awk -f $sources/sentences.awk | sed "s/^/$page /"
done >"$work/sentences"
gcc $warnings $flags $sources/sentences.c -L"$prefix/lib" -lpmem2 -pthread -o \
    "$work/sentences-shared"
gcc $warnings $flags $wrap -static $sources/sentences.c "$prefix/lib/libpmem2.a" -pthread -o \
    "$work/sentences-glibc"
musl-gcc $warnings $flags $kernel $wrap -static $sources/sentences.c "$prefix/lib/libpmem2.a" -o \
    "$work/sentences-musl"
for program in shared glibc musl; do
    LD_LIBRARY_PATH=$prefix/lib "$work/sentences-$program" >"$work/checked" ||
        { tail -1 "$work/checked"; fail "$program"; }
    # The page of 2.x is not on this system; its sentences are counted.
    diff "$work/sentences" <(grep -v '^[^ ]*(2.x)' "$work/checked" |
        sed -E 's/^([^ ]+) [0-9]+ /\1 /') ||
        fail "sentences of the pages (<) are not those that are checked (>)"
    [ "$(grep -c '^[^ ]*(2.x)' "$work/checked")" = 13 ] || fail "the page of 2.x has 13 sentences"
done
cat "$work/checked"
echo "$(wc -l <"$work/checked") sentences, with the shared library, glibc static and musl static"
