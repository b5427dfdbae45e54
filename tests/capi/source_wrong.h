/* The part of source.c on memory without a source, and on pointers that cannot be used. */

#ifndef SOURCE_WRONG_H
#define SOURCE_WRONG_H

/* Every function refuses it, and deleting it only sets the pointer to NULL. */
static void
is_no_source(struct pmem2_source *src, const char *why)
{
	size_t output = 77;
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_PAGE;
	uint64_t usc = 77;
	int number = 77;
	char text[PMEM2_DESCRIPTION_SIZE] = "as it is";
	long before = allocated;

	CHECK(pmem2_source_size(src, &output) == -EINVAL && output == 77 &&
		strstr(pmem2_errormsg(), why) != NULL);
	CHECK(pmem2_source_alignment(src, &output) == -EINVAL && output == 77);
	CHECK(pmem2_source_get_fd(src, &number) == -EINVAL && number == 77 &&
		strstr(pmem2_errormsg(), why) != NULL);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == -EINVAL &&
		strcmp(text, "as it is") == 0);
	CHECK(pmem2_source_numa_node(src, &number) == -EINVAL && number == 77);
	CHECK(pmem2_source_device_usc(src, &usc) == -EINVAL && usc == 77);
	CHECK(pmem2_source_device_id(src, NULL, &output) == -EINVAL && output == 77);
	CHECK(pmem2_source_device_id(src, text, &output) == -EINVAL &&
		strcmp(text, "as it is") == 0);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_PRIVATE, &granularity) == -EINVAL);
	CHECK(granularity == PMEM2_GRANULARITY_PAGE && strstr(pmem2_errormsg(), why) != NULL);
	CHECK(pmem2_source_expected_granularity_reason(src, PMEM2_PRIVATE, text,
		sizeof(text)) == -EINVAL);
	CHECK(strcmp(text, "as it is") == 0);
	CHECK(pmem2_source_delete(&src) == 0 && src == NULL && allocated == before);
}

/* Storage that was never used, overwritten, deleted, or deleted twice. */
static void
no_sources(void)
{
	static const unsigned char fill[] = { 0, 1, 0xa5, 0xff };
	struct pmem2_source_storage storage;
	struct pmem2_source *src, *copy;
	int fd = open_file(O_RDWR);
	size_t i, size;

	for (i = 0; i < sizeof(fill); i++) {
		memset(&storage, fill[i], sizeof(storage));
		is_no_source((struct pmem2_source *)&storage, "not a source");
		CHECK(pmem2_source_init_fd(&storage, &src, fd) == 0);
		memset(&storage, fill[i], sizeof(storage));
		is_no_source(src, "not a source");

		CHECK(pmem2_source_init_fd(&storage, &src, fd) == 0);
		copy = src;
		CHECK(pmem2_source_size(copy, &size) == 0 && size == FILE_SIZE);
		CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		is_no_source(copy, "was deleted");
		/* And there can be one again. */
		CHECK(pmem2_source_init_anon(&storage, &src, 5) == 0 &&
			pmem2_source_size(src, &size) == 0 && size == 5);
		CHECK(pmem2_source_delete(&src) == 0);
	}
	close(fd);
}

/* Misaligned pointers. */
static void
misaligned(void)
{
	struct pmem2_source_storage storage, bytes[2];
	char *odd = (char *)bytes + 1;
	int fd = open_file(O_RDWR);
	struct pmem2_source *src;
	size_t *size = (size_t *)(void *)odd;
	int *number = (int *)(void *)odd;
	uint64_t *usc = (uint64_t *)(void *)odd;
	enum pmem2_granularity *granularity = (enum pmem2_granularity *)(void *)odd;

	memset(bytes, 0xa5, sizeof(bytes));
	CHECK(pmem2_source_from_fd((struct pmem2_source **)(void *)odd, 0) == -EINVAL);
	CHECK(strstr(pmem2_errormsg(), "src is not aligned") != NULL);
	CHECK(pmem2_source_from_anon((struct pmem2_source **)(void *)odd, 1) == -EINVAL);
	CHECK(pmem2_source_init_anon(&storage, (struct pmem2_source **)(void *)odd, 1) == -EINVAL);
	CHECK(pmem2_source_init_fd(&storage, &src, fd) == 0);
	CHECK(pmem2_source_size(src, size) == -EINVAL &&
		strstr(pmem2_errormsg(), "size is not aligned") != NULL);
	CHECK(pmem2_source_alignment(src, size) == -EINVAL &&
		strstr(pmem2_errormsg(), "alignment is not al") != NULL);
	CHECK(pmem2_source_get_fd(src, number) == -EINVAL &&
		strstr(pmem2_errormsg(), "fd is not aligned") != NULL);
	CHECK(pmem2_source_numa_node(src, number) == -EINVAL &&
		strstr(pmem2_errormsg(), "numa_node is not al") != NULL);
	CHECK(pmem2_source_device_usc(src, usc) == -EINVAL &&
		strstr(pmem2_errormsg(), "usc is not aligned") != NULL);
	CHECK(pmem2_source_device_id(src, NULL, size) == -EINVAL &&
		strstr(pmem2_errormsg(), "len is not aligned") != NULL);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, granularity) == -EINVAL);
	CHECK(strstr(pmem2_errormsg(), "granularity is not al") != NULL);
	CHECK(is_filled(bytes, sizeof(bytes)));
	is_no_source((struct pmem2_source *)(void *)odd, "src is not aligned");
	CHECK(is_filled(bytes, sizeof(bytes)));

	/* A packed variable of the caller's: deleting never fails. */
	memcpy(odd, &src, sizeof(src));
	CHECK(pmem2_source_delete((struct pmem2_source **)(void *)odd) == 0);
	is_no_source(src, "was deleted");
	memcpy(&src, odd, sizeof(src));
	CHECK(src == NULL);
	close(fd);
}

/*
 * `src` anywhere in `storage`, where writing it would destroy the source, and right beside it.
 */
static void
src_in_storage(void)
{
	struct pmem2_source_storage three[3];
	char *storage = (char *)&three[1];
	int fd = open_file(O_RDWR);
	size_t offset;

	for (offset = 0; offset < sizeof(three[1]); offset += sizeof(void *)) {
		struct pmem2_source **src = (struct pmem2_source **)(void *)(storage + offset);

		memset(three, 0xa5, sizeof(three));
		CHECK(pmem2_source_init_fd(&three[1], src, fd) == -EINVAL);
		CHECK(strstr(pmem2_errormsg(), "lies within storage") != NULL);
		CHECK(pmem2_source_init_anon(&three[1], src, 1) == -EINVAL);
		CHECK(is_filled(three, sizeof(three)));
	}
	for (offset = 0; offset < 2; offset++) {
		char *beside = offset ? storage + sizeof(three[1]) : storage - sizeof(void *);
		struct pmem2_source **src = (struct pmem2_source **)(void *)beside;

		CHECK(pmem2_source_init_fd(&three[1], src, fd) == 0 &&
			(void *)*src == (void *)&three[1]);
		CHECK(pmem2_source_delete(src) == 0);
	}
	close(fd);
}

#endif
