/*
 * The part of windows.c on descriptors that are not open, and on what the C runtime does about
 * them.
 */

#ifndef WINDOWS_RUNTIME_H
#define WINDOWS_RUNTIME_H

#ifdef _UCRT
#define RUNTIME L"ucrtbase.dll"
#else
#define RUNTIME L"msvcrt.dll"
#endif

static int handler_calls;

static void __cdecl
count_calls(const wchar_t *expression, const wchar_t *function, const wchar_t *file,
	unsigned int line, uintptr_t reserved)
{
	(void)expression, (void)function, (void)file, (void)line, (void)reserved;
	handler_calls++;
}

/* This program, started once more with an argument: its exit code. */
static DWORD
again(const wchar_t *argument)
{
	wchar_t path[MAX_PATH], command[MAX_PATH + 32];
	STARTUPINFOW startup = { .cb = sizeof(startup) };
	PROCESS_INFORMATION process;
	DWORD code = 0;

	CHECK(GetModuleFileNameW(NULL, path, MAX_PATH) > 0);
	_snwprintf(command, MAX_PATH + 32, L"\"%ls\" %ls", path, argument);
	CHECK(CreateProcessW(path, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process));
	CHECK(WaitForSingleObject(process.hProcess, 60000) == WAIT_OBJECT_0 &&
		GetExitCodeProcess(process.hProcess, &code));
	CloseHandle(process.hThread);
	CloseHandle(process.hProcess);
	return code;
}

/*
 * With nothing suppressed it may end the program, and may not return anything but the error; with
 * the universal runtime it returns.
 */
#define RETURNED 42

static void
may_abort(void)
{
	DWORD code = again(L"--bad-descriptor");

	CHECK(code != 0 && code != 1);
#ifdef _UCRT
	CHECK(code == RETURNED);
#endif
}

static int
bad_descriptor(void)
{
	struct pmem2_source *src;

	return pmem2_source_from_fd(&src, 1000) == PMEM2_E_INVALID_FILE_HANDLE && src == NULL ?
		RETURNED : 0;
}

#ifdef _UCRT
static void(__cdecl *invalid_parameter)(void);

static intptr_t __cdecl
loud_get_osfhandle(int fd)
{
	(void)fd;
	invalid_parameter();
	return -1;
}

/*
 * Wine's _get_osfhandle calls no handler, as that of Windows does: with one that does, the
 * program's handler hears nothing of it.
 */
static void
quiet(void)
{
	HMODULE program = GetModuleHandleW(NULL), runtime = GetModuleHandleW(RUNTIME);

	invalid_parameter = by_name(runtime, "_invalid_parameter_noinfo");
	CHECK(invalid_parameter != NULL);
	exchange(program, "_get_osfhandle", (void *)(ULONG_PTR)loud_get_osfhandle);
	handler_calls = 0;
	CHECK(from_fd(1000) == PMEM2_E_INVALID_FILE_HANDLE && handler_calls == 0);
	/* Called by another, it does: the thread's handler is what it was. */
	CHECK(_get_osfhandle(1000) == -1 && handler_calls == 1);
	exchange(program, "_get_osfhandle", by_name(runtime, "_get_osfhandle"));
}
#endif

static int asked;

static intptr_t __cdecl
counting_get_osfhandle(int fd)
{
	(void)fd;
	asked++;
	return -1;
}

/* Numbers that no runtime has: it is not even asked. */
static void
impossible(void)
{
	HMODULE program = GetModuleHandleW(NULL);

	exchange(program, "_get_osfhandle", (void *)(ULONG_PTR)counting_get_osfhandle);
	CHECK(from_fd(8191) == PMEM2_E_INVALID_FILE_HANDLE && asked == 1);
	CHECK(from_fd(-1) == PMEM2_E_INVALID_FILE_HANDLE &&
		from_fd(8192) == PMEM2_E_INVALID_FILE_HANDLE && asked == 1);
	exchange(program, "_get_osfhandle", by_name(GetModuleHandleW(RUNTIME), "_get_osfhandle"));
}

/* With it suppressed, it returns. */
static void
suppressed(void)
{
	_invalid_parameter_handler before = _set_invalid_parameter_handler(count_calls);
	UINT mode = SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
	/* By its name: msvcrt.dll does not have it, and neither does it abort by itself. */
	HMODULE runtime = GetModuleHandleW(RUNTIME);
	unsigned int(__cdecl * behave)(unsigned int, unsigned int);

	may_abort();
	behave = by_name(runtime, "_set_abort_behavior");
#ifdef _UCRT
	CHECK(behave != NULL);
#endif
	if (behave != NULL)
		behave(0, _WRITE_ABORT_MSG | _CALL_REPORTFAULT);
	CHECK(from_fd(1000) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(from_fd(8191) == PMEM2_E_INVALID_FILE_HANDLE);
	asked = 0;
	impossible();
#ifdef _UCRT
	quiet();
#endif
	SetErrorMode(mode);
	_set_invalid_parameter_handler(before);
}

/* A program can have a handler of its own instead, which is the same after the call. */
static void
documented(void)
{
	_invalid_parameter_handler before = _set_invalid_parameter_handler(count_calls);

	CHECK(from_fd(1000) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(_set_invalid_parameter_handler(before) == count_calls);
}

#endif
