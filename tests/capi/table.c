/*
 * Every kind of descriptor, through the functions that libpmem2 has: a line for each. Compiled
 * against either header and run on either library; ci/capi compares what it prints.
 */

#define _GNU_SOURCE
#include <libpmem2.h>

#include <dlfcn.h>
#include <sys/wait.h>

#include "rows_source.h"
#include "sysfs.h"
#include "rows_place.h"
#include "rows_transfer.h"
#include "rows_badblocks.h"

/* Prints the answers of a source. 77 stands in an output where nothing was written. */
static void
ask(struct pmem2_source *src, int fd)
{
	size_t size = 77, alignment = 77;
	int number = 77, code;

	code = pmem2_source_size(src, &size);
	printf(" size %d %zu", code, size);
	code = pmem2_source_alignment(src, &alignment);
	printf(" alignment %d %zu", code, alignment);
	code = pmem2_source_get_fd(src, &number);
	printf(" get_fd %d %s", code, number == fd ? "right" : number == 77 ? "untouched" :
		"wrong");
	ask_place(src);
}

/*
 * Fails in a way that from_fd does not, so that its message differs from one that was left over.
 */
static const char *
another_message(void)
{
	static char message[512];
	struct pmem2_source *src;
	int fd;

	if (pmem2_source_from_anon(&src, 1) != 0 || pmem2_source_get_fd(src,
		&fd) != PMEM2_E_FILE_DESCRIPTOR_NOT_SET)
		die("pmem2_source_get_fd");
	pmem2_source_delete(&src);
	snprintf(message, sizeof(message), "%s", pmem2_errormsg());
	return message;
}

static void
try(const char *name, int fd)
{
	const char *message = another_message();
	struct pmem2_source *src = (struct pmem2_source *)&src;
	int code = pmem2_source_from_fd(&src, fd);

	printf("%s: from_fd %d", name, code);
	if (code == 0) {
		ask(src, fd);
		printf(" delete %d", pmem2_source_delete(&src));
		printf(" %s", src == NULL ? "NULL" : "left");
		printf(" again %d", pmem2_source_delete(&src));
	} else {
		printf(" src %s, message %s", src == NULL ? "NULL" : "left",
			pmem2_errormsg()[0] == '\0' ? "empty" :
				strcmp(pmem2_errormsg(), message) == 0 ? "left over" : "there");
	}
	printf("\n");
}

/* Calls that one of the two libraries may not survive. */
static void
try_in_child(const char *name, void (*body)(void))
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		printf("%s:", name);
		fflush(stdout);
		body();
		printf("\n");
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		die("waitpid");
	if (WIFSIGNALED(status))
		printf(" killed by signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		die(name);
}

static void
device_dax(void)
{
	struct pmem2_source *src;
	int code;

	make_sysfs("1073741824\n", "2097152\n");
	code = pmem2_source_from_fd(&src, open("/dev/null", O_RDWR));
	printf(" from_fd %d", code);
}

static void
device_dax_size(void)
{
	size_t size = 77;
	int code;

	make_sysfs("1073741824\n", "2097152\n");
	code = pmem2_source_size(source_of(open("/dev/null", O_RDWR)), &size);
	printf(" %d %zu", code, size);
}

static void
device_dax_alignment(void)
{
	size_t alignment = 77;
	int code;

	make_sysfs("1073741824\n", "2097152\n");
	code = pmem2_source_alignment(source_of(open("/dev/null", O_RDWR)), &alignment);
	printf(" %d %zu", code, alignment);
}

/* A descriptor that was closed; one that was closed and is another file now. */
static void
closed_later(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);

	close(fd);
	ask(src, fd);
	printf(" delete %d", pmem2_source_delete(&src));
}

static void
reused_later(void)
{
	int fd = open_file(O_RDWR), other;
	struct pmem2_source *src = source_of(fd);

	other = memfd_create("other", 0);
	if (other < 0 || ftruncate(other, 4242) != 0 || dup2(other, fd) != fd)
		die("dup2");
	ask(src, fd);
}

static void
grown_later(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);

	if (ftruncate(fd, 123456) != 0)
		die("ftruncate");
	ask(src, fd);
}

static void from_fd_null(void) { printf(" %d", pmem2_source_from_fd(NULL, 0)); }
static void from_anon_null(void) { printf(" %d", pmem2_source_from_anon(NULL, 1)); }
static void delete_null(void) { printf(" %d", pmem2_source_delete(NULL)); }

static void
size_null(void)
{
	printf(" %d", pmem2_source_size(source_of(open_file(O_RDWR)), NULL));
}

static void
size_of_null(void)
{
	size_t size = 77;
	int code = pmem2_source_size(NULL, &size);

	printf(" %d %zu", code, size);
}

static void
alignment_null(void)
{
	printf(" %d", pmem2_source_alignment(source_of(open_file(O_RDWR)), NULL));
}

static void
alignment_of_null(void)
{
	size_t alignment = 77;
	int code = pmem2_source_alignment(NULL, &alignment);

	printf(" %d %zu", code, alignment);
}

static void get_fd_null(void) { printf(" %d", pmem2_source_get_fd(source_of(open_file(O_RDWR)),
	NULL)); }

static void
get_fd_of_null(void)
{
	int fd = 77, code = pmem2_source_get_fd(NULL, &fd);

	printf(" %d %d", code, fd);
}

static void
anonymous(void)
{
	static const size_t sizes[] = { 0, 1, 4096, 12345, SIZE_MAX };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pmem2_source *src;
		int code = pmem2_source_from_anon(&src, sizes[i]);

		printf("anonymous, %zu bytes: from_anon %d", sizes[i], code);
		ask(src, 77);
		printf(" delete %d\n", pmem2_source_delete(&src));
	}
}

/* Declared by both headers; 1.12.1 forgot to export it. */
static void
err_to_errno(void)
{
	int (*function)(int);
	static const int errors[] = { 0, -EINVAL, -ENOMEM, PMEM2_E_UNKNOWN, PMEM2_E_NOSUPP,
		PMEM2_E_INVALID_FILE_TYPE,
		PMEM2_E_IO_FAIL };
	size_t i;

	/* As POSIX has it: a pointer to a function from a pointer to void. */
	*(void **)&function = dlsym(RTLD_DEFAULT, "pmem2_err_to_errno");
	printf("err_to_errno:");
	if (function == NULL)
		printf(" not exported");
	else
		for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			printf(" %d", function(errors[i]));
	printf("\n");
}

int
main(void)
{
	size_t i;

	/* What is printed before a crash counts. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	enter_world();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = rows[i].make();

		if (fd == NOT_MADE)
			printf("%s: cannot be made here\n", rows[i].name);
		else
			try(rows[i].name, fd);
		while (kept_count > 0)
			close(kept[--kept_count]);
	}
	anonymous();
	err_to_errno();
	try_in_child("closed later", closed_later);
	try_in_child("closed and reused later", reused_later);
	try_in_child("grown later", grown_later);
	try_in_child("from_fd(NULL, 0)", from_fd_null);
	try_in_child("from_anon(NULL, 1)", from_anon_null);
	try_in_child("delete(NULL)", delete_null);
	try_in_child("size(src, NULL)", size_null);
	try_in_child("size(NULL, &size)", size_of_null);
	try_in_child("alignment(src, NULL)", alignment_null);
	try_in_child("alignment(NULL, &alignment)", alignment_of_null);
	try_in_child("get_fd(src, NULL)", get_fd_null);
	try_in_child("get_fd(NULL, &fd)", get_fd_of_null);
	/* Last: they take /sys away. */
	try_in_child("device DAX", device_dax);
	try_in_child("device DAX, size", device_dax_size);
	try_in_child("device DAX, alignment", device_dax_alignment);
	for (i = 0; i < sizeof(place_rows) / sizeof(place_rows[0]); i++)
		try_in_child(place_rows[i].name, place_rows[i].body);
	for (i = 0; i < sizeof(transfer_rows) / sizeof(transfer_rows[0]); i++)
		try_in_child(transfer_rows[i].name, transfer_rows[i].body);
	for (i = 0; i < sizeof(badblock_rows) / sizeof(badblock_rows[0]); i++)
		try_in_child(badblock_rows[i].name, badblock_rows[i].body);
	leave_world();
	return 0;
}
