/* The part of transfer.c on making, checking and deleting contexts of bad blocks. */

#ifndef BADBLOCKS_CONTEXTS_H
#define BADBLOCKS_CONTEXTS_H

#include "badblocks_world.h"

/* Memory without a context is refused. */
static void
is_no_context(struct pmem2_badblock_context *bbctx, const char *why)
{
	struct pmem2_badblock bb = { 77, 78 };
	long before = allocated;

	CHECK(pmem2_badblock_next(bbctx, &bb) == -EINVAL && SAYS(why) && bb.offset == 77 &&
		bb.length == 78);
	CHECK(pmem2_badblock_clear(bbctx, &bb) == -EINVAL && SAYS(why));
	CHECK(pmem2_badblock_clear_by_device(bbctx, &bb) == -EINVAL && SAYS(why));
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL && allocated == before);
}

static void
contexts(void)
{
	static const unsigned char fill[] = { 0, 1, 0xa5, 0xff };
	static struct pmem2_badblock_storage storage, three[3];
	struct pmem2_badblock_context *bbctx = NULL, *odd[2];
	struct pmem2_badblock_context **misaligned =
		(struct pmem2_badblock_context **)(void *)((char *)odd + 1);
	struct pmem2_source *src;
	struct pmem2_badblock bb = { 77, 78 };
	size_t i, offset;
	int fd = open_file(O_RDWR);
	long before;

	for (i = 0; i < sizeof(fill); i++) {
		memset(&storage, fill[i], sizeof(storage));
		is_no_context((struct pmem2_badblock_context *)&storage, "not a bad block context");
	}
	is_no_context(NULL, "bbctx is NULL");
	is_no_context((struct pmem2_badblock_context *)(void *)((char *)&storage + 1),
		"bbctx is not aligned");
	pmem2_badblock_context_delete(NULL);
	pmem2_badblock_context_delete(&bbctx);
	src = source_of(fd);
	/* A source is none. */
	is_no_context((struct pmem2_badblock_context *)(void *)src, "not a bad block context");

	/* The constructors: what fails leaves NULL. */
	CHECK(pmem2_badblock_context_new(NULL, src) == -EINVAL && SAYS("bbctx is NULL"));
	bbctx = (struct pmem2_badblock_context *)&bbctx;
	CHECK(pmem2_badblock_context_new(&bbctx, NULL) == -EINVAL && SAYS("src is NULL") &&
		bbctx == NULL);
	memset(odd, 0xa5, sizeof(odd));
	CHECK(pmem2_badblock_context_new(misaligned, src) == -EINVAL &&
		SAYS("bbctx is not aligned"));
	CHECK(pmem2_badblock_context_init(&storage, misaligned, src) == -EINVAL &&
		is_filled(odd, sizeof(odd), 0xa5));
	for (offset = 0; offset < sizeof(three[1]); offset += sizeof(void *)) {
		struct pmem2_badblock_context **within =
			(struct pmem2_badblock_context **)(void *)((char *)&three[1] + offset);

		CHECK(pmem2_badblock_context_init(&three[1], within, src) == -EINVAL &&
			SAYS("lies within storage"));
	}
	CHECK(is_filled(three, sizeof(three), 0));
	/* A file on tmpfs: no list. */
	bbctx = (struct pmem2_badblock_context *)&bbctx;
	CHECK(pmem2_badblock_context_new(&bbctx, src) == PMEM2_E_NOSUPP && bbctx == NULL &&
		SAYS("list of bad blocks"));
	bbctx = (struct pmem2_badblock_context *)&bbctx;
	CHECK(pmem2_badblock_context_init(&storage, &bbctx, src) == PMEM2_E_NOSUPP &&
		bbctx == NULL);
	done_with(&src, fd);
	CHECK(pmem2_source_from_anon(&src, 1) == 0);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == PMEM2_E_NOSUPP && bbctx == NULL &&
		SAYS("anonymous"));
	CHECK(pmem2_source_delete(&src) == 0);

	/* Where there is a list. */
	make_nd(1);
	list_bad("");
	fd = file_on_nd();
	src = source_of(fd);
	CHECK(pmem2_badblock_context_init(NULL, &bbctx, src) == -EINVAL && bbctx == NULL &&
		SAYS("storage is NULL"));
	CHECK(pmem2_badblock_context_init((void *)((char *)three + 4), &bbctx, src) == -EINVAL &&
		SAYS("storage is not aligned"));
	before = allocated;
	malloc_fails = 1;
	CHECK(pmem2_badblock_context_new(&bbctx, src) == -ENOMEM && bbctx == NULL &&
		SAYS("out of memory"));
	CHECK(pmem2_badblock_context_init(&storage, &bbctx, src) == 0 &&
		(void *)bbctx == (void *)&storage);
	malloc_fails = 0;
	CHECK(pmem2_badblock_next(bbctx, NULL) == -EINVAL && SAYS("bb is NULL"));
	CHECK(pmem2_badblock_next(bbctx,
		(struct pmem2_badblock *)(void *)((char *)odd + 1)) == -EINVAL &&
		SAYS("bb is not al"));
	CHECK(pmem2_badblock_clear(bbctx, NULL) == -EINVAL && SAYS("bb is NULL"));
	CHECK(pmem2_badblock_clear_by_device(bbctx, NULL) == -EINVAL && SAYS("bb is NULL"));
	for (i = 0; i < 2; i++)
		CHECK(pmem2_badblock_next(bbctx, &bb) == PMEM2_E_NO_BAD_BLOCK_FOUND &&
			bb.offset == 77 && bb.length == 78);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL && allocated == before);
	is_no_context((struct pmem2_badblock_context *)&storage, "was deleted");
	CHECK(pmem2_badblock_context_new(&bbctx, src) == 0 && bbctx != NULL &&
		allocated == before + 1);
	/* The source may go before it. */
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(pmem2_badblock_next(bbctx, &bb) == PMEM2_E_NO_BAD_BLOCK_FOUND);
	close(fd);
	CHECK(pmem2_badblock_next(bbctx, &bb) == PMEM2_E_INVALID_FILE_HANDLE && bb.offset == 77);
	pmem2_badblock_context_delete(&bbctx);
	CHECK(bbctx == NULL && allocated == before - 1);
	unmake_sysfs();
}

#endif
