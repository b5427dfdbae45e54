/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The differences on Windows: sources of handles, texts in UTF-8 and UTF-16, descriptors of the
 * program's own C runtime. libpmem2/base.h includes this, and has the rest.
 *
 * No function sets errno. The value of GetLastError() afterwards means nothing.
 */

#ifndef LIBPMEM2_HANDLE_H
#define LIBPMEM2_HANDLE_H 1

#include <libpmem2/base.h>

#include <errno.h>
#include <io.h>
#include <stdlib.h>
#include <wchar.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes a source of a handle. It borrows the handle, which must stay open while the source is used
 * and, on a volume without DAX, while a mapping is used. The access rights of the handle are
 * not checked here: where it cannot be read, mapping it is refused.
 */
int pmem2_source_from_handle(struct pmem2_source **src, HANDLE handle);

/* Added: the same in the caller's memory. See pmem2_source_init_anon(). */
int pmem2_source_init_handle(struct pmem2_source_storage *storage, struct pmem2_source **src,
	HANDLE handle);

/*
 * Returns the handle that the source was made of, or that its descriptor stood for. No system call.
 */
int pmem2_source_get_handle(const struct pmem2_source *src, HANDLE *handle);

/* See base.h. U is UTF-8 and W is UTF-16; *len is a number of bytes for both. */
int pmem2_source_device_idU(const struct pmem2_source *src, char *id, size_t *len);
int pmem2_source_device_idW(const struct pmem2_source *src, wchar_t *id, size_t *len);

/* See base.h. The string of W stays as it is until the thread calls it again. */
const char *pmem2_errormsgU(void);
const wchar_t *pmem2_errormsgW(void);

/*
 * See base.h. They write to the process's standard error, in one piece: to a console as it is, to
 * anything else in UTF-8, with a line end of Windows. U takes a format of C (%zu, %lld) in UTF-8, W
 * one of msvcrt.dll, in which %s is wide.
 */
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((__format__(__gnu_printf__, 1, 2)))
#elif defined(__GNUC__)
__attribute__((__format__(__printf__, 1, 2)))
#endif
void pmem2_perrorU(const char *format, ...);
void pmem2_perrorW(const wchar_t *format, ...);

/*
 * The names without a letter, as libpmem2 1.x had them. A program that was written for Linux, with
 * pmem2_perror("%s", path), needs those of narrow text: -DPMDK_UTF8_API, or a definition before the
 * header is included. Without it that line prints garbage, and most compilers only warn.
 */
#ifdef PMDK_UTF8_API
#define pmem2_source_device_id pmem2_source_device_idU
#define pmem2_errormsg pmem2_errormsgU
#define pmem2_perror pmem2_perrorU
#else
#define pmem2_source_device_id pmem2_source_device_idW
#define pmem2_errormsg pmem2_errormsgW
#define pmem2_perror pmem2_perrorW
#endif

/*
 * Descriptors belong to a C runtime, and a process may have several: msvcrt.dll, the universal one,
 * those of static programs. So these functions are compiled into the program, where they ask its
 * own runtime for the handle that a descriptor stands for (_get_osfhandle), and pass that on.
 *
 * For a number that is not open, _get_osfhandle calls the runtime's invalid-parameter handler,
 * which by default ends the program. That is avoided for numbers that no runtime has, and with the
 * universal runtime for all numbers: during the call, the calling thread has a handler that does
 * nothing. In a debug build that runtime shows a dialogue before. With another runtime the
 * program's handler is called. pmem2_source_from_fd(3) says more.
 *
 * The DLL exports both functions too, for programs that look them up by name. There the runtime is
 * msvcrt.dll, which does not know the descriptors of a program with another one.
 */

#if defined(_UCRT) || (defined(_MSC_VER) && _MSC_VER >= 1900)
#define PMEM2_PRIVATE_QUIET 1

#ifdef __MINGW32__
/* Not in every stdlib.h of mingw. */
_invalid_parameter_handler __cdecl _set_thread_local_invalid_parameter_handler(
	_invalid_parameter_handler handler);
#endif

static __inline void __cdecl
pmem2_private_ignore(const wchar_t *expression, const wchar_t *function, const wchar_t *file,
	unsigned int line, uintptr_t reserved)
{
	(void)expression;
	(void)function;
	(void)file;
	(void)line;
	(void)reserved;
}
#endif

static __inline HANDLE
pmem2_private_handle(int fd)
{
	int kept = errno;
	intptr_t handle = -1;

	/* The universal runtime has 8192, msvcrt.dll 2048. */
	if (fd >= 0 && fd < 8192) {
#ifdef PMEM2_PRIVATE_QUIET
		_invalid_parameter_handler handler =
			_set_thread_local_invalid_parameter_handler(pmem2_private_ignore);
#endif
		handle = (intptr_t)_get_osfhandle(fd);
#ifdef PMEM2_PRIVATE_QUIET
		_set_thread_local_invalid_parameter_handler(handler);
#endif
	}
	errno = kept;
	return (HANDLE)handle;
}

#ifdef PMEM2_PRIVATE_EXPORT
/* The library's own. */
int pmem2_source_from_fd(struct pmem2_source **src, int fd);
int pmem2_source_init_fd(struct pmem2_source_storage *storage, struct pmem2_source **src, int fd);
#else
static __inline int
pmem2_source_from_fd(struct pmem2_source **src, int fd)
{
	return pmem2_source_from_handle(src, pmem2_private_handle(fd));
}

static __inline int
pmem2_source_init_fd(struct pmem2_source_storage *storage, struct pmem2_source **src, int fd)
{
	return pmem2_source_init_handle(storage, src, pmem2_private_handle(fd));
}
#endif

#ifdef __cplusplus
}
#endif

#endif
