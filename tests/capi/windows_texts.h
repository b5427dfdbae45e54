/* The part of windows_source.c on messages: UTF-8 and UTF-16, threads, what is printed. */

#ifndef WINDOWS_TEXTS_H
#define WINDOWS_TEXTS_H

/* The names without a letter are functions of the right type. */
static void
names(void)
{
#ifdef PMDK_UTF8_API
	const char *(*errormsg)(void) = pmem2_errormsg;
	void (*print)(const char *format, ...) = pmem2_perror;
	int (*device_id)(const struct pmem2_source *src, char *id, size_t *len) =
		pmem2_source_device_id;

	CHECK(errormsg == pmem2_errormsgU && print == pmem2_perrorU &&
		device_id == pmem2_source_device_idU);
#else
	const wchar_t *(*errormsg)(void) = pmem2_errormsg;
	void (*print)(const wchar_t *format, ...) = pmem2_perror;
	int (*device_id)(const struct pmem2_source *src, wchar_t *id, size_t *len) =
		pmem2_source_device_id;

	CHECK(errormsg == pmem2_errormsgW && print == pmem2_perrorW &&
		device_id == pmem2_source_device_idW);
#endif
}

/* Both forms have the same text. */
static int
agree(void)
{
	const char *narrow = pmem2_errormsgU();
	const wchar_t *wide = pmem2_errormsgW();
	size_t i = 0;

	while (narrow[i] != '\0' && wide[i] == (wchar_t)narrow[i])
		i++;
	return i > 0 && wide[i] == 0 && narrow[i] == '\0' && i < 448;
}

static void
wide_messages(void)
{
	struct pmem2_source *src;
	const wchar_t *first, *second;
	wchar_t copy[448];

	CHECK(pmem2_source_from_handle(&src, NULL) == PMEM2_E_INVALID_FILE_HANDLE && agree());
	first = pmem2_errormsgW();
	wcscpy(copy, first);
	/* It stays when another call fails, until it is asked for anew. */
	CHECK(pmem2_source_from_anon(NULL, 1) == -EINVAL && wcscmp(first, copy) == 0);
	second = pmem2_errormsgW();
	CHECK(wcscmp(second, L"the argument src is NULL") == 0 && agree());
	CHECK(pmem2_source_init_anon(NULL, &src, 1) == -EINVAL && agree());
	/* A call that succeeds leaves it. */
	CHECK(pmem2_source_from_anon(&src, 1) == 0 && wcscmp(pmem2_errormsgW(),
		L"the argument storage is NULL") == 0);
	CHECK(pmem2_source_delete(&src) == 0);
}

static HANDLE go, done;

/* Has a message of its own, also after another thread has failed. */
static DWORD WINAPI
other_thread(LPVOID failed)
{
	int *wrong = failed;

	*wrong += strcmp(pmem2_errormsgU(), "no call of this thread has failed") != 0;
	*wrong += pmem2_source_from_anon(NULL, 1) != -EINVAL ||
		strcmp(pmem2_errormsgU(), "the argument src is NULL") != 0;
	SetEvent(done);
	WaitForSingleObject(go, INFINITE);
	*wrong += strcmp(pmem2_errormsgU(), "the argument src is NULL") != 0;
	*wrong += wcscmp(pmem2_errormsgW(), L"the argument src is NULL") != 0;
	return 0;
}

static void
threads(void)
{
	struct pmem2_source *src;
	HANDLE thread;
	int wrong = 0;

	go = CreateEventW(NULL, FALSE, FALSE, NULL);
	done = CreateEventW(NULL, FALSE, FALSE, NULL);
	CHECK(pmem2_source_init_anon(NULL, &src, 1) == -EINVAL);
	thread = CreateThread(NULL, 0, other_thread, &wrong, 0, NULL);
	CHECK(thread != NULL && WaitForSingleObject(done, 60000) == WAIT_OBJECT_0);
	CHECK(SAYS("storage is NULL"));
	CHECK(pmem2_source_from_handle(&src, NULL) == PMEM2_E_INVALID_FILE_HANDLE);
	SetEvent(go);
	CHECK(WaitForSingleObject(thread, 60000) == WAIT_OBJECT_0 && wrong == 0);
	CHECK(SAYS("not an open handle") && agree());
	CloseHandle(thread);
	CloseHandle(go);
	CloseHandle(done);
}

#ifndef PMEM2_STATIC
/*
 * A copy of the DLL that is loaded while a thread runs: both threads have messages there, though
 * neither began with it.
 */

typedef int from_anon_function(struct pmem2_source **src, size_t size);
typedef const char *errormsg_function(void);

static from_anon_function *late_from_anon;
static errormsg_function *late_errormsg;

static DWORD WINAPI
runs_already(LPVOID failed)
{
	int *wrong = failed;

	SetEvent(done);
	WaitForSingleObject(go, INFINITE);
	*wrong += strcmp(late_errormsg(), "no call of this thread has failed") != 0;
	*wrong += late_from_anon(NULL, 1) != -EINVAL ||
		strcmp(late_errormsg(), "the argument src is NULL") != 0;
	return 0;
}

static void
loaded_late(void)
{
	wchar_t path[MAX_PATH];
	const wchar_t *copy = in_world(L"late.dll");
	int wrong = 0, again;
	HMODULE late;

	CHECK(GetModuleFileNameW(library(), path, MAX_PATH) > 0 && CopyFileW(path, copy, TRUE));
	go = CreateEventW(NULL, FALSE, FALSE, NULL);
	done = CreateEventW(NULL, FALSE, FALSE, NULL);
	for (again = 0; again < 3; again++) {
		HANDLE thread = CreateThread(NULL, 0, runs_already, &wrong, 0, NULL);

		CHECK(thread != NULL && WaitForSingleObject(done, 60000) == WAIT_OBJECT_0);
		late = LoadLibraryW(copy);
		CHECK(late != NULL && late != library());
		late_from_anon = (from_anon_function *)(uintptr_t)by_name(late,
			"pmem2_source_from_anon");
		late_errormsg = (errormsg_function *)(uintptr_t)by_name(late, "pmem2_errormsgU");
		CHECK(late_from_anon != NULL && late_errormsg != NULL);
		CHECK(strcmp(late_errormsg(), "no call of this thread has failed") == 0);
		CHECK(late_from_anon(NULL, 1) == -EINVAL &&
			strcmp(late_errormsg(), "the argument src is NULL") == 0);
		SetEvent(go);
		CHECK(WaitForSingleObject(thread, 60000) == WAIT_OBJECT_0 && wrong == 0);
		CloseHandle(thread);
		CHECK(FreeLibrary(late));
	}
	CloseHandle(go);
	CloseHandle(done);
	CHECK(DeleteFileW(copy));
}
#endif

/*
 * Everything that prints, once: the letters are in no code page together, and take two, three and
 * four bytes.
 */
static void
print(void)
{
	struct pmem2_source *src;

	CHECK(pmem2_source_init_anon(NULL, &src, 1) == -EINVAL);
	errno = 77;
	pmem2_perrorU("\xc3\xa9\xe2\x82\xac %s %zu %lld", "narrow", (size_t)5, 1LL << 40);
	pmem2_perrorW(L"\x03c0\xd83d\xde00 %s %d", L"wide", 7);
	pmem2_perrorU(NULL);
	pmem2_perrorW(NULL);
	pmem2_perrorU("%s", "");
	CHECK(errno == 77);
}

#define MESSAGE "the argument storage is NULL\r\n"
static const char lines[] = "\xc3\xa9\xe2\x82\xac narrow 5 1099511627776: " MESSAGE
			    "\xcf\x80\xf0\x9f\x98\x80 wide 7: " MESSAGE MESSAGE MESSAGE ": "
			    	"" MESSAGE;

static void
printed(void)
{
	HANDLE before = GetStdHandle(STD_ERROR_HANDLE), file =
		open_file(GENERIC_READ | GENERIC_WRITE);
	static char text[4096], big[2000];
	DWORD length;

	CHECK(SetEndOfFile(file) && SetStdHandle(STD_ERROR_HANDLE, file));
	print();
	/* More than any buffer on a stack. */
	memset(big, 'x', sizeof(big) - 1);
	pmem2_perrorU("%s", big);
	/* Without memory for it, the message is printed at least. */
	heap_fails = 1;
	pmem2_perrorU("%s", big);
	pmem2_perrorW(L"%s", L"wide");
	heap_fails = 0;
	SetStdHandle(STD_ERROR_HANDLE, before);
	CHECK(SetFilePointer(file, 0, NULL, FILE_BEGIN) == 0 &&
		ReadFile(file, text, sizeof(text), &length, NULL));
	text[length] = '\0';
	CHECK(strncmp(text, lines, sizeof(lines) - 1) == 0);
	CHECK(strncmp(text + sizeof(lines) - 1, big, sizeof(big) - 1) == 0);
	CHECK(strcmp(text + sizeof(lines) + sizeof(big) - 2, ": " MESSAGE MESSAGE MESSAGE) == 0);
	/* Where there is no standard error at all, nothing happens. */
	CHECK(SetStdHandle(STD_ERROR_HANDLE, NULL));
	print();
	SetStdHandle(STD_ERROR_HANDLE, before);
	CHECK(CloseHandle(file));
}

/* A console takes it as UTF-16. ci/wine runs this with one. */
static void
printed_on_a_console(void)
{
	HANDLE before = GetStdHandle(STD_ERROR_HANDLE);
	HANDLE console = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE,
		FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
		OPEN_EXISTING, 0, NULL);
	CONSOLE_SCREEN_BUFFER_INFO screen;
	COORD top = { 0, 0 };
	wchar_t row[16];
	DWORD length;

	CHECK(console != INVALID_HANDLE_VALUE && GetConsoleScreenBufferInfo(console, &screen));
	CHECK(SetConsoleCursorPosition(console, top) && SetStdHandle(STD_ERROR_HANDLE, console));
	print();
	SetStdHandle(STD_ERROR_HANDLE, before);
	CHECK(ReadConsoleOutputCharacterW(console, row, 16, top, &length) && length == 16);
	CHECK(wcsncmp(row, L"\x00e9\x20ac narrow 5 109", 15) == 0);
	CHECK(CloseHandle(console));
}

#endif
