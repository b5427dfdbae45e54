/*
 * What the C programs for Windows share: checks, a directory of their own, handles of every kind, a
 * heap that can fail.
 */

#ifndef WINDOWS_WORLD_H
#define WINDOWS_WORLD_H

#include <libpmem2.h>

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No multiple of a page. */
#define FILE_SIZE 10001

static int checks;

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		checks++;                                                                       \
		if (!(condition)) {                                                             \
			printf("FAILED: %s:%d: %s (%s; error %lu)\n",                           \
				__FILE__, __LINE__, #condition,                                 \
				pmem2_errormsgU(), GetLastError());                             \
			fflush(stdout);                                                         \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

#define SAYS(words) (strstr(pmem2_errormsgU(), words) != NULL)

/* A pointer that is no source, which a constructor that fails has to replace by NULL. */
#define NO_SOURCE ((struct pmem2_source *)(void *)&checks)

static wchar_t directory[MAX_PATH];

/*
 * A path in the directory, whose name is not in any code page; good until the eighth call after
 * this.
 */
static const wchar_t *
in_world(const wchar_t *name)
{
	static wchar_t paths[8][MAX_PATH];
	static unsigned next;
	wchar_t *path = paths[next++ % 8];

	_snwprintf(path, MAX_PATH, L"%ls\\%ls", directory, name);
	return path;
}

static void
enter_world(void)
{
	wchar_t temporary[MAX_PATH];

	CHECK(GetTempPathW(MAX_PATH, temporary) > 0);
	/* A letter that the code page does not have; a file's name has a surrogate pair. */
	_snwprintf(directory, MAX_PATH, L"%lspmem2-capi-\x03c0-%lu-%lu", temporary,
		GetCurrentProcessId(), GetTickCount());
	CHECK(CreateDirectoryW(directory, NULL));
}

static void
leave_world(void)
{
	CHECK(RemoveDirectoryW(directory));
}

/* A file of FILE_SIZE bytes that goes when it is closed. */
static HANDLE
open_file(DWORD access)
{
	static unsigned number;
	wchar_t name[32];
	const wchar_t *path;
	HANDLE made, file;

	_snwprintf(name, 32, L"\x00e9\xd835\xdcb3 %u", number++);
	path = in_world(name);
	made = CreateFileW(path, GENERIC_READ | GENERIC_WRITE | DELETE,
		FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, CREATE_NEW,
		FILE_FLAG_DELETE_ON_CLOSE, NULL);
	CHECK(made != INVALID_HANDLE_VALUE);
	CHECK(SetFilePointer(made, FILE_SIZE, NULL, FILE_BEGIN) == FILE_SIZE && SetEndOfFile(made));
	file = CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		NULL, OPEN_EXISTING, 0, NULL);
	CHECK(file != INVALID_HANDLE_VALUE);
	CloseHandle(made);
	return file;
}

static HANDLE
open_directory(void)
{
	HANDLE opened = CreateFileW(directory, GENERIC_READ,
		FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
		OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);

	CHECK(opened != INVALID_HANDLE_VALUE);
	return opened;
}

static HANDLE
open_pipe(void)
{
	HANDLE reader, writer;

	CHECK(CreatePipe(&reader, &writer, NULL, 0));
	CloseHandle(writer);
	return reader;
}

/* A descriptor of this program's C runtime; closing it closes the handle. */
static int
descriptor(HANDLE handle)
{
	int fd = _open_osfhandle((intptr_t)handle, 0);

	CHECK(fd >= 0);
	return fd;
}

/* What from_fd returns; *src is what it must be, and is ended. */
static int
from_fd(int fd)
{
	struct pmem2_source *src = NO_SOURCE;
	int code = pmem2_source_from_fd(&src, fd);

	CHECK((code == 0) == (src != NULL) && src != NO_SOURCE && code <= 0);
	CHECK(pmem2_source_delete(&src) == 0 && src == NULL);
	return code;
}

static struct pmem2_source *
source_of(HANDLE handle)
{
	struct pmem2_source *src = NULL;

	CHECK(pmem2_source_from_handle(&src, handle) == 0 && src != NULL);
	return src;
}

/* The library's heap: what it imports is exchanged for what counts, and fails on demand. */

static long allocated;
static int heap_fails;
static LPVOID(WINAPI *system_alloc)(HANDLE heap, DWORD flags, SIZE_T size);
static BOOL(WINAPI *system_free)(HANDLE heap, DWORD flags, LPVOID memory);

static LPVOID WINAPI
counted_alloc(HANDLE heap, DWORD flags, SIZE_T size)
{
	LPVOID memory = heap_fails ? NULL : system_alloc(heap, flags, size);

	allocated += memory != NULL;
	return memory;
}

static BOOL WINAPI
counted_free(HANDLE heap, DWORD flags, LPVOID memory)
{
	allocated -= memory != NULL;
	return system_free(heap, flags, memory);
}

/* Puts `replacement` into the place where the module imports the function. */
static void
exchange(HMODULE module, const char *name, void *replacement)
{
	char *base = (char *)module;
	IMAGE_NT_HEADERS *headers =
		(IMAGE_NT_HEADERS *)(void *)(base + ((IMAGE_DOS_HEADER *)module)->e_lfanew);
	DWORD start =
		headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
	IMAGE_IMPORT_DESCRIPTOR *library = (IMAGE_IMPORT_DESCRIPTOR *)(void *)(base + start);
	int found = 0;

	for (; library->Name != 0; library++) {
		IMAGE_THUNK_DATA *asked =
			(IMAGE_THUNK_DATA *)(void *)(base + library->OriginalFirstThunk);
		IMAGE_THUNK_DATA *place = (IMAGE_THUNK_DATA *)(void *)(base + library->FirstThunk);

		for (; asked->u1.AddressOfData != 0; asked++, place++) {
			DWORD rights;

			IMAGE_IMPORT_BY_NAME *its =
				(IMAGE_IMPORT_BY_NAME *)(void *)(base + asked->u1.AddressOfData);

			if (IMAGE_SNAP_BY_ORDINAL(asked->u1.Ordinal) ||
				strcmp(its->Name, name) != 0)
				continue;
			CHECK(VirtualProtect(place, sizeof(*place), PAGE_READWRITE, &rights));
			place->u1.Function = (ULONG_PTR)replacement;
			VirtualProtect(place, sizeof(*place), rights, &rights);
			found = 1;
		}
	}
	CHECK(found);
}

/* A function of a library's by its name; NULL if it has none. */
static void *
by_name(HMODULE module, const char *name)
{
	FARPROC function = GetProcAddress(module, name);
	void *pointer;

	memcpy(&pointer, &function, sizeof(pointer));
	return pointer;
}

/* What the library is a part of. */
static HMODULE
library(void)
{
#ifdef PMEM2_STATIC
	HMODULE module = GetModuleHandleW(NULL);
#else
	HMODULE module = GetModuleHandleW(L"libpmem2.dll");
#endif

	CHECK(module != NULL);
	return module;
}

static void
count_the_heap(void)
{
	HMODULE kernel = GetModuleHandleW(L"kernel32.dll");

	system_alloc = by_name(kernel, "HeapAlloc");
	system_free = by_name(kernel, "HeapFree");
	exchange(library(), "HeapAlloc", (void *)(ULONG_PTR)counted_alloc);
	exchange(library(), "HeapFree", (void *)(ULONG_PTR)counted_free);
}

#endif
