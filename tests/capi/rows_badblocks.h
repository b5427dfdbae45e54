/* The rows of table.c on bad blocks. */

#ifndef ROWS_BADBLOCKS_H
#define ROWS_BADBLOCKS_H

#include "badblocks_world.h"
#include "rows_transfer.h"

/* Prints the whole list of a source. */
static void
list_of(struct pmem2_source *src)
{
	struct pmem2_badblock_context *bbctx = NULL;
	struct pmem2_badblock bb;
	int code = pmem2_badblock_context_new(&bbctx, src), next = 0, count = 0;

	printf(" new %d", code);
	while (code == 0 && count++ < 9 && (next = pmem2_badblock_next(bbctx, &bb)) == 0)
		printf(" %zu+%zu", bb.offset, bb.length);
	printf(" next %d", next);
	pmem2_badblock_context_delete(&bbctx);
	printf(" %s", bbctx == NULL ? "NULL" : "left");
}

static void bad_on_tmpfs(void) { list_of(source_of(open_file(O_RDWR))); }
static void bad_on_disk(void) { list_of(source_of(open("/etc/passwd", O_RDONLY))); }

static void
bad_anonymous(void)
{
	struct pmem2_source *src;

	if (pmem2_source_from_anon(&src, 4096) != 0)
		die("pmem2_source_from_anon");
	list_of(src);
	/* Wherever the context shall go. */
	printf(" %d", pmem2_badblock_context_new(NULL, src));
}

/*
 * On a made-up pmem disk, with a list: of the disk, where this library looks, and of the region,
 * where libndctl does; the namespace begins 2 MiB into the region.
 */
static int
file_and_list(int sectors)
{
	int fd;

	make_nd(1);
	fd = bad_file(O_RDWR);
	list_bad(sectors == 0 ? "" : nd_path("%llu %d\n", sector(fd, 4096), sectors));
	put(ND_REGION "/resource", "0x100000000");
	write_file(ND_REGION "/badblocks", sectors == 0 ? "" :
		nd_path("%llu %d\n", sector(fd, 4096) + 4096, sectors));
	return fd;
}

static void bad_none(void) { list_of(source_of(file_and_list(0))); }
static void bad_sector(void) { list_of(source_of(file_and_list(1))); }
static void bad_page(void) { list_of(source_of(file_and_list(8))); }

static void
bad_empty_file(void)
{
	int fd = file_and_list(0);

	if (ftruncate(fd, 0) != 0)
		die("ftruncate");
	list_of(source_of(fd));
}

/* Bytes that are not listed as bad. */
static void
clear_healthy(void)
{
	int fd = file_and_list(1);
	struct pmem2_badblock healthy = { 8192, 4096 };
	struct pmem2_badblock_context *bbctx;
	char byte = 1;

	if (pmem2_badblock_context_new(&bbctx, source_of(fd)) != 0)
		die("pmem2_badblock_context_new");
	printf(" %d", pmem2_badblock_clear(bbctx, &healthy));
	if (pread(fd, &byte, 1, 8192) != 1)
		die("pread");
	printf(" byte %d", byte);
}

static void
clear_bad(void)
{
	int fd = file_and_list(8);
	struct pmem2_badblock bad = { 4096, 4096 };
	struct pmem2_badblock_context *bbctx;
	char byte = 1;

	if (pmem2_badblock_context_new(&bbctx, source_of(fd)) != 0)
		die("pmem2_badblock_context_new");
	printf(" %d", pmem2_badblock_clear(bbctx, &bad));
	if (pread(fd, &byte, 1, 4096) != 1)
		die("pread");
	printf(" byte %d", byte);
}

static void
clear_beyond(void)
{
	struct pmem2_badblock offset = { SIZE_MAX / 2 + 1, 1 }, length = { 0, SIZE_MAX / 2 + 1 };
	struct pmem2_badblock_context *bbctx;

	if (pmem2_badblock_context_new(&bbctx, source_of(file_and_list(8))) != 0)
		die("pmem2_badblock_context_new");
	printf(" %d %d", pmem2_badblock_clear(bbctx, &offset),
		pmem2_badblock_clear(bbctx, &length));
}

static void context_null(void) { printf(" %d", pmem2_badblock_context_new(NULL,
	source_of(open_file(O_RDWR)))); }

static void
context_of_null(void)
{
	struct pmem2_badblock_context *bbctx;

	printf(" %d", pmem2_badblock_context_new(&bbctx, NULL));
}

static void
next_null(void)
{
	struct pmem2_badblock bb;

	printf(" %d", pmem2_badblock_next(NULL, &bb));
}

static void
context_delete_null(void)
{
	struct pmem2_badblock_context *none = NULL;

	pmem2_badblock_context_delete(&none);
	printf(" NULL");
	fflush(stdout);
	pmem2_badblock_context_delete(NULL);
	printf(" none");
}

static const struct {
	const char *name;
	void (*body)(void);
} badblock_rows[] = {
	{ "bad blocks, tmpfs", bad_on_tmpfs },
	{ "bad blocks, the disk", bad_on_disk },
	{ "bad blocks, anonymous", bad_anonymous },
	{ "bad blocks, NVDIMM, none", bad_none },
	{ "bad blocks, NVDIMM, a sector", bad_sector },
	{ "bad blocks, NVDIMM, a page", bad_page },
	{ "bad blocks, NVDIMM, an empty file", bad_empty_file },
	{ "clear, healthy", clear_healthy },
	{ "clear, bad", clear_bad },
	{ "clear, beyond what files have", clear_beyond },
	{ "badblock_context_new(NULL, src)", context_null },
	{ "badblock_context_new(&bbctx, NULL)", context_of_null },
	{ "badblock_next(NULL, &bb)", next_null },
	{ "badblock_context_delete", context_delete_null },
};

#endif
