/* The part of sentences.c on the pages of bad blocks. */

#include "badblocks_world.h"
#include "fail_call.h"
#include "lost_page.h"
#include "nd_dax.h"

#include <signal.h>

/* For a child. */
static struct pmem2_source *tried;
static struct pmem2_badblock_context *tried_context;

/* A sentence about a library below libpmem2, which this library does not have. */
static void
of_ndctl(const char *text)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL)
		CHECK(strstr(line, "libndctl") == NULL);
	fclose(maps);
	not_checkable(text, &of_libndctl);
}

/* Without this library's functions. */
static void
is_ended_by_sigbus(void)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		/* Not a sanitizer's. */
		signal(SIGBUS, SIG_DFL);
		_exit(*(volatile char *)lost_page());
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGBUS);
}

/* A file with a bad block of a page at 4096, and its source. */
static struct pmem2_source *
with_bad_block(void)
{
	int fd;

	make_nd(1);
	fd = bad_file(O_RDWR);
	list_bad(nd_path("%llu 8\n", sector(fd, 4096)));
	return source_of(fd);
}

static void
tells_bad_blocks(void)
{
	struct pmem2_source *src = with_bad_block();
	struct pmem2_badblock_context *bbctx = NULL;
	struct pmem2_badblock bb = { 77, 78 };

	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && bbctx != NULL);
	CHECK(pmem2_badblock_next(bbctx, &bb) == 0 && bb.offset == 4096 && bb.length == 4096);
	CHECK(pmem2_badblock_next(bbctx, &bb) == PMEM2_E_NO_BAD_BLOCK_FOUND && bb.offset == 4096);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL);
	done_with(src);
}

static void
deletes_a_context(void)
{
	struct pmem2_source *src = with_bad_block();
	struct pmem2_badblock_context *bbctx = NULL;
	long before = allocated;

	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && allocated == before + 1);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL && allocated == before);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL && allocated == before);
	done_with(src);
}

/* Where there is no list. */
static void
no_context(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	struct pmem2_badblock_context *bbctx = (struct pmem2_badblock_context *)&bbctx;

	CHECK(pmem2_badblock_context_new(&bbctx, src) == PMEM2_E_NOSUPP && bbctx == NULL);
	pmem2_source_delete(&src);
	close(fd);
}

static void
no_memory_for_a_context(void)
{
	struct pmem2_source *src = with_bad_block();
	struct pmem2_badblock_context *bbctx = (struct pmem2_badblock_context *)&bbctx;

	malloc_fails = 1;
	CHECK(pmem2_badblock_context_new(&bbctx, src) == -ENOMEM && bbctx == NULL);
	malloc_fails = 0;
	done_with(src);
}

/*
 * What the constructor gives for a device DAX in this directory, of which sysfs says that it begins
 * there.
 */
static int
code_of_device(const char *path, const char *resource)
{
	struct pmem2_badblock_context *bbctx = (struct pmem2_badblock_context *)&bbctx;
	struct pmem2_source *src;
	int fd, code;

	make_nd_bus(1);
	put(ND_REGION "/resource", "0x100000000");
	put(nd_path("%s/resource", path), resource);
	write_file(ND_REGION "/badblocks", "");
	make_dax(path, "1:5");
	fd = open("/dev/zero", O_RDWR);
	src = source_of(fd);
	code = pmem2_badblock_context_new(&bbctx, src);
	CHECK((code == 0) == (bbctx != NULL));
	pmem2_badblock_context_delete(&bbctx);
	pmem2_source_delete(&src);
	close(fd);
	unmake_sysfs();
	return code;
}

/* In a process in which a call of the system fails so: the constructor, the list, clearing. */
static int
makes_none(void *code)
{
	struct pmem2_badblock_context *bbctx = (struct pmem2_badblock_context *)&bbctx;
	int got = pmem2_badblock_context_new(&bbctx, tried);

	if (got != *(int *)code || bbctx != NULL)
		fprintf(stderr, "%d: %s\n", got, pmem2_errormsg());
	return got == *(int *)code && bbctx == NULL;
}

static int
makes_none_without_fstat(void *code)
{
	fail_fstat();
	return makes_none(code);
}

static int
tells_none(void *code)
{
	struct pmem2_badblock bb = { 77, 78 };
	int got = pmem2_badblock_next(tried_context, &bb);

	return got == *(int *)code && bb.offset == 77;
}

static int
clears_none(void *code)
{
	struct pmem2_badblock bb = { 4096, 4096 };

	return pmem2_badblock_clear(tried_context, &bb) == *(int *)code;
}

static void
under(unsigned number, int error, int (*body)(void *))
{
	int code = -error;

	tried = with_bad_block();
	CHECK(pmem2_badblock_context_new(&tried_context, tried) == 0);
#ifdef UNDER_TOOL
	/* It makes such calls of its own. */
	(void)number, (void)body;
	CHECK(code < 0);
#else
	CHECK(child_under(number, body == makes_none_without_fstat ? 0 : (unsigned)error, body,
		&code));
#endif
	pmem2_badblock_context_delete(&tried_context);
	done_with(tried);
}

static void
clears(void)
{
	struct pmem2_source *src = with_bad_block();
	struct pmem2_badblock_context *bbctx;
	struct pmem2_badblock bb;
	unsigned long long before;
	char bytes[4096];
	int fd, i;

	CHECK(pmem2_source_get_fd(src, &fd) == 0);
	before = sector(fd, 4096);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && pmem2_badblock_next(bbctx, &bb) == 0);
	CHECK(pmem2_badblock_clear(bbctx, &bb) == 0);
	CHECK(sector(fd, 4096) != before);
	CHECK(pread(fd, bytes, sizeof(bytes), 4096) == sizeof(bytes));
	for (i = 0; i < 4096; i++)
		CHECK(bytes[i] == 0);
	CHECK(pmem2_badblock_clear(bbctx, &bb) < 0);
	pmem2_badblock_context_delete(&bbctx);
	done_with(src);
}

static void
beyond_what_files_have(void)
{
	struct pmem2_source *src = with_bad_block();
	struct pmem2_badblock_context *bbctx;
	struct pmem2_badblock offset = { (size_t)INT64_MAX + 1, 1 }, length =
		{ 4096, (size_t)INT64_MAX + 1 };

	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0);
	CHECK(pmem2_badblock_clear(bbctx, &offset) == PMEM2_E_OFFSET_OUT_OF_RANGE);
	CHECK(pmem2_badblock_clear(bbctx, &length) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	pmem2_badblock_context_delete(&bbctx);
	done_with(src);
}

static void
page_of_badblock_context_new(void)
{
	begin("pmem2_badblock_context_new");
	tells_bad_blocks();
	sentence("The pmem2_badblock_context_new() function instantiates a new (opaque) bad block "
		"context "
		 "structure, pmem2_badblock_context, which is used to read and clear bad blocks "
		 	"(by "
		 "pmem2_badblock_next() and pmem2_badblock_clear()).");
	tells_bad_blocks();
	sentence("The function returns the bad block context through the pointer in *bbctx.");
	tells_bad_blocks();
	sentence("New bad block context structure is initialized with values read from the source "
		"given as the "
		 "first argument (src).");
	/* What that is: a load from a lost page stands for one. */
	is_ended_by_sigbus();
	sentence("A bad block is an uncorrectable media error - a part of a storage media that is "
		"either "
		 "inaccessible or unwritable due to permanent physical damage.");
	is_ended_by_sigbus();
	sentence("In case of memory-mapped I/O, if a process tries to access (read or write) the "
		"corrupted "
		 "block, it will be terminated by the SIGBUS signal.");
	deletes_a_context();
	sentence("The pmem2_badblock_context_delete() function frees *bbctx returned by "
		 "pmem2_badblock_context_new() and sets *bbctx to NULL.");
	deletes_a_context();
	sentence("If *bbctx is NULL, no operation is performed.");
	elsewhere("It is not supported on Windows.");
	tells_bad_blocks();
	no_context();
	sentence("The pmem2_badblock_context_new() function returns 0 on success or a negative "
		"error code on "
		 "failure.");
	no_context();
	sentence("The pmem2_badblock_context_new() sets *bbctx to NULL on failure.");
	deletes_a_context();
	sentence("The pmem2_badblock_context_delete() does not return any value.");
	no_context();
	sentence("The pmem2_badblock_context_new() can fail with the following errors:");
	/* No such source can be made. */
	refused_types();
	sentence("PMEM2_E_INVALID_FILE_TYPE - src is not a regular file nor a character device.");
	/*
	 * The kernel keeps no list of one that is in no region (CXL, dax_hmem): that is the answer
	 * of the one but next.
	 */
	CHECK(code_of_device("/sys/devices/platform/hmem.0/dax0.0",
		"0x100200000") == PMEM2_E_NOSUPP);
	sentence("PMEM2_E_DAX_REGION_NOT_FOUND - cannot find a DAX region for the given src.");
	CHECK(code_of_device(ND_REGION "/dax1.1/dax1.1.0", "0x100200000") == 0);
	CHECK(code_of_device(ND_REGION "/dax1.1/dax1.1.0",
		"somewhere") == PMEM2_E_CANNOT_READ_BOUNDS);
	sentence("PMEM2_E_CANNOT_READ_BOUNDS - cannot read offset or size of the namespace of the "
		"given src.");
	no_context();
	sentence("PMEM2_E_NOSUPP - on Windows or when the OS does not support this functionality");
	no_memory_for_a_context();
	sentence("-ENOMEM - out of memory");
	of_ndctl("-errno - set by failing ndctl_new, while trying to create a new ndctl context.");
	under(SYS_fstat, EIO, makes_none_without_fstat);
	sentence("-errno - set by failing fstat(2), while trying to validate the file descriptor "
		"of src.");
	of_ndctl("-errno - set by failing realpath(3), while trying to get the canonicalized "
		"absolute sysfs "
		 "pathname of DAX device given in src.");
	under(SYS_openat, EMFILE, makes_none);
	sentence("-errno - set by failing open(2), while trying to open the FSDAX device matching "
		"with the "
		 "src.");
	under(SYS_read, EIO, makes_none);
	sentence("-errno - set by failing read(2), while trying to read from the FSDAX device "
		"matching with "
		 "the src.");
	of_ndctl("-errno - set by failing ndctl_region_get_resource, while reading an offset of "
		"the region of "
		 "the given src.");
	under(SYS_ioctl, EIO, tells_none);
	sentence("-errno - set by failing fiemap ioctl(2), while reading file extents of the given "
		"src.");
}

static void
page_of_badblock_next(void)
{
	begin("pmem2_badblock_next");
	tells_bad_blocks();
	sentence("The pmem2_badblock_next() function reads the next bad block for the given bad "
		"block context "
		 "*bbctx.");
	elsewhere("It is not supported on Windows.");
	tells_bad_blocks();
	sentence("The pmem2_badblock_next() function returns 0 and stores the next bad block in "
		"*bb on success "
		 "or it returns a negative error code when there are no more bad blocks for the "
		 	"given bad "
		 "block context *bbctx.");
	tells_bad_blocks();
	sentence("pmem2_badblock_next() can fail with the following error:");
	tells_bad_blocks();
	sentence("PMEM2_E_NO_BAD_BLOCK_FOUND - there are no more bad blocks for the given bad "
		"block context "
		 "*bbctx, *bb is undefined in this case.");
	no_context();
	sentence("PMEM2_E_NOSUPP - on Windows or when the OS does not support this functionality");
}

static void
page_of_badblock_clear(void)
{
	begin("pmem2_badblock_clear");
	clears();
	sentence("The pmem2_badblock_clear() function clears the given *bb bad block.");
	clears();
	sentence("It means that the pmem2_badblock_clear() function unmaps bad blocks and maps "
		"new, healthy, "
		 "blocks in place of the bad ones.");
	clears();
	sentence("The new blocks are zeroed.");
	clears();
	sentence("The content of the bad blocks is lost.");
	elsewhere("It is not supported on Windows.");
	clears();
	sentence("The pmem2_badblock_clear() function clears the given *bb bad block and returns 0 "
		"on success "
		 "or a negative error code on failure.");
	beyond_what_files_have();
	sentence("pmem2_badblock_clear() can fail with the following errors:");
	beyond_what_files_have();
	sentence("PMEM2_E_OFFSET_OUT_OF_RANGE - bad block's offset is greater than INT64_MAX");
	beyond_what_files_have();
	sentence("PMEM2_E_LENGTH_OUT_OF_RANGE - bad block's length is greater than INT64_MAX");
	no_context();
	sentence("PMEM2_E_NOSUPP - on Windows or when the OS does not support this functionality");
	under(SYS_fallocate, ENOSPC, clears_none);
	sentence("-errno - set by failing fallocate(2), while deallocating bad blocks or "
		"allocating new blocks");
	of_ndctl("-errno - set by failing ndctl functions: ndctl_bus_cmd_new_ars_cap, "
		"ndctl_cmd_submit, "
		 "ndctl_cmd_ars_cap_get_range or ndctl_bus_cmd_new_clear_error while trying to "
		 	"clear a bad "
		 "block in a DAX device");
	of_ndctl("-ENXIO - ndctl_bus_cmd_new_clear_error did not manage to clear all bad blocks");
}
