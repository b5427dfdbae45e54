/*
 * The C functions over regions of physical memory (libpmem2/region.h), on a host or a board: no
 * region's memory is touched.
 *
 *	region NFIT-OF-TWO NFIT-WITH-NODES DEVICETREE
 *	region large: only the questions about the largest table
 */

#include "region.h"

int checks;

#define POOL 16
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct pmem2_region_dimm chips[] = {
	{.id = "fm25v20-0001", .dirty_shutdowns = 3, .counts = 1},
	{.id = "fm25v20-0002", .dirty_shutdowns = 4, .counts = 1},
};

static const struct pmem2_region board[4];
static const struct pmem2_region board[4] = {
	{.base = 0x60000000, .length = 0x80000, .alignment = 32, .kind = PMEM2_REGION_PERSISTENT,
		.durability = PMEM2_DURABLE_BY_FENCE, .flags =
			PMEM2_REGION_HAS_NODE | PMEM2_REGION_READ_ONLY, .numa_node = 2,
		.number = 7, .provider = "crate-of-the-board-with-a-long-name", .dimms = chips,
			.dimm_count = 2, .table = board,
		.table_length = 4},
	{.base = 0x20000000, .length = 0x10000, .kind = PMEM2_REGION_VOLATILE, .table = board,
		.table_length = 4},
	{.base = 0x40000000, .length = 0x1000, .kind = PMEM2_REGION_PERSISTENT, .table = board,
		.table_length = 4},
	{.base = 0x40000fff, .length = 0x1000, .kind = PMEM2_REGION_PERSISTENT, .table = board,
		.table_length = 4},
};

/* The board's region: all answers. */
static void
answers(void)
{
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_PAGE;
	struct pmem2_source_storage storage;
	struct pmem2_source *src;
	char id[64], text[PMEM2_DESCRIPTION_SIZE];
	size_t size, length = sizeof(id);
	uint64_t usc;
	int number = 77, node, i;

	for (i = 0; i < 2; i++) {
		if (i == 0)
			CHECK(pmem2_source_from_region(&src, &board[0]) == 0);
		else
			CHECK(pmem2_source_init_region(&storage, &src, &board[0]) == 0 &&
				(void *)src == (void *)&storage);
		CHECK(pmem2_source_size(src, &size) == 0 && size == 0x80000);
		CHECK(pmem2_source_alignment(src, &size) == 0 && size == 32);
		CHECK(pmem2_source_get_fd(src, &number) == PMEM2_E_FILE_DESCRIPTOR_NOT_SET &&
			number == 77);
		CHECK(SAYS("it was made of a region of memory"));
		CHECK(pmem2_source_numa_node(src, &node) == 0 && node == 2);
		CHECK(pmem2_source_device_id(src, id, &length) == 0 &&
			strcmp(id, "fm25v20-0001fm25v20-0002") == 0);
		CHECK(pmem2_source_device_usc(src, &usc) == 0 && usc == 7);
		CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == 0);
		CHECK(granularity == PMEM2_GRANULARITY_BYTE);
		CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
		CHECK(strstr(text, "physical address 0x60000000, 0x80000 bytes") != NULL);
		/* Of the name the first characters, and an ellipsis. */
		CHECK(strstr(text, "(crate-of-the-board-wi\342\200\246)") != NULL);
		if (i == 0)
			printf("%s\n", text);
		CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		CHECK(pmem2_source_size((struct pmem2_source *)&storage, &size) == -EINVAL ||
			i == 0);
	}
}

/* The durabilities of a region, and the granularity that follows. */
static void
durability(void)
{
	static const struct {
		uint32_t durability;
		int code;
		enum pmem2_granularity granularity;
	} all[] = {
		{PMEM2_DURABLE_UNSTATED, 0, PMEM2_GRANULARITY_CACHE_LINE},
		{PMEM2_DURABLE_BY_FLUSH, 0, PMEM2_GRANULARITY_CACHE_LINE},
		{PMEM2_DURABLE_BY_FENCE, 0, PMEM2_GRANULARITY_BYTE},
		{PMEM2_DURABLE_BY_CALL, 0, PMEM2_GRANULARITY_PAGE},
		{PMEM2_DURABLE_NEVER, PMEM2_E_GRANULARITY_NOT_SUPPORTED, PMEM2_GRANULARITY_BYTE},
	};
	struct pmem2_region region = {.base = 0x1000, .length = 0x1000, .kind =
		PMEM2_REGION_PERSISTENT};
	enum pmem2_granularity granularity;
	struct pmem2_source *src;
	size_t i, length = 9, size;
	uint64_t usc;
	int node;

	for (i = 0; i < COUNT(all); i++) {
		region.durability = all[i].durability;
		CHECK(pmem2_source_from_region(&src, &region) == 0);
		granularity = PMEM2_GRANULARITY_BYTE;
		CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED,
			&granularity) == all[i].code);
		CHECK(granularity == all[i].granularity);
		CHECK(pmem2_source_delete(&src) == 0);
	}
	/* A region that says nothing else: no node, no chips, any byte. */
	region.durability = 0;
	CHECK(pmem2_source_from_region(&src, &region) == 0);
	CHECK(pmem2_source_numa_node(src, &node) == 0 && node == -1);
	CHECK(pmem2_source_device_id(src, NULL, &length) == 0 && length == 1);
	CHECK(pmem2_source_device_usc(src, &usc) == 0 && usc == 0);
	CHECK(pmem2_source_alignment(src, &size) == 0 && size == 1);

	/* It is changed, as it must not be. */
	region.base += 0x1000;
	size = 77;
	CHECK(pmem2_source_size(src, &size) == PMEM2_E_INVALID_FILE_HANDLE && size == 77);
	region.base -= 0x1000;
	region.alignment = 3;
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(pmem2_source_from_region(&src, &region) == PMEM2_E_INVALID_ALIGNMENT_VALUE &&
		src == NULL);
	CHECK(SAYS("alignment is not a power of two"));
	CHECK(pmem2_region_part(&region, 0, 3, &region) == PMEM2_E_INVALID_ALIGNMENT_VALUE &&
		region.alignment == 3);
}

/* DIMMs without an id, or with a malformed one. */
static void
dimms(void)
{
	struct pmem2_region_dimm dimm = {.id = NULL};
	struct pmem2_region region = {.length = 1, .kind = PMEM2_REGION_PERSISTENT, .dimms = &dimm,
		.dimm_count = 1};
	/*
	 * Behind the second byte, behind the last that fits; the last that fits is half a
	 * character, and one character too many.
	 */
	static const char *const none[] = {
		"SN\xff" "1", "0123456789abcdef0123456789abcde\xff",
			"0123456789abcdef0123456789abcde\xc3\xa4xxxxxx",
		"0123456789abcdef0123456789abcdef\xc3\xa4xxxxx", "\xc3",
	};
	struct pmem2_source *src;
	size_t length = 77, i;
	uint64_t usc = 77;
	char id[64];

	CHECK(pmem2_source_from_region(&src, &region) == 0);
	CHECK(pmem2_source_device_id(src, NULL, &length) == PMEM2_E_NOSUPP && length == 77);
	CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP && usc == 77);
	dimm.id = "";
	CHECK(pmem2_source_device_id(src, NULL, &length) == PMEM2_E_NOSUPP && length == 77);
	dimm.id = "0123456789abcdef0123456789abcdef";
	CHECK(pmem2_source_device_id(src, NULL, &length) == 0 && length == 33);
	dimm.id = "0123456789abcdef0123456789abcdefX";
	CHECK(pmem2_source_device_id(src, NULL, &length) == PMEM2_E_INVALID_DEV_FORMAT &&
		length == 33);
	/* Of an id that is cut, another chip could have the same. */
	for (i = 0; i < COUNT(none); i++) {
		dimm.id = none[i];
		memset(id, 'x', sizeof(id));
		CHECK(pmem2_source_device_id(src, NULL, &length) == PMEM2_E_INVALID_DEV_FORMAT &&
			length == 33);
		length = sizeof(id);
		CHECK(pmem2_source_device_id(src, id, &length) == PMEM2_E_INVALID_DEV_FORMAT &&
			id[0] == 'x');
		length = 33;
	}
	dimm.id = "0123456789abcdef0123456789abcd\xc3\xa4";
	length = sizeof(id);
	CHECK(pmem2_source_device_id(src, id, &length) == 0 && strcmp(id, dimm.id) == 0);
	CHECK(pmem2_source_delete(&src) == 0);
}

/* A provider is for people: the part that they can read, and a whole report. */
static void
provider(void)
{
	struct pmem2_region region = {.length = 1, .kind = PMEM2_REGION_PERSISTENT, .provider =
		"first\xffsecond"};
	struct pmem2_source *src;
	char text[PMEM2_DESCRIPTION_SIZE];

	CHECK(pmem2_source_from_region(&src, &region) == 0);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
	CHECK(strstr(text, "first") != NULL && strstr(text, "second") == NULL);
	/* A character that does not fit is left out as a whole. */
	region.provider = "0123456789abcdefghij\xc3\xa4lmn";
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
	CHECK(strstr(text, "(0123456789abcdefghij\342\200\246)") != NULL &&
		strchr(text, '\xc3') == NULL);
	CHECK(pmem2_source_delete(&src) == 0);
}

static void
refused(const char *what, struct pmem2_region region, int code, const char *words)
{
	struct pmem2_source_storage storage;
	struct pmem2_source *src = (void *)&storage;

	memset(&storage, 0x55, sizeof(storage));
	CHECK(pmem2_source_from_region(&src, &region) == code && src == NULL);
	CHECK(SAYS(words));
	printf("%s: %s\n", what, pmem2_errormsg());
	CHECK(pmem2_source_init_region(&storage, &src, &region) == code && src == NULL);
	CHECK(storage.pmem2_private[0] == 0x5555555555555555u &&
		storage.pmem2_private[7] == 0x5555555555555555u);
}

/* Impossible arrays: none is read. */
static void
arrays(void)
{
	const struct pmem2_region good = {.base = 0x1000, .length = 0x1000, .kind =
		PMEM2_REGION_PERSISTENT};
	const struct pmem2_region_dimm chip = {.id = "a"};
	const size_t most = SIZE_MAX / 2;
	struct pmem2_region bad, part;
	size_t i;
	const struct {
		const struct pmem2_region *table;
		size_t table_length;
		const struct pmem2_region_dimm *dimms;
		size_t dimm_count;
		int code;
		const char *words;
	} all[] = {
		{NULL, 1, NULL, 0, -EINVAL, "region->table is NULL"},
		{NULL, 0, NULL, 1, -EINVAL, "region->dimms is NULL"},
		{SKEWED(&good), 0, NULL, 0, -EINVAL, "region->table is not aligned"},
		{SKEWED(&good), 1, NULL, 0, -EINVAL, "region->table is not aligned"},
		{NULL, 0, SKEWED(&chip), 0, -EINVAL, "region->dimms is not aligned"},
		{NULL, 0, SKEWED(&chip), 1, -EINVAL, "region->dimms is not aligned"},
		{&good, most / sizeof(good) + 1, NULL, 0, PMEM2_E_INVALID_REGION_FORMAT,
			"region->table_length is more"},
		{&good, SIZE_MAX / sizeof(good) + 2, NULL, 0, PMEM2_E_INVALID_REGION_FORMAT,
			"region->table_length is more"},
		{&good, SIZE_MAX, NULL, 0, PMEM2_E_INVALID_REGION_FORMAT,
			"region->table_length is more"},
		{NULL, 0, &chip, most / sizeof(chip) + 1, PMEM2_E_INVALID_REGION_FORMAT,
			"region->dimm_count is more"},
		{NULL, 0, &chip, SIZE_MAX / sizeof(chip) + 2, PMEM2_E_INVALID_REGION_FORMAT,
			"region->dimm_count is more"},
		{NULL, 0, &chip, SIZE_MAX, PMEM2_E_INVALID_REGION_FORMAT,
			"region->dimm_count is more"},
	};

	for (i = 0; i < COUNT(all); i++) {
		bad = good;
		bad.table = all[i].table, bad.table_length = all[i].table_length;
		bad.dimms = all[i].dimms, bad.dimm_count = all[i].dimm_count;
		refused("no array", bad, all[i].code, all[i].words);
		memset(&part, 0x55, sizeof(part));
		CHECK(pmem2_region_part(&bad, 0, 1, &part) == all[i].code && SAYS(all[i].words));
		CHECK(part.base == 0x5555555555555555u);
	}
	bad = good;
	bad.table = &good, bad.dimms = &chip;
	CHECK(pmem2_region_part(&bad, 0, 1, &part) == 0);
}

static void
refusals(void)
{
	const struct pmem2_region good = {.base = 0x1000, .length = 0x1000, .kind =
		PMEM2_REGION_PERSISTENT};
	struct pmem2_source_storage storage;
	struct pmem2_source *src;
	struct pmem2_region bad;
	int i;

	memset(&bad, 0, sizeof(bad));
	refused("zeros", bad, PMEM2_E_INVALID_FILE_TYPE, "region->kind is 0 (PMEM2_REGION_OTHER)");
	CHECK(pmem2_region_part(&bad, 0, 1, &bad) == PMEM2_E_INVALID_FILE_TYPE &&
		SAYS("region->kind is 0"));
	bad = good, bad.length = 0;
	refused("empty", bad, PMEM2_E_SOURCE_EMPTY, "");
	bad = good, bad.length = UINT64_MAX;
	refused("wrapping", bad, PMEM2_E_INVALID_REGION_FORMAT, "beyond the last physical address");
	bad = good, bad.kind = PMEM2_REGION_VIRTUAL_DISK;
	refused("virtual disk", bad, PMEM2_E_INVALID_FILE_TYPE, "disk image");
	refused("volatile", board[1], PMEM2_E_INVALID_FILE_TYPE, "volatile memory");
	bad = good, bad.flags = PMEM2_REGION_OVERLAPPING;
	refused("overlapping, as its table says", bad, PMEM2_E_INVALID_REGION_FORMAT,
		"bytes in common");
	bad = good, bad.kind = PMEM2_REGION_CONTROL;
	refused("registers", bad, PMEM2_E_INVALID_FILE_TYPE, "registers of an NVDIMM");
	bad = good, bad.kind = PMEM2_REGION_BLOCK_WINDOW;
	refused("a window", bad, PMEM2_E_INVALID_FILE_TYPE, "registers of an NVDIMM, or a window");
	bad = good, bad.kind = 6;
	refused("no kind", bad, PMEM2_E_INVALID_REGION_FORMAT, "region->kind is 6,");
	CHECK(pmem2_region_part(&bad, 0, 1, &bad) == PMEM2_E_INVALID_REGION_FORMAT &&
		SAYS("region->kind is 6,"));
	bad = good, bad.durability = 5;
	refused("no durability", bad, PMEM2_E_INVALID_REGION_FORMAT, "region->durability is 5,");
	bad = good, bad.flags = 1024 | PMEM2_REGION_UNARMED;
	refused("no flag", bad, PMEM2_E_INVALID_REGION_FORMAT, "a flag of region->flags is 1024,");
	for (i = 2; i < 4; i++) {
		CHECK(pmem2_source_from_region(&src, &board[i]) == PMEM2_E_INVALID_REGION_FORMAT &&
			src == NULL);
		CHECK(SAYS("bytes in common"));
	}
	bad = good, bad.alignment = 0x2000;
	refused("misaligned", bad, PMEM2_E_INVALID_REGION_FORMAT,
		"does not begin at a multiple of the region's alignment");
	bad = good, bad.alignment = 0x1000;
	CHECK(pmem2_source_init_region(&storage, &src, &bad) == 0);
	/* All there is: the last byte is the last one. */
	bad = good, bad.base = 0, bad.length = UINT64_MAX;
	CHECK(pmem2_source_init_region(&storage, &src, &bad) == 0);

	CHECK(pmem2_source_from_region(&src, NULL) == -EINVAL && src == NULL &&
		SAYS("region is NULL"));
	CHECK(pmem2_source_from_region(NULL, &good) == -EINVAL);
	CHECK(pmem2_source_from_region(&src, (const void *)((const char *)&good + 1)) == -EINVAL &&
		SAYS("not aligned"));
	CHECK(pmem2_source_init_region(NULL, &src, &good) == -EINVAL && SAYS("storage is NULL"));
	CHECK(pmem2_source_init_region(&storage, (void *)&storage, &good) == -EINVAL &&
		SAYS("within"));

	/* There is no anonymous memory, and there are no descriptors. */
	CHECK(pmem2_source_from_anon(&src, 1) == PMEM2_E_NOSUPP && src == NULL &&
		SAYS("there is no anonymous memory"));
	CHECK(pmem2_source_init_anon(&storage, &src, 0) == PMEM2_E_NOSUPP && src == NULL &&
		SAYS("there is no anonymous memory"));
	for (i = -1; i < 3; i++)
		CHECK(pmem2_source_from_fd(&src, i) == PMEM2_E_INVALID_FILE_HANDLE && src == NULL);
}

static void
parts(void)
{
	struct pmem2_region part, before;
	struct pmem2_source *src;
	size_t size, length = 0;
	int node;

	CHECK(pmem2_region_part(&board[0], 0x1000, 0x2000, &part) == 0);
	CHECK(part.base == 0x60001000 && part.length == 0x2000 && part.table == NULL);
	CHECK(pmem2_source_from_region(&src, &part) == 0);
	CHECK(pmem2_source_size(src, &size) == 0 && size == 0x2000);
	CHECK(pmem2_source_alignment(src, &size) == 0 && size == 32);
	CHECK(pmem2_source_numa_node(src, &node) == 0 && node == 2);
	CHECK(pmem2_source_device_id(src, NULL, &length) == 0 && length == 25);
	CHECK(pmem2_source_delete(&src) == 0);

	/* A part of a part, in its place; all of it; and what is none. */
	CHECK(pmem2_region_part(&part, 0x1800, 0x800, &part) == 0 && part.base == 0x60002800 &&
		part.length == 0x800);
	CHECK(pmem2_region_part(&part, 0, 0x800, &part) == 0 && part.base == 0x60002800);
	before = part;
	CHECK(pmem2_region_part(&part, 1, 0x800, &part) == PMEM2_E_INVALID_REGION_FORMAT &&
		SAYS("beyond the end of its region"));
	CHECK(pmem2_region_part(&part, UINT64_MAX, 1, &part) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_region_part(&part, 1, UINT64_MAX, &part) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_region_part(&part, 0, 0, &part) == PMEM2_E_SOURCE_EMPTY);
	CHECK(pmem2_region_part(&part, 16, 32, &part) == PMEM2_E_INVALID_REGION_FORMAT &&
		SAYS("does not begin at a multiple"));
	CHECK(pmem2_region_part(&part, 0, 1, NULL) == -EINVAL &&
		pmem2_region_part(NULL, 0, 1, &part) == -EINVAL);
	CHECK(pmem2_region_part(&board[1], 0, 1, &part) == PMEM2_E_INVALID_FILE_TYPE);
	CHECK(pmem2_region_part(&board[2], 0, 1, &part) == PMEM2_E_INVALID_REGION_FORMAT &&
		SAYS("bytes in common"));
	CHECK(memcmp(&before, &part, sizeof(part)) == 0);
}

/* Only the program reads here, and nobody keeps a list. */
static void
health(void)
{
	struct pmem2_badblock_context *bbctx = (struct pmem2_badblock_context *)&bbctx;
	struct pmem2_source *src;
	char byte = 'b';

	CHECK(pmem2_source_from_region(&src, &board[0]) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, 0) == PMEM2_E_NOSUPP && byte == 'b');
	/* A region that its table calls read-only. */
	CHECK(pmem2_source_pwrite_mcsafe(src, &byte, 1, 0) == PMEM2_E_NO_ACCESS);
	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, SIZE_MAX) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_source_sync(src) == PMEM2_E_NOSUPP);
	CHECK(pmem2_badblock_context_new(&bbctx, src) == PMEM2_E_NOSUPP && bbctx == NULL);
	CHECK(pmem2_source_delete(&src) == 0);
}

/* All slots; storage is not counted. */
static void
pool(void)
{
	struct pmem2_source *src[POOL], *more;
	struct pmem2_source_storage storage;
	int i;

	for (i = 0; i < POOL; i++)
		CHECK(pmem2_source_from_region(&src[i], &board[0]) == 0);
	CHECK(pmem2_source_from_region(&more, &board[0]) == -ENOMEM && more == NULL &&
		SAYS("all 16 of the library's slots"));
	CHECK(SAYS("pmem2_source_delete") && SAYS("(pmem2_source_init_region)"));
	CHECK(pmem2_source_init_region(&storage, &more, &board[0]) == 0 &&
		pmem2_source_delete(&more) == 0);
	CHECK(pmem2_source_delete(&src[5]) == 0);
	CHECK(pmem2_source_from_region(&src[5], &board[0]) == 0);
	for (i = 0; i < POOL; i++)
		CHECK(pmem2_source_delete(&src[i]) == 0);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "large") == 0) {
		large();
		printf("region: %d checks of the largest table\n", checks);
		return 0;
	}
	CHECK(argc == 4);
	answers();
	durability();
	dimms();
	provider();
	arrays();
	refusals();
	parts();
	nfit(argv[1], argv[2]);
	devicetree(argv[3]);
	large();
	health();
	pool();
	printf("region: %d checks\n", checks);
	return 0;
}
