/*
 * libpmem2.dll, beyond the manual pages of libpmem2: NULL, unchanged outputs, sources in the
 * caller's memory, handles that are closed and reused, wide texts, messages of threads, printing.
 */

#include "windows_world.h"

#include <stdint.h>
#include <wchar.h>

#include "windows_texts.h"

static struct pmem2_source_storage in_static;

static int
is_filled(const void *memory, size_t size)
{
	const unsigned char *byte = memory;

	while (size > 0 && byte[size - 1] == 0xa5)
		size--;
	return size == 0;
}

static void
storage(void)
{
	struct pmem2_source_storage variable, elements[3];
	struct pmem2_source_storage *places[] = { &variable, &elements[1], &in_static };
	HANDLE file = open_file(GENERIC_READ), got;
	int fd = descriptor(file);
	size_t i, size;
	long before = allocated;

	heap_fails = 1;
	memset(elements, 0xa5, sizeof(elements));
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct pmem2_source *src = NULL;

		CHECK(pmem2_source_init_handle(places[i], &src, file) == 0 &&
			(void *)src == (void *)places[i]);
		CHECK(pmem2_source_size(src, &size) == 0 && size == FILE_SIZE);
		CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		CHECK(pmem2_source_init_fd(places[i], &src, fd) == 0 &&
			(void *)src == (void *)places[i]);
		CHECK(pmem2_source_get_handle(src, &got) == 0 && got == file);
		CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		CHECK(pmem2_source_init_anon(places[i], &src, 4321) == 0);
		CHECK(pmem2_source_size(src, &size) == 0 && size == 4321);
		CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
		/* What was deleted there is noticed. */
		CHECK(pmem2_source_size((struct pmem2_source *)places[i], &size) == -EINVAL &&
			SAYS("not a source"));
	}
	heap_fails = 0;
	CHECK(allocated == before);
	CHECK(is_filled(&elements[0], sizeof(elements[0])) &&
		is_filled(&elements[2], sizeof(elements[2])));
	CHECK(_close(fd) == 0);
}

#include "windows_transfer.h"

static void
storage_on_failure(void)
{
	struct pmem2_source_storage storage;
	struct pmem2_source *src = NO_SOURCE;
	HANDLE pipe = open_pipe();

	memset(&storage, 0xa5, sizeof(storage));
	CHECK(pmem2_source_init_handle(&storage, &src, pipe) == PMEM2_E_INVALID_FILE_TYPE &&
		src == NULL);
	src = NO_SOURCE;
	CHECK(pmem2_source_init_fd(&storage, &src, -1) == PMEM2_E_INVALID_FILE_HANDLE &&
		src == NULL);
	src = NO_SOURCE;
	CHECK(pmem2_source_init_handle(NULL, &src, pipe) == -EINVAL && src == NULL &&
		SAYS("storage is NULL"));
	CHECK(pmem2_source_init_handle(&storage, NULL, pipe) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_init_handle((void *)((char *)&storage + 4), &src, pipe) == -EINVAL &&
		SAYS("not aligned"));
	CHECK(pmem2_source_init_handle(&storage, (void *)&storage, pipe) == -EINVAL &&
		SAYS("within storage"));
	CHECK(pmem2_source_init_fd(&storage, (void *)&storage, 0) == -EINVAL &&
		SAYS("within storage"));
	CHECK(is_filled(&storage, sizeof(storage)));
	CHECK(CloseHandle(pipe));
}

/* Every NULL that is not allowed. */
static void
nulls(void)
{
	HANDLE file = open_file(GENERIC_READ), got = (HANDLE)77;
	struct pmem2_source *src = source_of(file);
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_PAGE;
	char text[16] = "as it is";
	wchar_t wide[16] = L"as it is";
	size_t size = 77;
	uint64_t usc = 77;
	int number = 77;

	CHECK(pmem2_source_from_handle(NULL, file) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_from_fd(NULL, 0) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_from_anon(NULL, 1) == -EINVAL && SAYS("src is NULL"));
	CHECK(pmem2_source_delete(NULL) == 0);
	CHECK(pmem2_source_get_handle(NULL, &got) == -EINVAL && got == (HANDLE)77 &&
		SAYS("src is NULL"));
	CHECK(pmem2_source_get_handle(src, NULL) == -EINVAL && SAYS("handle is NULL"));
	CHECK(pmem2_source_size(NULL, &size) == -EINVAL && pmem2_source_size(src, NULL) == -EINVAL);
	CHECK(pmem2_source_alignment(NULL, &size) == -EINVAL &&
		pmem2_source_alignment(src, NULL) == -EINVAL);
	CHECK(pmem2_source_numa_node(NULL, &number) == -EINVAL &&
		pmem2_source_numa_node(src, NULL) == -EINVAL);
	CHECK(pmem2_source_device_usc(NULL, &usc) == -EINVAL &&
		pmem2_source_device_usc(src, NULL) == -EINVAL);
	CHECK(pmem2_source_device_idU(NULL, text, &size) == -EINVAL &&
		pmem2_source_device_idU(src, text, NULL) == -EINVAL);
	CHECK(pmem2_source_device_idW(NULL, wide, &size) == -EINVAL &&
		pmem2_source_device_idW(src, wide, NULL) == -EINVAL);
	CHECK(SAYS("len is NULL"));
	CHECK(pmem2_source_device_idW(src, (wchar_t *)(void *)((char *)wide + 1),
		&size) == -EINVAL && SAYS("id is not aligned"));
	CHECK(pmem2_source_expected_granularity(NULL, PMEM2_SHARED, &granularity) == -EINVAL);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, NULL) == -EINVAL);
	CHECK(pmem2_source_expected_granularity_reason(NULL, PMEM2_SHARED, text,
		sizeof(text)) == -EINVAL);
	CHECK(pmem2_source_expected_granularity_reason(src, PMEM2_SHARED, NULL, 0) == -EINVAL);
	CHECK(pmem2_source_describe(NULL, text, sizeof(text)) == -EINVAL &&
		pmem2_source_describe(src, NULL, 0) == -EINVAL);
	CHECK(size == 77 && usc == 77 && number == 77 && granularity == PMEM2_GRANULARITY_PAGE);
	CHECK(strcmp(text, "as it is") == 0 && wcscmp(wide, L"as it is") == 0);
	CHECK(pmem2_source_delete(&src) == 0 && CloseHandle(file));
}

/* Every answer that touches the handle refuses, and leaves its output. */
static void
refuses(struct pmem2_source *src, const char *why)
{
	static char text[PMEM2_DESCRIPTION_SIZE] = "as it is";
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_PAGE;
	wchar_t wide[64] = L"as it is";
	size_t size = 77, len = sizeof(wide);
	uint64_t usc = 77;

	CHECK(pmem2_source_size(src, &size) == PMEM2_E_INVALID_FILE_HANDLE && size == 77 &&
		SAYS(why));
	CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_INVALID_FILE_HANDLE && usc == 77 &&
		SAYS(why));
	CHECK(pmem2_source_device_idU(src, NULL, &size) == PMEM2_E_INVALID_FILE_HANDLE &&
		size == 77);
	CHECK(pmem2_source_device_idW(src, wide, &len) == PMEM2_E_INVALID_FILE_HANDLE &&
		len == sizeof(wide));
	CHECK(wcscmp(wide, L"as it is") == 0);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED,
		&granularity) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(granularity == PMEM2_GRANULARITY_PAGE);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == PMEM2_E_INVALID_FILE_HANDLE &&
		SAYS(why));
	CHECK(strcmp(text, "as it is") == 0);
}

/* A second handle of the same file, so that the file system does not give its id to another one. */
static HANDLE
duplicate(HANDLE file)
{
	HANDLE second;

	CHECK(DuplicateHandle(GetCurrentProcess(), file, GetCurrentProcess(), &second, 0, FALSE,
		DUPLICATE_SAME_ACCESS));
	return second;
}

/* The handle is closed; then a file, a directory, an event has its number. */
static void
reused(void)
{
	int kind;

	for (kind = 0; kind < 4; kind++) {
		HANDLE file = open_file(GENERIC_READ), second = duplicate(file), got = NULL,
			kept[64];
		HANDLE other = kind == 1 ? open_file(GENERIC_READ) :
			kind == 2 ? open_directory() :
				    CreateEventW(NULL, FALSE, FALSE, NULL);
		struct pmem2_source *src = source_of(file);
		size_t alignment;
		int tries = 0;

		CHECK(CloseHandle(file));
		refuses(src, "closed");
		/* The number is given away again soon. */
		while (kind > 0 && (tries == 0 || kept[tries - 1] != file)) {
			CHECK(tries < 64);
			kept[tries++] = duplicate(other);
		}
		if (kind > 0)
			refuses(src, kind == 3 ? "not an open handle" : "another file");
		/* It names what it was made of all the same, and its alignment. */
		CHECK(pmem2_source_get_handle(src, &got) == 0 && got == file);
		CHECK(pmem2_source_alignment(src, &alignment) == 0 && alignment == 65536);
		CHECK(pmem2_source_delete(&src) == 0);
		while (tries > 0)
			CHECK(CloseHandle(kept[--tries]));
		CHECK(CloseHandle(second) && CloseHandle(other));
	}
}

static void
answers(void)
{
	static char text[PMEM2_DESCRIPTION_SIZE], reason[PMEM2_REASON_SIZE];
	HANDLE file = open_file(GENERIC_READ | GENERIC_WRITE);
	struct pmem2_source *src = source_of(file);
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_BYTE;
	LARGE_INTEGER end = { .QuadPart = 5LL << 30 };
	size_t size = 77;
	uint64_t usc = 77;
	DWORD returned;
	int node = 77;

	errno = 77;
	/* An ordinary volume: no persistent memory. */
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity) == 0 &&
		granularity == PMEM2_GRANULARITY_PAGE);
	CHECK(pmem2_source_expected_granularity_reason(src, PMEM2_SHARED, reason,
		sizeof(reason)) == 0);
	CHECK(strstr(reason, "DAX") != NULL);
	CHECK(pmem2_source_expected_granularity_reason(src, PMEM2_SHARED, text,
		5) == PMEM2_E_BUFFER_TOO_SMALL);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_PRIVATE, &granularity) == 0 &&
		granularity == PMEM2_GRANULARITY_BYTE);
	CHECK(pmem2_source_expected_granularity(src, (enum pmem2_sharing_type)2,
		&granularity) == PMEM2_E_INVALID_SHARING_VALUE);
	CHECK(pmem2_source_numa_node(src, &node) == PMEM2_E_NOSUPP && node == 77);
	CHECK(pmem2_source_device_usc(src, &usc) < 0 && usc == 77);
	CHECK(pmem2_source_device_idU(src, NULL, &size) < 0 && size == 77);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0 &&
		strstr(text, "10001 bytes") != NULL);
	CHECK(strstr(text, "regular file") != NULL && strstr(text, "volume ") != NULL);
	CHECK(pmem2_source_describe(src, text, 10) == PMEM2_E_BUFFER_TOO_SMALL &&
		SAYS("are needed"));
	CHECK(strncmp(text, "persistent: ", 12) == 0);
	/* The size is that of now, also over 4 GiB. */
	CHECK(DeviceIoControl(file, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &returned, NULL));
	CHECK(SetFilePointerEx(file, end, NULL, FILE_BEGIN) && SetEndOfFile(file));
	CHECK(pmem2_source_size(src, &size) == 0 && size == (size_t)end.QuadPart);
	CHECK(errno == 77);
	CHECK(pmem2_source_delete(&src) == 0 && CloseHandle(file));
}

/* A handle that cannot be read: a source, of which nothing can be mapped. */
static void
write_only(void)
{
	static char text[PMEM2_DESCRIPTION_SIZE];
	HANDLE file = open_file(GENERIC_WRITE);
	struct pmem2_source *src = source_of(file);
	enum pmem2_granularity granularity = PMEM2_GRANULARITY_BYTE;

	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED,
		&granularity) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_expected_granularity(src, PMEM2_PRIVATE,
		&granularity) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_expected_granularity_reason(src, PMEM2_SHARED, text,
		sizeof(text)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(granularity == PMEM2_GRANULARITY_BYTE && SAYS("opened write-only"));
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
	CHECK(strncmp(text, "refused: ", 9) == 0 && strstr(text, "opened write-only") != NULL);
	CHECK(pmem2_source_delete(&src) == 0 && CloseHandle(file));
}

static void
anonymous(void)
{
	static const size_t sizes[] = { 0, 1, 65536, SIZE_MAX };
	SYSTEM_INFO system;
	size_t i, answer;

	GetSystemInfo(&system);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct pmem2_source *src;
		uint64_t usc = 77;
		int node = 77;

		CHECK(pmem2_source_from_anon(&src, sizes[i]) == 0);
		CHECK(pmem2_source_size(src, &answer) == 0 && answer == sizes[i]);
		CHECK(pmem2_source_alignment(src, &answer) == 0 &&
			answer == system.dwAllocationGranularity);
		CHECK(pmem2_source_numa_node(src, &node) == PMEM2_E_NOSUPP && node == 77);
		CHECK(pmem2_source_device_usc(src, &usc) == PMEM2_E_NOSUPP && usc == 77);
		CHECK(pmem2_source_device_idW(src, NULL, &answer) == PMEM2_E_NOSUPP &&
			answer == system.dwAllocationGranularity);
		/* Wherever the answer would go. */
		CHECK(pmem2_source_numa_node(src, NULL) == PMEM2_E_NOSUPP &&
			pmem2_source_device_usc(src, NULL) == PMEM2_E_NOSUPP);
		CHECK(pmem2_source_device_idW(src, NULL, NULL) == PMEM2_E_NOSUPP &&
			pmem2_source_device_idU(src, NULL, NULL) == PMEM2_E_NOSUPP);
		CHECK(pmem2_source_get_handle(src, NULL) == PMEM2_E_FILE_HANDLE_NOT_SET);
		CHECK(pmem2_source_delete(&src) == 0);
	}
}

static void
numbers(void)
{
	CHECK(pmem2_err_to_errno(0) == 0 && pmem2_err_to_errno(-ENOMEM) == ENOMEM &&
		pmem2_err_to_errno(1) == EINVAL);
	CHECK(pmem2_err_to_errno(PMEM2_E_NOSUPP) == ENOTSUP &&
		pmem2_err_to_errno(PMEM2_E_INVALID_FILE_TYPE) == EINVAL);
}

/* Descriptors that are closed, and whose number another file gets; errno is as it was. */
static void
descriptors(void)
{
	HANDLE file = open_file(GENERIC_READ), second = duplicate(file), other;
	int fd = descriptor(file), number;
	struct pmem2_source *src;

	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(_close(fd) == 0);
	other = open_file(GENERIC_READ);
	number = descriptor(other);
	CHECK(number == fd);
	refuses(src, other == file ? "another file" : "closed");
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(_close(number) == 0 && CloseHandle(second));
	errno = 77;
	CHECK(from_fd(number) == PMEM2_E_INVALID_FILE_HANDLE &&
		from_fd(-1) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_fd(1000) == PMEM2_E_INVALID_FILE_HANDLE && errno == 77);
}

#ifndef PMEM2_STATIC
typedef int from_fd_function(struct pmem2_source **src, int fd);

/*
 * What is exported by name has the descriptors of msvcrt.dll: the same ones only in a program of
 * that runtime.
 */
static void
exported(void)
{
	from_fd_function *function = (from_fd_function *)(uintptr_t)by_name(library(),
		"pmem2_source_from_fd");
	int fd = descriptor(open_file(GENERIC_READ)), code;
	struct pmem2_source *src = NO_SOURCE;

	CHECK(function != NULL);
	code = function(&src, fd);
#ifdef _UCRT
	CHECK(code == PMEM2_E_INVALID_FILE_HANDLE && src == NULL);
#else
	CHECK(code == 0 && src != NULL);
#endif
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(function(&src, -1) == PMEM2_E_INVALID_FILE_HANDLE && src == NULL);
	CHECK(_close(fd) == 0);
}
#endif

static int total;

static void
run(const char *name, void (*test)(void))
{
	checks = 0;
	test();
	CHECK(checks > 0);
	total += checks;
	printf("%s: %d checks\n", name, checks);
}

int
main(void)
{
	/* Before any call has failed. */
	CHECK(strcmp(pmem2_errormsgU(), "no call of this thread has failed") == 0);
	CHECK(wcscmp(pmem2_errormsgW(), L"no call of this thread has failed") == 0);
	count_the_heap();
	enter_world();
	run("storage", storage);
	run("storage on failure", storage_on_failure);
	run("NULL", nulls);
	run("closed and reused handles", reused);
	run("answers", answers);
	run("write-only", write_only);
	run("anonymous", anonymous);
	run("errno", numbers);
	run("transfers", transfers);
	run("bad blocks", bad_blocks);
	run("descriptors", descriptors);
#ifndef PMEM2_STATIC
	run("functions by name", exported);
	run("loaded late", loaded_late);
#endif
	run("names", names);
	run("wide messages", wide_messages);
	run("threads", threads);
	run("pmem2_perror", printed);
	run("pmem2_perror on a console", printed_on_a_console);
	leave_world();
	CHECK(allocated == 0);
	printf("%d checks\n", total);
	return 0;
}
