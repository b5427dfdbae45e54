/*
 * Definitions that stable Rust has not: thread-local storage without std, functions with variable
 * arguments, a C runtime's descriptors. For mingw's compiler, which ci/install-windows calls.
 */

/* C's own formats (%zu) in the functions for narrow text. */
#define __USE_MINGW_ANSI_STDIO 1
#define PMEM2_PRIVATE_EXPORT 1

#include <libpmem2.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

/* SIZE and Message::NONE of src/text.rs. */
#define SIZE 448

struct texts {
	char message[SIZE];
	wchar_t wide[SIZE];
};

/*
 * Windows' own thread-local storage. A thread has it from its start, and every running thread gets
 * it when the DLL is loaded: no failing call needs memory, and nothing is left when a thread or the
 * DLL goes. This compiler has only libgcc's emulation, which takes memory at a thread's first use
 * and ends the process if there is none. So this does what other compilers do for
 * __declspec(thread). The section .tls, which begins with _tls_start in mingw's runtime, is the
 * template of each thread. The copy of library number _tls_index is found through the thread's
 * block. (The offset of the pointer to the copies is documented for compilers.)
 */
extern unsigned long _tls_index;
extern char _tls_start;

#if defined(__x86_64__)
#define STORAGE_POINTERS "movq %%gs:0x58, %0"
#elif defined(__i386__)
#define STORAGE_POINTERS "movl %%fs:0x2c, %0"
#else
#error "the offset of ThreadLocalStoragePointer is known for x86 only"
#endif

static struct texts template_ __attribute__((section(".tls$PMEM2"))) =
	{ .message = "no call of this thread has failed" };

static struct texts *
texts(void)
{
	char **copies;

	/* Each time anew: when a library is loaded, the pointers may move. */
	__asm__ volatile(STORAGE_POINTERS : "=r"(copies));
	return (struct texts *)(void *)(copies[_tls_index] + ((char *)&template_ - &_tls_start));
}

char *pmem2_shim_message(void);
wchar_t *pmem2_shim_wide_message(void);
void *pmem2_shim_allocate(size_t size);
void pmem2_shim_free(void *memory);

char *
pmem2_shim_message(void)
{
	return texts()->message;
}

wchar_t *
pmem2_shim_wide_message(void)
{
	return texts()->wide;
}

/* Not a C runtime's heap: errno stays as it is. */

void *
pmem2_shim_allocate(size_t size)
{
	return HeapAlloc(GetProcessHeap(), 0, size);
}

void
pmem2_shim_free(void *memory)
{
	HeapFree(GetProcessHeap(), 0, memory);
}

int
pmem2_source_from_fd(struct pmem2_source **src, int fd)
{
	return pmem2_source_from_handle(src, pmem2_private_handle(fd));
}

int
pmem2_source_init_fd(struct pmem2_source_storage *storage, struct pmem2_source **src, int fd)
{
	return pmem2_source_init_handle(storage, src, pmem2_private_handle(fd));
}

/*
 * One call for all of a text, so that nothing of other threads' comes between. Through the
 * process's handle, since stderr is another in each C runtime. A console takes UTF-16, whatever its
 * code page is.
 */
static void
say(const char *text, int length)
{
	HANDLE to = GetStdHandle(STD_ERROR_HANDLE);
	DWORD mode, written;
	wchar_t *wide = NULL;

	if (GetConsoleMode(to, &mode))
		wide = pmem2_shim_allocate((size_t)length * sizeof(*wide));
	if (wide == NULL) {
		WriteFile(to, text, (DWORD)length, &written, NULL);
		return;
	}
	WriteConsoleW(to, wide, (DWORD)MultiByteToWideChar(CP_UTF8, 0, text, length, wide, length),
		&written, NULL);
	pmem2_shim_free(wide);
}

#define END "\r\n"

/* The message alone: also where there is no memory for more, or a format was refused. */
static void
say_message(void)
{
	char line[SIZE + sizeof(END)];

	say(line, snprintf(line, sizeof(line), "%s" END, texts()->message));
}

void
pmem2_perrorU(const char *format, ...)
{
	static const char tail[] = ": %s" END;
	int kept = errno, head = -1, rest;
	char *line = NULL;
	va_list arguments;

	if (format != NULL) {
		va_start(arguments, format);
		head = vsnprintf(NULL, 0, format, arguments);
		va_end(arguments);
	}
	/* The whole length is an int, too. */
	if (head >= 0 && head <= INT_MAX - SIZE - (int)sizeof(tail))
		line = pmem2_shim_allocate((size_t)head + SIZE + sizeof(tail));
	if (line == NULL) {
		say_message();
	} else {
		va_start(arguments, format);
		vsnprintf(line, (size_t)head + 1, format, arguments);
		va_end(arguments);
		rest = snprintf(line + head, SIZE + sizeof(tail), tail, texts()->message);
		say(line, head + rest);
		pmem2_shim_free(line);
	}
	errno = kept;
}

void
pmem2_perrorW(const wchar_t *format, ...)
{
	int kept = errno, head = -1, bytes;
	wchar_t *wide = NULL;
	char *text = NULL;
	va_list arguments;

	/* msvcrt.dll's own functions, and its formats. */
	if (format != NULL) {
		va_start(arguments, format);
		head = _vscwprintf(format, arguments);
		va_end(arguments);
	}
	if (head >= 0)
		wide = pmem2_shim_allocate(((size_t)head + 1) * sizeof(*wide));
	if (wide != NULL) {
		va_start(arguments, format);
		_vsnwprintf(wide, (size_t)head + 1, format, arguments);
		va_end(arguments);
		bytes = WideCharToMultiByte(CP_UTF8, 0, wide, head, NULL, 0, NULL, NULL);
		text = pmem2_shim_allocate((size_t)bytes + 1);
		if (text != NULL) {
			WideCharToMultiByte(CP_UTF8, 0, wide, head, text, bytes, NULL, NULL);
			text[bytes] = '\0';
		}
		pmem2_shim_free(wide);
	}
	if (text != NULL) {
		pmem2_perrorU("%s", text);
		pmem2_shim_free(text);
	} else {
		say_message();
	}
	errno = kept;
}
