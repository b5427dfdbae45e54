/*
 * The C functions over the made-up machine of export/: a pool of four, no heap, regions instead of
 * files.
 */

#include <errno.h>
#include <libpmem2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef MESSAGES
#include <pthread.h>
#endif

void machine_replace(unsigned char index);

/* The message of the main thread. */
static
#ifdef MESSAGES
_Thread_local
#endif
int checks;

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		checks++;                                                                       \
		if (!(condition)) {                                                             \
			printf("FAILED: line %d: %s (%s)\n",                                    \
				__LINE__, #condition, pmem2_errormsg());                        \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

#define POOL 4

#ifdef MESSAGES
/* Message::SIZE. */
static _Thread_local char message[448];

void *message_of_thread(void);

void *
message_of_thread(void)
{
	return message;
}

static void *
fails(void *argument)
{
	struct pmem2_source *src;
	int i;

	(void)argument;
	for (i = 0; i < 100000; i++) {
		CHECK(pmem2_source_from_fd(&src, 3) == PMEM2_E_INVALID_FILE_TYPE);
		CHECK(strstr(pmem2_errormsg(), "a block device") != NULL);
	}
	return NULL;
}

static void
messages(void)
{
	struct pmem2_source *src;
	pthread_t thread;
	int i;

	CHECK(pthread_create(&thread, NULL, fails, NULL) == 0);
	for (i = 0; i < 100000; i++) {
		CHECK(pmem2_source_from_fd(&src, 2) == PMEM2_E_INVALID_FILE_HANDLE);
		CHECK(strstr(pmem2_errormsg(), "write-only") != NULL);
	}
	CHECK(pthread_join(thread, NULL) == 0);
}
#endif

/* Unknown facts: outputs are unchanged. */
static void
nowhere(const struct pmem2_source *src)
{
	int node = 77;
	uint64_t usc = 77;
	size_t len = 77;
	char id[8] = "as it is";

	CHECK(pmem2_source_numa_node(src, &node) == PMEM2_E_NOSUPP && node == 77);
	CHECK(strstr(pmem2_errormsg(), "the NUMA node cannot be determined") != NULL);
	CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP && usc == 77);
	CHECK(strstr(pmem2_errormsg(),
		"the count of unsafe shutdowns cannot be determined") != NULL);
	CHECK(pmem2_source_device_id(src, NULL, &len) == PMEM2_E_NOSUPP && len == 77);
	CHECK(strstr(pmem2_errormsg(), "the device id cannot be determined") != NULL);
	len = sizeof(id);
	CHECK(pmem2_source_device_id(src, id, &len) == PMEM2_E_NOSUPP && len == sizeof(id) &&
		memcmp(id, "as it is", 8) == 0);
}

/* A platform without transfers and bad blocks. */
static void
no_health(struct pmem2_source *src, int code)
{
	static struct pmem2_badblock_storage storage;
	struct pmem2_badblock_context *bbctx = (struct pmem2_badblock_context *)&bbctx;
	char byte = 'b';
	size_t done = 77;

	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, 0) == code && byte == 'b');
	CHECK(pmem2_source_pwrite_mcsafe(src, &byte, 1, 0) == code);
	CHECK(pmem2_source_pread_at(src, &byte, 1, 0, &done) == code && done == 0);
	CHECK(pmem2_source_sync(src) == code);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == PMEM2_E_NOSUPP && bbctx == NULL);
	bbctx = (struct pmem2_badblock_context *)&bbctx;
	CHECK(pmem2_badblock_context_init(&storage, &bbctx, src) == PMEM2_E_NOSUPP &&
		bbctx == NULL);
	pmem2_badblock_context_delete(&bbctx);
	bbctx = (struct pmem2_badblock_context *)(void *)&storage;
	CHECK(pmem2_badblock_clear(bbctx, NULL) == -EINVAL &&
		pmem2_badblock_next(bbctx, NULL) == -EINVAL);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL);
}

static void
answers(void)
{
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_PAGE;
	struct pmem2_source *src;
	size_t output = 77;
	int number = 77;
	char text[PMEM2_DESCRIPTION_SIZE];

	CHECK(pmem2_source_from_fd(&src, 0) == 0);
	CHECK(pmem2_source_size(src, &output) == 0 && output == 1 << 30);
	CHECK(pmem2_source_alignment(src, &output) == 0 && output == 2 << 20);
	CHECK(pmem2_source_get_fd(src, &number) == 0 && number == 0);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
	CHECK(strstr(text, "region 0, generation 1") != NULL && strstr(text, "device DAX") != NULL);
	CHECK(strstr(text, "unknown: ") != NULL && strstr(text, "EIO") != NULL);

	/* A platform that knows no places. */
	nowhere(src);
	no_health(src, PMEM2_E_NOSUPP);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == PMEM2_E_NOSUPP);
	CHECK(pmem2_source_expected_granularity_reason(src, PMEM2_SHARED, text,
		sizeof(text)) == PMEM2_E_NOSUPP);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_PRIVATE,
		&granularity) == PMEM2_E_SRC_DEVDAX_PRIVATE);
	CHECK(granularity == PMEM2_GRANULARITY_PAGE);

	/* Another region in its place. */
	machine_replace(0);
	output = 77;
	CHECK(pmem2_source_size(src, &output) == PMEM2_E_INVALID_FILE_HANDLE && output == 77);
	CHECK(pmem2_source_alignment(src, &output) == PMEM2_E_INVALID_FILE_HANDLE && output == 77);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_delete(&src) == 0 && src == NULL);

	CHECK(pmem2_source_from_fd(&src, 4) == 0);
	CHECK(pmem2_source_size(src, &output) == PMEM2_E_INVALID_SIZE_FORMAT && output == 77);
	CHECK(pmem2_source_delete(&src) == 0);

	CHECK(pmem2_source_from_anon(&src, 99) == 0);
	CHECK(pmem2_source_size(src, &output) == 0 && output == 99);
	CHECK(pmem2_source_alignment(src, &output) == 0 && output == 16384);
	CHECK(pmem2_source_get_fd(src, &number) == PMEM2_E_FILE_DESCRIPTOR_NOT_SET);
	nowhere(src);
	no_health(src, PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == 0);
	CHECK(granularity == PMEM2_GRANULARITY_BYTE);
	CHECK(pmem2_source_delete(&src) == 0);
}

static void
refusals(void)
{
	struct pmem2_source *src = NULL;

	CHECK(pmem2_source_from_fd(&src, 2) == PMEM2_E_INVALID_FILE_HANDLE && src == NULL);
	CHECK(strstr(pmem2_errormsg(), "write-only") != NULL);
	CHECK(pmem2_source_from_fd(&src, 3) == PMEM2_E_INVALID_FILE_TYPE);
	/* No region there; no such region; no number that a region can have. */
	CHECK(pmem2_source_from_fd(&src, 5) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(&src, 6) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(&src, 256) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(&src, -1) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_from_fd(NULL, 1) == -EINVAL);
}

/* Four sources and no fifth, whichever is given back; the caller's memory is not counted. */
static void
pool(void)
{
	struct pmem2_source *src[POOL], *more;
	struct pmem2_source_storage storage;
	size_t size;
	int i, round;

	for (i = 0; i < POOL; i++)
		CHECK(pmem2_source_from_anon(&src[i], (size_t)i) == 0);
	for (round = 0; round < 100; round++) {
		CHECK(pmem2_source_from_fd(&more, 1) == -ENOMEM && more == NULL);
		CHECK(strstr(pmem2_errormsg(), "all 4 of the library's slots") != NULL);
		CHECK(strstr(pmem2_errormsg(), "(pmem2_source_init_fd)") != NULL);
		CHECK(pmem2_source_from_anon(&more, 1) == -ENOMEM && more == NULL);
		CHECK(strstr(pmem2_errormsg(), "(pmem2_source_init_anon)") != NULL);
		CHECK(pmem2_source_init_fd(&storage, &more, 1) == 0);
		CHECK(pmem2_source_size(more, &size) == 0 && size == 12345);
		CHECK(pmem2_source_delete(&more) == 0);
		/* None was taken or given back by that. */
		CHECK(pmem2_source_from_anon(&more, 1) == -ENOMEM);

		i = (round * 7) % POOL;
		CHECK(pmem2_source_delete(&src[i]) == 0 && src[i] == NULL);
		CHECK(pmem2_source_from_anon(&src[i], (size_t)i) == 0);
		for (i = 0; i < POOL; i++)
			CHECK(pmem2_source_size(src[i], &size) == 0 && size == (size_t)i);
	}
	for (i = 0; i < POOL; i++)
		CHECK(pmem2_source_delete(&src[i]) == 0);
}

int
main(void)
{
#ifndef MESSAGES
	CHECK(strcmp(pmem2_errormsg(), "no call of this thread has failed") == 0);
#endif
	answers();
	refusals();
	pool();
#ifdef MESSAGES
	messages();
#endif
	CHECK(pmem2_err_to_errno(PMEM2_E_NOSUPP) == ENOTSUP);
	printf("export: %d checks\n", checks);
	return 0;
}
