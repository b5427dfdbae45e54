/*
 * The library in a program that loads it while it runs: memory that is gone by the first failure, a
 * program with a function of the library's name, a thread that is cancelled while it prints, and a
 * SIGBUS after the library was closed. loaded LIBRARY. Run with
 * GLIBC_TUNABLES=glibc.rtld.optional_static_tls=0: other libraries have taken what glibc keeps for
 * such thread-local storage.
 */

#define _GNU_SOURCE
#include <libpmem2.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <signal.h>
#include <sys/wait.h>

#include "fail_call.h"
#include "lost_page.h"
#include "memory.h"
#include "sysfs.h"

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		checks++;                                                                       \
		if (!(condition)) {                                                             \
			printf("FAILED: line %d: %s\n", __LINE__, #condition);                  \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

static int checks;

static int (*from_fd)(struct pmem2_source **, int);
static const char *(*errormsg)(void);
static void (*print)(const char *, ...);

/* The program's own; -rdynamic puts it before the library's. */
const char *
pmem2_errormsg(void)
{
	return "the program's";
}

static void *
find(void *library, const char *name)
{
	void *found = dlsym(library, name);

	CHECK(found != NULL);
	return found;
}

/* Output of the thread that runs `print_with`. */
static const char *
printed(void *(*print_with)(void *), void **result)
{
	static char text[600];
	int ends[2], kept = dup(2);
	pthread_t thread;
	ssize_t length;

	CHECK(kept >= 0 && pipe(ends) == 0 && dup2(ends[1], 2) == 2);
	CHECK(pthread_create(&thread, NULL, print_with, NULL) == 0 &&
		pthread_join(thread, result) == 0);
	CHECK(dup2(kept, 2) == 2);
	close(kept);
	close(ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	CHECK(length >= 0);
	close(ends[0]);
	text[length] = '\0';
	return text;
}

static pthread_barrier_t barrier;

/* Its first call of the library is one for which there is no memory at all. */
static void *
fails(void *unused)
{
	struct pmem2_source *src;

	/* Threads take memory for their start. */
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	CHECK(from_fd(&src, -1) == PMEM2_E_INVALID_FILE_HANDLE && src == NULL);
	CHECK(strstr(errormsg(), "not an open file descriptor") != NULL);
	return unused;
}

/* Messages of a thread that started before the library was loaded, and of a later one. */
static void
without_memory(const char *path)
{
	pthread_t threads[2];
	void *library;

	CHECK(pthread_barrier_init(&barrier, NULL, 3) == 0);
	CHECK(pthread_create(&threads[0], NULL, fails, NULL) == 0);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		printf("%s\n", dlerror());
	CHECK(library != NULL);
	/* As POSIX has it: a pointer to a function from a pointer to void. */
	*(void **)&from_fd = find(library, "pmem2_source_from_fd");
	*(void **)&errormsg = find(library, "pmem2_errormsg");
	*(void **)&print = find(library, "pmem2_perror");
	CHECK(pthread_create(&threads[1], NULL, fails, NULL) == 0);
	pthread_barrier_wait(&barrier);
	malloc_fails = 1;
	pthread_barrier_wait(&barrier);
	CHECK(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
	malloc_fails = 0;
}

static void *
prints(void *unused)
{
	struct pmem2_source *src;

	CHECK(from_fd(&src, -1) == PMEM2_E_INVALID_FILE_HANDLE);
	print("%s", "path");
	return unused;
}

static void *
is_cancelled(void *unused)
{
	struct pmem2_source *src;

	CHECK(from_fd(&src, -1) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pthread_cancel(pthread_self()) == 0);
	/* Writing would be the end of it. */
	print("%s", "path");
	pthread_testcancel();
	printf("FAILED: cancelling was not allowed again\n");
	exit(1);
	return unused;
}

static volatile sig_atomic_t handled;

static void
handler(int number)
{
	(void)number;
	handled = 1;
	_exit(42);
}

/*
 * Its handler of SIGBUS is installed, and passes a signal on after dlclose: its code is still
 * there.
 */
static int
closed(void *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int (*pread_mcsafe)(struct pmem2_source *, void *, size_t, size_t);
	struct sigaction before, after;
	struct pmem2_source *src;
	char byte;

	CHECK(library != NULL);
	*(void **)&from_fd = find(library, "pmem2_source_from_fd");
	*(void **)&pread_mcsafe = find(library, "pmem2_source_pread_mcsafe");
	CHECK(signal(SIGBUS, handler) != SIG_ERR && sigaction(SIGBUS, NULL, &before) == 0);
	/* A file needs none. */
	CHECK(from_fd(&src, open_file(O_RDONLY)) == 0 && pread_mcsafe(src, &byte, 1, 0) == 0);
	CHECK(sigaction(SIGBUS, NULL, &after) == 0 && after.sa_handler == before.sa_handler);
	make_device_dax("1:5", "8388608\n", "4096\n");
	CHECK(from_fd(&src, open("/dev/zero", O_RDWR)) == 0);
	CHECK(pread_mcsafe(src, &byte, 1, 5000) == PMEM2_E_IO_FAIL && handled == 0);
	CHECK(sigaction(SIGBUS, NULL, &after) == 0 && after.sa_handler != before.sa_handler);
	CHECK(dlclose(library) == 0);
	/* Ends with the program's handler. */
	*(volatile char *)lost_page();
	return 0;
}

int
main(int argc, char **argv)
{
	const char *text;
	void *result;

	CHECK(argc == 2);
	enter_world();
	CHECK(child_under(0, 0, closed, argv[1]));
	leave_world();
	without_memory(argv[1]);

	text = printed(prints, &result);
	CHECK(strcmp(pmem2_errormsg(), "the program's") == 0 &&
		strcmp(errormsg(), "the program's") != 0);
	CHECK(strncmp(text, "path: ", 6) == 0 && strstr(text,
		"not an open file descriptor") != NULL);

	text = printed(is_cancelled, &result);
	CHECK(result == PTHREAD_CANCELED);
	CHECK(strstr(text, "not an open file descriptor") != NULL &&
		text[strlen(text) - 1] == '\n');
	CHECK(ftrylockfile(stderr) == 0);
	funlockfile(stderr);
	printf("loaded: %d checks\n", checks);
	return 0;
}
