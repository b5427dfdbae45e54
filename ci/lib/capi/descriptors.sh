# A part of ci/capi.
step "pkg-config"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[ "$(pkg-config --variable=pmem2_version libpmem2)" = \
    "$(sed -n 's/^version = "\(.*\)"/\1/p' src/capi/Cargo.toml | head -1)" ] ||
    fail "pkg-config has another version of pmem2"
pkg-config --exact-version="$(dpkg-query -W -f '${Version}' libpmem2-dev | sed 's/-.*//')" \
    libpmem2 ||
    fail "pkg-config's version is not that of the libpmem2 that this is compared with"
gcc $warnings $sources/table.c $(pkg-config --cflags --libs libpmem2) -o "$work/table-pkg-config"
gcc $warnings -static $sources/table.c $(pkg-config --static --cflags --libs libpmem2) -o \
    "$work/table-glibc" 2>"$work/static.log" ||
    { cat "$work/static.log"; fail "a static program does not link"; }
musl-gcc $warnings $kernel -static $sources/table.c $(pkg-config --static --cflags \
    --libs libpmem2) -o "$work/table-musl"
if readelf --wide --dynamic "$work/table-musl" |
    grep NEEDED; then fail "the musl program is not static"; fi
# A plugin with the static library in it, beside which there is no shared one.
mkdir "$work/plugin"
cp "$prefix/lib/libpmem2.a" "$work/plugin"
gcc $warnings -shared -fPIC $sources/table.c -L"$work/plugin" $(pkg-config --static --cflags \
    --libs libpmem2) -o "$work/plugin.so"
readelf --wide --dynamic "$work/plugin.so" >"$work/plugin.dynamic"
if grep 'NEEDED.*pmem2' "$work/plugin.dynamic"; then
    fail "the plugin has the shared library, not the static one"
fi
grep 'FLAGS_1.*NODELETE' "$work/plugin.dynamic" >/dev/null ||
    fail "a plugin with the static library can be unloaded"


step "every descriptor, both headers, both libraries"
gcc $warnings $flags $sources/table.c -L"$theirs" -lpmem2 -o "$work/table-ours"
gcc $warnings $sources/table.c -L"$theirs" -lpmem2 -o "$work/table-theirs"
for header in ours theirs; do
    LD_LIBRARY_PATH=$prefix/lib "$work/table-$header" >"$work/$header-on-ours"
    LD_LIBRARY_PATH=$theirs "$work/table-$header" >"$work/$header-on-theirs"
    LD_LIBRARY_PATH=$prefix/lib ldd "$work/table-$header" |
        grep "$prefix/lib/libpmem2.so.1" >/dev/null || fail "not run on ours"
    awk -f $sources/compare.awk $sources/differences.txt "$work/$header-on-ours" \
        "$work/$header-on-theirs" ||
        fail "compiled with the header that is $header"
done
# Linked with LIBPMEM2_2.0, and statically: the same lines (but dlsym finds nothing in a static
# program).
LD_LIBRARY_PATH=$prefix/lib "$work/table-pkg-config" >"$work/linked-with-ours"
diff "$work/ours-on-ours" "$work/linked-with-ours"
for libc in glibc musl; do
    "$work/table-$libc" >"$work/static-$libc"
    diff <(grep -v '^err_to_errno' "$work/ours-on-ours") <(grep -v '^err_to_errno' \
        "$work/static-$libc")
done
