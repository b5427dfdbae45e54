# A part of ci/capi.
step "header"
echo '#include <libpmem2.h>' >"$work/header.c"
for standard in c99 c11 c17 gnu89 gnu99; do
    gcc -Wall -Wextra -Wstrict-prototypes -pedantic -Werror -std=$standard $flags -fsyntax-only \
        "$work/header.c"
done
musl-gcc -Wall -Wextra -pedantic -Werror -std=c99 $flags -fsyntax-only "$work/header.c"
cp $sources/cxx.cpp "$work/"
for standard in c++98 c++11 c++17 c++20; do
    g++ -Wall -Wextra -pedantic -Werror -std=$standard $flags "$work/cxx.cpp" -L"$prefix/lib" \
        -lpmem2 -o "$work/cxx"
    LD_LIBRARY_PATH=$prefix/lib "$work/cxx"
done

# The enumerations are Debian's, names and order. (`gcc -E -P` has no comments, and no commas that
# differ are left.)
enumerations() {
    gcc -E -P "$@" "$work/header.c" | tr -d ' \t\n' |
        grep -oE 'enumpmem2_(granularity|sharing_type)\{[^}]*\}' | sed 's/,}/}/'
}
enumerations -I"$prefix/include" >"$work/enumerations"
[ "$(wc -l <"$work/enumerations")" = 2 ] || fail "the header has other enumerations than expected"
diff "$work/enumerations" <(enumerations) ||
    fail "enumerations of our header (<) and of Debian's (>)"
