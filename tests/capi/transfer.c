/*
 * Transfers, bad blocks and SIGBUS, beyond the manual pages of libpmem2.
 */

#define _GNU_SOURCE
/* No gap and no helper in the header, not for this warning either. */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include <libpmem2.h>
#pragma GCC diagnostic pop

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "memory.h"
#include "badblocks_world.h"
#include "nd.h"
#include "sysfs.h"
#include "world.h"
#include "fail_call.h"

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		__atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);                               \
		if (!(condition)) {                                                             \
			printf("FAILED: line %d: %s (%s)\n",                                    \
				__LINE__, #condition, pmem2_errormsg());                        \
			fflush(stdout);                                                         \
			_exit(1);                                                               \
		}                                                                               \
	} while (0)

#define SAYS(text) (strstr(pmem2_errormsg(), (text)) != NULL)

/* Processors of 32 bits have no copy that survives bad memory. */
#if SIZE_MAX == UINT32_MAX
#define NO_COPY 1
#endif

static int checks;

static int
is_filled(const void *memory, size_t size, unsigned char with)
{
	const unsigned char *byte = memory;

	while (size > 0 && byte[size - 1] == with)
		size--;
	return size == 0;
}

static struct pmem2_source *
source_of(int fd)
{
	struct pmem2_source *src;

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	return src;
}

static void
done_with(struct pmem2_source **src, int fd)
{
	CHECK(pmem2_source_delete(src) == 0);
	close(fd);
}

static void
transfers(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	char text[] = "some bytes", buffer[32];
	size_t done = 77, at;

	/*
	 * Anywhere, of any length, up to the last byte; the position of the descriptor is not
	 * theirs.
	 */
	CHECK(lseek(fd, 5, SEEK_SET) == 5);
	for (at = 0; at < 3; at++) {
		size_t offset = at == 0 ? 0 : at == 1 ? 4093 : FILE_SIZE - sizeof(text);

		CHECK(pmem2_source_pwrite_mcsafe(src, text, sizeof(text), offset) == 0);
		memset(buffer, 0xa5, sizeof(buffer));
		CHECK(pmem2_source_pread_mcsafe(src, buffer, sizeof(text), offset) == 0 &&
			strcmp(buffer, text) == 0);
		CHECK(is_filled(buffer + sizeof(text), sizeof(buffer) - sizeof(text), 0xa5));
		memset(buffer, 0, sizeof(buffer));
		CHECK(pmem2_source_pwrite_at(src, "other bytes", 5, offset, &done) == 0 &&
			done == 5);
		CHECK(pmem2_source_pread_at(src, buffer, 5, offset, &done) == 0 && done == 5 &&
			memcmp(buffer, "other", 5) == 0);
		CHECK(pmem2_source_pread_at(src, buffer, 5, offset, NULL) == 0);
	}
	CHECK(lseek(fd, 0, SEEK_CUR) == 5);
	CHECK(pmem2_source_sync(src) == 0);
	/* Nothing, which is anywhere. */
	CHECK(pmem2_source_pread_at(src, buffer, 0, FILE_SIZE, &done) == 0 && done == 0);
	CHECK(pmem2_source_pwrite_mcsafe(src, buffer, 0, 0) == 0);
	done_with(&src, fd);
}

/* A range that does not fit is not begun, and nothing wraps. */
static void
ranges(void)
{
	static const struct {
		uint64_t offset;
		size_t size;
	} beyond[] = {
		{ 0, FILE_SIZE + 1 }, { FILE_SIZE, 1 }, { FILE_SIZE + 1, 0 }, { FILE_SIZE - 1, 2 },
			{ UINT64_MAX, 1 }, { UINT64_MAX, SIZE_MAX },
		{ UINT64_MAX - 9, 10 }, { SIZE_MAX, 10 }, { 10, SIZE_MAX },
			{ (uint64_t)1 << 63, 1 }, { INT64_MAX, 1 },
	};
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	char buffer[16];
	struct stat stat;
	size_t i, done;

	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		memset(buffer, 0xa5, sizeof(buffer));
		done = 77;
		CHECK(pmem2_source_pread_at(src, buffer, beyond[i].size, beyond[i].offset,
			&done) == PMEM2_E_LENGTH_OUT_OF_RANGE);
		CHECK(done == 0 && is_filled(buffer, sizeof(buffer), 0xa5));
		done = 77;
		CHECK(pmem2_source_pwrite_at(src, buffer, beyond[i].size, beyond[i].offset,
			&done) == PMEM2_E_LENGTH_OUT_OF_RANGE);
		CHECK(done == 0 && SAYS("10001 bytes"));
		if (beyond[i].offset <= SIZE_MAX) {
			size_t offset = (size_t)beyond[i].offset;

			CHECK(pmem2_source_pread_mcsafe(src, buffer, beyond[i].size,
				offset) == PMEM2_E_LENGTH_OUT_OF_RANGE);
			CHECK(pmem2_source_pwrite_mcsafe(src, buffer, beyond[i].size,
				offset) == PMEM2_E_LENGTH_OUT_OF_RANGE);
		}
	}
	CHECK(fstat(fd, &stat) == 0 && stat.st_size == FILE_SIZE);
	/* What was cut off since. */
	CHECK(ftruncate(fd, 100) == 0);
	CHECK(pmem2_source_pread_at(src, buffer, 10, 95, &done) == PMEM2_E_LENGTH_OUT_OF_RANGE &&
		SAYS("100 bytes"));
	done_with(&src, fd);
}

static void
not_writable(void)
{
	int fd = open_file(O_RDONLY);
	struct pmem2_source *src = source_of(fd);
	char buffer[8] = "as it is";

	CHECK(pmem2_source_pwrite_mcsafe(src, buffer, 1, 0) == PMEM2_E_NO_ACCESS &&
		SAYS("read-only"));
	CHECK(pmem2_source_pread_mcsafe(src, buffer, 1, 0) == 0);
	done_with(&src, fd);

	fd = open_file(O_RDWR | O_APPEND);
	src = source_of(fd);
	CHECK(pmem2_source_pwrite_mcsafe(src, buffer, 1, 0) == PMEM2_E_NO_ACCESS &&
		SAYS("O_APPEND"));
	CHECK(pmem2_source_pread_mcsafe(src, buffer, 1, 0) == 0);
	done_with(&src, fd);

	fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	CHECK(fd >= 0 && ftruncate(fd, 100) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	src = source_of(fd);
	CHECK(pmem2_source_pwrite_mcsafe(src, buffer, 1, 0) == -EPERM);
	CHECK(pmem2_source_pread_mcsafe(src, buffer, 1, 0) == 0);
	done_with(&src, fd);

	CHECK(pmem2_source_from_anon(&src, 4096) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, buffer, 1, 0) == PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED);
	CHECK(pmem2_source_pwrite_mcsafe(src, buffer, 1, 0) == PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED);
	CHECK(pmem2_source_sync(src) == PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED);
	CHECK(pmem2_source_delete(&src) == 0);
}

/*
 * Every NULL that is not allowed, misaligned pointers, memory without a source. Outputs are
 * unchanged, except the count of a transfer.
 */
static void
wrong_arguments(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source_storage none;
	struct pmem2_source *src = source_of(fd), *nothing = (struct pmem2_source *)&none;
	size_t two[2], done = 77, *odd = (size_t *)(void *)((char *)two + 1);
	char buffer[16];

	memset(&none, 0xa5, sizeof(none));
	memset(buffer, 0xa5, sizeof(buffer));
	CHECK(pmem2_source_pread_mcsafe(NULL, buffer, 1, 0) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_pwrite_mcsafe(NULL, buffer, 1, 0) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_pread_mcsafe(src, NULL, 1, 0) == -EINVAL && SAYS("buf is NULL"));
	CHECK(pmem2_source_pwrite_mcsafe(src, NULL, 1, 0) == -EINVAL && SAYS("buf is NULL"));
	/* No bytes need no memory. */
	CHECK(pmem2_source_pread_mcsafe(src, NULL, 0, 0) == 0 &&
		pmem2_source_pwrite_mcsafe(src, NULL, 0, 0) == 0);
	CHECK(pmem2_source_pread_mcsafe(nothing, buffer, 1, 0) == -EINVAL && SAYS("not a source"));
	CHECK(pmem2_source_pwrite_mcsafe(nothing, buffer, 1, 0) == -EINVAL && SAYS("not a source"));
	CHECK(pmem2_source_pread_at(NULL, buffer, 1, 0, &done) == -EINVAL && done == 0);
	done = 77;
	CHECK(pmem2_source_pread_at(src, NULL, 1, 0, &done) == -EINVAL && done == 0 &&
		SAYS("buf is NULL"));
	done = 77;
	CHECK(pmem2_source_pwrite_at(nothing, buffer, 1, 0, &done) == -EINVAL && done == 0);
	memset(two, 0xa5, sizeof(two));
	CHECK(pmem2_source_pread_at(src, buffer, 1, 0, odd) == -EINVAL &&
		SAYS("done is not aligned"));
	CHECK(pmem2_source_pwrite_at(src, buffer, 1, 0, odd) == -EINVAL &&
		SAYS("done is not aligned"));
	CHECK(is_filled(two, sizeof(two), 0xa5) && is_filled(buffer, sizeof(buffer), 0xa5));
	CHECK(pmem2_source_sync(NULL) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_sync(nothing) == -EINVAL && SAYS("not a source"));
	done_with(&src, fd);
	/* Closed; another file now. */
	fd = open_file(O_RDWR);
	src = source_of(fd);
	CHECK(dup2(open_file(O_RDWR), fd) == fd);
	CHECK(pmem2_source_pread_at(src, buffer, 1, 0, &done) == PMEM2_E_INVALID_FILE_HANDLE &&
		done == 0 && SAYS("another file"));
	CHECK(pmem2_source_pwrite_at(src, buffer, 1, 0, &done) == PMEM2_E_INVALID_FILE_HANDLE &&
		done == 0);
	CHECK(pmem2_source_sync(src) == PMEM2_E_INVALID_FILE_HANDLE);
	close(fd);
	CHECK(pmem2_source_pread_at(src, buffer, 1, 0, &done) == PMEM2_E_INVALID_FILE_HANDLE &&
		done == 0 && SAYS("not an open"));
	CHECK(pmem2_source_sync(src) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(is_filled(buffer, sizeof(buffer), 0xa5));
	CHECK(pmem2_source_delete(&src) == 0);
}

/* A device DAX, in a child, since the handler stays. */
static int
of_device(void *unused)
{
	struct pmem2_source *src;
	char bytes[10000];
	size_t done = 77;
	int fd;

	(void)unused;
	make_device_dax("1:5", "8388608\n", "4096\n");
	fd = open("/dev/zero", O_RDWR);
	src = source_of(fd);
	memset(bytes, 0xa5, sizeof(bytes));
#ifdef NO_COPY
	CHECK(pmem2_source_pwrite_at(src, bytes, sizeof(bytes), 77, &done) == PMEM2_E_NOSUPP &&
		done == 0);
	CHECK(pmem2_source_pread_at(src, bytes, sizeof(bytes), 77, &done) == PMEM2_E_NOSUPP &&
		done == 0);
	CHECK(pmem2_sigbus_own() == -ENOTSUP && pmem2_sigbus_resume(NULL, NULL) == 0);
#else
	CHECK(pmem2_source_pwrite_at(src, bytes, sizeof(bytes), 77, &done) == 0 &&
		done == sizeof(bytes));
	CHECK(pmem2_source_pread_at(src, bytes, sizeof(bytes), 77, &done) == 0 &&
		done == sizeof(bytes));
	/* Each call maps memory of its own. */
	CHECK(is_filled(bytes, sizeof(bytes), 0));
#endif
	CHECK(pmem2_source_sync(src) == 0);
	done_with(&src, fd);
	return 1;
}

#ifndef UNDER_TOOL
/*
 * Memory of the caller's that is not mapped is -EFAULT, never a bad block. The bytes before it are
 * transferred.
 */
static void
bad_buffers(void)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	char *two = mmap(NULL, (size_t)(2 * page), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t done = 77;

	CHECK(two != MAP_FAILED && munmap(two + page, (size_t)page) == 0);
	CHECK(pmem2_source_pread_at(src, two + page, 10, 0, &done) == -EFAULT && done == 0 &&
		SAYS("the buffer's memory"));
	CHECK(pmem2_source_pwrite_at(src, two + page, 10, 0, &done) == -EFAULT && done == 0);
	CHECK(pmem2_source_pread_mcsafe(src, two + page - 5, 10, 0) == -EFAULT);
	CHECK(pmem2_source_pread_at(src, two + page - 5, 10, 0, &done) == -EFAULT && done <= 5);
	/* Not to be written to; read it can be. */
	CHECK(mprotect(two, (size_t)page, PROT_READ) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, two, 10, 0) == -EFAULT);
	CHECK(pmem2_source_pwrite_mcsafe(src, two, 10, 0) == 0);
	CHECK(munmap(two, (size_t)page) == 0);
	done_with(&src, fd);
}

struct transfer {
	struct pmem2_source *src;
	int code;
	const char *word;
};

static int
reads(void *argument)
{
	const struct transfer *transfer = argument;
	size_t done = 77;
	char buffer[100];

	return pmem2_source_pread_at(transfer->src, buffer, sizeof(buffer), 1000,
		&done) == transfer->code && done == 0 &&
		SAYS(transfer->word) && pmem2_source_pread_mcsafe(transfer->src, buffer, 1,
			0) == transfer->code;
}

static int
writes(void *argument)
{
	const struct transfer *transfer = argument;
	size_t done = 77;
	char buffer[100] = "";

	return pmem2_source_pwrite_at(transfer->src, buffer, sizeof(buffer), 1000,
		&done) == transfer->code && done == 0 &&
		SAYS(transfer->word) && pmem2_source_pwrite_mcsafe(transfer->src, buffer, 1,
			0) == transfer->code;
}

static int
syncs(void *argument)
{
	const struct transfer *transfer = argument;

	return pmem2_source_sync(transfer->src) == transfer->code && SAYS(transfer->word);
}

/* A transfer ends at the limit for files. */
static int
is_limited(void *argument)
{
	const struct transfer *transfer = argument;
	struct rlimit limit = { 1000, 1000 };
	char buffer[100] = "";
	size_t done = 77;

	signal(SIGXFSZ, SIG_IGN);
	return setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
		pmem2_source_pwrite_at(transfer->src, buffer, sizeof(buffer), 960,
			&done) == -EFBIG && done == 40 && SAYS("EFBIG") &&
		pmem2_source_pwrite_at(transfer->src, buffer, sizeof(buffer), 900, &done) == 0;
}

/* Failures of the system: errors of the medium have one code, others keep theirs. */
static void
failures(void)
{
	int fd = open_file(O_RDWR);
	struct transfer transfer = { source_of(fd), PMEM2_E_IO_FAIL,
		"bad memory, or a bad disk: the first bad byte" };

	CHECK(child_under(SYS_pread64, EIO, reads, &transfer));
	CHECK(child_under(SYS_pwrite64, EIO, writes, &transfer));
	transfer.code = -ENXIO;
	transfer.word = "ENXIO";
	CHECK(child_under(SYS_pread64, ENXIO, reads, &transfer));
	transfer.code = -ENOSPC;
	transfer.word = "ENOSPC";
	CHECK(child_under(SYS_pwrite64, ENOSPC, writes, &transfer));
	CHECK(child_under(SYS_fdatasync, ENOSPC, syncs, &transfer));
	transfer.code = PMEM2_E_IO_FAIL;
	transfer.word = "";
	CHECK(child_under(SYS_fdatasync, EIO, syncs, &transfer));
	CHECK(child_under(0, 0, is_limited, &transfer));
	done_with(&transfer.src, fd);
}
#endif

/* errno is the program's. */
static void
errno_stays(void)
{
	int fd = open_file(O_RDONLY);
	struct pmem2_source *src = source_of(fd);
	struct pmem2_badblock_context *bbctx;
	char byte;

	errno = 12345;
	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, 0) == 0 && errno == 12345);
	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, FILE_SIZE) < 0 && errno == 12345);
	CHECK(pmem2_source_pwrite_mcsafe(src, &byte, 1, 0) < 0 && errno == 12345);
	CHECK(pmem2_badblock_context_new(&bbctx, src) < 0 && errno == 12345);
	done_with(&src, fd);
}

#include "badblocks_contexts.h"
#include "badblocks.h"
#if !defined(UNDER_TOOL) && !defined(NO_COPY)
#include "sigbus.h"
#endif

int
main(void)
{
	enter_world();
	transfers();
	ranges();
	not_writable();
	wrong_arguments();
	CHECK(child_under(0, 0, of_device, NULL));
#ifndef UNDER_TOOL
	bad_buffers();
	failures();
#endif
	errno_stays();
#if !defined(UNDER_TOOL) && !defined(NO_COPY)
	signals();
#endif
	contexts();
	lists();
	leave_world();
	printf("transfer, badblocks: %d checks\n", checks);
	return 0;
}
