# A part of ci/capi.
step "what the libraries export and need"
sed 's/.*/&@LIBPMEM2_1.0\n&@@LIBPMEM2_2.0/' "$work/names" | sort >"$work/versions"
readelf --wide --dyn-syms "$shared" |
    awk '$7 != "UND" && $8 != "" && $1 ~ /^[0-9]+:$/ { print $8 }' | sort >"$work/exported"
diff "$work/versions" "$work/exported" ||
    fail "the shared library exports something else (>) than it shall (<)"
needed=$(readelf --wide --dynamic "$shared" | awk '/NEEDED/ { print $NF }')
soname=$(readelf --wide --dynamic "$shared" | awk '/SONAME/ { print $NF }')
[ "$needed" = "[libc.so.6]" ] || fail "NEEDED is $needed"
[ "$soname" = "[libpmem2.so.1]" ] || fail "SONAME is $soname"
# Its handler of SIGBUS is never uninstalled: see loaded.c.
readelf --wide --dynamic "$shared" | grep 'FLAGS_1.*NODELETE' >/dev/null ||
    fail "the shared library can be unloaded"
nm -g --defined-only "$prefix/lib/libpmem2.a" | awk 'NF == 3 { print $3 }' | sort >"$work/static"
diff "$work/names" "$work/static" ||
    fail "the static library defines something else (>) than it shall (<)"
strip -o "$work/stripped" "$shared"
size=$(stat -c %s "$work/stripped")
echo "$(wc -l <"$work/names") functions under two versions; needs $needed"
echo "shared library, stripped: $size bytes, at most 172032; Debian's:" \
    "$(stat -L -c %s "$theirs/libpmem2.so.1") bytes, with" \
    "$(($(ldd "$theirs/libpmem2.so.1" | grep -c '=> /') - 1)) libraries beside the C library"
[ "$size" -le 172032 ] || fail "more than 168 KB"
