/*
 * The layout of the structures of libpmem2/region.h, as one expression: of C in
 * tests/capi/layout.c, and of Rust in layout.rs beside this. `pointer` is the size of a pointer,
 * `word` the alignment of 64 bits, and `x86` is true for the one architecture with an alignment of
 * 4 (except on Windows). The others are offsets and sizes.
 */
(word == 4) == x86 && (word == 8) != x86 && (pointer == 4 || pointer == 8)
&& dimm_id == 0
&& dimm_dirty_shutdowns == word
&& dimm_counts == word + 8
&& dimm_pmem2_private == word + 12
&& dimm_size == word + 16
&& warning_kind == 0
&& warning_at == 4
&& warning_found == 8
&& warning_expected == 12
&& warning_size == 16
&& base == 0
&& length == 8
&& alignment == 16
&& kind == 24
&& durability == 28
&& flags == 32
&& numa_node == 36
&& number == 40
&& pmem2_private_range == 44
&& proximity_domain == 48
&& pmem2_private_sum == 52
&& provider == 56
&& dimms == 56 + pointer
&& dimm_count == 56 + 2 * pointer
&& table == 56 + 3 * pointer
&& table_length == 56 + 4 * pointer
&& pmem2_private_nfit == 56 + 5 * pointer
&& pmem2_private_nfit_length == 56 + 6 * pointer
/* The last of the seven has the padding with it. */
&& size == 56 + 6 * pointer + word
&& aligned == word
