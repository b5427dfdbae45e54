# A part of ci/capi.
step "The guide's commands and its programs"
mkdir "$work/guide"
{
    printf '#include <fcntl.h>\n#include <libpmem2.h>\nint main(int argc, char **argv) {\n'
    printf 'const char *path = argv[argc - 1];\nint fd = open(path, O_WRONLY);\n'
    block src/guide/c.md "# C for Linux" c
    printf 'return src != NULL;\n}\n'
} >"$work/guide/program.c"
block src/guide/c.md "# C for Linux" sh >"$work/guide/commands"
grep -q '^ci/install /opt/pmem2$' "$work/guide/commands" || fail "the guide does not install"
if block README.md "## C" sh | sed 's/ *#.*//' | grep -vxFf "$work/guide/commands"; then
    fail "commands of README that the guide has not"
fi
block README.md "## C" c >"$work/guide/readme.c"
gcc $warnings $flags "$work/guide/readme.c" -L"$prefix/lib" -lpmem2 -o "$work/guide/readme"
truncate -s 63 "$work/sized"
LD_LIBRARY_PATH=$prefix/lib "$work/guide/readme" "$work/sized" >"$work/log"
grep -x "$work/sized: 63 bytes" "$work/log" >/dev/null || fail "README's program: $(cat "$work/log")"
if LD_LIBRARY_PATH=$prefix/lib "$work/guide/readme" / 2>"$work/log"; then
    fail "README's program takes a directory"
fi
(cd "$work/guide" && sed "s#/opt/pmem2#$work/opt#g; s#^ci/install#$install#" commands |
    bash -eu -o pipefail) >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "the guide's commands"; }
# Debian's library is where every program looks.
ldd "$work/guide/program" | grep "libpmem2.so.1 => $work/opt/lib/" >/dev/null ||
    fail "the guide's program does not find the library"
truncate -s 1 "$work/written"
"$work/guide/program" "$work/written" 2>"$work/log" ||
    fail "the guide's program: $(cat "$work/log")"
grep -q "^$work/written: opened write-only, but a mapping has to read" "$work/log" ||
    fail "the guide's program says $(cat "$work/log")"

{
    printf '#include <fcntl.h>\n#include <libpmem2.h>\n#include <stdio.h>\n'
    printf 'int main(int argc, char **argv) {\nconst char *path = argv[argc - 1];\n'
    printf 'int fd = open(path, O_RDONLY);\nstruct pmem2_source *src;\n'
    block src/guide/c.md "# C for Linux" c 2
    block src/guide/c.md "# C for Linux" c 3
    printf 'return pmem2_source_delete(&src);\n}\n'
} >"$work/guide/badblocks.c"
gcc $warnings $flags "$work/guide/badblocks.c" -L"$prefix/lib" -lpmem2 -o "$work/guide/badblocks"
truncate -s 63 "$work/written"
LD_LIBRARY_PATH=$prefix/lib "$work/guide/badblocks" "$work/written" 2>"$work/log" ||
    fail "the guide's second program"
grep "^$work/written: offset and length end at byte 64, but there are only 63 bytes" \
    "$work/log" >/dev/null ||
    fail "the guide's second program says $(cat "$work/log")"
