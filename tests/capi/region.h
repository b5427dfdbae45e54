/* Definitions for all parts of region.c. */

#ifndef REGION_H
#define REGION_H

#include <errno.h>
#include <libpmem2/region.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int checks;

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		checks++;                                                                       \
		if (!(condition)) {                                                             \
			printf("FAILED: %s: line %d: %s (%s)\n",                                \
				__FILE__, __LINE__, #condition, pmem2_errormsg());              \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

#define SAYS(words) (strstr(pmem2_errormsg(), words) != NULL)

/* A pointer that is not aligned. */
#define SKEWED(pointer) ((const void *)((const char *)(pointer) + 1))

/* region_tables.c */
void nfit(const char *two, const char *nodes);
void devicetree(const char *path);
void large(void);

#endif
