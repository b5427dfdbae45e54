# A part of ci/capi.
step "AddressSanitizer, in the library too"
nightly
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
(cd src/capi && RUSTFLAGS=-Zsanitizer=address cargo +nightly rustc --locked --quiet --release \
    --package pmem2-capi-hosted --lib \
    --crate-type staticlib --target "$host")
instrumented=target/capi/$host/release/libpmem2_capi_hosted.a
sanitized="-g -DUNDER_TOOL -fsanitize=address,undefined -fno-sanitize-recover=all"
for program in sentences source threads transfer; do
    wrapped=$wrap
    [ $program != threads ] || wrapped=
    gcc $warnings $sanitized $flags $wrapped $sources/$program.c $instrumented -pthread -o \
        "$work/$program-asan"
    "$work/$program-asan" >"$work/log" 2>&1 || { tail -40 "$work/log"; fail "$program"; }
    tail -1 "$work/log"
done
# It can see a write of ours to freed memory.
cat >"$work/freed.c" <<'C'
#include <libpmem2.h>
#include <stdlib.h>
int main(void) {
	struct pmem2_source *src;
	size_t *volatile size = malloc(sizeof(*size));
	int code = pmem2_source_from_anon(&src, 1);
	free(size);
	return code + pmem2_source_size(src, size) + pmem2_source_delete(&src);
}
C
gcc -w $sanitized $flags "$work/freed.c" $instrumented -o "$work/freed"
if "$work/freed" 2>"$work/log"; then
    fail "AddressSanitizer does not see a write to freed memory"
fi
grep -q 'heap-use-after-free.*' "$work/log" ||
    fail "AddressSanitizer says something else: $(cat "$work/log")"
