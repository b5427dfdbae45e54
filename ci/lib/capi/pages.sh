# A part of ci/capi.

# built PAGE: the program that the page's example is.
built() {
    block "src/capi/man/$1.md" "# EXAMPLE" c >"$work/$1.c"
    gcc $warnings -std=c99 -pedantic $flags "$work/$1.c" -L"$prefix/lib" -lpmem2 -o "$work/$1"
    echo "$work/$1"
}

# example PAGE ARGUMENT...: runs it.
example() {
    LD_LIBRARY_PATH=$prefix/lib "$(built "$1")" "${@:2}"
}

step "manual pages"
for page in "$prefix"/share/man/man*/*.*; do
    said=$(cd "$prefix/share/man" && groff -ww -man -t -z -Tutf8 "$page" 2>&1)
    [ -z "$said" ] || fail "$page: $said"
    # What apropos and whatis will say.
    (cd "$prefix/share/man" && lexgrog "$page" >/dev/null) || fail "lexgrog cannot parse $page"
done
# By its path a page is our own too, and not Debian's of the same name.
for name in pmem2_source_pwrite_mcsafe pmem2_badblock_context_delete; do
    (cd / && man -P cat -l "$prefix/share/man/man3/$name.3") 2>&1 |
        grep 'pmem2_badblock_context_init\|pmem2_sigbus_own' >/dev/null ||
        fail "man -l does not show our page of $name"
done
# The pages' examples are programs.
for expected in "from_fd 123456 bytes" "init_fd aligned to [0-9]+ bytes" \
    "pread_at 123456 bytes, 0 unreadable pieces"; do
    page=pmem2_source_${expected%% *}
    example "$page" "$work/file" >"$work/log" || fail "$page: example"
    grep -xE "${expected#* }" "$work/log"
done
example libpmem2 "$work/file" >"$work/log" || fail "libpmem2: example"
grep -x "persistent: .*" "$work/log"
example pmem2_sigbus_own || fail "pmem2_sigbus_own: example"
# Of a file that no list of bad blocks is about: the message.
mkdir "$work/tmpfs"
unshare -m sh -c 'mount -t tmpfs none "$1" && truncate -s 1 "$1/file" && shift && exec "$@"' sh \
    "$work/tmpfs" \
    env LD_LIBRARY_PATH="$prefix/lib" "$(built pmem2_badblock_context_new)" "$work/tmpfs/file" \
    >"$work/log" 2>&1 && fail "tmpfs has a list"
grep "^$work/tmpfs/file: there is no list of bad blocks" "$work/log"
# The table of Windows' errors is that of the documentation in Rust, which its unit tests compare
# with the code.
diff <(sed -n 's#^/// | \(`E[A-Z]*`\) | \(.*\) |$#- \1 - \2#p' platform/src/windows/platform.rs) \
    <(sed -z 's/\n  / /g' src/capi/man/pmem2_source_from_fd.md |
    sed -n '/^# ERRORS OF WINDOWS$/,/^# SEE/ { /^- `E/p }') >"$work/differ" ||
    fail "tables of errno, platform.rs (<), pmem2_source_from_fd(3) (>): $(cat "$work/differ")"
grep '^- `E' src/capi/man/pmem2_source_from_fd.md >/dev/null ||
    fail "the page has no table of errno"
# The prototypes of a header or a page, one a line, without the blanks and tabs.
prototypes() {
    tr -d ' \t\n' | sed 's/;/;\n/g' |
        grep -oE '(int|const(char|wchar_t)\*|void)pmem2_[a-zA-Z_]+\([^{]*;$' | sort -u
}
# Those of Windows too, which are not installed here.
cat "$prefix/include/libpmem2/base.h" src/capi/include/libpmem2/handle.h |
    prototypes >"$work/declared"
for page in src/capi/man/pmem2_*.md; do
    for section in NAME SYNOPSIS DESCRIPTION "RETURN VALUE" "SEE ALSO"; do
        grep -q "^# $section\$" "$page" || fail "$page has no $section"
    done
    sed -n '/^```c/,/^```$/p' "$page" | grep -v '^[`#]'
done | prototypes | diff "$work/declared" - ||
    fail "the header (<) and the pages (>) have other prototypes"
while read -r name; do
    MANPATH=$prefix/share/man man -P cat 3 "$name" 2>"$work/log" | grep "$name" >/dev/null ||
        fail "man finds no page for $name"
    [ ! -s "$work/log" ] || fail "$(cat "$work/log")"
done <"$work/names"
# What man -k and whatis find: each function, the library, the command.
MANPATH=$prefix/share/man man -k pmem2 | sed 's/ *(\([0-9]\)) .*/ \1/' | sort >"$work/index"
{ sed 's/$/ 3/' "$work/names"; printf '%s\n' 'libpmem2 7' 'pmem2 1'; } | sort |
    diff - "$work/index" || fail "man -k finds other pages (>) than are installed (<)"
echo "$(wc -l <"$work/declared") functions have a page, with the header's prototypes"
