# Sourced by ci/wine, whose functions it uses: libpmem2.dll and libpmem2.a as ci/install-windows
# makes them, under programs in C of msvcrt.dll and of the universal C runtime.

source ci/lib/documentation.sh

debian pkg-config pkg-config
debian man man-db
debian '/usr/share/man/man3/pmem2_source_from_fd.3.gz' libpmem2-dev
debian llvm-dlltool llvm
# The compiler itself may be there without C++: what its package brings of each.
debian "/usr/lib/gcc/x86_64-w64-mingw32/*/cc1" gcc-mingw-w64-x86-64
debian "/usr/lib/gcc/x86_64-w64-mingw32/*/cc1plus" g++-mingw-w64-x86-64-win32

# exported PREFIX PROCESSOR: checks what the DLL below PREFIX exports and needs, and leaves its
# functions in `names`.
exported() {
    local dll=$1/bin/libpmem2.dll
    # In 32 bits, C's names begin with an underscore.
    names=$($2-w64-mingw32-nm -g --defined-only "$1/lib/libpmem2.a" |
        awk 'NF == 3 { sub(/^_/, "", $3); print $3 }' | sort)
    exports=$(llvm-objdump -p "$dll" |
        awk '/Export Table/ { here = 1 } here && /pmem2_/ { print $NF }' | sort)
    [ "$exports" = "$names" ] ||
        fail "$2: the DLL exports other names than the static library has"
    [ "$(imports "$dll" | tr '\n' ' ')" = "kernel32.dll msvcrt.dll ntdll.dll " ] ||
        fail "$2: it needs other libraries:" $(imports "$dll")
    passes "$2: libpmem2.dll: $(wc -w <<<"$names") functions, $(stat -c %s "$dll") bytes, needs" \
        $(imports "$dll")
}

dll() {
    local mingw=x86_64-w64-mingw32 sources=$PWD/tests/capi
    local installed=$work/installed built=$work/dll page standard names how program count

    step "libpmem2.dll: clippy, ci/install-windows"
    (cd src/capi && hosted clippy --package pmem2-capi --package pmem2-capi-windows --lib -- \
        -D warnings)
    ci/install-windows "$installed"
    ci/install-windows "$installed-i686" i686

    step "what it exports and needs"
    exported "$installed" x86_64
    exported "$installed-i686" i686
    for page in $names; do
        [ -s "$installed/share/man/man3/$page.3" ] || fail "there is no manual page for $page"
    done
    [ ! -e "$installed/share/man/man3/pmem2_source_get_fd.3" ] ||
        fail "a page of a function that is not there is installed"

    step "header"
    mkdir "$built"
    printf '#include <libpmem2.h>\n' >"$built/header.c"
    for standard in gnu89 c99 c11 gnu17; do
        for how in "" -D_UCRT -DPMDK_UTF8_API; do
            $mingw-gcc -Wall -Wextra -Wstrict-prototypes -pedantic -Werror -std=$standard $how \
                -I"$installed/include" -fsyntax-only "$built/header.c"
        done
    done
    for standard in c++98 c++11 c++20; do
        for how in "" -D_UCRT -DPMDK_UTF8_API; do
            $mingw-gcc -xc++ -Wall -Wextra -pedantic -Werror -std=$standard $how \
                -I"$installed/include" -fsyntax-only "$built/header.c"
        done
    done
    passes "the header compiles as C and C++"

    step "every sentence of the manual pages, NULL, handles, texts"
    for page in pmem2_source_from_fd pmem2_source_get_handle; do
        # A page of man-db's own format, whatever of ours is on MANPATH.
        MANWIDTH=2000 man --nh --nj -P cat "/usr/share/man/man3/$page.3.gz" |
            awk -v also=CAVEATS -f "$sources/sentences.awk" |
            awk -v page="$page" '{ print page, NR, $0 }'
    done >"$built/sentences"
    # The universal runtime in place of msvcrt.dll.
    $mingw-gcc -dumpspecs | sed 's/-lmsvcrt/-lucrt/g' >"$built/ucrt"
    cp "$installed/bin/libpmem2.dll" "$built/"
    for program in windows windows_source; do
        for how in "msvcrt -L$installed/lib -lpmem2" \
            "microsoft-import-library $installed/lib/libpmem2.lib" \
            "ucrt -L$installed/lib -lpmem2 -specs=$built/ucrt -D_UCRT -DPMDK_UTF8_API" \
            "static $installed/lib/libpmem2.a -lntdll -DPMEM2_STATIC"; do
            $mingw-gcc -Wall -Wextra -Werror -O1 -I"$installed/include" \
                "$sources/$program.c" ${how#* } -o "$built/$program-${how%% *}.exe"
        done
        for how in msvcrt microsoft-import-library ucrt static; do
            console 120 "$built/$program-$how.exe" >"$built/output" ||
                fail "$program, $how: status $?: $(cat "$built/output")"
            tr -d '\r' <"$built/output" >"$built/said"
            # The last line counts.
            count=$(tail -1 "$built/said" |
                sed -n 's/^\([1-9][0-9]*\) .*checked.*\|^\([1-9][0-9]*\) checks$/\1\2/p')
            [ -n "$count" ] || fail "$program, $how: no count: $(cat "$built/said")"
            [ "$program" != windows ] || diff "$built/sentences" <(head -n -1 "$built/said") ||
                fail "$how: sentences of the pages (<) are not those that are checked (>)"
            passed=$((passed + count))
            echo "ok: $program, $how: $(tail -1 "$built/said")"
        done
    done
    cat "$built/sentences"
    # They are what they are called.
    grep -x msvcrt.dll <<<"$(imports "$built/windows-msvcrt.exe")" >/dev/null ||
        fail "not of msvcrt.dll"
    if grep -x msvcrt.dll <<<"$(imports "$built/windows-ucrt.exe")"; then
        fail "not of the universal runtime"
    fi
    for how in msvcrt microsoft-import-library ucrt; do
        grep -x libpmem2.dll <<<"$(imports "$built/windows-$how.exe")" >/dev/null ||
            fail "$how: not of the DLL"
    done
    if grep -x libpmem2.dll <<<"$(imports "$built/windows-static.exe")"; then
        fail "the static program needs the DLL"
    fi

    step "32 bits: linked, since this Wine runs no such programs"
    for program in windows windows_source; do
        for how in "-L$installed-i686/lib -lpmem2" "$installed-i686/lib/libpmem2.lib" \
            "$installed-i686/lib/libpmem2.a -lntdll -DPMEM2_STATIC"; do
            i686-w64-mingw32-gcc -Wall -Wextra -Werror -O1 -I"$installed-i686/include" \
                "$sources/$program.c" $how -o "$built/$program-i686.exe"
            passes "i686: $program, with ${how##*/}"
        done
    done

    dll_examples "$installed"
}

# says PATTERN PROGRAM ARGUMENTS...: the program succeeds, and all that it prints, to either output,
# is lines like this.
says() {
    local pattern=$1 output
    shift
    output=$(wine 60 "$@" 2>&1 </dev/null) || fail "$(basename "$1"): status $?: $output"
    output=$(tr -d '\r' <<<"$output")
    grep -xE "$pattern" <<<"$output" >/dev/null || fail "$(basename "$1") says: $output"
    if grep -vxE "$pattern" <<<"$output"; then fail "$(basename "$1") says more"; fi
    passes "$(basename "$1"): $output"
}

# The code in src/guide/c.md, the manual pages and the header, as a reader would compile it.
# INSTALLED: what ci/install-windows has installed.
dll_examples() {
    local installed=$1 built=$work/examples mingw=x86_64-w64-mingw32 root=$PWD program output
    local strict="$mingw-gcc -Wall -Wextra -Werror -O1 -I$installed/include"
    local null="NUL: a console, NUL or another character device is not a data source: .*"

    step "The guide's commands and programs for Windows; the same files each time"
    mkdir -p "$built/guide" "$built/temporary"
    truncate --size 123456 "$built/file"
    {
        printf '#include <fcntl.h>\n#include <libpmem2.h>\nint main(int argc, char **argv) {\n'
        printf 'const char *path = argv[argc - 1];\nint fd = open(path, O_RDONLY);\n'
        block src/guide/c.md "# C for Linux" c
        printf 'return src != NULL;\n}\n'
    } >"$built/guide/program.c"
    {
        printf '#include <libpmem2.h>\nint wmain(int argc, wchar_t **argv) {\n'
        printf 'const wchar_t *path = argv[argc - 1];\n'
        block src/guide/c.md "# C for Windows" c
        printf 'return src != NULL || !CloseHandle(handle);\n}\n'
    } >"$built/handle.c"
    block src/guide/c.md "# C for Windows" sh >"$built/commands"
    grep '^ci/install-windows /opt/pmem2-windows$' "$built/commands" >/dev/null ||
        fail "the guide does not install"
    sed -i "s#/opt/pmem2-windows#$built/opt#g; s#^ci/#$root/ci/#
        s/mingw32-gcc /&-Wall -Wextra -Werror /" "$built/commands"
    (cd "$built/guide" && TMPDIR=$built/temporary bash -eu -o pipefail "$built/commands") \
        >"$built/log" 2>&1 ||
        { cat "$built/log"; fail "the guide's commands"; }
    # Where it was built is not in it.
    diff -r "$installed" "$built/opt" || fail "ci/install-windows makes other files each time"
    passes "ci/install-windows makes the same files each time"
    says "$null" "$built/guide/program.exe" NUL
    says "$null" "$built/guide/static.exe" NUL
    grep -x libpmem2.dll <<<"$(imports "$built/guide/program.exe")" >/dev/null ||
        fail "the guide's program is not of the DLL"
    if grep -x libpmem2.dll <<<"$(imports "$built/guide/static.exe")"; then
        fail "the guide's static program needs the DLL"
    fi
    for program in "" -DPMDK_UTF8_API; do
        $strict $program -municode "$built/handle.c" -L"$installed/lib" -static -lpmem2 -lntdll \
            -o "$built/handle.exe"
        says "$null" "$built/handle.exe" NUL
    done

    step "the examples of the manual pages and of the header, for Windows"
    # compiled FILE HEADING NUMBER NAME FLAGS...: an example of a page's.
    compiled() {
        block "src/capi/man/$1.md" "# EXAMPLE" c "$2" >"$built/$3.c"
        $strict -std=c99 -pedantic "${@:4}" "$built/$3.c" -L"$installed/lib" -static -lpmem2 \
            -lntdll -o "$built/$3.exe"
    }
    compiled pmem2_source_from_fd 1 from_fd
    says "123456 bytes" "$built/from_fd.exe" "Z:$built/file"
    compiled pmem2_source_from_fd 2 from_handle -municode
    says "123456 bytes" "$built/from_handle.exe" "Z:$built/file"
    compiled pmem2_source_init_fd 1 init_fd
    says "aligned to 65536 bytes" "$built/init_fd.exe" "Z:$built/file"
    compiled pmem2_perror 1 perror
    says "(narrow|wide): not an open handle of a file.*" "$built/perror.exe"
    # They fail as they say.
    for program in from_fd from_handle; do
        if output=$(wine 60 "$built/$program.exe" NUL 2>&1 </dev/null); then
            fail "$program: NUL is a source"
        fi
        tr -d '\r' <<<"$output" | grep -xE "$null" >/dev/null || fail "$program says: $output"
    done
    {
        printf '#include <fcntl.h>\n#include <libpmem2.h>\nint main(int argc, char **argv) {\n'
        printf 'const char *path = argv[argc - 1];\nint fd = open(path, O_RDONLY);\n'
        sed -n 's/^ \*\t//p' src/capi/include/libpmem2/base.h
        printf 'return src != NULL;\n}\n'
    } >"$built/header.c"
    $strict -DPMDK_UTF8_API "$built/header.c" -L"$installed/lib" -static -lpmem2 -lntdll -o \
        "$built/header.exe"
    says "$null" "$built/header.exe" NUL
    # What the pages warn of: the compiler does too.
    if $strict "$built/header.c" -fsyntax-only 2>"$built/log"; then
        fail "without PMDK_UTF8_API narrow text is accepted"
    fi
    grep 'incompatible pointer type' "$built/log" >/dev/null ||
        fail "refused otherwise: $(cat "$built/log")"
}
