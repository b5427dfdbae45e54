/* The regions that firmware's tables tell of, and the way to them; a part of region.c. */

#include "region.h"

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

/* The root pointer ends beyond the last address. */
static const void *
reach_too_far(uint64_t address, size_t length, void *arg)
{
	return address == *(uint64_t *)arg ? (const void *)(SIZE_MAX - length + 1) : NULL;
}

static void
find(const void *nfit, size_t length)
{
	uint64_t far = 0x1000;
	struct machine machine = {"RSD PTR BOCHS ", "RSDT", nfit, length};
	const void *found = &machine;
	unsigned char *bad;
	size_t size = 77;

	machine.rsdp[17] = 0x20;
	sum(machine.rsdp, 20, 8);
	machine.rsdt[4] = 40;
	machine.rsdt[37] = 0x30;
	sum(machine.rsdt, 40, 9);
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found, &size) == 0 && found == nfit &&
		size == length);

	/* Wrong sums, of the root table too: Linux reads them. */
	machine.nfit = bad = memcpy(malloc(length), nfit, length);
	bad[length - 1] ^= 1;
	machine.rsdt[9] ^= 1;
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found, &size) == 0 && found == bad &&
		size == length);
	free(bad);
	machine.nfit = nfit;
	/* But not of the root pointer. */
	found = &machine;
	machine.rsdp[8] ^= 1;
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found,
		&size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("checksum mismatch"));
	CHECK(found == &machine && size == length);
	machine.rsdp[8] ^= 1;

	machine.length = 3;
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found,
		&size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("0x3000"));
	CHECK(pmem2_find_nfit(0x4000, reach, &machine, &found,
		&size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("0x4000"));
	machine.rsdp[0] = 'r';
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found,
		&size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("signature"));
	machine.rsdp[0] = 'R';
	CHECK(pmem2_find_nfit(0x1000, NULL, &machine, &found, &size) == -EINVAL);
	CHECK(pmem2_find_nfit(far, reach_too_far, &far, &found,
		&size) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("0x1000"));
	CHECK(found == &machine && size == length);
	/* No NFIT. */
	machine.rsdt[4] = 36;
	sum(machine.rsdt, 36, 9);
	CHECK(pmem2_find_nfit(0x1000, reach, &machine, &found, &size) == 0 && found == NULL &&
		size == 0);
}

/* Faults that are warned of, and the warnings. */
static unsigned char *
warnings(unsigned char *bytes, size_t length)
{
	struct pmem2_table_warning said[3];
	size_t count = 77;

	sum(bytes, length, 9);
	CHECK(pmem2_nfit_warnings(bytes, length, NULL, &count) == 0 && count == 0);
	bytes[9] ^= 0x10;
	count = 3;
	CHECK(pmem2_nfit_warnings(bytes, length, said, &count) == 0 && count == 1);
	CHECK(said[0].kind == PMEM2_TABLE_CHECKSUM && said[0].at == 9);
	CHECK(said[0].found == bytes[9] && said[0].expected == (bytes[9] ^ 0x10));

	/* With a tail of zeros, which keeps the sum. */
	bytes = realloc(bytes, length + 64);
	CHECK(bytes != NULL);
	memset(bytes + length, 0, 64);
	bytes[4] = (unsigned char)(length + 64);
	bytes[5] = (unsigned char)((length + 64) >> 8);
	count = 1;
	CHECK(pmem2_nfit_warnings(bytes, length + 64, said, &count) == PMEM2_E_BUFFER_TOO_SMALL &&
		count == 1);
	CHECK(SAYS("2 warnings, and room for 1"));
	count = 3;
	CHECK(pmem2_nfit_warnings(bytes, length + 64, said, &count) == 0 && count == 2 &&
		said[0].kind == PMEM2_TABLE_CHECKSUM);
	CHECK(said[1].kind == PMEM2_TABLE_ZERO_TAIL && said[1].at == length && said[1].found == 0 &&
		said[1].expected == 0);
	sum(bytes, length + 64, 9);
	bytes[length + 5] = 1;
	sum(bytes, length + 64, 9);
	count = 3;
	CHECK(pmem2_nfit_warnings(bytes, length + 64, said, &count) == 0 && count == 1);
	CHECK(said[0].kind == PMEM2_TABLE_ZERO_LENGTH && said[0].at == length);

	CHECK(pmem2_nfit_warnings(NULL, length, said, &count) == -EINVAL && count == 1);
	CHECK(pmem2_nfit_warnings(bytes, length, said, &count) == PMEM2_E_INVALID_REGION_FORMAT &&
		SAYS("longer than the memory"));
	CHECK(pmem2_nfit_warnings(bytes, length + 64, said, NULL) == -EINVAL);
	CHECK(pmem2_nfit_warnings(bytes, length + 64, (void *)((char *)said + 1),
		&count) == -EINVAL && SAYS("warnings"));
	return bytes;
}

/* The GUID 91af0530-5d86-470e-a6b0-0a2db9408249. */
static const unsigned char block_window[16] = {0x30, 0x05, 0xaf, 0x91, 0x86, 0x5d, 0x0e, 0x47, 0xa6,
	0xb0, 0x0a, 0x2d, 0xb9, 0x40,
	0x82, 0x49};

void
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
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == PMEM2_E_BUFFER_TOO_SMALL &&
		count == 1);
	CHECK(memcmp(&regions[0], &untouched, sizeof(untouched)) == 0 &&
		SAYS("2 regions, and room for 1"));
	count = 3;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == 2);
	CHECK(memcmp(&regions[2], &untouched, sizeof(untouched)) == 0);

	for (i = 0; i < 2; i++) {
		CHECK(regions[i].kind == PMEM2_REGION_PERSISTENT &&
			regions[i].durability == PMEM2_DURABLE_BY_FLUSH);
		CHECK(pmem2_source_from_region(&src, &regions[i]) == 0);
		CHECK(pmem2_source_size(src, &size) == 0 &&
			size == (i == 0 ? 0x7e00000 : 0x8000000));
		size = sizeof(id);
		CHECK(pmem2_source_device_id(src, id, &size) == 0);
		CHECK(strcmp(id, i == 0 ? "8680-56341200" : "8680-57341200") == 0);
		CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP);
		/* QEMU says 0, which is no node of a system's. */
		CHECK(pmem2_source_numa_node(src, &node) == 0 && node == -1 &&
			regions[i].proximity_domain == 0);
		/* The second is not armed, and keeps nothing, however it is flushed. */
		granularity = PMEM2_GRANULARITY_PAGE;
		CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) ==
			(i == 0 ? 0 : PMEM2_E_GRANULARITY_NOT_SUPPORTED));
		CHECK(granularity == (i == 0 ? PMEM2_GRANULARITY_CACHE_LINE :
			PMEM2_GRANULARITY_PAGE));
		CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0 &&
			strstr(text, "ACPI.NFIT") != NULL);
		CHECK(pmem2_source_delete(&src) == 0);
	}
	CHECK(regions[0].base == 0x100000000 &&
		regions[0].flags == PMEM2_REGION_HAS_PROXIMITY_DOMAIN);
	CHECK(regions[1].flags == (PMEM2_REGION_HAS_PROXIMITY_DOMAIN | PMEM2_REGION_UNARMED |
		PMEM2_REGION_READ_ONLY));
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
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == 2);
	count = 3;
	bytes[2] ^= 1;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions,
		&count) == PMEM2_E_INVALID_REGION_FORMAT && SAYS("signature"));
	CHECK(pmem2_regions_from_nfit(bytes, 0, regions, &count) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_regions_from_nfit(NULL, 0, regions, &count) == -EINVAL && count == 3);
	for (i = 0; i < 3; i++) {
		size = i == 0 ? SIZE_MAX : i == 1 ? SIZE_MAX / 2 + 1 :
			SIZE_MAX - (uintptr_t)bytes + 1;
		CHECK(pmem2_regions_from_nfit(bytes, size, regions,
			&count) == PMEM2_E_INVALID_REGION_FORMAT &&
			SAYS("larger, or has more parts"));
		CHECK(pmem2_regions_from_devicetree(bytes, size, regions,
			&count) == PMEM2_E_INVALID_REGION_FORMAT);
		CHECK(SAYS("larger, or has more parts") && count == 3);
	}
	CHECK(pmem2_regions_from_nfit(bytes, length, regions,
		NULL) == PMEM2_E_INVALID_REGION_FORMAT);
	bytes[50] ^= 1;
	bytes[2] ^= 1;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, NULL) == -EINVAL);
	/* The second range where the first one is. */
	memcpy(bytes + 0x100, bytes + 0x48, 8);
	sum(bytes, length, 9);
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == 2);
	CHECK(pmem2_source_from_region(&src, &regions[1]) == PMEM2_E_INVALID_REGION_FORMAT &&
		SAYS("bytes in common"));
	memcpy(bytes + 0xf0, block_window, 16);
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 &&
		regions[1].kind == PMEM2_REGION_BLOCK_WINDOW);
	bytes = warnings(bytes, length);
	free(bytes);

	bytes = table(nodes, &length);
	count = 3;
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == 2);
	CHECK(regions[0].proximity_domain == 1 && regions[1].proximity_domain == 0);
	CHECK(regions[0].numa_node == 0 && regions[0].durability == PMEM2_DURABLE_UNSTATED);
	free(bytes);
}

void
devicetree(const char *path)
{
	struct pmem2_region regions[8], lost[8];
	struct pmem2_source *src;
	size_t length, count = 8, sources = 0, i;
	unsigned char *bytes = table(path, &length);

	CHECK(pmem2_regions_from_devicetree(bytes, length, regions, &count) == 0);
	CHECK(pmem2_regions_from_devicetree(bytes, length - 1, regions,
		&count) == PMEM2_E_INVALID_REGION_FORMAT);
	CHECK(pmem2_regions_from_devicetree(NULL, length, regions, &count) == -EINVAL);
	/*
	 * The last one's offset on its bus, 0x4000, becomes one that the bus does not lead to. The
	 * others stay.
	 */
	for (i = 0; i + 8 <= length && memcmp(bytes + i, "\0\0\x40\0\0\0\x20\0", 8) != 0; i++)
		continue;
	CHECK(i + 8 <= length && count == 5);
	bytes[i] = 0xff;
	CHECK(pmem2_regions_from_devicetree(bytes, length, lost, &count) == 0 && count == 5);
	CHECK(lost[4].base == 0 && lost[4].length == 0 && lost[3].base == regions[3].base &&
		lost[3].length == regions[3].length);
	CHECK(pmem2_source_from_region(&src, &lost[4]) == PMEM2_E_SOURCE_EMPTY && src == NULL);
	CHECK(pmem2_source_from_region(&src, &lost[3]) == 0 && pmem2_source_delete(&src) == 0);
	free(bytes);
	for (i = 0; i < count; i++) {
		if (regions[i].kind == PMEM2_REGION_VOLATILE) {
			CHECK(pmem2_source_from_region(&src,
				&regions[i]) == PMEM2_E_INVALID_FILE_TYPE);
			CHECK(regions[i].flags == PMEM2_REGION_HAS_NODE &&
				regions[i].numa_node == 3);
			continue;
		}
		CHECK(pmem2_source_from_region(&src, &regions[i]) == 0);
		CHECK(pmem2_source_delete(&src) == 0);
		sources++;
	}
	CHECK(count == 5 && sources == 3 && regions[0].base == 0x5000 &&
		regions[0].length == 0x1000);
}


/* Adds a structure to a table, zeros except these 16 bits, and returns it. */
static unsigned char *
structure(unsigned char *bytes, size_t *length, unsigned kind, unsigned size)
{
	unsigned char *made = bytes + *length;

	memset(made, 0, size);
	made[0] = (unsigned char)kind;
	made[2] = (unsigned char)size;
	*length += size;
	return made;
}

static void
put16(unsigned char *at, size_t number)
{
	at[0] = (unsigned char)number;
	at[1] = (unsigned char)(number >> 8);
}

/*
 * Nearly as many structures, ranges and devices of a range as a table may have, and a range whose
 * index is not its number.
 */
#define STRUCTURES 2048
#define RANGES 256
#define DEVICES 54
#define INDEX(range) (1000 - (range))

static unsigned char *
largest(size_t *length)
{
	static const unsigned char persistent[16] = {0x79, 0xd3, 0xf0, 0x66, 0xf3, 0xb4, 0x74, 0x40,
		0xac, 0x43, 0x0d, 0x33, 0x18,
		0xb7, 0x8c, 0xdb};
	unsigned char *bytes = calloc(1, 1 << 16), *made;
	size_t i;

	CHECK(bytes != NULL);
	memcpy(bytes, "NFIT", 4);
	*length = 40;
	for (i = 0; i < RANGES; i++) {
		made = structure(bytes, length, 0, 56);
		put16(made + 4, INDEX(i));
		memcpy(made + 16, persistent, sizeof(persistent));
		/* 64 KiB of each MiB. */
		put16(made + 34, i * 16);
		made[42] = 1;
	}
	for (i = 0; i < DEVICES; i++) {
		made = structure(bytes, length, 1, 48);
		put16(made + 4, i + 1);
		put16(made + 12, INDEX(RANGES - 1));
		put16(made + 14, i + 1);
	}
	for (i = 0; i < DEVICES; i++) {
		made = structure(bytes, length, 4, 32);
		put16(made + 4, i + 1);
		made[6] = 0x80, made[7] = 0x86;
		put16(made + 24, i);
	}
	for (i = RANGES + 2 * DEVICES; i < STRUCTURES; i++)
		structure(bytes, length, 99, 4);
	put16(bytes + 4, *length);
	sum(bytes, *length, 9);
	return bytes;
}

/* The questions about the regions of the largest table. ci/capi-bare counts their cost. */
void
large(void)
{
	struct pmem2_region *regions = calloc(RANGES, sizeof(*regions));
	struct pmem2_source *src;
	char id[DEVICES * 13 + 1], text[PMEM2_DESCRIPTION_SIZE], wanted[14];
	size_t length, count = RANGES, size = sizeof(id), i;
	unsigned char *bytes = largest(&length);
	uint64_t usc;

	CHECK(regions != NULL);
	CHECK(pmem2_regions_from_nfit(bytes, length, regions, &count) == 0 && count == RANGES);
	for (i = 0; i < RANGES; i++)
		CHECK(regions[i].number == i && regions[i].pmem2_private_range == i);
	/* The first has no devices, the last all of them. */
	CHECK(pmem2_source_from_region(&src, &regions[0]) == 0);
	CHECK(pmem2_source_device_id(src, id, &size) == 0 && id[0] == 0);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(pmem2_source_from_region(&src, &regions[RANGES - 1]) == 0);
	CHECK(pmem2_source_device_id(src, NULL, &size) == 0 && size == sizeof(id));
	CHECK(pmem2_source_device_id(src, id, &size) == 0 && strlen(id) == sizeof(id) - 1);
	for (i = 0; i < DEVICES; i++) {
		snprintf(wanted, sizeof(wanted), "8086-%02x000000", (unsigned)i);
		CHECK(memcmp(id + 13 * i, wanted, 13) == 0);
	}
	CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0 &&
		strstr(text, "8086-35000000") != NULL);

	/* It is changed, as it must not be. */
	for (i = 0; i < 48; i++) {
		bytes[i] ^= 0xff;
		size = sizeof(id);
		CHECK(pmem2_source_device_id(src, id, &size) == PMEM2_E_INVALID_DEV_FORMAT &&
			size == sizeof(id));
		CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_INVALID_DEV_FORMAT);
		bytes[i] ^= 0xff;
	}
	memset(bytes, 0xff, length);
	CHECK(pmem2_source_device_id(src, id, &size) == PMEM2_E_INVALID_DEV_FORMAT);
	CHECK(pmem2_source_delete(&src) == 0);
	free(regions);
	free(bytes);
}
