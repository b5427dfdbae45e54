/* A program in C on the invented unikernel: the image's main, which a host runs here. */

#include <errno.h>
#include <libpmem2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ 1
#define WRITE 2

int kernel_open(const char *name, unsigned int mode);
int kernel_close(int fd);
int kernel_resize(int fd, uint64_t bytes);
int kernel_spoil(int fd, unsigned int page);
int kernel_check(void);

static int checks;

#define CHECK(condition) \
	do { \
		checks++; \
		if (!(condition)) { \
			printf("FAILED: line %d: %s (%s)\n", __LINE__, #condition, pmem2_errormsg()); \
			exit(1); \
		} \
	} while (0)

/* A bank: size, alignment, place. */
static void
bank(void)
{
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_PAGE;
	struct pmem2_source *src;
	char id[64] = "untouched", text[PMEM2_DESCRIPTION_SIZE];
	size_t size, alignment, length = 0;
	uint64_t usc;
	int number, node = 77, fd = kernel_open("/bank0", READ | WRITE);

	CHECK(fd == 0);
	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_get_fd(src, &number) == 0 && number == fd);
	CHECK(pmem2_source_size(src, &size) == 0 && size == 1 << 30);
	CHECK(pmem2_source_alignment(src, &alignment) == 0 && alignment == 2 << 20);
	CHECK(pmem2_source_numa_node(src, &node) == 0 && node == 1);
	CHECK(pmem2_source_device_id(src, NULL, &length) == 0 && length == 27);
	length--;
	CHECK(pmem2_source_device_id(src, id, &length) == PMEM2_E_BUFFER_TOO_SMALL);
	CHECK(strcmp(id, "untouched") == 0);
	length++;
	CHECK(pmem2_source_device_id(src, id, &length) == 0);
	CHECK(strcmp(id, "ac1d-00000017ac1d-0000002a") == 0);
	CHECK(pmem2_source_device_usc(src, &usc) == 0 && usc == 3);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == 0);
	CHECK(granularity == PMEM2_GRANULARITY_CACHE_LINE);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0 && strstr(text, "inode 5") != NULL);

	/* Closed, and then another bank with the same number. */
	CHECK(kernel_close(fd) == 0 && kernel_close(fd) == -1);
	size = 77;
	CHECK(pmem2_source_size(src, &size) == PMEM2_E_INVALID_FILE_HANDLE && size == 77);
	CHECK(kernel_open("/bank1", READ) == fd);
	CHECK(pmem2_source_size(src, &size) == PMEM2_E_INVALID_FILE_HANDLE && size == 77);
	CHECK(pmem2_source_numa_node(src, &node) == PMEM2_E_INVALID_FILE_HANDLE && node == 1);
	CHECK(pmem2_source_delete(&src) == 0 && src == NULL);

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_size(src, &size) == 0 && size == 64 << 20);
	CHECK(pmem2_source_numa_node(src, &node) == 0 && node == -1);
	CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP && usc == 3);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(kernel_close(fd) == 0);
}

/* A file in memory, which grows and lies on no bank. */
static void
file(void)
{
	struct pmem2_source *src;
	size_t size;
	int node = 77, fd = kernel_open("/ram/log", READ | WRITE);

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_size(src, &size) == 0 && size == 10000);
	CHECK(kernel_resize(fd, 20000) == 0);
	CHECK(pmem2_source_size(src, &size) == 0 && size == 20000);
	CHECK(kernel_resize(fd, 10000) == 0);
	CHECK(pmem2_source_numa_node(src, &node) == PMEM2_E_DAX_REGION_NOT_FOUND && node == 77);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(kernel_close(fd) == 0);
}

/* Reading and writing, and a page that goes bad. */
static void
health(void)
{
	struct pmem2_badblock_context *bbctx;
	struct pmem2_badblock_storage storage;
	struct pmem2_badblock bb = {77, 77};
	struct pmem2_source *src;
	char text[] = "written in C", read[64];
	int fd = kernel_open("/ram/log", READ | WRITE);

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_pwrite_mcsafe(src, text, sizeof(text), 4090) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, read, sizeof(text), 4090) == 0 && strcmp(read, text) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, read, 1, 10000) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_source_pread_mcsafe(src, read, 2, SIZE_MAX) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_badblock_context_init(&storage, &bbctx, src) == 0);
	CHECK(pmem2_badblock_next(bbctx, &bb) == PMEM2_E_NO_BAD_BLOCK_FOUND && bb.offset == 77);

	CHECK(kernel_spoil(fd, 1) == 0 && kernel_spoil(fd, 2) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, read, 6, 4090) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, read, sizeof(text), 4090) == PMEM2_E_IO_FAIL);
	printf("/ram/log: %s\n", pmem2_errormsg());
	CHECK(pmem2_source_pwrite_mcsafe(src, text, sizeof(text), 4096) == PMEM2_E_IO_FAIL);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL);
	CHECK(pmem2_badblock_context_init(&storage, &bbctx, src) == 0);
	CHECK(pmem2_badblock_next(bbctx, &bb) == 0 && bb.offset == 4096 && bb.length == 10000 - 4096);
	CHECK(pmem2_badblock_next(bbctx, &bb) == PMEM2_E_NO_BAD_BLOCK_FOUND && bb.offset == 4096);

	/* Good bytes stay, and bad ones become zeros. */
	bb.offset = 0;
	CHECK(pmem2_badblock_clear(bbctx, &bb) == PMEM2_E_NO_BAD_BLOCK_FOUND);
	bb.offset = 4096;
	CHECK(pmem2_badblock_clear_by_device(bbctx, &bb) == PMEM2_E_NOSUPP);
	/* A part of a page: unreadable bytes beside it are given up, as in libpmem2. */
	CHECK(pmem2_badblock_clear(bbctx, &(struct pmem2_badblock){9000, 10}) == 0);
	CHECK(pmem2_badblock_clear(bbctx, &bb) == PMEM2_E_NO_BAD_BLOCK_FOUND);
	bb.length = 4096;
	CHECK(pmem2_badblock_clear(bbctx, &bb) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, read, sizeof(text), 4090) == 0);
	CHECK(memcmp(read, text, 6) == 0 && memcmp(read + 6, "\0\0\0\0\0\0", 6) == 0);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(kernel_close(fd) == 0);

	/* Read-only; and a bank, which the program maps. */
	fd = kernel_open("/bank0/data", READ);
	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, read, 64, 0) == 0);
	CHECK(pmem2_source_pwrite_mcsafe(src, read, 64, 0) == PMEM2_E_NO_ACCESS);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(kernel_close(fd) == 0);
	fd = kernel_open("/bank0", READ | WRITE);
	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, read, 64, 0) == PMEM2_E_NOSUPP);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(kernel_close(fd) == 0);
}

static void
refused(const char *name, unsigned int mode, int code)
{
	struct pmem2_source *src = NULL;
	int fd = kernel_open(name, mode);

	CHECK(fd >= 0);
	CHECK(pmem2_source_from_fd(&src, fd) == code && src == NULL);
	printf("%s: %s\n", name, pmem2_errormsg());
	CHECK(kernel_close(fd) == 0);
}

/* Three sources and no fourth. */
static void
pool(void)
{
	struct pmem2_source *src[3], *more;
	struct pmem2_source_storage storage;
	int i, fd = kernel_open("/bank1", READ);

	for (i = 0; i < 3; i++)
		CHECK(pmem2_source_from_fd(&src[i], fd) == 0);
	CHECK(pmem2_source_from_fd(&more, fd) == -ENOMEM && more == NULL);
	CHECK(pmem2_source_init_fd(&storage, &more, fd) == 0);
	CHECK(pmem2_source_delete(&more) == 0);
	CHECK(pmem2_source_delete(&src[1]) == 0);
	CHECK(pmem2_source_from_fd(&src[1], fd) == 0);
	for (i = 0; i < 3; i++)
		CHECK(pmem2_source_delete(&src[i]) == 0);
	CHECK(kernel_close(fd) == 0);
}

int
main(void)
{
	struct pmem2_source *src;

	CHECK(kernel_check() == 0);
	bank();
	file();
	health();
	refused("/", READ, PMEM2_E_INVALID_FILE_TYPE);
	refused("/console", READ | WRITE, PMEM2_E_INVALID_FILE_TYPE);
	refused("/queue", READ, PMEM2_E_INVALID_FILE_TYPE);
	refused("/bank0", WRITE, PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(&src, 0) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(&src, 8) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(&src, 1 << 20) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(&src, -1) == PMEM2_E_INVALID_FILE_HANDLE);
	pool();
	CHECK(kernel_check() == 0);
	printf("unikernel: %d checks\n", checks);
	return 0;
}
