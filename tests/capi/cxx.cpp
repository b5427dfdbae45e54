// The header in C++: its functions have C's names, and the storage may be a member, static, on the
// stack.

// No gap and no helper in the header, not for this warning either.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include <libpmem2.h>
#pragma GCC diagnostic pop

#include <cstdio>

namespace {

struct holder {
	char byte;
	pmem2_source_storage storage;
};

holder held;
pmem2_badblock_storage for_bad_blocks;

} // namespace

int
main()
{
	pmem2_source *src;
	pmem2_badblock_context *bbctx;
	std::size_t size = 0;

	if (pmem2_source_init_anon(&held.storage, &src, 4096) != 0 ||
		pmem2_source_size(src, &size) != 0 || size != 4096 ||
	    pmem2_badblock_context_init(&for_bad_blocks, &bbctx, src) != PMEM2_E_NOSUPP ||
	    	bbctx != NULL ||
	    pmem2_source_delete(&src) != 0 || src != NULL) {
		pmem2_perror("%s", "pmem2");
		return 1;
	}
	return 0;
}
