# A part of ci/capi.
step "valgrind"
memcheck="valgrind --quiet --error-exitcode=99 --leak-check=full"
memcheck+=" --errors-for-leak-kinds=definite,indirect,possible"
for program in sentences source transfer; do
    gcc $warnings -g -DUNDER_TOOL $flags $wrap $sources/$program.c "$prefix/lib/libpmem2.a" \
        -pthread -o "$work/$program-valgrind"
    $memcheck "$work/$program-valgrind" >"$work/log" 2>&1 ||
        { tail -40 "$work/log"; fail "$program"; }
    tail -1 "$work/log"
done
gcc $warnings $flags $sources/threads.c -L"$prefix/lib" -lpmem2 -pthread -o "$work/threads-valgrind"
LD_LIBRARY_PATH=$prefix/lib $memcheck "$work/threads-valgrind" 200
# It can see a leak of ours.
cat >"$work/leak.c" <<'C'
#include <libpmem2.h>
int main(void)
{
	struct pmem2_source *src;
	int code = pmem2_source_from_anon(&src, 1);
	src = NULL;
	return code;
}
C
gcc $warnings $flags "$work/leak.c" -L"$prefix/lib" -lpmem2 -o "$work/leak"
if LD_LIBRARY_PATH=$prefix/lib $memcheck "$work/leak" 2>/dev/null; then
    fail "valgrind does not see a leak"
fi
