# A part of ci/capi.
step "ThreadSanitizer, in the library too"
nightly
host=$(rustc +nightly -vV | sed -n "s/^host: //p")
# Rustup has no instrumented core, which keeps nothing that threads share: what is generic in it is
# compiled here.
(cd src/capi && CFLAGS=-fsanitize=thread \
    RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" cargo +nightly rustc \
    --locked --quiet --release --package pmem2-capi-hosted --lib --crate-type staticlib --target \
    "$host" \
    --target-dir ../../target/capi-tsan)
# rustc's LLVM calls these; the runtime of GCC 12 knows them as memcpy, memmove and memset only,
# which it watches.
cat >"$work/tsan.c" <<'C'
#include <string.h>
void *__tsan_memcpy(void *to, const void *from, size_t size) { return memcpy(to, from, size); }
void *__tsan_memmove(void *to, const void *from, size_t size) { return memmove(to, from, size); }
void *__tsan_memset(void *to, int byte, size_t size) { return memset(to, byte, size); }
C
instrumented="$work/tsan.c target/capi-tsan/$host/release/libpmem2_capi_hosted.a"
gcc $warnings -fno-builtin -g -fsanitize=thread $flags $sources/threads.c $instrumented -pthread \
    -o "$work/threads-tsan"
setarch -R "$work/threads-tsan" 2000
# It can see a race of ours: both threads have the library write to the same size.
cat >"$work/race.c" <<'C'
#include <libpmem2.h>
#include <pthread.h>
static struct pmem2_source *src;
static size_t size;
static void *ask(void *unused) { pmem2_source_size(src, &size); return unused; }
int main(void) {
	pthread_t one, other;
	if (pmem2_source_from_anon(&src, 1) != 0 || pthread_create(&one, NULL, ask, NULL) != 0 ||
	    pthread_create(&other, NULL, ask, NULL) != 0)
		return 1;
	return pthread_join(one, NULL) + pthread_join(other, NULL) + pmem2_source_delete(&src);
}
C
gcc $warnings -fno-builtin -g -fsanitize=thread $flags "$work/race.c" $instrumented -pthread -o \
    "$work/race"
if setarch -R "$work/race" 2>"$work/log"; then fail "ThreadSanitizer does not see a race"; fi
grep -q 'data race.* in pmem2_source_size' "$work/log" ||
    fail "ThreadSanitizer says something else: $(cat "$work/log")"
