/*
 * A filter for system calls under which fstat fails with EIO: nothing else makes it fail on an open
 * descriptor.
 */

#ifndef FAIL_FSTAT_H
#define FAIL_FSTAT_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* It stays: to be called in a child. */
static void
fail_fstat(void)
{
#define FAILS(number)                                                                           \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),                                    \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_fstat
		FAILS(SYS_fstat),
#endif
#ifdef SYS_newfstatat
		FAILS(SYS_newfstatat),
#endif
		FAILS(SYS_statx),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		die("seccomp");
}

#endif
