/*
 * The layout of the structures of libpmem2/region.h, compared with the library in Rust: compiled
 * only. The expression is that of src/capi/src/region/layout.rs.
 */

#include <libpmem2/region.h>

struct word {
	char first;
	uint64_t word;
};

#define DIMM(member) dimm_##member = offsetof(struct pmem2_region_dimm, member)
#define WARNING(member) warning_##member = offsetof(struct pmem2_table_warning, member)
#define REGION(member) member = offsetof(struct pmem2_region, member)

enum {
#if defined(__i386__) && !defined(_WIN32)
	x86 = 1,
#else
	x86 = 0,
#endif
	pointer = sizeof(void *),
	word = offsetof(struct word, word),
	DIMM(id),
	DIMM(dirty_shutdowns),
	DIMM(counts),
	DIMM(pmem2_private),
	dimm_size = sizeof(struct pmem2_region_dimm),
	WARNING(kind),
	WARNING(at),
	WARNING(found),
	WARNING(expected),
	warning_size = sizeof(struct pmem2_table_warning),
	REGION(base),
	REGION(length),
	REGION(alignment),
	REGION(kind),
	REGION(durability),
	REGION(flags),
	REGION(numa_node),
	REGION(number),
	REGION(pmem2_private_range),
	REGION(proximity_domain),
	REGION(pmem2_private_sum),
	REGION(provider),
	REGION(dimms),
	REGION(dimm_count),
	REGION(table),
	REGION(table_length),
	REGION(pmem2_private_nfit),
	REGION(pmem2_private_nfit_length),
	size = sizeof(struct pmem2_region),
	aligned = _Alignof(struct pmem2_region)
};

_Static_assert(
#include "../../src/capi/src/region/layout.h"
	, "the structures lie otherwise than in Rust");
