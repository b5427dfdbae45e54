# A part of ci/capi.
step "ci/install"
# A packager's CFLAGS: what they warn of (-Wtraditional: of every function) is no error, and neither
# checked functions, which musl does not have, nor LTO's own code get into the library, nor
# __tls_get_addr (ld-linux's).
packager="-O2 -g -flto=auto -fexceptions -Wtraditional -D_FORTIFY_SOURCE=2"
packager+=" -Wp,-D_FORTIFY_SOURCE=3 -fstack-protector-strong"
if CFLAGS=$packager ci/install "$work/packaged" >"$work/log" 2>&1; then
    fail "a warning of the C part is no error here"
fi
grep -q 'Werror=traditional' "$work/log" || fail "failed otherwise: $(cat "$work/log")"
env -u PMEM2_WERROR CFLAGS="$packager" ci/install "$work/packaged" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "a packager's CFLAGS"; }
if nm -u "$work/packaged/lib/libpmem2.a" |
    grep -E '_chk$|__tls_get_addr'; then fail "needs what it shall not need"; fi
musl-gcc $warnings $kernel -static -I"$work/packaged/include" $sources/table.c \
    "$work/packaged/lib/libpmem2.a" -o "$work/packaged-musl"
readelf --wide --dynamic "$work/packaged/lib/libpmem2.so" | awk '/NEEDED/ { print $NF }' |
    diff <(echo "[libc.so.6]") -


# listing DIRECTORY: names, kinds, modes and what links point to. Without the index of manual pages,
# which is not made for DESTDIR.
listing() {
    (cd "$1" && find . ! -name index.db -printf '%p %y %m %l\n' | sort)
}

# Another environment, umask, working directory: the same files, and nothing anywhere else.
mkdir "$work/caller" "$work/temporary"
(
    cd "$work/caller"
    umask 077
    # Links to directories, in which ln would put its own.
    mkdir -p target/relative/lib elsewhere
    ln -s ../../../elsewhere target/relative/lib/libpmem2.so.1
    ln -s ../../../elsewhere target/relative/lib/libpmem2.so
    chmod -R u=rwX,go=rX target
    export TMPDIR=$work/temporary
    export CARGO_BUILD_TARGET_DIR=$work/elsewhere CARGO_TARGET_DIR=$work/elsewhere \
        CARGO_BUILD_TARGET=i686-unknown-linux-gnu
    export RUSTFLAGS=-Copt-level=0 CARGO_ENCODED_RUSTFLAGS=-Copt-level=1 \
        CARGO_PROFILE_RELEASE_LTO=off
    "$install" target/relative
    DESTDIR=staged "$install" /usr
    # A directory is not replaced, and the library is not put into it.
    mkdir -p blocked/lib/libpmem2.so.1
    if "$install" blocked >blocked/log 2>&1; then fail "a directory is in the place of a link"; fi
    grep -q 'cannot overwrite directory' blocked/log || fail "failed otherwise: $(cat blocked/log)"
    if "$install" >log 2>&1 || "$install" --help >log 2>&1; then
        fail "installed without a prefix"
    fi
    grep -q 'usage: ' log || fail "no usage: $(cat log)"
    grep -q 'FAILED with status' blocked/log || fail "common.sh's trap is lost"
)
[ ! -e "$work/elsewhere" ] || fail "built elsewhere"
[ -z "$(ls "$work/temporary")" ] || fail "ci/install leaves $(ls "$work/temporary")"
[ -z "$(find "$work/caller/elsewhere" "$work/caller/blocked/lib/libpmem2.so.1" -mindepth 1)" ] ||
    fail "a link is in another directory"
for installed in target/relative staged/usr; do
    diff -r --no-dereference --exclude=index.db "$prefix" "$work/caller/$installed" ||
        fail "$installed: other files"
    diff <(listing "$prefix") <(listing "$work/caller/$installed") ||
        fail "$installed: other modes or links"
done
[ -z "$(find "$prefix" -type f ! -perm 644 -o -type d ! -perm 755)" ] ||
    fail "not everybody may read what is installed"
