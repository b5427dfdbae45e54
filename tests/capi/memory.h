/*
 * malloc and free that count and can fail. With PMEM2_WRAP the program is linked with --wrap (the
 * static library), else these take the place of glibc's (the shared library).
 */

#ifndef MEMORY_H
#define MEMORY_H

#include <errno.h>
#include <stdlib.h>

/* malloc fails while this is not 0. */
static volatile int malloc_fails;
/* malloc and free set errno while this is not 0. */
static volatile int spoils_errno;
/* The number of allocations that were not freed. */
static volatile long allocated;

#ifdef PMEM2_WRAP
#define REAL(name) __real_##name
#define OURS(name) __wrap_##name
#else
#define REAL(name) __libc_##name
#define OURS(name) name
#endif

extern void *REAL(malloc)(size_t size);
extern void REAL(free)(void *memory);
void *OURS(malloc)(size_t size);
void OURS(free)(void *memory);

void *
OURS(malloc)(size_t size)
{
	void *memory;

	if (malloc_fails) {
		errno = ENOMEM;
		return NULL;
	}
	memory = REAL(malloc)(size);
	if (spoils_errno)
		errno = EAGAIN;
	if (memory != NULL)
		allocated++;
	return memory;
}

void
OURS(free)(void *memory)
{
	if (memory != NULL)
		allocated--;
	REAL(free)(memory);
	if (spoils_errno)
		errno = EAGAIN;
}

#endif
