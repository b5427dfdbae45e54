/*
 * Each sentence of DESCRIPTION, RETURN VALUE and ERRORS of libpmem2's manual pages, in their order,
 * and a check of what it says. Prints the page, the number and the sentence once its check has
 * passed; ci/capi compares that with the sentences of the pages themselves, so that none is left
 * out.
 */

#define _GNU_SOURCE
#include <libpmem2.h>

#include <stddef.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "block_device.h"
#include "memory.h"
#include "sysfs.h"
#include "fail_fstat.h"

static const char *page;
static int number;
static int checks;
/* Sentences that were checked, and that cannot be checked here. */
static int checked, of_elsewhere, of_mappings, of_libndctl;

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		checks++;                                                                       \
		if (!(condition)) {                                                             \
			printf("FAILED: line %d: %s (%s)\n",                                    \
				__LINE__, #condition, pmem2_errormsg());                        \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

static void
begin(const char *name)
{
	page = name;
	number = 0;
	checks = 0;
}

/* The checks since the last sentence belong to this one. */
static void
sentence(const char *text)
{
	if (checks == 0) {
		printf("FAILED: %s %d is not checked: %s\n", page, number + 1, text);
		exit(1);
	}
	printf("%s %d %s\n", page, ++number, text);
	checks = 0;
	checked++;
}

/* Counted apart: only the reason why it cannot be checked was checked. */
static void
not_checkable(const char *text, int *count)
{
	sentence(text);
	checked--;
	++*count;
}

/* About other systems: its subject does not exist here. */
extern int pmem2_source_from_handle(struct pmem2_source **, void *) __attribute__((weak));
extern int pmem2_source_get_handle(const struct pmem2_source *, void **) __attribute__((weak));

static void
elsewhere(const char *text)
{
	struct utsname name;

	CHECK(uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0);
	CHECK(pmem2_source_from_handle == NULL && pmem2_source_get_handle == NULL);
	not_checkable(text, &of_elsewhere);
}

/*
 * About mappings, which do not exist yet: once they do, this fails and the sentence needs a real
 * check.
 */
extern int pmem2_map_new(void) __attribute__((weak));

static void
without_mappings(const char *text)
{
	CHECK(pmem2_map_new == NULL);
	not_checkable(text, &of_mappings);
}

/* Returns the answer of from_fd for a descriptor, which it closes, and checks *src. */
static int
from_fd(int fd)
{
	struct pmem2_source *src = (struct pmem2_source *)&src;
	int code = pmem2_source_from_fd(&src, fd);

	CHECK((code == 0) == (src != NULL));
	CHECK(code <= 0);
	pmem2_source_delete(&src);
	close(fd);
	return code;
}

static struct pmem2_source *
source_of(int fd)
{
	struct pmem2_source *src;

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	return src;
}

static int
a_pipe(int end)
{
	int ends[2];

	CHECK(pipe(ends) == 0);
	close(ends[1 - end]);
	return ends[end];
}

static int
closed(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

/* Descriptors that from_fd refuses by their type. */
static void
refused_types(void)
{
	CHECK(from_fd(open(directory, O_RDONLY)) == PMEM2_E_INVALID_FILE_TYPE);
	CHECK(from_fd(open_block_device()) == PMEM2_E_INVALID_FILE_TYPE);
	CHECK(from_fd(a_pipe(0)) == PMEM2_E_INVALID_FILE_TYPE);
	CHECK(from_fd(socket(AF_UNIX, SOCK_STREAM, 0)) == PMEM2_E_INVALID_FILE_TYPE);
}

static void
refused_devices(void)
{
	CHECK(from_fd(open("/dev/null", O_RDWR)) == PMEM2_E_INVALID_FILE_TYPE);
	CHECK(from_fd(posix_openpt(O_RDWR | O_NOCTTY)) == PMEM2_E_INVALID_FILE_TYPE);
	make_sysfs("4096\n", "4096\n");
	CHECK(from_fd(open("/dev/null", O_RDWR)) == 0);
	CHECK(from_fd(open("/dev/zero", O_RDWR)) == PMEM2_E_INVALID_FILE_TYPE);
	unmake_sysfs();
}

static void
makes_a_source(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *one = source_of(fd), *other = source_of(fd);

	CHECK(one != NULL && other != NULL && one != other);
	CHECK(from_fd(closed()) == PMEM2_E_INVALID_FILE_HANDLE);
	pmem2_source_delete(&one);
	pmem2_source_delete(&other);
	close(fd);
}

static void
access_modes(void)
{
	CHECK(from_fd(open_file(O_RDONLY)) == 0);
	CHECK(from_fd(open_file(O_RDWR)) == 0);
	CHECK(from_fd(open_file(O_WRONLY)) < 0);
	CHECK(from_fd(open_file(3)) < 0);
}

static void
invalid_descriptors(void)
{
	CHECK(from_fd(-1) < 0);
	CHECK(from_fd(closed()) < 0);
}

static void
deletes(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	long before = allocated;

	pmem2_source_delete(&src);
	CHECK(allocated == before - 1);
	CHECK(src == NULL);
	/* And nothing else: the descriptor is the caller's. */
	CHECK(fcntl(fd, F_GETFD) >= 0);
	close(fd);
}

static void
deletes_nothing(void)
{
	struct pmem2_source *src = NULL;
	long before = allocated;

	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(src == NULL && allocated == before);
}

static void
zero_or_negative(void)
{
	CHECK(from_fd(open_file(O_RDONLY)) == 0);
	CHECK(from_fd(-1) < 0);
}

static void
delete_returns_0(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd), *none = NULL;

	CHECK(pmem2_source_delete(&src) == 0);
	src = source_of(fd);
	close(fd);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(pmem2_source_delete(&none) == 0);
	CHECK(pmem2_source_delete(NULL) == 0);
}

/* -ENOMEM and no source; afterwards a source. */
static void
without_memory(void)
{
	int fd = open_file(O_RDWR), code;
	struct pmem2_source *src = (struct pmem2_source *)&src;

	malloc_fails = 1;
	code = pmem2_source_from_fd(&src, fd);
	malloc_fails = 0;
	CHECK(code == -ENOMEM);
	CHECK(src == NULL);
	CHECK(strstr(pmem2_errormsg(), "out of memory") != NULL);
	CHECK(from_fd(fd) == 0);
}

static void
pages_of_from_fd(void)
{
	begin("pmem2_source_from_fd");
	makes_a_source();
	sentence("On Linux the pmem2_source_from_fd() function validates the file descriptor and "
		"instantiates a new *struct "
		 "pmem2_source** object describing the data source.");
	elsewhere("On Windows the pmem2_source_from_fd() function converts a file descriptor to a "
		"file handle (using "
		  "**_get_osfhandle()), and passes it to pmem2_source_from_handle().");
	elsewhere("By default _get_osfhandle() calls abort() in case of invalid file descriptor, "
		"but this behavior can be "
		  "suppressed by _set_abort_behavior() and SetErrorMode**() functions.");
	elsewhere("Please check MSDN documentation for more information about Windows CRT error "
		"handling.");
	access_modes();
	sentence("fd must be opened with O_RDONLY or O_RDWR mode, but on Windows it is not "
		"validated.");
	invalid_descriptors();
	sentence("If fd is invalid, then the function fails.");
	elsewhere("The pmem2_source_from_handle() function validates the handle and instantiates a "
		"new *struct pmem2_source "
		  "object describing the data source.");
	elsewhere("If handle is INVALID_HANDLE_VALUE, then the function fails.");
	elsewhere("The handle has to be created with an access mode of GENERIC_READ or "
		"(GENERIC_READ | GENERIC_WRITE).");
	elsewhere("For details please see the CreateFile**() documentation.");
	deletes();
	sentence("The pmem2_source_delete() function frees *src returned by pmem2_source_from_fd() "
		"or "
		 "pmem2_source_from_handle() and sets *src to NULL.");
	deletes_nothing();
	sentence("If *src is NULL, no operation is performed.");
	zero_or_negative();
	sentence("The pmem2_source_from_fd() and pmem2_source_from_handle() functions return 0 on "
		"success or a negative error "
		 "code on failure.");
	delete_returns_0();
	sentence("The pmem2_source_delete() function always returns 0.");
	zero_or_negative();
	sentence("The pmem2_source_from_fd()/pmem2_source_from_handle() functions can fail with "
		"the following errors:");
	CHECK(from_fd(-1) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_fd(closed()) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("PMEM2_E_INVALID_FILE_HANDLE - fd is not an open and valid file descriptor.");
	elsewhere("On Windows the function can abort() on this failure based on CRT's abort() "
		"behavior.");
	CHECK(from_fd(open_file(O_WRONLY)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_fd(open("/dev/null", O_WRONLY)) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("PMEM2_E_INVALID_FILE_HANDLE - fd is opened in O_WRONLY mode.");
	CHECK(pmem2_source_get_handle == NULL);
	sentence("On Linux:");
	refused_types();
	sentence("PMEM2_E_INVALID_FILE_TYPE - fd points to a directory, block device, pipe, or "
		"socket.");
	refused_devices();
	sentence("PMEM2_E_INVALID_FILE_TYPE - fd points to a character device other than Device "
		"DAX.");
	elsewhere("On Windows:");
	elsewhere("PMEM2_E_INVALID_FILE_TYPE - handle points to a resource that is not a regular "
		"file.");
	elsewhere("On Windows pmem2_source_from_fd() can return all errors from the underlying "
		"pmem2_source_from_handle() "
		  "function.");
	elsewhere("The pmem2_source_from_handle() can return the following errors:");
	elsewhere("PMEM2_E_INVALID_FILE_HANDLE - handle points to a resource that is not a file.");
	elsewhere("PMEM2_E_INVALID_FILE_TYPE - handle points to a directory.");
	without_memory();
	sentence("The pmem2_source_from_fd() and pmem2_source_from_handle() functions can also "
		"return -ENOMEM in case of "
		 "insufficient memory to allocate an instance of struct pmem2_source.");

	/* The page of 2.x, which knows no Windows. */
	begin("pmem2_source_from_fd(2.x)");
	makes_a_source();
	sentence("The pmem2_source_from_fd() function validates the file descriptor and "
		"instantiates a new *struct "
		 "pmem2_source** object describing the data source.");
	access_modes();
	sentence("fd must be opened with O_RDONLY or O_RDWR mode.");
	invalid_descriptors();
	sentence("If fd is invalid, then the function fails.");
	deletes();
	sentence("The pmem2_source_delete() function frees *src returned by pmem2_source_from_fd() "
		"and sets *src to NULL.");
	deletes_nothing();
	sentence("If *src is NULL, no operation is performed.");
	zero_or_negative();
	sentence("The pmem2_source_from_fd() function return 0 on success or a negative error code "
		"on failure.");
	delete_returns_0();
	sentence("The pmem2_source_delete() function always returns 0.");
	zero_or_negative();
	sentence("The pmem2_source_from_fd() function can fail with the following errors:");
	CHECK(from_fd(-1) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("PMEM2_E_INVALID_FILE_HANDLE - fd is not an open and valid file descriptor.");
	CHECK(from_fd(open_file(O_WRONLY)) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("PMEM2_E_INVALID_FILE_HANDLE - fd is opened in O_WRONLY mode.");
	refused_types();
	sentence("PMEM2_E_INVALID_FILE_TYPE - fd points to a directory, block device, pipe, or "
		"socket.");
	refused_devices();
	sentence("PMEM2_E_INVALID_FILE_TYPE - fd points to a character device other than Device "
		"DAX.");
	without_memory();
	sentence("The pmem2_source_from_fd() function can also return -ENOMEM in case of "
		"insufficient memory to allocate an "
		 "instance of struct pmem2_source.");
}

#include "sentences_source.h"
#include "sentences_place.h"
#include "sentences_badblocks.h"
#include "sentences_transfer.h"

int
main(void)
{
	enter_world();
	pages_of_from_fd();
	page_of_from_anon();
	page_of_size();
	page_of_alignment();
	page_of_get_fd();
	page_of_numa_node();
	page_of_device_id();
	page_of_device_usc();
	page_of_errormsg();
	page_of_perror();
	page_of_pread_mcsafe();
	page_of_badblock_context_new();
	page_of_badblock_next();
	page_of_badblock_clear();
	leave_world();
	/* To people: the standard output is compared with the pages. */
	fprintf(stderr,
		"%d sentences checked, %d not checkable: %d of other systems, %d of mappings, "
		"which there are none of yet, %d of libndctl\n",
		checked, of_elsewhere + of_mappings + of_libndctl, of_elsewhere, of_mappings,
			of_libndctl);
	return 0;
}
