/* The part of transfer.c on the bad blocks of a file. */

#ifndef BADBLOCKS_H
#define BADBLOCKS_H

#include "badblocks_world.h"

/* Checks the next bad block. */
static int
tells(struct pmem2_badblock_context *bbctx, size_t offset, size_t length)
{
	struct pmem2_badblock bb = { 77, 78 };
	int code = pmem2_badblock_next(bbctx, &bb);

	if (length == 0)
		return code == PMEM2_E_NO_BAD_BLOCK_FOUND && bb.offset == 77 && bb.length == 78;
	if (code != 0 || bb.offset != offset || bb.length != length)
		printf("told: %d %zu %zu\n", code, bb.offset, bb.length);
	return code == 0 && bb.offset == offset && bb.length == length;
}

static int
clears(struct pmem2_badblock_context *bbctx, size_t offset, size_t length)
{
	struct pmem2_badblock bb = { offset, length };

	return pmem2_badblock_clear(bbctx, &bb);
}

/* Tells whether the bytes are these. */
static int
holds(int fd, size_t offset, size_t length, unsigned char byte)
{
	static char bytes[LENGTH];

	return pread(fd, bytes, length, (off_t)offset) == (ssize_t)length &&
		is_filled(bytes, length, byte);
}

static void
told(void)
{
	struct pmem2_badblock_context *bbctx, *other;
	struct pmem2_source *src;
	struct pmem2_badblock bb = { 77, 78 };
	int fd = bad_file(O_RDWR);
	char lines[256];

	/* A sector; two that adjoin; one of somebody else. */
	snprintf(lines, sizeof(lines), "%llu 1\n%llu 1\n%llu 1\n%llu 1\n", sector(fd, 8192),
		sector(fd, 20480), sector(fd, 20992),
		sector(fd, 0) + 100000000);
	list_bad(lines);
	src = source_of(fd);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(tells(bbctx, 8192, 512) && tells(bbctx, 20480, 1024) && tells(bbctx, 0, 0) &&
		tells(bbctx, 0, 0));
	CHECK(SAYS("no more bad blocks"));

	/* Nothing is cleared that is not listed as bad, all of it. */
	CHECK(clears(bbctx, 0, 512) == PMEM2_E_NO_BAD_BLOCK_FOUND && SAYS("nothing was changed"));
	CHECK(clears(bbctx, 8192, 1024) == PMEM2_E_NO_BAD_BLOCK_FOUND &&
		clears(bbctx, 8191, 512) == PMEM2_E_NO_BAD_BLOCK_FOUND);
	CHECK(clears(bbctx, 8192, 0) == PMEM2_E_NO_BAD_BLOCK_FOUND);
	CHECK(clears(bbctx, SIZE_MAX, 1) == (SIZE_MAX > INT64_MAX ? PMEM2_E_OFFSET_OUT_OF_RANGE :
		PMEM2_E_LENGTH_OUT_OF_RANGE));
	CHECK(clears(bbctx, SIZE_MAX, SIZE_MAX) == (SIZE_MAX > INT64_MAX ?
		PMEM2_E_OFFSET_OUT_OF_RANGE : PMEM2_E_LENGTH_OUT_OF_RANGE));
	CHECK(clears(bbctx, 8192, SIZE_MAX) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(clears(bbctx, 8192, SIZE_MAX / 2 + 1) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(clears(bbctx, LENGTH, 512) == PMEM2_E_LENGTH_OUT_OF_RANGE && SAYS("65536 bytes"));
	bb.offset = 8192;
	bb.length = 512;
	CHECK(pmem2_badblock_clear_by_device(bbctx, &bb) == PMEM2_E_NOSUPP);
	CHECK(holds(fd, 0, LENGTH, 7));

	/* A list that is nonsense, and none. */
	src = source_of(fd);
	list_bad("much\n");
	CHECK(pmem2_badblock_context_new(&other, src) < 0 && other == NULL && !SAYS("no more"));
	list_bad("\n");
	CHECK(pmem2_badblock_context_new(&other, src) == PMEM2_E_NOSUPP && other == NULL);
	list_bad("");
	CHECK(pmem2_badblock_context_new(&other, src) == 0 && tells(other, 0, 0));
	pmem2_badblock_context_delete(&other);
	/* What is bad now counts, not what was when the list was taken. */
	CHECK(clears(bbctx, 8192, 512) == PMEM2_E_NO_BAD_BLOCK_FOUND && holds(fd, 0, LENGTH, 7));
	CHECK(pmem2_source_delete(&src) == 0);

	/* Another file now. */
	CHECK(dup2(bad_file(O_RDWR), fd) == fd);
	CHECK(pmem2_badblock_next(bbctx, &bb) == PMEM2_E_INVALID_FILE_HANDLE &&
		SAYS("another file") && bb.offset == 8192);
	CHECK(clears(bbctx, 8192, 512) == PMEM2_E_INVALID_FILE_HANDLE && holds(fd, 0, LENGTH, 7));
	pmem2_badblock_context_delete(&bbctx);
	close(fd);
}

/* Clearing, while the list is gone through. */
static void
cleared(void)
{
	struct pmem2_badblock_context *bbctx;
	struct pmem2_source *src;
	int fd = bad_file(O_RDONLY);
	char lines[256];

	snprintf(lines, sizeof(lines), "%llu 1\n", sector(fd, 4096));
	list_bad(lines);
	src = source_of(fd);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && tells(bbctx, 4096, 512));
	CHECK(clears(bbctx, 4096, 512) == PMEM2_E_NO_ACCESS && SAYS("read-only"));
	pmem2_badblock_context_delete(&bbctx);
	done_with(&src, fd);

	fd = bad_file(O_RDWR);
	snprintf(lines, sizeof(lines), "%llu 8\n%llu 8\n%llu 8\n", sector(fd, 4096),
		sector(fd, 12288), sector(fd, 61440));
	list_bad(lines);
	src = source_of(fd);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0);
	CHECK(tells(bbctx, 4096, 4096) && clears(bbctx, 4096, 4096) == 0 &&
		holds(fd, 4096, 4096, 0));
	CHECK(tells(bbctx, 12288, 4096) && clears(bbctx, 12288, 4096) == 0 &&
		holds(fd, 12288, 4096, 0));
	CHECK(tells(bbctx, 61440, 4096) && tells(bbctx, 0, 0));
	CHECK(holds(fd, 0, 4096, 7) && holds(fd, 8192, 4096, 7) &&
		holds(fd, 16384, LENGTH - 16384, 7));
	/* A second time it is bad no more. */
	CHECK(clears(bbctx, 4096, 4096) == PMEM2_E_NO_BAD_BLOCK_FOUND);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && tells(bbctx, 61440, 4096) &&
		tells(bbctx, 0, 0));
	pmem2_badblock_context_delete(&bbctx);
	done_with(&src, fd);
}

/* A sector, which is less than a block: the good bytes of its block are kept. */
static void
cleared_in_part(void)
{
	struct pmem2_badblock_context *bbctx;
	int fd = bad_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	unsigned long long before = sector(fd, 8192);

	list_bad(nd_path("%llu 1\n", before + 1));
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && tells(bbctx, 8704, 512));
	CHECK(clears(bbctx, 8704, 512) == 0 && sector(fd, 8192) != before);
	CHECK(holds(fd, 8192, 512, 7) && holds(fd, 8704, 512, 0) &&
		holds(fd, 9216, LENGTH - 9216, 7));
	pmem2_badblock_context_delete(&bbctx);
	done_with(&src, fd);
}

/*
 * The kernel cuts its list at a page: the known bad blocks are returned, and then, each time, that
 * there are more.
 */
static void
cut(void)
{
	static char lines[8192];
	struct pmem2_badblock_context *bbctx;
	struct pmem2_badblock bb = { 77, 78 };
	int fd = bad_file(O_RDWR), i;
	struct pmem2_source *src = source_of(fd);
	size_t length;

	length = (size_t)sprintf(lines, "%llu 1\n", sector(fd, 512));
	for (i = 0; length < 4096; i++)
		length += (size_t)sprintf(lines + length, "%llu 1\n",
			sector(fd, 0) + 100000000ULL + 2ULL * (unsigned)i);
	lines[4095] = '\0';
	list_bad(lines);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && tells(bbctx, 512, 512));
	for (i = 0; i < 3; i++)
		CHECK(pmem2_badblock_next(bbctx, &bb) == -EOVERFLOW && bb.offset == 77 &&
			bb.length == 78);
	pmem2_badblock_context_delete(&bbctx);
	done_with(&src, fd);
}

static void
lists(void)
{
	make_nd(1);
	told();
	cleared();
	cleared_in_part();
	cut();
	unmake_sysfs();
}

#endif
