/*
 * The part of transfer.c on SIGBUS, in children: a handler stays. A device DAX is /dev/zero in a
 * made /sys. Its mappings have as much memory as they are long, and it begins at the device's first
 * byte: what is mapped after its end is lost, as if it were bad.
 */

#ifndef SIGBUS_H
#define SIGBUS_H

#include "lost_page.h"

#define DEVICE_SIZE 8388608

static volatile sig_atomic_t handled, answered;
/* The program has called pmem2_sigbus_own(): then a device is mapped as a whole. */
static int owned;
static sigjmp_buf back;

static void
handler(int number, siginfo_t *info, void *context)
{
	(void)number;
	handled++;
	if (pmem2_sigbus_resume(info, context) == 1) {
		answered++;
		return;
	}
	siglongjmp(back, 1);
}

static void
install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO;
	CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

/* Returns the handler of SIGBUS. */
enum who { NOBODY, PROGRAM, LIBRARY };

static enum who
who_handles(void)
{
	struct sigaction action;

	CHECK(sigaction(SIGBUS, NULL, &action) == 0);
	return action.sa_handler == SIG_DFL ? NOBODY : action.sa_sigaction == handler ? PROGRAM :
		LIBRARY;
}

static struct pmem2_source *
device(int flags, int *fd)
{
	make_device_dax("1:5", "8388608\n", "4096\n");
	*fd = open("/dev/zero", flags);
	CHECK(*fd >= 0);
	return source_of(*fd);
}

/*
 * Into bytes and from them; a buffer that is lost is -EFAULT, memory of the device PMEM2_E_IO_FAIL.
 */
static void
use(struct pmem2_source *src, int writable)
{
	char bytes[10000];
	char *lost = lost_page();
	size_t done = 77;

	memset(bytes, 0xa5, sizeof(bytes));
	CHECK(pmem2_source_pread_at(src, bytes, sizeof(bytes), 4095, &done) == 0 &&
		done == sizeof(bytes));
	CHECK(is_filled(bytes, sizeof(bytes), 0));
	/* (What is opened for reading is memory of nobody's, to the last byte.) */
	if (writable && !owned) {
		CHECK(pmem2_source_pread_at(src, bytes, 10, DEVICE_SIZE - 10,
			&done) == PMEM2_E_IO_FAIL && done == 0);
		CHECK(SAYS("bad memory, or a bad disk: the first bad byte") &&
			SAYS("from byte 8388598 on"));
		CHECK(pmem2_source_pread_mcsafe(src, bytes, sizeof(bytes),
			4096) == PMEM2_E_IO_FAIL);
		CHECK(pmem2_source_pwrite_at(src, bytes, 10, 5000, &done) == PMEM2_E_IO_FAIL &&
			done == 0);
	}
	CHECK(pmem2_source_pread_mcsafe(src, bytes, 10,
		DEVICE_SIZE - 9) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_source_pread_at(src, lost, 10, 0, &done) == -EFAULT && done == 0 &&
		SAYS("the buffer's memory"));
	CHECK(pmem2_source_pwrite_mcsafe(src, bytes, 10, 0) == (writable ? 0 : PMEM2_E_NO_ACCESS));
	CHECK(pmem2_source_pwrite_at(src, lost, 10, 0, &done) == (writable ? -EFAULT :
		PMEM2_E_NO_ACCESS) && done == 0);
	CHECK(pmem2_source_sync(src) == 0);
	CHECK(munmap(lost, (size_t)sysconf(_SC_PAGESIZE)) == 0);
}

/* Without a handler before: ours, and the default action for other signals. */
static int
installs_one(void *unused)
{
	int fd, status;
	struct pmem2_source *src = device(O_RDWR, &fd);
	pid_t child;

	(void)unused;
	CHECK(who_handles() == NOBODY);
	use(src, 1);
	CHECK(who_handles() == LIBRARY);
	/* A child has it too. */
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		use(src, 1);
		*(volatile char *)lost_page();
		_exit(1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGBUS);
	done_with(&src, fd);
	/* A descriptor that was opened for reading. */
	src = device(O_RDONLY, &fd);
	use(src, 0);
	done_with(&src, fd);
	return 1;
}

/* A handler that was there before gets other signals, and only those. */
static int
passes_on(void *unused)
{
	int fd;
	struct pmem2_source *src = device(O_RDWR, &fd);

	(void)unused;
	install();
	use(src, 1);
	CHECK(who_handles() == LIBRARY && handled == 0);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)lost_page();
		CHECK(0);
	}
	CHECK(handled == 1 && answered == 0);
	use(src, 1);
	CHECK(handled == 1);
	done_with(&src, fd);
	return 1;
}

/* The program's own: none is installed. */
static int
owns(void *unused)
{
	int fd;
	struct pmem2_source *src = device(O_RDWR, &fd);

	(void)unused;
	CHECK(pmem2_sigbus_own() == 0 && pmem2_sigbus_own() == 0);
	owned = 1;
	install();
	use(src, 1);
	CHECK(who_handles() == PROGRAM && handled >= 2 && answered == handled);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)lost_page();
		CHECK(0);
	}
	CHECK(answered == handled - 1);
	CHECK(pmem2_sigbus_resume(NULL, NULL) == 0);
	done_with(&src, fd);
	return 1;
}

static void *
faults(void *argument)
{
	int i;

	for (i = 0; i < 200; i++)
		use(argument, 1);
	return NULL;
}

/*
 * Eight threads at once, of which none had been there when the handler was installed, or one was.
 */
static int
threads(void *unused)
{
	int fd, i;
	struct pmem2_source *src = device(O_RDWR, &fd);
	pthread_t all[8];

	(void)unused;
	for (i = 0; i < 8; i++)
		CHECK(pthread_create(&all[i], NULL, faults, src) == 0);
	for (i = 0; i < 8; i++)
		CHECK(pthread_join(all[i], NULL) == 0);
	done_with(&src, fd);
	return 1;
}

static void
signals(void)
{
	CHECK(child_under(0, 0, installs_one, NULL));
	CHECK(child_under(0, 0, passes_on, NULL));
	CHECK(child_under(0, 0, owns, NULL));
	CHECK(child_under(0, 0, threads, NULL));
	/* Nothing of that was done here. */
	CHECK(who_handles() == NOBODY);
}

#endif
