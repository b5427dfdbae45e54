/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Sources of regions of physical memory, for machines without an operating system: their library
 * has these functions beside those of libpmem2/base.h. Neither libpmem2 nor this library for Linux
 * has them. There are no descriptors (pmem2_source_from_fd() refuses every number) and no anonymous
 * memory (pmem2_source_from_anon() is always PMEM2_E_NOSUPP).
 *
 * The static library is built in a clone of pmem2, for the host or for a target of rustc:
 *
 *	cd src/capi
 *	rustup target add thumbv7m-none-eabi
 *	cargo build --release --package pmem2-capi-bare --target thumbv7m-none-eabi
 *
 * The result is ../../target/capi/thumbv7m-none-eabi/release/libpmem2_capi_bare.a (without --target
 * ../../target/capi/release/...). Programs find the headers with -I src/capi/include, and leave out
 * what they do not use with -Wl,--gc-sections. Processors without compare-and-swap
 * (thumbv6m-none-eabi) need --features critical-section, and the program provides the section.
 * Where rustup has no core library for the target, ci/lib/cross.sh shows how to build that too.
 * `ci/install --bare PREFIX [TARGET]` builds the same, and puts library, headers and manual pages
 * below PREFIX.
 *
 * The library has room for 16 sources; those of pmem2_source_init_region() lie in the program's
 * memory, and are not counted. For another number, make a crate like src/capi/bare, which is little
 * more than pmem2_capi::export_regions!(16).
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
 * A member that says nothing is 0: set the whole structure to zeros first. Addresses are physical,
 * lengths in bytes. The functions read these structures, what they point to, and the firmware's
 * tables, but not the memory of a region, which need not be mapped. They allocate nothing. The
 * library needs at most memcpy, memmove, memset and memcmp of the program.
 *
 * Functions return and fail as those of libpmem2/base.h, and have one manual page,
 * pmem2_source_from_region(3). Threads and interrupts may call any of them. They share one message,
 * unless the library was built otherwise: no two of them may be in a failing call at the same time,
 * and none may read the message while another one is in a failing call.
 */

#ifndef LIBPMEM2_REGION_H
#define LIBPMEM2_REGION_H 1

#include <libpmem2/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kind of a region. Sources can be made of persistent memory only. */
enum pmem2_region_kind {
	PMEM2_REGION_OTHER,
	PMEM2_REGION_PERSISTENT,
	PMEM2_REGION_VOLATILE,
	PMEM2_REGION_VIRTUAL_DISK,
	PMEM2_REGION_CONTROL, /* registers of an NVDIMM that is read and written by blocks */
	PMEM2_REGION_BLOCK_WINDOW /* a window to its blocks */
};

/*
 * What makes a store to a region durable. No function here stores, flushes or fences: the program
 * does, where it has mapped the region, with the intrinsics of its compiler.
 *
 *	          flush of a cache line                         fence
 *	x86       _mm_clwb, _mm_clflushopt or _mm_clflush       _mm_sfence
 *	AArch64   dc cvap (dc cvac where there is no cvap)      dsb sy
 *	RISC-V    cbo.clean (Zicbom)                            fence iorw,iorw
 *	Cortex-M  SCB_CleanDCache_by_Addr (CMSIS), if any       __DSB
 *
 * A region of an NFIT that is PMEM2_DURABLE_UNSTATED may have flush hints there, which would have
 * to be written to after that. The functions here do not return them.
 */
enum pmem2_region_durability {
	PMEM2_DURABLE_UNSTATED, /* flush and fence, as far as is known */
	PMEM2_DURABLE_BY_FLUSH, /* flush and fence */
	PMEM2_DURABLE_BY_FENCE, /* fence: caches survive a power failure (eADR), or do not exist */
	PMEM2_DURABLE_BY_CALL, /* a call of the program's own driver: virtio-pmem */
	PMEM2_DURABLE_NEVER
};

#define PMEM2_REGION_READ_ONLY 1u
#define PMEM2_REGION_UNARMED 2u /* stores from now on are lost in a power failure: a flat battery */
#define PMEM2_REGION_HAS_NODE 4u /* numa_node counts */
#define PMEM2_REGION_OVERLAPPING 16u /* another region has some of its bytes: refused */
#define PMEM2_REGION_HAS_PROXIMITY_DOMAIN 512u /* proximity_domain counts */
/* Reports of its DIMMs, for which nothing is refused. The first three: its content is damaged. */
#define PMEM2_REGION_SAVE_FAILED 8u
#define PMEM2_REGION_RESTORE_FAILED 32u
#define PMEM2_REGION_FLUSH_FAILED 64u
#define PMEM2_REGION_MAP_FAILED 128u /* a part is missing */
#define PMEM2_REGION_SMART_EVENT 256u /* an event of its health: it may fail */

/* A DIMM or a chip. */
struct pmem2_region_dimm {
	const char *id; /* its identity on any machine: UTF-8, at most 32 bytes; NULL for none */
	uint64_t dirty_shutdowns; /* how often it lost power before its data was safe */
	uint32_t counts; /* 1 where that is counted, or 0 */
	uint32_t pmem2_private;
};

/*
 * A region. While its sources are used, it must stay in its place and unchanged, with all that it
 * points to. A change that is noticed is PMEM2_E_INVALID_FILE_HANDLE. Arrays are aligned to their
 * types, and have at most SIZE_MAX / 2 bytes: otherwise no source is made of the region.
 */
struct pmem2_region {
	uint64_t base; /* the physical address of its first byte */
	uint64_t length; /* bytes */
	uint64_t alignment; /* of mappings, in bytes: a power of two that divides base; 0 is 1 */
	uint32_t kind; /* enum pmem2_region_kind */
	uint32_t durability; /* enum pmem2_region_durability */
	uint32_t flags; /* PMEM2_REGION_*, or none */
	uint32_t numa_node; /* from a devicetree or the program; an NFIT has none */
	uint32_t number; /* for people */
	uint32_t pmem2_private_range;
	uint32_t proximity_domain; /* from an NFIT: ACPI's number, which the SRAT has too */
	uint32_t pmem2_private_sum;
	const char *provider; /* for people: at most 24 bytes are shown; NULL is "board" */
	const struct pmem2_region_dimm *dimms; /* may be NULL if dimm_count is 0 */
	size_t dimm_count;
	/*
	 * The table that this region is an element of. It is refused if another element has some of
	 * its bytes. May be NULL if table_length is 0.
	 */
	const struct pmem2_region *table;
	size_t table_length;
	const void *pmem2_private_nfit;
	size_t pmem2_private_nfit_length;
};

/*
 * Make sources in the library's memory (-ENOMEM when its slots are taken) and in the caller's.
 * pmem2_source_delete() deletes them. A region is refused for:
 *
 * PMEM2_E_SOURCE_EMPTY: it has no bytes.
 * PMEM2_E_INVALID_FILE_TYPE: it is not persistent memory.
 * PMEM2_E_INVALID_ALIGNMENT_VALUE: its alignment is not a power of two.
 * PMEM2_E_INVALID_REGION_FORMAT: it ends beyond the last address; another region has some of its
 *	bytes; its base is not a multiple of its alignment; a member has a value that is not
 *	defined here (the message names it); an array is larger than memory can be.
 * -EINVAL: region is NULL; region, table or dimms is misaligned; table or dimms is NULL with
 *	elements.
 *
 * An id of a DIMM that is too long or not UTF-8 is PMEM2_E_INVALID_DEV_FORMAT from
 * pmem2_source_device_id().
 */
int pmem2_source_from_region(struct pmem2_source **src, const struct pmem2_region *region);
int pmem2_source_init_region(struct pmem2_source_storage *storage, struct pmem2_source **src,
	const struct pmem2_region *region);

/*
 * Makes a region of length bytes of a region, from offset on. It makes a source as any
 * other. part may be region itself; otherwise region need not stay, but all that it points to must,
 * except its table. A part is refused for the same reasons as a region, and where it ends beyond
 * the region, or offset is not a multiple of the alignment (PMEM2_E_INVALID_REGION_FORMAT).
 */
int pmem2_region_part(const struct pmem2_region *region, uint64_t offset, uint64_t length,
	struct pmem2_region *part);

/*
 * Finds the NFIT, ACPI's table of NVDIMMs. rsdp is the physical address of the root pointer (RSDP),
 * which the boot loader tells. *nfit becomes NULL where the platform has no NFIT. reach() returns
 * where length bytes of physical memory can be read, at any address, or NULL where they cannot:
 * PMEM2_E_INVALID_REGION_FORMAT. It is called several times, with arg, perhaps twice for one table,
 * and has to return. These bytes are read until the call ends, those of the NFIT as long as it is
 * used.
 */
int pmem2_find_nfit(uint64_t rsdp,
	const void *(*reach)(uint64_t address, size_t length, void *arg), void *arg,
	const void **nfit, size_t *length);

/*
 * Lists what is wrong with an NFIT that is used all the same, as Linux uses it and warns. With
 * warnings NULL, *count becomes their number, at most one of each kind; otherwise as
 * pmem2_regions_from_nfit().
 */
enum pmem2_table_warning_kind {
	PMEM2_TABLE_CHECKSUM = 1, /* mismatch: the byte at `at` is `found`, should be `expected` */
	PMEM2_TABLE_ZERO_TAIL, /* only zeros from the byte `at` on; what comes before counts */
	PMEM2_TABLE_ZERO_LENGTH /* the structure at `at` has length 0; only what is before counts */
};

struct pmem2_table_warning {
	uint32_t kind; /* enum pmem2_table_warning_kind; later versions may have more of them */
	uint32_t at; /* an offset in bytes */
	uint32_t found; /* 0, except for PMEM2_TABLE_CHECKSUM */
	uint32_t expected; /* the same */
};

int pmem2_nfit_warnings(const void *nfit, size_t length, struct pmem2_table_warning *warnings,
	size_t *count);

/*
 * List the regions of an NFIT, or of a devicetree (its pmem-region nodes), with all that is known
 * of each; ranges that are not persistent memory are among them. The table may lie at any address,
 * and length may be more than its own. With regions NULL, *count becomes their number. Otherwise
 * regions has room for *count of them, and *count becomes the number of those that were written.
 * PMEM2_E_BUFFER_TOO_SMALL leaves both unchanged.
 *
 * The regions refer to their NFIT, which must stay unchanged while they and their parts are used. A
 * change that is noticed is PMEM2_E_INVALID_DEV_FORMAT. They do not refer to a devicetree.
 *
 * A malformed table is PMEM2_E_INVALID_REGION_FORMAT, and the message says where. So is one that is
 * larger than that of any machine (4 MiB, 2048 structures, 256 ranges or 64 devices of one range in
 * an NFIT; 2 MiB or 256 regions in a devicetree), and a length above SIZE_MAX / 2 or beyond the
 * last address. A checksum mismatch is not, except of the root pointer: see pmem2_nfit_warnings().
 */
int pmem2_regions_from_nfit(const void *nfit, size_t length, struct pmem2_region *regions,
	size_t *count);
int pmem2_regions_from_devicetree(const void *tree, size_t length, struct pmem2_region *regions,
	size_t *count);

#ifdef __cplusplus
}
#endif

#endif
