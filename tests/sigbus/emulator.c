/*
 * Three things that Linux does and qemu-user 7.2 does not. ci/emulated leaves tests out for them.
 *
 *   queued   A process sends itself a SIGBUS with the code of a fault: its handler runs, and the
 *            status is 0. (Qemu takes it for a fault of its own: "cpu_exec: assertion failed:
 *            (cpu == current_cpu)".)
 *   blocked  A thread that has blocked SIGBUS loads from beyond the end of a file: SIGBUS kills it.
 *            (Qemu repeats the load for ever; here SIGALRM ends it.)
 *   masked   A handler runs with the signals of its action blocked: the status is 0. (riscv64's
 *            structure has no restorer, and qemu takes the mask from after the structure.)
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

static volatile unsigned long in_handler;

static void masking(int signal)
{
	unsigned long blocked;
	(void)signal;
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof blocked);
	in_handler = blocked;
}

/* The kernel's own structure (asm-generic/signal.h): handler, flags, mask; and a word after it. */
static int masked(void)
{
#ifdef __riscv
	unsigned long action[4] = { (unsigned long)masking, 0, 1UL << (SIGUSR2 - 1), 0 };
	if (syscall(SYS_rt_sigaction, SIGUSR1, action, NULL, 8) != 0)
		return 1;
#else
	struct sigaction action = { .sa_handler = masking };
	sigaddset(&action.sa_mask, SIGUSR2);
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		return 1;
#endif
	raise(SIGUSR1);
	return in_handler & 1UL << (SIGUSR2 - 1) ? 0 : 2;
}

int main(int count, char **words)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	alarm(5);
	if (count != 2 || sigaction(SIGBUS, &action, NULL) != 0)
		return 1;
	if (strcmp(words[1], "masked") == 0)
		return masked();
	return strcmp(words[1], "queued") == 0 ? queued() : blocked();
}
