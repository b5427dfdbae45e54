/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Sources from regions of physical memory: for machines without an operating system, whose library has these functions beside
 * those of libpmem2/base.h. libpmem2 does not have them, and neither has this library for Linux. There are no descriptors
 * (pmem2_source_from_fd() refuses every number) and no anonymous memory (pmem2_source_from_anon() is PMEM2_E_NOSUPP, always).
 *
 * The static library is built in a clone of pmem2, for the host or for a target of rustc's:
 *
 *	cd src/capi
 *	rustup target add thumbv7m-none-eabi
 *	cargo build --release --package pmem2-capi-bare --target thumbv7m-none-eabi
 *
 * It is ../../target/capi/thumbv7m-none-eabi/release/libpmem2_capi_bare.a then (without --target ../../target/capi/release/...);
 * programs find the headers with -I src/capi/include, and what they do not use is left out with -Wl,--gc-sections. On processors
 * without compare-and-swap (thumbv6m-none-eabi) --features critical-section is needed, and the program provides the section.
 * Where rustup has no core library for the target, ci/lib/cross.sh shows how to build that too. `ci/install --bare PREFIX [TARGET]`
 * builds the same, and puts library, headers and manual pages below PREFIX.
 *
 * It has room for 16 sources of its own; those of pmem2_source_init_region() lie in memory of the program's, and are not counted.
 * For another number make a crate like src/capi/bare, which is little more than pmem2_capi::export_regions!(16).
 *
 * A board's regions can be constants:
 *
 *	static const struct pmem2_region fram = {
 *		.base = 0x60000000,
 *		.length = 512 * 1024,
 *		.kind = PMEM2_REGION_PERSISTENT,
 *		.durability = PMEM2_DURABLE_BY_FENCE,
 *	};
 *
 *	if (pmem2_source_from_region(&src, &fram) != 0)
 *		puts(pmem2_errormsg());
 *
 * What is not said is 0, so set the whole to zeros before anything else. Addresses are physical, lengths are in bytes. What is
 * read are these structures, what they point to, and the firmware's tables: no region's own memory, which need not be mapped.
 * Nothing is allocated. Of the program the library needs memcpy, memmove, memset and memcmp at most.
 *
 * Functions return and fail as those of libpmem2/base.h, and have one manual page, pmem2_source_from_region(3); the sentence is
 * pmem2_errormsg()'s. Threads and interrupts may call any of them, but there is one message for all, unless the library was
 * built otherwise: no two of them may be in a failing call, or read the message while another one is in a failing call, at the
 * same time.
 */

#ifndef LIBPMEM2_REGION_H
#define LIBPMEM2_REGION_H 1

#include <libpmem2/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a region is. Sources can be made of persistent memory only. */
enum pmem2_region_kind {
	PMEM2_REGION_OTHER,
	PMEM2_REGION_PERSISTENT,
	PMEM2_REGION_VOLATILE,
	PMEM2_REGION_VIRTUAL_DISK,
	PMEM2_REGION_CONTROL, /* registers of an NVDIMM that is read and written by blocks */
	PMEM2_REGION_BLOCK_WINDOW /* a window through which its blocks are reached */
};

/*
 * What makes a store to a region durable. The program does it, where it has mapped the region, with its compiler's intrinsics: no
 * function here stores, flushes or fences.
 *
 *	          flush of a cache line                         fence
 *	x86       _mm_clwb, _mm_clflushopt or _mm_clflush       _mm_sfence
 *	AArch64   dc cvap (dc cvac where there is no cvap)      dsb sy
 *	RISC-V    cbo.clean (Zicbom)                            fence iorw,iorw
 *	Cortex-M  SCB_CleanDCache_by_Addr (CMSIS), if any       __DSB
 *
 * Where a region of an NFIT is PMEM2_DURABLE_UNSTATED, and the NFIT has flush hints for it, these would have to be written to after
 * that; the functions here do not tell of them.
 */
enum pmem2_region_durability {
	PMEM2_DURABLE_UNSTATED, /* the flush of its cache line and a fence, as far as anybody knows */
	PMEM2_DURABLE_BY_FLUSH, /* the flush of its cache line and a fence */
	PMEM2_DURABLE_BY_FENCE, /* a fence: the caches are saved when the power fails (eADR), or there are none */
	PMEM2_DURABLE_BY_CALL, /* a call of the program's own driver: virtio-pmem */
	PMEM2_DURABLE_NEVER
};

#define PMEM2_REGION_READ_ONLY 1u
#define PMEM2_REGION_UNARMED 2u /* what is stored from now on is lost when the power fails: a flat battery */
#define PMEM2_REGION_HAS_NODE 4u /* numa_node is one */
#define PMEM2_REGION_OVERLAPPING 16u /* another region has bytes of it: refused */
#define PMEM2_REGION_HAS_PROXIMITY_DOMAIN 512u /* proximity_domain is one */
/* What a DIMM of it reports; said for the program, refused by nothing. The first three: what it holds is not what was stored. */
#define PMEM2_REGION_SAVE_FAILED 8u
#define PMEM2_REGION_RESTORE_FAILED 32u
#define PMEM2_REGION_FLUSH_FAILED 64u
#define PMEM2_REGION_MAP_FAILED 128u /* not all of it is there */
#define PMEM2_REGION_SMART_EVENT 256u /* an event of its health: it may fail */

/* A DIMM or a chip. */
struct pmem2_region_dimm {
	const char *id; /* what identifies it wherever it is: UTF-8, at most 32 bytes without the null byte; NULL if it has none */
	uint64_t dirty_shutdowns; /* how often it lost power before its data was safe */
	uint32_t counts; /* whether somebody counts that: 1, or 0 */
	uint32_t pmem2_private;
};

/*
 * A region. It must stay where it is and as it is, with all that it points to, while sources of it are used; that it was
 * changed is PMEM2_E_INVALID_FILE_HANDLE where it is noticed. Arrays are aligned as their types need, and no array is larger than
 * SIZE_MAX / 2 bytes: else no source is made of the region.
 */
struct pmem2_region {
	uint64_t base; /* the physical address of its first byte */
	uint64_t length; /* bytes */
	uint64_t alignment; /* of mappings, in bytes: a power of two, of which base is a multiple; 0 is 1 */
	uint32_t kind; /* enum pmem2_region_kind */
	uint32_t durability; /* enum pmem2_region_durability */
	uint32_t flags; /* PMEM2_REGION_*, or none */
	uint32_t numa_node; /* of a devicetree's or the program's; an NFIT has none */
	uint32_t number; /* for people */
	uint32_t pmem2_private_range;
	uint32_t proximity_domain; /* of an NFIT: ACPI's number, which the SRAT has, too; read by the program only */
	uint32_t pmem2_private_sum;
	const char *provider; /* for people: who tells of it, at most 24 bytes are shown; NULL is "board" */
	const struct pmem2_region_dimm *dimms; /* what it is made of, in its order; may be NULL if dimm_count is 0 */
	size_t dimm_count;
	/*
	 * The table that this region is an element of, where it is one of several: it is refused if another one of them has
	 * bytes of it. May be NULL if table_length is 0.
	 */
	const struct pmem2_region *table;
	size_t table_length;
	const void *pmem2_private_nfit;
	size_t pmem2_private_nfit_length;
};

/*
 * Sources in the library's memory (-ENOMEM when its slots are used) and in the caller's, as from descriptors. A source is
 * deleted with pmem2_source_delete(). Why none can be made of a region:
 *
 * PMEM2_E_SOURCE_EMPTY: it has no bytes.
 * PMEM2_E_INVALID_FILE_TYPE: it is not persistent memory.
 * PMEM2_E_INVALID_ALIGNMENT_VALUE: its alignment is no power of two.
 * PMEM2_E_INVALID_REGION_FORMAT: it goes on beyond the last address; another region has bytes of it; its base is no multiple of
 *	its alignment; a member has a value that there is not, which the message names; an array is larger than memory can be.
 * -EINVAL: region is NULL; region, table or dimms is misaligned; table or dimms is NULL, with elements.
 *
 * What is wrong with the id of a DIMM (it is longer, or not UTF-8) is PMEM2_E_INVALID_DEV_FORMAT of pmem2_source_device_id().
 */
int pmem2_source_from_region(struct pmem2_source **src, const struct pmem2_region *region);
int pmem2_source_init_region(struct pmem2_source_storage *storage, struct pmem2_source **src,
	const struct pmem2_region *region);

/*
 * Makes a region of length bytes of a region, offset bytes behind its beginning, which a source can be made of like of any
 * other. part may be region itself; else region need not stay, but what it points to must, its table excepted. What the region
 * would be refused for, it is refused for here, and so is a part that goes on beyond it, or whose offset is no multiple of its
 * alignment (PMEM2_E_INVALID_REGION_FORMAT).
 */
int pmem2_region_part(const struct pmem2_region *region, uint64_t offset, uint64_t length, struct pmem2_region *part);

/*
 * Finds ACPI's table of NVDIMMs, from the root pointer (RSDP) at a physical address, which the boot loader tells: *nfit becomes
 * NULL where the platform has none. reach() makes length bytes of physical memory readable at any address, and says where; NULL
 * if it cannot, which is PMEM2_E_INVALID_REGION_FORMAT. It is called several times, with arg, for one table also twice, and has
 * to return. What it returned is read until the call ends, and the NFIT for as long as *nfit is used.
 */
int pmem2_find_nfit(uint64_t rsdp, const void *(*reach)(uint64_t address, size_t length, void *arg), void *arg,
	const void **nfit, size_t *length);

/*
 * What the firmware did wrong in an NFIT that is read all the same, as Linux reads it and warns: with warnings NULL, *count becomes
 * their number, at most one of each kind; else as pmem2_regions_from_nfit().
 */
enum pmem2_table_warning_kind {
	PMEM2_TABLE_CHECKSUM = 1, /* the byte at `at` is `found`, and should be `expected`, so that all of them add up to 0 */
	PMEM2_TABLE_ZERO_TAIL, /* there are only zeros from the byte `at` on; what comes before counts */
	PMEM2_TABLE_ZERO_LENGTH /* the structure at the byte `at` has the length 0: only what comes before counts */
};

struct pmem2_table_warning {
	uint32_t kind; /* enum pmem2_table_warning_kind; later versions may have more of them */
	uint32_t at; /* an offset in bytes */
	uint32_t found; /* 0, but of PMEM2_TABLE_CHECKSUM */
	uint32_t expected; /* the same */
};

int pmem2_nfit_warnings(const void *nfit, size_t length, struct pmem2_table_warning *warnings, size_t *count);

/*
 * The regions that ACPI's table of NVDIMMs, or a devicetree (its pmem-region nodes), tells of, each with all that is known of
 * it; ranges that are no persistent memory are among them. The table may lie at any address, and length may be more than it has.
 * With regions NULL, *count becomes their number; else regions has room for *count of them, and *count becomes the number of those
 * that are there. PMEM2_E_BUFFER_TOO_SMALL leaves both as they were.
 *
 * The regions refer to an NFIT, which must stay as it is while they and their parts are used; of a devicetree they keep
 * nothing. That an NFIT was changed is PMEM2_E_INVALID_DEV_FORMAT where it is noticed.
 *
 * What is wrong with a table is PMEM2_E_INVALID_REGION_FORMAT, and the message says where: also that it is larger than any
 * machine's (4 MiB, 2048 structures, 256 ranges or 64 devices of one range in an NFIT; 2 MiB or 256 regions in a devicetree),
 * and a length above SIZE_MAX / 2 or beyond the last address. A wrong checksum is none, but of the root pointer: see
 * pmem2_nfit_warnings().
 */
int pmem2_regions_from_nfit(const void *nfit, size_t length, struct pmem2_region *regions, size_t *count);
int pmem2_regions_from_devicetree(const void *tree, size_t length, struct pmem2_region *regions, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
