/*
 * Eight threads that make and delete sources, fail each in its own way and read their message, and
 * ask one source.
 */

#define _GNU_SOURCE
#include <libpmem2.h>

#include <pthread.h>
#include <sys/socket.h>

#include "world.h"

#define THREADS 8

/* Fewer under valgrind. */
static int rounds = 20000;

static struct pmem2_source *shared;
static int good;

static struct way {
	int fd;
	int code;
	const char *word;
} ways[THREADS];

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			printf("FAILED: line %d: %s (%s)\n",                                    \
				__LINE__, #condition, pmem2_errormsg());                        \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

static void *
run(void *argument)
{
	const struct way *way = argument;
	struct pmem2_source_storage storage;
	char mine = (char)(way - ways), bytes[8];
	int round, i;

	CHECK(strcmp(pmem2_errormsg(), "no call of this thread has failed") == 0);
	for (round = 0; round < rounds; round++) {
		struct pmem2_source *src, *own;
		enum pmem2_granularity granularity = PMEM2_GRANULARITY_BYTE;
		size_t size = 0;

		CHECK(pmem2_source_from_fd(&src, good) == 0);
		CHECK(pmem2_source_init_fd(&storage, &own, good) == 0);
		CHECK(pmem2_source_size(shared, &size) == 0 && size == FILE_SIZE);
		CHECK(pmem2_source_expected_granularity(shared, PMEM2_SHARED, &granularity) == 0);
		CHECK(granularity == PMEM2_GRANULARITY_PAGE);
		/* Each thread has bytes of its own. */
		memset(bytes, mine, sizeof(bytes));
		CHECK(pmem2_source_pwrite_mcsafe(shared, bytes, sizeof(bytes),
			8 * (size_t)mine) == 0);
		memset(bytes, 0x7f, sizeof(bytes));
		CHECK(pmem2_source_pread_mcsafe(shared, bytes, sizeof(bytes),
			8 * (size_t)mine) == 0);
		for (i = 0; i < 8; i++)
			CHECK(bytes[i] == mine);
		CHECK(pmem2_source_delete(&own) == 0 && own == NULL);
		CHECK(pmem2_source_from_fd(&own, way->fd) == way->code && own == NULL);
		CHECK(strstr(pmem2_errormsg(), way->word) != NULL);
		CHECK(pmem2_source_size(src, &size) == 0 && size == FILE_SIZE);
		CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		CHECK(strstr(pmem2_errormsg(), way->word) != NULL);
	}
	return NULL;
}

static void
set(int thread, int fd, int code, const char *word)
{
	ways[thread].fd = fd;
	ways[thread].code = code;
	ways[thread].word = word;
}

int
main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int ends[2], i;

	if (argc > 1)
		rounds = atoi(argv[1]);
	enter_world();
	good = open_file(O_RDWR);
	if (pipe(ends) != 0)
		die("pipe");
	set(0, -1, PMEM2_E_INVALID_FILE_HANDLE, "not an open file descriptor");
	set(1, open_file(O_WRONLY), PMEM2_E_INVALID_FILE_HANDLE, "write-only");
	set(2, open_file(O_PATH), PMEM2_E_INVALID_FILE_HANDLE, "O_PATH");
	set(3, open_file(3), PMEM2_E_INVALID_FILE_HANDLE, "access mode 3");
	set(4, open(directory, O_RDONLY), PMEM2_E_INVALID_FILE_TYPE, "a directory");
	set(5, ends[0], PMEM2_E_INVALID_FILE_TYPE, "a pipe");
	set(6, socket(AF_UNIX, SOCK_STREAM, 0), PMEM2_E_INVALID_FILE_TYPE, "a socket");
	set(7, open("/dev/null", O_RDONLY), PMEM2_E_INVALID_FILE_TYPE, "a character device");
	CHECK(pmem2_source_from_fd(&shared, good) == 0);
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, run, &ways[i]) == 0);
	for (i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(strcmp(pmem2_errormsg(), "no call of this thread has failed") == 0);
	CHECK(pmem2_source_delete(&shared) == 0);
	leave_world();
	printf("%d threads, %d rounds each\n", THREADS, rounds);
	return 0;
}
