/*
 * Each sentence of pmem2_source_from_fd(3) and pmem2_source_get_handle(3), the pages of libpmem2
 * 1.x that speak of Windows, by its number in the page, and a check of what it says there. Prints
 * page, number and sentence once its check has passed; ci/wine compares that with the pages. What
 * is of Linux alone is ci/capi's, and is marked so.
 */

#include "windows_world.h"

static HANDLE
open_nul(void)
{
	HANDLE opened = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0,
		NULL);

	CHECK(opened != INVALID_HANDLE_VALUE);
	return opened;
}

/* As from_fd. */
static int
from_handle(HANDLE handle)
{
	struct pmem2_source *src = NO_SOURCE;
	int code = pmem2_source_from_handle(&src, handle);

	CHECK((code == 0) == (src != NULL) && src != NO_SOURCE && code <= 0);
	CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
	return code;
}

static int
from_handle_closed(HANDLE handle)
{
	int code = from_handle(handle);

	CHECK(CloseHandle(handle));
	return code;
}

static int
from_fd_closed(int fd)
{
	int code = from_fd(fd);

	CHECK(_close(fd) == 0);
	return code;
}

#include "windows_runtime.h"

/*
 * Tells that from_fd asks _get_osfhandle: the handle is that one, which a mapping of the file would
 * need.
 */
static void
converts(void)
{
	HANDLE file = open_file(GENERIC_READ), got = NULL;
	int fd = descriptor(file);
	struct pmem2_source *src;
	size_t size;

	CHECK((HANDLE)_get_osfhandle(fd) == file);
	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_get_handle(src, &got) == 0 && got == file);
	CHECK(pmem2_source_size(src, &size) == 0 && size == FILE_SIZE);
	CHECK(pmem2_source_delete(&src) == 0);
	CHECK(_close(fd) == 0);
}

/* All modes give a source. What cannot be read is refused where it matters. */
static void
modes(void)
{
	static const DWORD accesses[] = { GENERIC_READ, GENERIC_READ | GENERIC_WRITE, GENERIC_WRITE,
		0 };
	enum pmem2_granularity granularity;
	struct pmem2_source *src;
	size_t i;

	for (i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		HANDLE file = open_file(accesses[i]);
		int readable = (accesses[i] & GENERIC_READ) != 0, code;

		src = source_of(file);
		code = pmem2_source_expected_granularity(src, PMEM2_SHARED, &granularity);
		CHECK(code == (readable ? 0 : PMEM2_E_INVALID_FILE_HANDLE));
		CHECK(readable || SAYS("GENERIC_READ"));
		CHECK(pmem2_source_delete(&src) == 0);
		CHECK(from_fd_closed(descriptor(file)) == 0);
	}
}

static void
closed_and_made_up(void)
{
	HANDLE file = open_file(GENERIC_READ);
	int fd = descriptor(file);

	CHECK(_close(fd) == 0);
	CHECK(from_fd(fd) == PMEM2_E_INVALID_FILE_HANDLE &&
		from_handle(file) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_fd(-1) == PMEM2_E_INVALID_FILE_HANDLE &&
		from_fd(-2) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_fd(1000) == PMEM2_E_INVALID_FILE_HANDLE &&
		from_fd(99999) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_handle(NULL) == PMEM2_E_INVALID_FILE_HANDLE && SAYS("not an open handle"));
}

static void
describes(void)
{
	HANDLE file = open_file(GENERIC_READ | GENERIC_WRITE);
	struct pmem2_source *src = source_of(file);
	size_t size, alignment;
	SYSTEM_INFO system;

	GetSystemInfo(&system);
	CHECK(pmem2_source_size(src, &size) == 0 && size == FILE_SIZE);
	CHECK(pmem2_source_alignment(src, &alignment) == 0 &&
		alignment == system.dwAllocationGranularity);
	CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
	CHECK(CloseHandle(file));
}

static void
invalid_handle_value(void)
{
	CHECK(from_handle(INVALID_HANDLE_VALUE) == PMEM2_E_INVALID_FILE_HANDLE &&
		SAYS("INVALID_HANDLE_VALUE"));
}

static void
deletes(void)
{
	HANDLE file = open_file(GENERIC_READ);
	int fd = descriptor(file);
	struct pmem2_source *of_handle, *of_fd;
	long before = allocated;

	CHECK(pmem2_source_from_handle(&of_handle, file) == 0 &&
		pmem2_source_from_fd(&of_fd, fd) == 0);
	CHECK(allocated == before + 2);
	CHECK(pmem2_source_delete(&of_handle) == 0 && of_handle == NULL);
	CHECK(pmem2_source_delete(&of_fd) == 0 && of_fd == NULL);
	CHECK(allocated == before);
	/* The handle is still open. */
	CHECK(from_handle(file) == 0);
	CHECK(_close(fd) == 0);
}

static void
deletes_null(void)
{
	struct pmem2_source *src = NULL;
	long before = allocated;

	CHECK(pmem2_source_delete(&src) == 0 && src == NULL && allocated == before);
}

static void
returns(void)
{
	HANDLE file = open_file(GENERIC_READ);
	int fd = descriptor(file);

	CHECK(from_handle(file) == 0 && from_fd(fd) == 0);
	CHECK(from_handle(NULL) < 0 && from_fd(-1) < 0);
	CHECK(_close(fd) == 0);
}

static void
wrong_types(void)
{
	CHECK(from_handle_closed(open_directory()) == PMEM2_E_INVALID_FILE_TYPE &&
		SAYS("directory"));
	CHECK(from_handle_closed(open_pipe()) == PMEM2_E_INVALID_FILE_TYPE && SAYS("pipe"));
	CHECK(from_handle_closed(open_nul()) == PMEM2_E_INVALID_FILE_TYPE &&
		SAYS("character device"));
}

static void
passes_errors_on(void)
{
	CHECK(from_fd_closed(descriptor(open_directory())) == PMEM2_E_INVALID_FILE_TYPE &&
		SAYS("directory"));
	CHECK(from_fd_closed(descriptor(open_pipe())) == PMEM2_E_INVALID_FILE_TYPE && SAYS("pipe"));
	CHECK(from_fd_closed(descriptor(open_nul())) == PMEM2_E_INVALID_FILE_TYPE &&
		SAYS("character device"));
	CHECK(from_fd(-1) == PMEM2_E_INVALID_FILE_HANDLE);
}

static void
no_files(void)
{
	CHECK(from_handle_closed(CreateMutexW(NULL, FALSE, NULL)) == PMEM2_E_INVALID_FILE_HANDLE &&
		SAYS("mutex"));
	CHECK(from_handle_closed(CreateEventW(NULL, FALSE, FALSE,
		NULL)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_handle_closed(CreateSemaphoreW(NULL, 0, 1,
		NULL)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_handle_closed(OpenProcess(PROCESS_ALL_ACCESS, FALSE,
		GetCurrentProcessId())) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_handle(GetCurrentProcess()) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_handle(GetCurrentThread()) == PMEM2_E_INVALID_FILE_HANDLE);
}

static void
directories(void)
{
	CHECK(from_handle_closed(open_directory()) == PMEM2_E_INVALID_FILE_TYPE);
}

static void
heap(void)
{
	HANDLE file = open_file(GENERIC_READ);
	int fd = descriptor(file);
	struct pmem2_source_storage storage;
	struct pmem2_source *src;

	heap_fails = 1;
	CHECK(from_handle(file) == -ENOMEM && SAYS("memory"));
	CHECK(from_fd(fd) == -ENOMEM);
	CHECK(pmem2_source_from_anon(&src, 1) == -ENOMEM && src == NULL);
	/* Memory of the caller's needs no heap. */
	CHECK(pmem2_source_init_handle(&storage, &src, file) == 0 &&
		pmem2_source_delete(&src) == 0);
	CHECK(pmem2_source_init_fd(&storage, &src, fd) == 0 && pmem2_source_delete(&src) == 0);
	heap_fails = 0;
	CHECK(_close(fd) == 0);
}

/*
 * There are no mappings yet; once there are, this fails. What holds without: the source does not
 * keep the handle open, and notices.
 */
static void
stays_open(void)
{
	HANDLE file = open_file(GENERIC_READ);
	struct pmem2_source *src = source_of(file);
	size_t size = 77;

	CHECK(by_name(library(), "pmem2_map_new") == NULL);
	CHECK(CloseHandle(file));
	CHECK(pmem2_source_size(src, &size) == PMEM2_E_INVALID_FILE_HANDLE && size == 77);
	CHECK(pmem2_source_delete(&src) == 0);
}

static void
gets_the_handle(void)
{
	HANDLE file = open_file(GENERIC_READ), got = NULL;
	struct pmem2_source *src = source_of(file);

	CHECK(pmem2_source_get_handle(src, &got) == 0 && got == file);
	/* Also of one that was closed since: nothing is asked. */
	CHECK(CloseHandle(file));
	got = NULL;
	CHECK(pmem2_source_get_handle(src, &got) == 0 && got == file);
	CHECK(pmem2_source_delete(&src) == 0);
}

/* Declared here as something else: it would not compile if the header had it. */
struct pmem2_source_get_fd {
	int unused;
};
static struct pmem2_source_get_fd pmem2_source_get_fd;

static void
windows_only(void)
{
	CHECK(pmem2_source_get_fd.unused == 0);
#ifndef PMEM2_STATIC
	CHECK(by_name(library(), "pmem2_source_get_handle") != NULL &&
		by_name(library(), "pmem2_source_get_fd") == NULL);
#endif
	gets_the_handle();
}

/* It is the descriptor's: closing that closes it. */
static void
is_the_descriptors(void)
{
	HANDLE got = NULL;
	int fd = descriptor(open_file(GENERIC_READ));
	struct pmem2_source *src;
	size_t size = 77;

	CHECK(pmem2_source_from_fd(&src, fd) == 0 && pmem2_source_get_handle(src, &got) == 0);
	CHECK(_close(fd) == 0);
	CHECK(from_handle(got) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_size(src, &size) == PMEM2_E_INVALID_FILE_HANDLE && size == 77);
	CHECK(pmem2_source_delete(&src) == 0);
}

static void
anonymous(void)
{
	struct pmem2_source *src;
	HANDLE got = (HANDLE)77;

	CHECK(pmem2_source_from_anon(&src, 5) == 0);
	CHECK(pmem2_source_get_handle(src, &got) == PMEM2_E_FILE_HANDLE_NOT_SET &&
		got == (HANDLE)77 && SAYS("anonymous"));
	CHECK(pmem2_source_delete(&src) == 0);
}

#include "windows_sentences.h"

int
main(int argc, char **argv)
{
	const char *page = "";
	int number = 0, checked = 0, of_linux = 0;
	size_t i;

	if (argc > 1 && strcmp(argv[1], "--bad-descriptor") == 0)
		return bad_descriptor();
	count_the_heap();
	enter_world();
	for (i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		const struct sentence *sentence = &sentences[i];

		if (strcmp(page, sentence->page) != 0)
			number = 0;
		page = sentence->page;
		number++;
		checks = 0;
		CHECK(sentence->number == number);
		if (sentence->check == NULL) {
			of_linux++;
		} else {
			sentence->check();
			CHECK(checks > 1);
			checked++;
		}
		printf("%s %d %s\n", page, number, sentence->text);
	}
	leave_world();
	CHECK(allocated == 0);
	fprintf(stderr, "%d sentences checked, %d are of Linux alone\n", checked, of_linux);
	return 0;
}
