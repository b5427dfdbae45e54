/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Data sources of persistent memory: sources, their place, transfers that survive bad memory, bad
 * blocks. libpmem2(7) is an overview, and each function has a manual page in section 3.
 *
 * Names, numbers and prototypes are those of libpmem2; functions that are added to them say so.
 * Mapping and what builds on it is not there yet, and not declared. The functions of
 * libpmem2/region.h are only in the library for machines without an operating system, whose manual
 * pages `ci/install --bare` installs. On Windows some functions differ: libpmem2/handle.h, which is
 * included at the end.
 *
 * Functions that return int return 0 on success. On failure they return PMEM2_E_* or a negative
 * errno, leave outputs unchanged (constructors set *src or *bbctx to NULL), and the thread's
 * pmem2_errormsg() gives the cause. -EINVAL are: a NULL that is not allowed; a pointer that is not
 * aligned to its type, to which nothing is written; and memory without a source: storage that was
 * zeroed or overwritten, or whose source was deleted. No function sets errno.
 *
 * Any number of threads may call these functions, and query one source. Deleting a source comes
 * after every other use. One thread at a time may use a bad block context. A signal handler
 * must not call pmem2_source_from_fd(), pmem2_source_from_anon(), pmem2_source_delete(),
 * pmem2_badblock_context_new(), pmem2_badblock_context_delete() and pmem2_perror(). It may call the
 * others. One that fails there replaces the message of the interrupted thread, perhaps while that
 * is being written or read.
 */

#ifndef LIBPMEM2_BASE_H
#define LIBPMEM2_BASE_H 1

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
/* HANDLE. Programs that want winsock2.h include it before, as always. */
#include <windows.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Errors. Any other negative number is an errno. */

#define PMEM2_E_UNKNOWN (-100000)
#define PMEM2_E_NOSUPP (-100001)
#define PMEM2_E_FILE_HANDLE_NOT_SET (-100003)
#define PMEM2_E_INVALID_FILE_HANDLE (-100004)
#define PMEM2_E_INVALID_FILE_TYPE (-100005)
#define PMEM2_E_MAP_RANGE (-100006)
#define PMEM2_E_MAPPING_EXISTS (-100007)
#define PMEM2_E_GRANULARITY_NOT_SET (-100008)
#define PMEM2_E_GRANULARITY_NOT_SUPPORTED (-100009)
#define PMEM2_E_OFFSET_OUT_OF_RANGE (-100010)
#define PMEM2_E_OFFSET_UNALIGNED (-100011)
#define PMEM2_E_INVALID_ALIGNMENT_FORMAT (-100012)
#define PMEM2_E_INVALID_ALIGNMENT_VALUE (-100013)
#define PMEM2_E_INVALID_SIZE_FORMAT (-100014)
#define PMEM2_E_LENGTH_UNALIGNED (-100015)
#define PMEM2_E_MAPPING_NOT_FOUND (-100016)
#define PMEM2_E_BUFFER_TOO_SMALL (-100017)
#define PMEM2_E_SOURCE_EMPTY (-100018)
#define PMEM2_E_INVALID_SHARING_VALUE (-100019)
#define PMEM2_E_SRC_DEVDAX_PRIVATE (-100020)
#define PMEM2_E_INVALID_ADDRESS_REQUEST_TYPE (-100021)
#define PMEM2_E_ADDRESS_UNALIGNED (-100022)
#define PMEM2_E_ADDRESS_NULL (-100023)
#define PMEM2_E_DEEP_FLUSH_RANGE (-100024)
#define PMEM2_E_INVALID_REGION_FORMAT (-100025)
#define PMEM2_E_DAX_REGION_NOT_FOUND (-100026)
#define PMEM2_E_INVALID_DEV_FORMAT (-100027)
#define PMEM2_E_CANNOT_READ_BOUNDS (-100028)
#define PMEM2_E_NO_BAD_BLOCK_FOUND (-100029)
#define PMEM2_E_LENGTH_OUT_OF_RANGE (-100030)
#define PMEM2_E_INVALID_PROT_FLAG (-100031)
#define PMEM2_E_NO_ACCESS (-100032)
#define PMEM2_E_VM_RESERVATION_NOT_EMPTY (-100033)
#define PMEM2_E_MAP_EXISTS (-100034)
#define PMEM2_E_FILE_DESCRIPTOR_NOT_SET (-100035)
#define PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED (-100036)
#define PMEM2_E_IO_FAIL (-100037)

/* The alignment of storage, on every target. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define PMEM2_PRIVATE_ALIGNED alignas(8)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define PMEM2_PRIVATE_ALIGNED _Alignas(8)
#elif defined(__GNUC__)
#define PMEM2_PRIVATE_ALIGNED __attribute__((aligned(8)))
#else
#define PMEM2_PRIVATE_ALIGNED
#endif

/* ---- source ---- */

/*
 * A source: a validated file descriptor, or anonymous memory. It borrows the descriptor, which must
 * stay open while the source is used. Where it was closed and its number given to another file, the
 * functions that touch it return PMEM2_E_INVALID_FILE_HANDLE, except where the other file has the
 * inode number of the first one, which was deleted.
 */
struct pmem2_source;

/* Makes a source in the library's memory. */
#ifndef _WIN32
int pmem2_source_from_fd(struct pmem2_source **src, int fd);
#endif
int pmem2_source_from_anon(struct pmem2_source **src, size_t size);

/* Deletes a source, sets *src to NULL, which it may be, and returns 0. */
int pmem2_source_delete(struct pmem2_source **src);

/*
 * Added: memory of the caller's for one source, for programs without a heap. It may be a variable,
 * a member, an element, or static, and has 64 bytes, aligned to 8, on every target.
 *
 * pmem2_source_init_fd() makes a source in it, and *src points to it; it is a source like any
 * other. pmem2_source_delete() frees nothing; afterwards the storage can be used again. Until then
 * it must stay in its place, and must not be copied or changed.
 *
 *	struct pmem2_source_storage storage;
 *	struct pmem2_source *src;
 *
 *	if (pmem2_source_init_fd(&storage, &src, fd) != 0)
 *		pmem2_perror("%s", path);
 *
 * (On Windows that takes -DPMDK_UTF8_API: see libpmem2/handle.h.)
 *
 * -EINVAL: storage or src is NULL or misaligned, or src lies within storage; where src is
 * misaligned or lies there, nothing is written. Other errors are those of pmem2_source_from_fd()
 * and pmem2_source_from_anon(), except -ENOMEM. On failure storage is unchanged, and *src is NULL.
 */
struct pmem2_source_storage {
	PMEM2_PRIVATE_ALIGNED uint64_t pmem2_private[8];
};

#ifndef _WIN32
int pmem2_source_init_fd(struct pmem2_source_storage *storage, struct pmem2_source **src, int fd);
#endif
int pmem2_source_init_anon(struct pmem2_source_storage *storage, struct pmem2_source **src,
	size_t size);

/* Returns the descriptor that the source was made of. No system call. */
#ifndef _WIN32
int pmem2_source_get_fd(const struct pmem2_source *src, int *fd);
#endif

/* Returns the present size in bytes. */
int pmem2_source_size(const struct pmem2_source *src, size_t *size);

/*
 * Returns the alignment of offsets and lengths of mappings, in bytes. No system call for a regular
 * file.
 */
int pmem2_source_alignment(const struct pmem2_source *src, size_t *alignment);

/*
 * Added: writes all that is known of a source, for people, as lines of text with a null byte, to
 * buf, which has len bytes. Where they do not suffice, it returns PMEM2_E_BUFFER_TOO_SMALL, the
 * message says how many would, and buf is unchanged. PMEM2_DESCRIPTION_SIZE bytes always suffice on
 * Linux and Windows. Facts that could not be found out are named in the text. Only a descriptor
 * that was closed, or is another file now, is an error: PMEM2_E_INVALID_FILE_HANDLE.
 */
#define PMEM2_DESCRIPTION_SIZE 24576
int pmem2_source_describe(const struct pmem2_source *src, char *buf, size_t len);

/* ---- place ---- */

/* Returns the NUMA node of the source's memory, -1 where the platform does not say. */
int pmem2_source_numa_node(const struct pmem2_source *src, int *numa_node);

/*
 * Added: returns the NUMA node that this memory has when the system uses it as ordinary memory
 * (kmem), -1 where the platform does not say.
 */
int pmem2_source_target_node(const struct pmem2_source *src, int *target_node);

/*
 * Returns the ids of the NVDIMMs that the source lies on. With id NULL, *len becomes the number of
 * bytes that they need, the null byte included. Otherwise id has *len bytes, whose content does not
 * matter. PMEM2_E_BUFFER_TOO_SMALL leaves both unchanged. Persistent memory without NVDIMMs has an
 * empty id, other memory PMEM2_E_NOSUPP.
 */
#ifndef _WIN32
int pmem2_source_device_id(const struct pmem2_source *src, char *id, size_t *len);
#endif

/*
 * Returns how often these NVDIMMs, together, lost power before their data was safe. PMEM2_E_NOSUPP
 * where they do not count, -EACCES where the user may not know.
 */
int pmem2_source_device_usc(const struct pmem2_source *src, uint64_t *usc);

/* How much has to be flushed to make a store durable, the finest first; and who sees a store. */

enum pmem2_granularity {
	PMEM2_GRANULARITY_BYTE,
	PMEM2_GRANULARITY_CACHE_LINE,
	PMEM2_GRANULARITY_PAGE
};

enum pmem2_sharing_type {
	PMEM2_SHARED,
	PMEM2_PRIVATE
};

/*
 * Added: return the granularity of a mapping of the source that is made with MAP_SHARED_VALIDATE |
 * MAP_SYNC (a mapping of a file without them has PMEM2_GRANULARITY_PAGE); and, for people, why it
 * is not a finer one, and what to change for that. The text and a null byte are written to buf,
 * which has len bytes. PMEM2_REASON_SIZE bytes always suffice; fewer may be
 * PMEM2_E_BUFFER_TOO_SMALL, which leaves buf unchanged.
 */
#define PMEM2_REASON_SIZE 384
int pmem2_source_expected_granularity(const struct pmem2_source *src,
	enum pmem2_sharing_type sharing, enum pmem2_granularity *granularity);
int pmem2_source_expected_granularity_reason(const struct pmem2_source *src,
	enum pmem2_sharing_type sharing, char *buf, size_t len);

/* ---- transfer ---- */

/*
 * Read size bytes at offset into buf, or write them: all of them, or a failure. PMEM2_E_IO_FAIL
 * where the source's memory is bad, never where the caller's is (-EFAULT). The source does not
 * grow. A write is durable after pmem2_source_sync(), one to device DAX on return.
 */
int pmem2_source_pread_mcsafe(struct pmem2_source *src, void *buf, size_t size, size_t offset);
int pmem2_source_pwrite_mcsafe(struct pmem2_source *src, void *buf, size_t size, size_t offset);

/*
 * Added: the same with offsets of 64 bits on every target. *done becomes the number of bytes that
 * were transferred, counted from the first one, also on failure (unlike any other output). done may
 * be NULL.
 */
int pmem2_source_pread_at(const struct pmem2_source *src, void *buf, size_t size, uint64_t offset,
	size_t *done);
int pmem2_source_pwrite_at(const struct pmem2_source *src, const void *buf, size_t size,
	uint64_t offset, size_t *done);

/* Added: makes writes durable. */
int pmem2_source_sync(const struct pmem2_source *src);

#ifdef __linux__
/*
 * Added, for programs with a handler of SIGBUS of their own. pmem2_sigbus_own(), called before any
 * transfer, keeps this library from installing one. The program's handler then calls
 * pmem2_sigbus_resume() with its second and third argument (SA_SIGINFO), and returns if that is 1:
 * bad memory has ended a transfer. 0: the signal is another one.
 */
int pmem2_sigbus_own(void);
int pmem2_sigbus_resume(void *info, void *context);
#endif

/* ---- badblocks ---- */

/*
 * The bytes of a source that the system lists as bad, in ascending order. A context has a copy of
 * the source, not of its descriptor.
 */
struct pmem2_badblock_context;

struct pmem2_badblock {
	size_t offset;
	size_t length;
};

/* Added: memory of the caller's for one context: 8192 bytes, aligned to 8, to be used as above. */
struct pmem2_badblock_storage {
	PMEM2_PRIVATE_ALIGNED uint64_t pmem2_private[1024];
};

int pmem2_badblock_context_new(struct pmem2_badblock_context **bbctx,
	const struct pmem2_source *src);
int pmem2_badblock_context_init(struct pmem2_badblock_storage *storage,
	struct pmem2_badblock_context **bbctx, const struct pmem2_source *src);

/* Deletes a context, and sets *bbctx to NULL, which it may be. */
void pmem2_badblock_context_delete(struct pmem2_badblock_context **bbctx);

/*
 * Returns the next range; PMEM2_E_NO_BAD_BLOCK_FOUND after the last. After any other failure, the
 * next call looks at the same place again.
 */
int pmem2_badblock_next(struct pmem2_badblock_context *bbctx, struct pmem2_badblock *bb);

/*
 * Gives the file healthy memory for these bytes, if all of them are listed as bad now; otherwise it
 * does nothing. The old content is lost.
 */
int pmem2_badblock_clear(struct pmem2_badblock_context *bbctx, const struct pmem2_badblock *bb);

/*
 * Added: clears by a command of the device, which device DAX needs. Only the device knows what that
 * does to the bytes around them.
 */
int pmem2_badblock_clear_by_device(struct pmem2_badblock_context *bbctx,
	const struct pmem2_badblock *bb);

/* ---- errors ---- */

/*
 * Returns the message of the calling thread's last failed call: a sentence, never empty. The
 * thread's next failed call changes it.
 */
#ifndef _WIN32
const char *pmem2_errormsg(void);
#endif

/*
 * Converts an error to an errno: PMEM2_E_NOSUPP to ENOTSUP, any other PMEM2_E_* to EINVAL, -errno
 * (up to 4095) to errno, 0 to 0, and any other number, which no function returns, to EINVAL.
 */
int pmem2_err_to_errno(int err);

/* Prints to stderr: the format with its arguments, a colon, a blank, the message, a new-line. */
#ifndef _WIN32
#if defined(__GNUC__)
__attribute__((__format__(__printf__, 1, 2)))
#endif
void pmem2_perror(const char *format, ...);
#endif

/* The library was built for these sizes. Nothing checks them before C11 and C++11. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define PMEM2_PRIVATE_CHECK(storage, size) \
	static_assert(sizeof(storage) == (size) && alignof(storage) == 8, "another layout")
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define PMEM2_PRIVATE_CHECK(storage, size) \
	_Static_assert(sizeof(storage) == (size) && _Alignof(storage) == 8, "another layout")
#endif
#ifdef PMEM2_PRIVATE_CHECK
PMEM2_PRIVATE_CHECK(struct pmem2_source_storage, 64);
PMEM2_PRIVATE_CHECK(struct pmem2_badblock_storage, 8192);
#endif

#ifdef __cplusplus
}
#endif

#ifdef _WIN32
#include <libpmem2/handle.h>
#endif

#endif
