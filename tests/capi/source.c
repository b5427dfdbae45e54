/*
 * Sources, beyond the manual pages of libpmem2: in the caller's memory, descriptions, the
 * granularity to expect, NULL, messages, errno, system calls.
 */

#define _GNU_SOURCE
/* No gap and no helper in the header, not for this warning either. */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include <libpmem2.h>
#pragma GCC diagnostic pop

#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "memory.h"
#include "sysfs.h"
#include "world.h"

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		checks++;                                                                       \
		if (!(condition)) {                                                             \
			printf("FAILED: line %d: %s (%s)\n",                                    \
				__LINE__, #condition, pmem2_errormsg());                        \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

static int checks;
static struct pmem2_source_storage in_static;

static int
is_filled(const void *memory, size_t size)
{
	const unsigned char *byte = memory;

	while (size > 0 && byte[size - 1] == 0xa5)
		size--;
	return size == 0;
}

#include "source_wrong.h"
#include "granularity.h"

/* Storage that is a variable, an element, a member, static, malloc's; without a heap. */
static void
storage(void)
{
	int fd = open_file(O_RDWR), answer;
	struct pmem2_source_storage variable, elements[3];
	struct {
		char byte;
		struct pmem2_source_storage member;
	} holder;
	struct pmem2_source_storage *heap = malloc(sizeof(*heap));
	struct pmem2_source_storage *places[] = { &variable, &elements[1], &holder.member,
		&in_static, heap };
	size_t i, size, alignment;
	long before;

	CHECK(heap != NULL);
	before = allocated;
	malloc_fails = 1;
	memset(elements, 0xa5, sizeof(elements));
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct pmem2_source *src = NULL;
		int again;

		for (again = 0; again < 2; again++) {
			CHECK(pmem2_source_init_fd(places[i], &src, fd) == 0);
			CHECK((void *)src == (void *)places[i]);
			CHECK(pmem2_source_size(src, &size) == 0 && size == FILE_SIZE);
			CHECK(pmem2_source_alignment(src, &alignment) == 0 &&
				alignment == (size_t)sysconf(_SC_PAGESIZE));
			CHECK(pmem2_source_get_fd(src, &answer) == 0 && answer == fd);
			CHECK(pmem2_source_delete(&src) == 0 && src == NULL);

			CHECK(pmem2_source_init_anon(places[i], &src, 4321) == 0);
			CHECK((void *)src == (void *)places[i]);
			CHECK(pmem2_source_size(src, &size) == 0 && size == 4321);
			CHECK(pmem2_source_get_fd(src, &answer) == PMEM2_E_FILE_DESCRIPTOR_NOT_SET);
			CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		}
	}
	malloc_fails = 0;
	CHECK(allocated == before);
	CHECK(is_filled(&elements[0], sizeof(elements[0])) &&
		is_filled(&elements[2], sizeof(elements[2])));
	free(heap);
	close(fd);
}

static void
storage_on_failure(void)
{
	struct pmem2_source_storage storage;
	struct pmem2_source *src = (struct pmem2_source *)&src;
	int fd = open_file(O_WRONLY);

	memset(&storage, 0xa5, sizeof(storage));
	CHECK(pmem2_source_init_fd(&storage, &src, fd) == PMEM2_E_INVALID_FILE_HANDLE &&
		src == NULL);
	src = (struct pmem2_source *)&src;
	CHECK(pmem2_source_init_fd(NULL, &src, fd) == -EINVAL && src == NULL);
	CHECK(strstr(pmem2_errormsg(), "storage is NULL") != NULL);
	src = (struct pmem2_source *)&src;
	CHECK(pmem2_source_init_anon(NULL, &src, 1) == -EINVAL && src == NULL);
	CHECK(pmem2_source_init_fd(&storage, NULL, fd) == -EINVAL);
	CHECK(strstr(pmem2_errormsg(), "src is NULL") != NULL);
	CHECK(pmem2_source_init_anon(&storage, NULL, 1) == -EINVAL);
	src = (struct pmem2_source *)&src;
	CHECK(pmem2_source_init_anon((void *)((char *)&storage + 4), &src, 1) == -EINVAL &&
		src == NULL);
	CHECK(strstr(pmem2_errormsg(), "not aligned") != NULL);
	CHECK(is_filled(&storage, sizeof(storage)));
	close(fd);
}

/* Every NULL that is not allowed, with the message that it gets; the outputs stay. */
static void
nulls(void)
{
	struct pmem2_source *src;
	size_t output = 77;
	uint64_t usc = 77;
	int number = 77;
	char buffer[8] = "as it is";
	int fd = open_file(O_RDWR);

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_from_fd(NULL, 0) == -EINVAL &&
		strstr(pmem2_errormsg(), "src is NULL") != NULL);
	CHECK(pmem2_source_from_anon(NULL, 0) == -EINVAL);
	CHECK(pmem2_source_get_fd(NULL, &number) == -EINVAL && number == 77);
	CHECK(pmem2_source_get_fd(src, NULL) == -EINVAL &&
		strstr(pmem2_errormsg(), "fd is NULL") != NULL);
	CHECK(pmem2_source_size(NULL, &output) == -EINVAL && output == 77);
	CHECK(pmem2_source_size(src, NULL) == -EINVAL &&
		strstr(pmem2_errormsg(), "size is NULL") != NULL);
	CHECK(pmem2_source_alignment(NULL, &output) == -EINVAL && output == 77);
	CHECK(pmem2_source_alignment(src, NULL) == -EINVAL &&
		strstr(pmem2_errormsg(), "alignment is NULL") != NULL);
	CHECK(pmem2_source_numa_node(NULL, &number) == -EINVAL && number == 77);
	CHECK(pmem2_source_numa_node(src, NULL) == -EINVAL &&
		strstr(pmem2_errormsg(), "numa_node is NULL") != NULL);
	CHECK(pmem2_source_target_node(NULL, &number) == -EINVAL && number == 77);
	CHECK(pmem2_source_target_node(src, NULL) == -EINVAL &&
		strstr(pmem2_errormsg(), "target_node is NULL") != NULL);
	CHECK(pmem2_source_device_usc(NULL, &usc) == -EINVAL && usc == 77);
	CHECK(pmem2_source_device_usc(src, NULL) == -EINVAL &&
		strstr(pmem2_errormsg(), "usc is NULL") != NULL);
	CHECK(pmem2_source_device_id(NULL, NULL, &output) == -EINVAL && output == 77);
	CHECK(pmem2_source_device_id(NULL, buffer, &output) == -EINVAL && output == 77 &&
		memcmp(buffer, "as it is", 8) == 0);
	CHECK(pmem2_source_device_id(src, NULL, NULL) == -EINVAL &&
		strstr(pmem2_errormsg(), "len is NULL") != NULL);
	CHECK(pmem2_source_device_id(src, buffer, NULL) == -EINVAL &&
		memcmp(buffer, "as it is", 8) == 0);
	CHECK(pmem2_source_describe(NULL, buffer, sizeof(buffer)) == -EINVAL &&
		memcmp(buffer, "as it is", 8) == 0);
	CHECK(pmem2_source_describe(src, NULL, 0) == -EINVAL &&
		strstr(pmem2_errormsg(), "buf is NULL") != NULL);
	CHECK(pmem2_source_delete(NULL) == 0);
	pmem2_source_delete(&src);
	close(fd);
}

static void
descriptions(void)
{
	int fd = open_file(O_RDWR), i;
	struct pmem2_source *sources[2];
	char exact[PMEM2_DESCRIPTION_SIZE], buffer[PMEM2_DESCRIPTION_SIZE], needed[64], size[64];
	size_t length, len;

	CHECK(pmem2_source_from_fd(&sources[0], fd) == 0 &&
		pmem2_source_from_anon(&sources[1], SIZE_MAX) == 0);
	for (i = 0; i < 2; i++) {
		CHECK(pmem2_source_describe(sources[i], exact, sizeof(exact)) == 0);
		length = strlen(exact);
		CHECK(strstr(exact, i == 0 ? "regular file" : "anonymous memory") != NULL);
		snprintf(size, sizeof(size), "%zu bytes", i == 0 ? (size_t)FILE_SIZE : SIZE_MAX);
		CHECK(strstr(exact, size) != NULL);
		/* Every length that is too short, and the shortest that is not. */
		for (len = 0; len <= length; len++) {
			memset(buffer, 0xa5, sizeof(buffer));
			CHECK(pmem2_source_describe(sources[i], buffer,
				len) == PMEM2_E_BUFFER_TOO_SMALL);
			CHECK(is_filled(buffer, sizeof(buffer)));
		}
		snprintf(needed, sizeof(needed), "%zu are needed", length + 1);
		CHECK(strstr(pmem2_errormsg(), needed) != NULL);
		memset(buffer, 0xa5, sizeof(buffer));
		CHECK(pmem2_source_describe(sources[i], buffer, length + 1) == 0 &&
			strcmp(buffer, exact) == 0);
		CHECK(is_filled(buffer + length + 1, sizeof(buffer) - length - 1));
	}
	/* Another file now, and then none. */
	memset(buffer, 0xa5, sizeof(buffer));
	CHECK(dup2(open_file(O_RDWR), fd) == fd);
	CHECK(pmem2_source_describe(sources[0], buffer,
		sizeof(buffer)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(strstr(pmem2_errormsg(), "another file") != NULL);
	close(fd);
	CHECK(pmem2_source_describe(sources[0], buffer,
		sizeof(buffer)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(strstr(pmem2_errormsg(), "not an open file descriptor") != NULL);
	CHECK(is_filled(buffer, sizeof(buffer)));
	CHECK(pmem2_source_delete(&sources[0]) == 0 && pmem2_source_delete(&sources[1]) == 0);
}

/*
 * A device DAX whose facts in sysfs are malformed or missing: a description is made all the same.
 */
static void
descriptions_of_a_bad_device(void)
{
	char text[PMEM2_DESCRIPTION_SIZE];
	struct pmem2_source *src;
	size_t output = 77;
	int fd, missing;

	for (missing = 0; missing < 2; missing++) {
		make_sysfs("much\n", "3000\n");
		fd = open("/dev/null", O_RDWR);
		CHECK(fd >= 0 && pmem2_source_from_fd(&src, fd) == 0);
		if (missing)
			CHECK(unlink("/sys/dev/char/1:3/size") == 0 &&
				unlink("/sys/dev/char/1:3/align") == 0);
		CHECK(pmem2_source_size(src, &output) == (missing ? -ENOENT :
			PMEM2_E_INVALID_SIZE_FORMAT));
		CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
		/* The size is the reason of the refusal, which is said once. */
		CHECK(strncmp(text, "refused: ", 9) == 0 && strstr(text, "device DAX") != NULL);
		CHECK(strstr(text, "size             unknown\n") != NULL);
		CHECK(strstr(text, "alignment        unknown: ") != NULL);
		CHECK(strstr(text, missing ? "ENOENT" : "PMEM2_E_INVALID_SIZE_FORMAT") != NULL);
		CHECK(pmem2_source_delete(&src) == 0);
		close(fd);
		unmake_sysfs();
	}
}

static void
codes(void)
{
	int error;

	for (error = PMEM2_E_UNKNOWN; error >= PMEM2_E_IO_FAIL; error--)
		CHECK(pmem2_err_to_errno(error) == (error == PMEM2_E_NOSUPP ? ENOTSUP : EINVAL));
	for (error = 0; error < 4096; error++)
		CHECK(pmem2_err_to_errno(-error) == error);
	/* No error of this library's, and no errno. */
	CHECK(pmem2_err_to_errno(-4096) == EINVAL && pmem2_err_to_errno(-99999) == EINVAL);
	CHECK(pmem2_err_to_errno(PMEM2_E_IO_FAIL - 1) == EINVAL && pmem2_err_to_errno(1) == EINVAL);
}

/* With a format of NULL: only the message. */
static void
perror_without_format(void)
{
	const char *volatile none = NULL;
	const char *path = in_world("stderr");
	char expected[600], text[600];
	int kept = dup(2), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), seen;
	ssize_t length;

	CHECK(kept >= 0 && fd >= 0 && dup2(fd, 2) == 2);
	pmem2_perror(none);
	CHECK(dup2(kept, 2) == 2);
	length = pread(fd, text, sizeof(text) - 1, 0);
	CHECK(length > 0);
	text[length] = '\0';
	snprintf(expected, sizeof(expected), "%s\n", pmem2_errormsg());
	CHECK(strcmp(text, expected) == 0);

	/* Where it cannot be printed: errno is the program's even so. */
	CHECK(close(2) == 0);
	errno = 12345;
	pmem2_perror(none);
	seen = errno;
	CHECK(dup2(kept, 2) == 2 && seen == 12345);
	clearerr(stderr);
	close(kept);
	close(fd);
}

/* errno is the program's. */
static void
errno_stays(void)
{
	struct pmem2_source *src;

	errno = 12345;
	CHECK(pmem2_source_from_fd(&src, -1) == PMEM2_E_INVALID_FILE_HANDLE && errno == 12345);
	CHECK(pmem2_source_from_fd(NULL, 0) == -EINVAL && errno == 12345);
	malloc_fails = 1;
	CHECK(pmem2_source_from_anon(&src, 1) == -ENOMEM && errno == 12345);
	malloc_fails = 0;
	/* The C library may set it in calls that succeed. */
	spoils_errno = 1;
	CHECK(pmem2_source_from_anon(&src, 1) == 0 && errno == 12345);
	CHECK(pmem2_source_delete(&src) == 0 && errno == 12345);
	spoils_errno = 0;
}

#ifndef UNDER_TOOL
/*
 * Every system call except read, write and exit ends the process. (valgrind and the sanitizers
 * make some of their own.)
 */
static void
no_system_calls(void)
{
	int fd = open_file(O_RDWR), status;
	struct pmem2_source *src;
	pid_t child;

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		size_t alignment = 0;
		int number = -1, right;

		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			die("seccomp");
		right = pmem2_source_alignment(src, &alignment) == 0 && alignment != 0 &&
			pmem2_source_get_fd(src, &number) == 0 && number == fd;
		syscall(SYS_exit, right ? 42 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	CHECK(pmem2_source_delete(&src) == 0);
	close(fd);
}
#endif

int
main(int argc, char **argv)
{
	if (argc > 1) {
		/* Only a description: of the descriptor with this number. */
		struct pmem2_source *src;
		char text[PMEM2_DESCRIPTION_SIZE];

		CHECK(pmem2_source_from_fd(&src, atoi(argv[1])) == 0);
		CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
		CHECK(pmem2_source_delete(&src) == 0);
		printf("%s\n", text);
		return 0;
	}
	enter_world();
	CHECK(strcmp(pmem2_errormsg(), "no call of this thread has failed") == 0);
	storage();
	storage_on_failure();
	nulls();
	no_sources();
	misaligned();
	src_in_storage();
	descriptions();
	descriptions_of_a_bad_device();
	granularity();
	granularity_of_devices();
	descriptions_of_nvdimms();
	codes();
	errno_stays();
	perror_without_format();
#ifndef UNDER_TOOL
	no_system_calls();
#endif
	leave_world();
	printf("source, granularity: %d checks\n", checks);
	return 0;
}
