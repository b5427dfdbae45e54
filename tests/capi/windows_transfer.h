/*
 * The part of windows_source.c on reading and writing where what a file lies on may be bad, and on
 * bad blocks, which Windows does not list.
 */

#ifndef WINDOWS_TRANSFER_H
#define WINDOWS_TRANSFER_H

static void
transfers(void)
{
	HANDLE file = open_file(GENERIC_READ | GENERIC_WRITE);
	struct pmem2_source *src;
	char text[] = "some bytes", bytes[32];
	size_t done = 77, size;

	CHECK(pmem2_source_from_handle(&src, file) == 0);
	CHECK(pmem2_source_pwrite_mcsafe(src, text, sizeof(text), 4093) == 0);
	memset(bytes, 0xa5, sizeof(bytes));
	CHECK(pmem2_source_pread_mcsafe(src, bytes, sizeof(text), 4093) == 0 &&
		strcmp(bytes, text) == 0);
	CHECK(is_filled(bytes + sizeof(text), sizeof(bytes) - sizeof(text)));
	CHECK(pmem2_source_pwrite_at(src, "OTHER", 5, 4093, &done) == 0 && done == 5);
	CHECK(pmem2_source_pread_at(src, bytes, sizeof(text), 4093, &done) == 0 &&
		done == sizeof(text));
	CHECK(strcmp(bytes, "OTHERbytes") == 0);
	CHECK(pmem2_source_sync(src) == 0);
	/* Nothing wraps, and the file does not grow. */
	CHECK(pmem2_source_pread_at(src, bytes, 2, FILE_SIZE - 1,
		&done) == PMEM2_E_LENGTH_OUT_OF_RANGE && done == 0);
	CHECK(pmem2_source_pwrite_at(src, bytes, 2, FILE_SIZE - 1,
		&done) == PMEM2_E_LENGTH_OUT_OF_RANGE && done == 0);
	CHECK(pmem2_source_pwrite_at(src, bytes, 1, UINT64_MAX,
		&done) == PMEM2_E_LENGTH_OUT_OF_RANGE && done == 0);
	CHECK(pmem2_source_pwrite_mcsafe(src, bytes, 1,
		FILE_SIZE + 4096) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_source_size(src, &size) == 0 && size == FILE_SIZE);
	/* NULL, and what is no source. */
	CHECK(pmem2_source_pread_mcsafe(src, NULL, 1, 0) == -EINVAL && SAYS("buf is NULL"));
	CHECK(pmem2_source_pwrite_mcsafe(NULL, bytes, 1, 0) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_sync(NULL) == -EINVAL);
	CHECK(pmem2_source_delete(&src) == 0 && CloseHandle(file));

	file = open_file(GENERIC_READ);
	CHECK(pmem2_source_from_handle(&src, file) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, bytes, 1, 0) == 0);
	CHECK(pmem2_source_pwrite_mcsafe(src, bytes, 1, 0) == PMEM2_E_NO_ACCESS);
	CHECK(CloseHandle(file));
	CHECK(pmem2_source_pread_at(src, bytes, 1, 0, &done) == PMEM2_E_INVALID_FILE_HANDLE &&
		done == 0);
	CHECK(pmem2_source_delete(&src) == 0);

	CHECK(pmem2_source_from_anon(&src, 4096) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, bytes, 1, 0) == PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED);
	CHECK(pmem2_source_delete(&src) == 0);
}

static void
bad_blocks(void)
{
	static struct pmem2_badblock_storage storage;
	struct pmem2_badblock_context *bbctx = (struct pmem2_badblock_context *)&bbctx;
	struct pmem2_badblock bb = { 77, 78 };
	HANDLE file = open_file(GENERIC_READ | GENERIC_WRITE);
	struct pmem2_source *src;
	long before;

	CHECK(pmem2_source_from_handle(&src, file) == 0);
	before = allocated;
	CHECK(pmem2_badblock_context_new(&bbctx, src) == PMEM2_E_NOSUPP && bbctx == NULL &&
		SAYS("list of bad blocks"));
	bbctx = (struct pmem2_badblock_context *)&bbctx;
	CHECK(pmem2_badblock_context_init(&storage, &bbctx, src) == PMEM2_E_NOSUPP &&
		bbctx == NULL);
	pmem2_badblock_context_delete(&bbctx);
	pmem2_badblock_context_delete(NULL);
	bbctx = (struct pmem2_badblock_context *)(void *)&storage;
	CHECK(pmem2_badblock_next(bbctx, &bb) == -EINVAL && SAYS("not a bad block context") &&
		bb.offset == 77 && bb.length == 78);
	CHECK(pmem2_badblock_clear(bbctx, &bb) == -EINVAL &&
		pmem2_badblock_clear_by_device(NULL, &bb) == -EINVAL);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL && allocated == before);
	CHECK(pmem2_source_delete(&src) == 0 && CloseHandle(file));
}

#endif
