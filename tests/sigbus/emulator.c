/*
 * Two things that Linux does, and qemu-user 7.2 does not, for which tests of this directory are left out there (ci/emulated).
 *
 *   queued   a process sends itself a SIGBUS with the code of a fault: its handler runs, and the status is 0. (Qemu takes it for a
 *            fault of its own: "cpu_exec: assertion failed: (cpu == current_cpu)".)
 *   blocked  a thread that has blocked SIGBUS loads what a file has no more of: it is killed by SIGBUS. (Qemu repeats the load for ever;
 *            here SIGALRM ends it.)
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	handled = info->si_code;
}

static int queued(void)
{
	siginfo_t info;
	memset(&info, 0, sizeof info);
	info.si_signo = SIGBUS;
	info.si_code = 5; /* BUS_MCEERR_AO */
	info.si_addr = (void *)0x1000;
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &info) != 0)
		return 1;
	return handled == 5 ? 0 : 2;
}

static int blocked(void)
{
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_BLOCK, &all, NULL);
	int fd = memfd_create("gone", 0);
	if (ftruncate(fd, 4096) != 0)
		return 1;
	volatile char *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || ftruncate(fd, 0) != 0)
		return 1;
	return *memory ? 2 : 3;
}

int main(int count, char **words)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	alarm(5);
	if (count != 2 || sigaction(SIGBUS, &action, NULL) != 0)
		return 1;
	return strcmp(words[1], "queued") == 0 ? queued() : blocked();
}
