/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The kernel of tests/bare in C: no operating system, no C library, no malloc. It says the same as
 * the one in Rust, as far as C can ask for it, and keeps the same log (tests/bare/record).
 */

#include <errno.h>
#include <libpmem2.h>
#include <libpmem2/region.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DONE 33
#define PANICKED 35

/* Xen's public/arch-x86/hvm/start_info.h */
#define START_INFO_CMDLINE 24
#define START_INFO_RSDP 32

static inline void out8(uint16_t port, uint8_t value) {
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port) {
	uint8_t value;
	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static _Noreturn void leave(uint32_t status) {
	for (;;)
		__asm__ volatile("outl %0, %1" : : "a"(status >> 1), "Nd"((uint16_t)0xf4));
}

/* Printing. */

static void put(char c) {
	while (!(in8(0x3f8 + 5) & 0x20))
		continue;
	out8(0x3f8, (uint8_t)c);
}

static void text(const char *s) {
	while (*s)
		put(*s++);
}

static void number(uint64_t value, unsigned base) {
	char digits[20];
	unsigned count = 0;
	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		put(digits[--count]);
}

/* Prints the beginning of a line about a range: its address, and the name of the fact. */
static void about(uint64_t base, const char *what) {
	text("0x");
	number(base, 16);
	put(' ');
	text(what);
	put(' ');
}

static void say(uint64_t base, const char *what, const char *value) {
	about(base, what);
	text(value);
	put('\n');
}

static void say_number(uint64_t base, const char *what, uint64_t value) {
	about(base, what);
	number(value, 10);
	put('\n');
}

_Noreturn void panicked(void) {
	text("panicked\n");
	leave(PANICKED);
}

/* Memory: the assembly has mapped it below 4 GiB. Above, pages of 2 MiB are mapped. */

#define SPARE 32

extern uint64_t directories[512];
static uint64_t spare[SPARE][512] __attribute__((aligned(4096)));

static void *map(uint64_t base, uint64_t length) {
	static unsigned used;
	if (length == 0 || base + length < base || (base + length - 1) >> 30 >= 512)
		return NULL;
	for (uint64_t gigabyte = base >> 30; gigabyte <= (base + length - 1) >> 30; gigabyte++) {
		if (directories[gigabyte])
			continue;
		if (used == SPARE)
			return NULL;
		for (uint64_t page = 0; page < 512; page++)
			spare[used][page] = gigabyte << 30 | page << 21 | 0x83;
		directories[gigabyte] = (uint64_t)(uintptr_t)spare[used++] | 3;
	}
	return (void *)(uintptr_t)base;
}

static const void *reach(uint64_t address, size_t length, void *arg) {
	(void)arg;
	return map(address, length);
}

/* The log. */

#define WORDS 13
#define MAGIC 0x676f6c326d656d70u /* "pmem2log" */

struct record {
	uint64_t magic, sequence, boot, words[WORDS - 3];
};

static uint64_t mix(uint64_t a, uint64_t b) {
	uint64_t mixed = ((a << 25 | a >> 39) ^ b) * 0x9e3779b97f4a7c15u;
	return mixed ^ mixed >> 29;
}

static struct record record(uint64_t sequence, uint64_t boot) {
	uint64_t words[WORDS], state = mix(sequence, boot), sum = 0;
	for (unsigned i = 0; i < WORDS; i++) {
		words[i] = state;
		state = mix(state, MAGIC);
	}
	words[0] = MAGIC;
	words[1] = sequence;
	words[2] = boot;
	for (unsigned i = 0; i < WORDS - 1; i++)
		sum = mix(sum, words[i]);
	words[WORDS - 1] = sum;
	struct record made;
	memcpy(&made, words, sizeof made);
	return made;
}

/* Makes the bytes of a source durable as its granularity wants it. */
static void persist(const void *at, size_t length, enum pmem2_granularity granularity) {
	uintptr_t first = (uintptr_t)at & ~(uintptr_t)63, end = (uintptr_t)at + length;
	if (granularity != PMEM2_GRANULARITY_BYTE)
		for (uintptr_t line = first; line < end; line += 64)
			__asm__ volatile("clflush (%0)" : : "r"(line) : "memory");
	__asm__ volatile("sfence" : : : "memory");
}

struct log {
	struct record *records;
	uint64_t room, count, boot;
	enum pmem2_granularity granularity;
};

/* Returns whether this record may follow the others. */
static int follows(const struct log *log, const struct record *next) {
	struct record wanted = record(log->count + 1, next->boot);
	if (memcmp(&wanted, next, sizeof wanted) != 0)
		return 0;
	return next->boot == log->boot + 1 || (log->count && next->boot == log->boot);
}

static void recover(struct log *log) {
	log->count = log->boot = 0;
	while (log->count < log->room && follows(log, &log->records[log->count]))
		log->boot = log->records[log->count++].boot;
}

static int append(struct log *log) {
	if (log->count == log->room)
		return 0;
	struct record *at = &log->records[log->count];
	*at = record(log->count + 1, log->boot);
	persist(at, sizeof *at, log->granularity);
	log->count++;
	return 1;
}

/* Returns the number of name=number in the command line, or 0. */
static uint64_t option(const char *line, const char *name) {
	size_t length = 0;
	while (name[length])
		length++;
	for (; *line; line++) {
		if (memcmp(line, name, length) != 0 || line[length] != '=')
			continue;
		uint64_t value = 0;
		for (line += length + 1; *line >= '0' && *line <= '9'; line++)
			value = value * 10 + (uint64_t)(*line - '0');
		return value;
	}
	return 0;
}

static void keep(const struct pmem2_region *region, size_t size,
	enum pmem2_granularity granularity, const char *line) {
	uint64_t base = region->base;
	if (region->flags & PMEM2_REGION_READ_ONLY) {
		say(base, "log", "read-only");
		return;
	}
	struct log log = {
		.records = map(base, size),
		.room = size / sizeof(struct record),
		.granularity = granularity,
	};
	if (!log.records) {
		say(base, "log", "unmapped");
		return;
	}
	recover(&log);
	say_number(base, "recovered", log.count);
	log.boot++;
	if (!append(&log))
		goto full;
	say_number(base, "boot", log.boot);
	for (uint64_t more = option(line, "append"); more; more--) {
		if (!append(&log))
			goto full;
		say_number(base, "durable", log.count);
	}
	if (option(line, "lie"))
		say_number(base, "durable", log.count + 1);
	return;
full:
	say(base, "log", "full");
}

/* The library. */

static const char *const persistence[] = {
	[PMEM2_DURABLE_UNSTATED] = "not stated",
	[PMEM2_DURABLE_BY_FLUSH] = "memory_controller",
	[PMEM2_DURABLE_BY_FENCE] = "cpu_cache",
};
static const char *const granularities[] = {
	[PMEM2_GRANULARITY_BYTE] = "BYTE",
	[PMEM2_GRANULARITY_CACHE_LINE] = "CACHE_LINE",
	[PMEM2_GRANULARITY_PAGE] = "PAGE",
};

static void range(const struct pmem2_region *region, const char *line) {
	uint64_t base = region->base;
	struct pmem2_source *src, *second;
	if (pmem2_source_from_region(&src, region) != 0) {
		say(base, "refused", pmem2_errormsg());
		return;
	}
	say(base, "pool", pmem2_source_from_region(&second, region) == -ENOMEM ? "full" : "not full");

	size_t size, alignment, length = 0;
	char id[32];
	int node;
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_PAGE;
	if (pmem2_source_size(src, &size) != 0 || pmem2_source_alignment(src, &alignment) != 0 ||
		pmem2_source_device_id(src, NULL, &length) != 0 || length > sizeof id ||
		pmem2_source_device_id(src, id, &length) != 0 || pmem2_source_numa_node(src, &node) != 0) {
		say(base, "error", pmem2_errormsg());
		return;
	}
	say_number(base, "size", size);
	say_number(base, "alignment", alignment);
	say(base, "device_id", id);
	if (node < 0)
		say(base, "numa_node", "none");
	else
		say_number(base, "numa_node", (uint64_t)node);
	if (region->flags & PMEM2_REGION_HAS_PROXIMITY_DOMAIN)
		say_number(base, "proximity_domain", region->proximity_domain);
	say(base, "provider", region->provider);
	say(base, "persistence", persistence[region->durability]);
	say(base, "read_only", region->flags & PMEM2_REGION_READ_ONLY ? "true" : "false");
	say(base, "unarmed", region->flags & PMEM2_REGION_UNARMED ? "true" : "false");
	/* Memory that is not armed keeps nothing, however it is flushed. */
	int kept = pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity);
	if (kept == PMEM2_E_GRANULARITY_NOT_SUPPORTED && region->flags & PMEM2_REGION_UNARMED)
		say(base, "granularity", "none");
	else if (kept == 0)
		say(base, "granularity", granularities[granularity]);
	else
		say(base, "error", pmem2_errormsg());

	keep(region, size, granularity, line);
	if (pmem2_source_delete(&src) != 0 || src)
		say(base, "error", pmem2_errormsg());
}

int main(uint64_t rsdp, const char *line) {
	static struct pmem2_region regions[8];
	const void *nfit;
	size_t length, count = 0;
	if (pmem2_find_nfit(rsdp, reach, NULL, &nfit, &length) != 0)
		return 1;
	/* Without an NVDIMM there is no table. */
	if (nfit) {
		count = sizeof regions / sizeof *regions;
		if (pmem2_regions_from_nfit(nfit, length, regions, &count) != 0)
			return 1;
		size_t warnings = 0;
		if (pmem2_nfit_warnings(nfit, length, NULL, &warnings) != 0 || warnings != 0)
			return 1;
	}
	for (size_t i = 0; i < count; i++)
		range(&regions[i], line);
	text("ranges ");
	number(count, 10);
	put('\n');
	return 0;
}

/* Runs the kernel. The assembly calls it with the address of hvm_start_info. */
_Noreturn void enter(uintptr_t info) {
	uint64_t line, rsdp;
	memcpy(&line, (const char *)info + START_INFO_CMDLINE, sizeof line);
	memcpy(&rsdp, (const char *)info + START_INFO_RSDP, sizeof rsdp);
	if (main(rsdp, line ? (const char *)(uintptr_t)line : "") != 0) {
		text(pmem2_errormsg());
		put('\n');
	}
	leave(DONE);
}
