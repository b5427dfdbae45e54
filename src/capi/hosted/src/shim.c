/* What stable Rust cannot define: thread-local storage without std, and a function with variable arguments. */

#include <stdarg.h>
#include <stdio.h>

#include <libpmem2.h>

#ifdef PMEM2_VERSIONS
/* As versions.rs does it for the others; the version script makes the plain name that of LIBPMEM2_2.0. */
__asm__(".symver pmem2_perror, pmem2_perror@LIBPMEM2_1.0");
#endif

/* Message::SIZE and Message::NONE of src/message.rs. */
static _Thread_local char message[512] = "no call of this thread has failed";

__attribute__((visibility("hidden"))) char *pmem2_shim_message(void);

char *
pmem2_shim_message(void)
{
	return message;
}

void
pmem2_perror(const char *format, ...)
{
	va_list arguments;

	/* One message stays in one piece, whatever other threads print. */
	flockfile(stderr);
	if (format != NULL) {
		va_start(arguments, format);
		vfprintf(stderr, format, arguments);
		va_end(arguments);
		fputs(": ", stderr);
	}
	fprintf(stderr, "%s\n", pmem2_errormsg());
	funlockfile(stderr);
}
