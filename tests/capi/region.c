/*
 * The C functions over regions of physical memory (libpmem2/region.h), on a host: no region's memory is touched.
 *
 *	region NFIT-OF-TWO NFIT-WITH-NODES DEVICETREE
 */

#include <errno.h>
#include <libpmem2/region.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks;

#define CHECK(condition)                                                                                              \
	do {                                                                                                          \
		checks++;                                                                                             \
		if (!(condition)) {                                                                                   \
			printf("FAILED: line %d: %s (%s)\n", __LINE__, #condition, pmem2_errormsg());                 \
			exit(1);                                                                                      \
		}                                                                                                     \
	} while (0)

#define SAYS(words) (strstr(pmem2_errormsg(), words) != NULL)
#define POOL 16
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct pmem2_region_dimm chips[] = {
	{.id = "fm25v20-0001", .dirty_shutdowns = 3, .counts = 1},
	{.id = "fm25v20-0002", .dirty_shutdowns = 4, .counts = 1},
};

static const struct pmem2_region board[4];
static const struct pmem2_region board[4] = {
	{.base = 0x60000000, .length = 0x80000, .alignment = 32, .kind = PMEM2_REGION_PERSISTENT,
		.durability = PMEM2_DURABLE_BY_FENCE, .flags = PMEM2_REGION_HAS_NODE | PMEM2_REGION_READ_ONLY, .numa_node = 2,
		.number = 7, .provider = "crate-of-the-board-with-a-long-name", .dimms = chips, .dimm_count = 2, .table = board,
		.table_length = 4},
	{.base = 0x20000000, .length = 0x10000, .kind = PMEM2_REGION_VOLATILE, .table = board, .table_length = 4},
	{.base = 0x40000000, .length = 0x1000, .kind = PMEM2_REGION_PERSISTENT, .table = board, .table_length = 4},
	{.base = 0x40000fff, .length = 0x1000, .kind = PMEM2_REGION_PERSISTENT, .table = board, .table_length = 4},
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
			CHECK(pmem2_source_init_region(&storage, &src, &board[0]) == 0 && (void *)src == (void *)&storage);
		CHECK(pmem2_source_size(src, &size) == 0 && size == 0x80000);
		CHECK(pmem2_source_alignment(src, &size) == 0 && size == 32);
		CHECK(pmem2_source_get_fd(src, &number) == PMEM2_E_FILE_DESCRIPTOR_NOT_SET && number == 77);
		CHECK(pmem2_source_numa_node(src, &node) == 0 && node == 2);
		CHECK(pmem2_source_device_id(src, id, &length) == 0 && strcmp(id, "fm25v20-0001fm25v20-0002") == 0);
		CHECK(pmem2_source_device_usc(src, &usc) == 0 && usc == 7);
		CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == 0);
		CHECK(granularity == PMEM2_GRANULARITY_BYTE);
		CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
		CHECK(strstr(text, "physical address 0x60000000, 0x80000 bytes") != NULL);
		CHECK(strstr(text, "crate-of-the-board-with-") != NULL && strstr(text, "board-with-a") == NULL);
		if (i == 0)
			printf("%s\n", text);
		CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		CHECK(pmem2_source_size((struct pmem2_source *)&storage, &size) == -EINVAL || i == 0);
	}
}

/* What a region may say of durability, and what follows. */
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
	struct pmem2_region region = {.base = 0x1000, .length = 0x1000, .kind = PMEM2_REGION_PERSISTENT};
	enum pmem2_granularity granularity;
	struct pmem2_source *src;
	size_t i, length = 9, size;
	uint64_t usc;
	int node;

	for (i = 0; i < COUNT(all); i++) {
		region.durability = all[i].durability;
		CHECK(pmem2_source_from_region(&src, &region) == 0);
		granularity = PMEM2_GRANULARITY_BYTE;
		CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == all[i].code);
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
	CHECK(pmem2_source_from_region(&src, &region) == 0);
	CHECK(pmem2_source_alignment(src, &size) == PMEM2_E_INVALID_ALIGNMENT_VALUE && size == 77);
	CHECK(pmem2_source_delete(&src) == 0);
}

/* DIMMs that have no id, or none that can be one. */
static void
dimms(void)
{
	struct pmem2_region_dimm dimm = {.id = NULL};
	struct pmem2_region region = {.length = 1, .kind = PMEM2_REGION_PERSISTENT, .dimms = &dimm, .dimm_count = 1};
	struct pmem2_source *src;
	size_t length = 77;
	uint64_t usc = 77;

	CHECK(pmem2_source_from_region(&src, &region) == 0);
	CHECK(pmem2_source_device_id(src, NULL, &length) == PMEM2_E_NOSUPP && length == 77);
	CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP && usc == 77);
	dimm.id = "";
	CHECK(pmem2_source_device_id(src, NULL, &length) == PMEM2_E_NOSUPP && length == 77);
	dimm.id = "0123456789abcdef0123456789abcdef";
	CHECK(pmem2_source_device_id(src, NULL, &length) == 0 && length == 33);
	dimm.id = "0123456789abcdef0123456789abcdefX";
	CHECK(pmem2_source_device_id(src, NULL, &length) == PMEM2_E_INVALID_DEV_FORMAT && length == 33);
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
	CHECK(storage.pmem2_private[0] == 0x5555555555555555u && storage.pmem2_private[7] == 0x5555555555555555u);
}

static void
refusals(void)
{
	const struct pmem2_region good = {.base = 0x1000, .length = 0x1000, .kind = PMEM2_REGION_PERSISTENT};
	struct pmem2_source_storage storage;
	struct pmem2_source *src;
	struct pmem2_region bad;
	int i;

	memset(&bad, 0, sizeof(bad));
	refused("zeros", bad, PMEM2_E_INVALID_FILE_TYPE, "");
	bad = good, bad.length = 0;
	refused("empty", bad, PMEM2_E_SOURCE_EMPTY, "");
	bad = good, bad.length = UINT64_MAX;
	refused("wrapping", bad, PMEM2_E_INVALID_REGION_FORMAT, "beyond the last physical address");
	bad = good, bad.kind = PMEM2_REGION_VIRTUAL_DISK;
	refused("virtual disk", bad, PMEM2_E_INVALID_FILE_TYPE, "");
	refused("volatile", board[1], PMEM2_E_INVALID_FILE_TYPE, "");
	bad = good, bad.flags = PMEM2_REGION_OVERLAPPING;
	refused("overlapping, as its table says", bad, PMEM2_E_INVALID_REGION_FORMAT, "bytes in common");
	bad = good, bad.kind = 4;
	refused("no kind", bad, PMEM2_E_INVALID_REGION_FORMAT, "");
	bad = good, bad.durability = 5;
	refused("no durability", bad, PMEM2_E_INVALID_REGION_FORMAT, "");
	bad = good, bad.flags = 32;
	refused("no flag", bad, PMEM2_E_INVALID_REGION_FORMAT, "");
	for (i = 2; i < 4; i++) {
		CHECK(pmem2_source_from_region(&src, &board[i]) == PMEM2_E_INVALID_REGION_FORMAT && src == NULL);
		CHECK(SAYS("bytes in common"));
	}
	/* All there is: the last byte is the last one. */
	bad = good, bad.base = 0, bad.length = UINT64_MAX;
	CHECK(pmem2_source_init_region(&storage, &src, &bad) == 0);

	CHECK(pmem2_source_from_region(&src, NULL) == -EINVAL && src == NULL && SAYS("region is NULL"));
	CHECK(pmem2_source_from_region(NULL, &good) == -EINVAL);
	CHECK(pmem2_source_from_region(&src, (const void *)((const char *)&good + 1)) == -EINVAL && SAYS("not aligned"));
	CHECK(pmem2_source_init_region(NULL, &src, &good) == -EINVAL && SAYS("storage is NULL"));
	CHECK(pmem2_source_init_region(&storage, (void *)&storage, &good) == -EINVAL && SAYS("within"));

	/* There are no descriptors. */
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
	CHECK(pmem2_region_part(&part, 0x1800, 0x800, &part) == 0 && part.base == 0x60002800 && part.length == 0x800);
	CHECK(pmem2_region_part(&part, 0, 0x800, &part) == 0 && part.base == 0x60002800);
	before = part;
	CHECK(pmem2_region_part(&part, 1, 0x800, &part) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("beyond the end of its region"));
	CHECK(pmem2_region_part(&part, UINT64_MAX, 1, &part) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_region_part(&part, 1, UINT64_MAX, &part) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_region_part(&part, 0, 0, &part) == PMEM2_E_SOURCE_EMPTY);
	CHECK(pmem2_region_part(&part, 0, 1, NULL) == -EINVAL && pmem2_region_part(NULL, 0, 1, &part) == -EINVAL);
	CHECK(pmem2_region_part(&board[1], 0, 1, &part) == PMEM2_E_INVALID_FILE_TYPE);
	CHECK(pmem2_region_part(&board[2], 0, 1, &part) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("bytes in common"));
	CHECK(memcmp(&before, &part, sizeof(part)) == 0);
}

static unsigned char *
table(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes = malloc(1 << 16);

	CHECK(file != NULL && bytes != NULL);
	*length = fread(bytes, 1, 1 << 16, file);
	CHECK(*length > 0 && fclose(file) == 0);
	return bytes;
}

/* Physical memory: the root pointer at 0x1000, the root table at 0x2000, the NFIT at 0x3000. */
struct machine {
	unsigned char rsdp[20], rsdt[40];
	const void *nfit;
	size_t length;
};

static void
sum(unsigned char *bytes, size_t length, size_t at)
{
	unsigned char all = 0;
	size_t i;

	for (bytes[at] = 0, i = 0; i < length; i++)
		all = (unsigned char)(all + bytes[i]);
	bytes[at] = (unsigned char)-all;
}

static const void *
reach(uint64_t address, size_t length, void *arg)
{
	const struct machine *machine = arg;

	if (address == 0x1000 && length <= sizeof(machine->rsdp))
		return machine->rsdp;
	if (address == 0x2000 && length <= sizeof(machine->rsdt))
		return machine->rsdt;
	return address == 0x3000 && length <= machine->length ? machine->nfit : NULL;
}

static void
find(const void *nfit, size_t length)
{
	struct machine machine = {"RSD PTR BOCHS ", "RSDT", nfit, length};
	const void *found = &machine;
	size_t size = 77;

	machine.rsdp[17] = 0x20;
	sum(machine.rsdp, 20, 8);
	machine.rsdt[4] = 40;
	machine.rsdt[37] = 0x30;
	sum(machine.rsdt, 40, 9);
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found, &size) == 0 && found == nfit && size == length);

	machine.length = 3;
	found = &machine;
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found, &size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("0x3000"));
	CHECK(pmem2_find_nfit(0x4000, reach, &machine, &found, &size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("0x4000"));
	machine.rsdp[0] = 'r';
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found, &size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("signature"));
	machine.rsdp[0] = 'R';
	CHECK(pmem2_find_nfit(0x1000, NULL, &machine, &found, &size) == -EINVAL);
	CHECK(found == &machine && size == length);
	/* No NFIT. */
	machine.rsdt[4] = 36;
	sum(machine.rsdt, 36, 9);
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found, &size) == 0 && found == NULL && size == 0);
}

static void
nfit(const char *two, const char *nodes)
{
	struct pmem2_region regions[3], untouched;
	enum pmem2_granularity granularity;
	struct pmem2_source *src;
	size_t length, count = 77, size, i;
	unsigned char *bytes = table(two, &length);
	char id[64], text[PMEM2_DESCRIPTION_SIZE];
	uint64_t usc;
	int node;

	find(bytes, length);
	memset(regions, 0x55, sizeof(regions));
	untouched = regions[2];
	CHECK(pmem2_regions_from_nfit(bytes, length, NULL, &count) == 0 && count == 2);
	count = 1;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == PMEM2_E_BUFFER_TOO_SMALL && count == 1);
	CHECK(memcmp(&regions[0], &untouched, sizeof(untouched)) == 0 && SAYS("2 regions, and room for 1"));
	count = 3;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == 2);
	CHECK(memcmp(&regions[2], &untouched, sizeof(untouched)) == 0);

	for (i = 0; i < 2; i++) {
		CHECK(regions[i].kind == PMEM2_REGION_PERSISTENT && regions[i].durability == PMEM2_DURABLE_BY_FLUSH);
		CHECK(pmem2_source_from_region(&src, &regions[i]) == 0);
		CHECK(pmem2_source_size(src, &size) == 0 && size == (i == 0 ? 0x7e00000 : 0x8000000));
		size = sizeof(id);
		CHECK(pmem2_source_device_id(src, id, &size) == 0);
		CHECK(strcmp(id, i == 0 ? "8680-56341200" : "8680-57341200") == 0);
		CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP);
		CHECK(pmem2_source_numa_node(src, &node) == 0 && node == 0);
		CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == 0);
		CHECK(granularity == PMEM2_GRANULARITY_CACHE_LINE);
		CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0 && strstr(text, "ACPI.NFIT") != NULL);
		CHECK(pmem2_source_delete(&src) == 0);
	}
	CHECK(regions[0].base == 0x100000000 && regions[0].flags == PMEM2_REGION_HAS_NODE);
	CHECK(regions[1].flags == (PMEM2_REGION_HAS_NODE | PMEM2_REGION_UNARMED | PMEM2_REGION_READ_ONLY));
	/* Of a part, the same DIMMs. */
	CHECK(pmem2_region_part(&regions[1], 4096, 4096, &regions[1]) == 0);
	CHECK(pmem2_source_from_region(&src, &regions[1]) == 0);
	size = sizeof(id);
	CHECK(pmem2_source_device_id(src, id, &size) == 0 && strcmp(id, "8680-57341200") == 0);

	/* The table is gone, as it must not be; and tables that are none. */
	bytes[50] ^= 1;
	size = sizeof(id);
	CHECK(pmem2_source_device_id(src, id, &size) == PMEM2_E_INVALID_DEV_FORMAT);
	CHECK(pmem2_source_delete(&src) == 0);
	count = 3;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("add up to 0"));
	CHECK(pmem2_regions_from_nfit(bytes, 0, regions, &count) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_regions_from_nfit(NULL, 0, regions, &count) == -EINVAL && count == 3);
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, NULL) == PMEM2_E_INVALID_REGION_FORMAT);
	bytes[50] ^= 1;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, NULL) == -EINVAL);
	/* The second range where the first one is. */
	memcpy(bytes + 0x100, bytes + 0x48, 8);
	sum(bytes, length, 9);
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == 2);
	CHECK(pmem2_source_from_region(&src, &regions[1]) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("bytes in common"));
	free(bytes);

	bytes = table(nodes, &length);
	count = 3;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == 2);
	CHECK(regions[0].numa_node == 1 && regions[1].numa_node == 0 && regions[0].durability == PMEM2_DURABLE_UNSTATED);
	free(bytes);
}

static void
devicetree(const char *path)
{
	struct pmem2_region regions[8];
	struct pmem2_source *src;
	size_t length, count = 8, sources = 0, i;
	unsigned char *bytes = table(path, &length);

	CHECK(pmem2_regions_from_devicetree(bytes, length, regions, &count) == 0);
	CHECK(pmem2_regions_from_devicetree(bytes, length - 1, regions, &count) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_regions_from_devicetree(NULL, length, regions, &count) == -EINVAL);
	free(bytes);
	for (i = 0; i < count; i++) {
		if (regions[i].kind == PMEM2_REGION_VOLATILE) {
			CHECK(pmem2_source_from_region(&src, &regions[i]) == PMEM2_E_INVALID_FILE_TYPE);
			CHECK(regions[i].flags == PMEM2_REGION_HAS_NODE && regions[i].numa_node == 3);
			continue;
		}
		CHECK(pmem2_source_from_region(&src, &regions[i]) == 0);
		CHECK(pmem2_source_delete(&src) == 0);
		sources++;
	}
	CHECK(count == 5 && sources == 3 && regions[0].base == 0x5000 && regions[0].length == 0x1000);
}

/* As many as there is room for; storage is not counted. */
static void
pool(void)
{
	struct pmem2_source *src[POOL], *more;
	struct pmem2_source_storage storage;
	int i;

	for (i = 0; i < POOL; i++)
		CHECK(pmem2_source_from_region(&src[i], &board[0]) == 0);
	CHECK(pmem2_source_from_region(&more, &board[0]) == -ENOMEM && more == NULL && SAYS("all 16 of its slots"));
	CHECK(pmem2_source_init_region(&storage, &more, &board[0]) == 0 && pmem2_source_delete(&more) == 0);
	CHECK(pmem2_source_delete(&src[5]) == 0);
	CHECK(pmem2_source_from_region(&src[5], &board[0]) == 0);
	for (i = 0; i < POOL; i++)
		CHECK(pmem2_source_delete(&src[i]) == 0);
}

int
main(int argc, char **argv)
{
	CHECK(argc == 4);
	answers();
	durability();
	dimms();
	refusals();
	parts();
	nfit(argv[1], argv[2]);
	devicetree(argv[3]);
	pool();
	printf("region: %d checks\n", checks);
	return 0;
}
