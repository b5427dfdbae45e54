/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Data sources of persistent memory: libpmem2's source functions, and sources in the caller's memory; reading and writing where
 * memory may be bad, and the list of bad blocks.
 *
 * Names, numbers and prototypes are those of libpmem2; what is added here says so. Mapping and what builds on it is not
 * there yet, and not declared.
 *
 * Every function that returns int returns 0 if it succeeds. If it fails it returns PMEM2_E_* or a negative errno, leaves
 * outputs as they were (a constructor sets *src or *bbctx to NULL), and pmem2_errormsg() of the same thread says why. A NULL that is
 * not allowed is -EINVAL, and so is a pointer that is not aligned as its type needs, which nothing is written to, and a
 * source that is none: in storage that was zeroed or overwritten, or deleted there. errno itself is not set, by no function.
 *
 * Any number of threads may call these functions. A source may be asked by several threads at once; deleting it is the end
 * of it. A bad block context is for one thread at a time. A signal handler must not call pmem2_source_from_fd(),
 * pmem2_source_from_anon(), pmem2_source_delete(), pmem2_badblock_context_new(), pmem2_badblock_context_delete() and
 * pmem2_perror(). It may call the others, but a call that fails there replaces the message of the thread that it interrupts,
 * which may be half written, or read, just then.
 *
 * Each function has a manual page in section 3. The functions of libpmem2/region.h, which only the library for machines without an
 * operating system has, are in pmem2_source_from_region(3), which `ci/install --bare` installs with that library. On Windows some
 * functions are others: libpmem2/handle.h, at the end.
 */

#ifndef LIBPMEM2_BASE_H
#define LIBPMEM2_BASE_H 1

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
/* HANDLE. (winsock2.h, if it is wanted, comes before, as always.) */
#include <windows.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Errors. Everything else that is negative is an errno. */

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

/*
 * A source: a validated file descriptor, or anonymous memory. It borrows the descriptor: keep that open while the source
 * is used. If it was closed and its number given to another file, the answers that touch it are
 * PMEM2_E_INVALID_FILE_HANDLE, unless the other file has the inode number of the first one, deleted by then.
 */
struct pmem2_source;

/* Sources in the library's memory. */
#ifndef _WIN32
int pmem2_source_from_fd(struct pmem2_source **src, int fd);
#endif
int pmem2_source_from_anon(struct pmem2_source **src, size_t size);

/* Ends a source and sets *src to NULL. Always 0; *src may be NULL. The descriptor stays open. */
int pmem2_source_delete(struct pmem2_source **src);

/* What the source was made of. No system call. */
#ifndef _WIN32
int pmem2_source_get_fd(const struct pmem2_source *src, int *fd);
#endif

/* Bytes, now. */
int pmem2_source_size(const struct pmem2_source *src, size_t *size);

/* What offsets and lengths of mappings have to be multiples of, in bytes. Of a regular file: no system call. */
int pmem2_source_alignment(const struct pmem2_source *src, size_t *alignment);

/* The NUMA node of the memory that the source lies on, -1 where the platform does not say. */
int pmem2_source_numa_node(const struct pmem2_source *src, int *numa_node);

/*
 * Added by this library: the NUMA node that this memory is when the system takes it for ordinary memory (kmem), -1 where the
 * platform does not say.
 */
int pmem2_source_target_node(const struct pmem2_source *src, int *target_node);

/*
 * What identifies the NVDIMMs that the source lies on. With id NULL, *len becomes the bytes that it needs, null byte and all;
 * else id has *len bytes, which need hold nothing before. PMEM2_E_BUFFER_TOO_SMALL leaves both as they were. Persistent
 * memory without NVDIMMs has an empty id; what is no persistent memory has none: PMEM2_E_NOSUPP.
 */
#ifndef _WIN32
int pmem2_source_device_id(const struct pmem2_source *src, char *id, size_t *len);
#endif

/*
 * How often these NVDIMMs lost power before their data was safe, together. PMEM2_E_NOSUPP where they do not count, -EACCES
 * where this user may not know.
 */
int pmem2_source_device_usc(const struct pmem2_source *src, uint64_t *usc);

/*
 * Reads size bytes at offset into buf, or writes them, all of them or a failure: PMEM2_E_IO_FAIL where the source's memory is bad.
 * What memory of the caller's does (-EFAULT) is never that. The source does not grow. What is written is durable after
 * pmem2_source_sync(), to device DAX on return.
 */
int pmem2_source_pread_mcsafe(struct pmem2_source *src, void *buf, size_t size, size_t offset);
int pmem2_source_pwrite_mcsafe(struct pmem2_source *src, void *buf, size_t size, size_t offset);

/*
 * Added by this library: the same, with offsets of 64 bits on every target. *done becomes the bytes that were transferred from the first
 * one on, also on failure (it is the one output that does); done may be NULL.
 */
int pmem2_source_pread_at(const struct pmem2_source *src, void *buf, size_t size, uint64_t offset, size_t *done);
int pmem2_source_pwrite_at(const struct pmem2_source *src, const void *buf, size_t size, uint64_t offset, size_t *done);

/* Added by this library: makes what was written durable. */
int pmem2_source_sync(const struct pmem2_source *src);

/* The bytes of a source that the system lists as bad, in ascending order. The context has a copy of the source, not of its descriptor. */

struct pmem2_badblock_context;

struct pmem2_badblock {
	size_t offset;
	size_t length;
};

int pmem2_badblock_context_new(struct pmem2_badblock_context **bbctx, const struct pmem2_source *src);

/* Ends a context and sets *bbctx to NULL, which it may be. */
void pmem2_badblock_context_delete(struct pmem2_badblock_context **bbctx);

/* The next one; PMEM2_E_NO_BAD_BLOCK_FOUND behind the last. After any other failure, the next call looks at the same place again. */
int pmem2_badblock_next(struct pmem2_badblock_context *bbctx, struct pmem2_badblock *bb);

/* Gives the file healthy memory for these bytes, all of which are listed as bad now, or does nothing. What was there is lost. */
int pmem2_badblock_clear(struct pmem2_badblock_context *bbctx, const struct pmem2_badblock *bb);

/*
 * Added by this library: the same by a command of the device, which device DAX needs. What it does to the bytes around them the
 * device alone knows.
 */
int pmem2_badblock_clear_by_device(struct pmem2_badblock_context *bbctx, const struct pmem2_badblock *bb);

/* Added by this library: a context in memory of the caller's: 8192 bytes, aligned to 8. As struct pmem2_source_storage, below. */
struct pmem2_badblock_storage {
#if defined(__cplusplus) && __cplusplus >= 201103L
	alignas(8)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
	_Alignas(8)
#elif defined(__GNUC__)
	__attribute__((aligned(8)))
#endif
	uint64_t pmem2_private[1024];
};

int pmem2_badblock_context_init(struct pmem2_badblock_storage *storage, struct pmem2_badblock_context **bbctx,
	const struct pmem2_source *src);

#ifdef __linux__
/*
 * Added by this library: for programs with a handler of SIGBUS of their own. pmem2_sigbus_own(), called before anything is read or
 * written, keeps this library from installing one. The program's then calls pmem2_sigbus_resume() with the second and third argument
 * that it was given (SA_SIGINFO), and returns if that is 1: bad memory has ended a transfer. 0: the signal is another one.
 */
int pmem2_sigbus_own(void);
int pmem2_sigbus_resume(void *info, void *context);
#endif

/* How much has to be flushed to make a store durable, the finest first, and who sees what is stored. */

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
 * Added by this library: the granularity that a mapping of the source will have which is made with MAP_SHARED_VALIDATE | MAP_SYNC (one
 * of a file that is made without has PMEM2_GRANULARITY_PAGE); and, for people, why it is that one and what would have to change for a
 * finer one, written with a null byte to buf, which has len bytes. PMEM2_REASON_SIZE bytes always suffice; with fewer it may be
 * PMEM2_E_BUFFER_TOO_SMALL, and buf is as it was.
 */
#define PMEM2_REASON_SIZE 384
int pmem2_source_expected_granularity(const struct pmem2_source *src, enum pmem2_sharing_type sharing,
	enum pmem2_granularity *granularity);
int pmem2_source_expected_granularity_reason(const struct pmem2_source *src, enum pmem2_sharing_type sharing, char *buf,
	size_t len);

/*
 * Added by this library: sources in memory of the caller's, for programs without a heap.
 *
 * A struct pmem2_source_storage has room for one source. It can be a variable, a member, an element, static, and has a
 * size of 64 bytes and an alignment of 8 on every target. pmem2_source_init_fd() makes a source there, and *src points
 * to it; it is a source like any other. pmem2_source_delete() ends it and frees nothing; after that the storage can be
 * used again. Until then it must stay in its place, and its bytes are the library's: it must not be copied or changed.
 *
 *	struct pmem2_source_storage storage;
 *	struct pmem2_source *src;
 *
 *	if (pmem2_source_init_fd(&storage, &src, fd) != 0)
 *		pmem2_perror("%s", path);
 *
 * (On Windows that takes -DPMDK_UTF8_API: see libpmem2/handle.h.)
 *
 * storage or src NULL or misaligned, or src within storage, is -EINVAL (and of the last two nothing is written). Other
 * errors are those of pmem2_source_from_fd() and pmem2_source_from_anon(), without -ENOMEM. On failure the storage is as it was, and *src is NULL.
 */
struct pmem2_source_storage {
#if defined(__cplusplus) && __cplusplus >= 201103L
	alignas(8)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
	_Alignas(8)
#elif defined(__GNUC__)
	__attribute__((aligned(8)))
#endif
	uint64_t pmem2_private[8];
};

#ifndef _WIN32
int pmem2_source_init_fd(struct pmem2_source_storage *storage, struct pmem2_source **src, int fd);
#endif
int pmem2_source_init_anon(struct pmem2_source_storage *storage, struct pmem2_source **src, size_t size);

/*
 * Added by this library: everything that is known of a source, for people. Writes lines of text and a null byte to buf,
 * which has len bytes. If they do not suffice: PMEM2_E_BUFFER_TOO_SMALL, the message says how many would, and buf is as it
 * was. PMEM2_DESCRIPTION_SIZE bytes always suffice on Linux and Windows. What could not be found out is said in the text; only a
 * descriptor that was closed, or is another file now, is an error: PMEM2_E_INVALID_FILE_HANDLE.
 */
#define PMEM2_DESCRIPTION_SIZE 24576
int pmem2_source_describe(const struct pmem2_source *src, char *buf, size_t len);

/*
 * What went wrong in the calling thread's last failed call: a sentence, never empty. The next failed call of the thread
 * changes it.
 */
#ifndef _WIN32
const char *pmem2_errormsg(void);
#endif

/*
 * What an error is as an errno: PMEM2_E_NOSUPP is ENOTSUP, any other PMEM2_E_* EINVAL, and -errno errno, which is up to 4095.
 * 0 is 0, and what no function returns EINVAL.
 */
int pmem2_err_to_errno(int err);

/* Prints to stderr: the format and what it is given, a colon, a blank, the message, a new-line. */
#ifndef _WIN32
#if defined(__GNUC__)
__attribute__((__format__(__printf__, 1, 2)))
#endif
void pmem2_perror(const char *format, ...);
#endif

/* The library was built for a storage of this size and alignment. (Before C11 and C++11 there is no good way to check it.) */
#if defined(__cplusplus) && __cplusplus >= 201103L
static_assert(sizeof(pmem2_source_storage) == 64, "struct pmem2_source_storage has 64 bytes");
static_assert(alignof(pmem2_source_storage) == 8, "struct pmem2_source_storage is aligned to 8");
static_assert(sizeof(pmem2_badblock_storage) == 8192, "struct pmem2_badblock_storage has 8192 bytes");
static_assert(alignof(pmem2_badblock_storage) == 8, "struct pmem2_badblock_storage is aligned to 8");
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(struct pmem2_source_storage) == 64, "struct pmem2_source_storage has 64 bytes");
_Static_assert(_Alignof(struct pmem2_source_storage) == 8, "struct pmem2_source_storage is aligned to 8");
_Static_assert(sizeof(struct pmem2_badblock_storage) == 8192, "struct pmem2_badblock_storage has 8192 bytes");
_Static_assert(_Alignof(struct pmem2_badblock_storage) == 8, "struct pmem2_badblock_storage is aligned to 8");
#endif

#ifdef __cplusplus
}
#endif

#ifdef _WIN32
#include <libpmem2/handle.h>
#endif

#endif
