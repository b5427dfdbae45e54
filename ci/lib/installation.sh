# Sourced by ci/install and ci/install-windows, which put the caller's directory into `caller` and
# their argument into `prefix`: where the C library is put, and what is the same everywhere:
# headers, pkg-config, manual pages.

# below DIRECTORY: an absolute path, where the caller meant it.
below() {
    case $1 in
        /*) echo "$1" ;;
        *) echo "$caller/$1" ;;
    esac
}

destination=$(below "$prefix")
[ -z "${DESTDIR:-}" ] || destination=$(below "$DESTDIR")$destination

# The library's own version, and that of the libpmem2 whose source functions it has, side by side in
# ci/capi.
ours=$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' src/capi/Cargo.toml)
matched=1.12.1
[ -n "$ours" ] || fail "src/capi/Cargo.toml has no version"

# put FILE PLACE: everybody may read it, whatever the umask. What is in the way, be it a link, is
# replaced and not followed; a directory is an error.
put() {
    install -D -T -m 644 "$1" "$destination/$2"
}

# declared HEADER...: the names of the functions.
declared() {
    sed -n 's/^\(int\|const char \*\|const wchar_t \*\|void\) *\(pmem2_[a-zA-Z_]*\)(.*/\2/p' "$@"
}

# agreed NAME...: fails unless the symbols of the library that was built, as nm lists them to
# standard input, are these functions. They come from src/capi/src/functions.rs, the names from the
# headers.
agreed() {
    diff <(printf '%s\n' "$@" | sort) <(awk \
        '{ sub(/^_/, "", $3) } $3 ~ /^pmem2_/ && $3 !~ /^pmem2_shim_/ { print $3 }' | sort) ||
        fail "the headers declare (<) other functions than the library has (>)"
}

# headers HEADER...: in src/capi.
headers() {
    local header
    for header; do
        put "include/$header" "include/$header"
    done
}

# pkg_config WORK PRIVATE: pkg-config's file, with what static programs need besides. In src/capi.
pkg_config() {
    sed "s/@MATCHED@/$matched/; s/@OURS@/$ours/; s/@PRIVATE@/$2/; s/ *$//" libpmem2.pc.in \
        >"$1/libpmem2.pc"
    put "$1/libpmem2.pc" lib/pkgconfig/libpmem2.pc
}

# pages WORK FILE... -- NAME...: the manual pages of these functions, each of which must have one in
# one of these files. A page that has none of them is not installed. In src/capi.
pages() {
    local work=$1 files=() file page name
    shift
    while [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift
    for file in "${files[@]}"; do
        page=$(basename "$file" .md)
        for name in $(sed -n '/^# NAME/,/^# SYNOPSIS/p' "$file" | tr '\n' ' ' | sed 's/ - .*//' |
            grep -o '\bpmem2_[a-zA-Z_]*'); do
            printf '%s\n' "$@" | grep -x "$name" >/dev/null || continue
            # Of several functions: found under the name of each. By a link, since man looks for
            # what `.so man3/...` names where it was started, and in the system's directories, which
            # may have another library's.
            [ "$name" = "$page" ] || ln -sfnT "$page.3" "$work/$name.3"
            [ -e "$work/$page.3" ] ||
                awk -v version="$ours" -f man/roff.awk "$file" >"$work/$page.3"
        done
    done
    for name; do
        [ -s "$work/$name.3" ] || fail "there is no manual page for $name"
    done
    # First the pages, for which the directory is made.
    while read -r page; do
        put "$page" "share/man/man3/$(basename "$page")"
    done < <(find "$work" -name '*.3' -type f)
    while read -r page; do
        ln -sfnT "$(readlink "$page")" "$destination/share/man/man3/$(basename "$page")"
    done < <(find "$work" -name '*.3' -type l)
}

# page WORK FILE SECTION: a manual page that is about no function. In src/capi.
page() {
    awk -v version="$ours" -v section="$3" -f man/roff.awk "$2" >"$1/page"
    put "$1/page" "share/man/man$3/$(basename "$2" .md).$3"
}

# index WORK: the index of all manual pages in that place, which man -k reads; where man-db is here,
# and not below DESTDIR. Of a copy, since mandb makes directories beside the pages, and gives them
# to a user of its own.
index() {
    [ -z "${DESTDIR:-}" ] && command -v mandb >/dev/null || return 0
    cp -a "$destination/share/man" "$1/man"
    chmod 755 "$1"
    mandb --quiet --create "$1/man"
    put "$1/man/index.db" share/man/index.db
}
