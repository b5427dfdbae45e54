/*
 * Definitions that stable Rust has not: thread-local storage without std, errno, and a function
 * with variable arguments.
 */

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <libpmem2.h>

#ifdef PMEM2_VERSIONS
/* As functions.rs does it for the others. The version script gives the plain name LIBPMEM2_2.0. */
__asm__(".symver pmem2_perror, pmem2_perror@LIBPMEM2_1.0");
#endif

/*
 * The thread-local storage of a shared library that is loaded into a running program may be
 * allocated when a thread first uses it, and glibc ends the process if there is no memory then.
 * With initial-exec it is allocated with the thread: only the loading can fail. (A static library
 * may become a part of a library that musl loads, which has no room for that.)
 */
#ifdef PMEM2_VERSIONS
#define WITH_THREAD __attribute__((tls_model("initial-exec")))
#else
#define WITH_THREAD
#endif

/* SIZE and Message::NONE of src/text.rs. */
static _Thread_local char message[448] WITH_THREAD = "no call of this thread has failed";

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN char *pmem2_shim_message(void);
HIDDEN void *pmem2_shim_allocate(size_t size);
HIDDEN void pmem2_shim_free(void *memory);

char *
pmem2_shim_message(void)
{
	return message;
}

/*
 * No function of this library sets errno. malloc does if it fails, and may if it does not; so did
 * free of older systems.
 */

void *
pmem2_shim_allocate(size_t size)
{
	int kept = errno;
	void *memory = malloc(size);

	errno = kept;
	return memory;
}

void
pmem2_shim_free(void *memory)
{
	int kept = errno;

	free(memory);
	errno = kept;
}

void
pmem2_perror(const char *format, ...)
{
	va_list arguments;
	int cancel, kept = errno;

	/* A thread that is cancelled while it prints would leave stderr locked for ever. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	/* One message stays in one piece, whatever other threads print. */
	flockfile(stderr);
	if (format != NULL) {
		va_start(arguments, format);
		vfprintf(stderr, format, arguments);
		va_end(arguments);
		fputs(": ", stderr);
	}
	/* Not pmem2_errormsg(), which the program may define anew. */
	fprintf(stderr, "%s\n", message);
	funlockfile(stderr);
	pthread_setcancelstate(cancel, NULL);
	errno = kept;
}
