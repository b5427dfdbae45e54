/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The header that programs include. Its content is in libpmem2/base.h. */

#ifndef LIBPMEM2_H
#define LIBPMEM2_H 1

#include <libpmem2/base.h>

#endif
