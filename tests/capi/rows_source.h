/*
 * Every kind of descriptor, and how it is made. tests/common/rows.rs has the table in Rust, with
 * the results.
 */

#ifndef ROWS_SOURCE_H
#define ROWS_SOURCE_H

#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "block_device.h"
#include "world.h"

/* A descriptor that could not be made. -1 and its like are rows of their own. */
#define NOT_MADE (INT_MIN + 1)

/* Descriptors to close after a row. */
static int kept[4];
static int kept_count;

static int
keep(int fd)
{
	if (fd < 0)
		return NOT_MADE;
	kept[kept_count++] = fd;
	return fd;
}

static int minus_1(void) { return -1; }
static int minus_2(void) { return -2; }
static int at_fdcwd(void) { return AT_FDCWD; }
static int least(void) { return INT_MIN; }
static int greatest(void) { return INT_MAX; }

static int
closed(void)
{
	int fd = open("/dev/null", O_RDWR);

	close(fd);
	return fd;
}

static int file_rdonly(void) { return keep(open_file(O_RDONLY)); }
static int file_rdwr(void) { return keep(open_file(O_RDWR)); }
static int file_append(void) { return keep(open_file(O_RDWR | O_APPEND)); }
static int file_rdonly_append(void) { return keep(open_file(O_RDONLY | O_APPEND)); }
static int file_sync(void) { return keep(open_file(O_RDWR | O_NONBLOCK | O_SYNC)); }
static int file_wronly(void) { return keep(open_file(O_WRONLY)); }
static int file_wronly_append(void) { return keep(open_file(O_WRONLY | O_APPEND)); }
static int file_mode_3(void) { return keep(open_file(3)); }
static int file_path(void) { return keep(open_file(O_PATH)); }
static int empty_file(void) { return keep(open(directory, O_RDWR | O_TMPFILE, 0600)); }
static int proc_file(void) { return keep(open("/proc/self/status", O_RDONLY)); }
static int sys_file(void) { return keep(open("/sys/devices/virtual/mem/null/dev", O_RDONLY)); }
static int name_space(void) { return keep(open("/proc/self/ns/mnt", O_RDONLY)); }
static int on_disk(void) { return keep(open("/etc/passwd", O_RDONLY)); }

static int
sized(int fd, off_t size)
{
	if (fd >= 0 && ftruncate(fd, size) != 0)
		die("ftruncate");
	return keep(fd);
}

static int tmpfile_sized(void) { return sized(open(directory, O_RDWR | O_TMPFILE, 0600), FILE_SIZE);
	}
static int large_file(void) { return sized(open(directory, O_RDWR | O_TMPFILE, 0600),
	(off_t)5 << 30); }
static int memory(void) { return sized(memfd_create("pmem2", 0), FILE_SIZE); }
static int huge_memory(void) { return sized(memfd_create("pmem2", MFD_HUGETLB | (21U << 26)),
	2 << 20); }

static int
file_on(const char *type, const char *options, off_t size)
{
	const char *place = in_world("mount");
	char path[256];

	if ((mkdir(place, 0755) != 0 && errno != EEXIST) ||
		mount(type, place, type, 0, options) != 0)
		return NOT_MADE;
	snprintf(path, sizeof(path), "%s/file", place);
	int fd = sized(open(path, O_RDWR | O_CREAT, 0600), size);
	umount2(place, MNT_DETACH);
	return fd;
}

static int on_ramfs(void) { return file_on("ramfs", "", FILE_SIZE); }
static int on_huge_tmpfs(void) { return file_on("tmpfs", "huge=always", FILE_SIZE); }
static int on_hugetlbfs(void) { return file_on("hugetlbfs", "pagesize=2M", 6 << 20); }

static int null_wronly(void) { return keep(open("/dev/null", O_WRONLY)); }
static int null_mode_3(void) { return keep(open("/dev/null", 3)); }
static int null_path(void) { return keep(open("/dev/null", O_PATH)); }
static int null_rdwr(void) { return keep(open("/dev/null", O_RDWR)); }
static int zero(void) { return keep(open("/dev/zero", O_RDONLY)); }
static int full(void) { return keep(open("/dev/full", O_RDWR)); }
static int urandom(void) { return keep(open("/dev/urandom", O_RDONLY)); }
static int block_device(void) { return keep(open_block_device()); }
static int a_directory(void) { return keep(open(directory, O_RDONLY | O_DIRECTORY)); }
static int directory_path(void) { return keep(open(directory, O_PATH)); }

static int
fifo(int flags)
{
	const char *path = in_world("fifo");
	int fd;

	if (mkfifo(path, 0600) != 0)
		die("mkfifo");
	/* Without this, the others would find nobody at the other end. */
	keep(open(path, O_RDWR | O_NONBLOCK));
	fd = keep(open(path, flags | O_NONBLOCK));
	unlink(path);
	return fd;
}

static int fifo_rdonly(void) { return fifo(O_RDONLY); }
static int fifo_rdwr(void) { return fifo(O_RDWR); }
static int fifo_wronly(void) { return fifo(O_WRONLY); }
static int fifo_path(void) { return fifo(O_PATH); }

static int
pipe_end(int end)
{
	int ends[2];

	if (pipe(ends) != 0)
		die("pipe");
	keep(ends[0]);
	keep(ends[1]);
	return ends[end];
}

static int pipe_read(void) { return pipe_end(0); }
static int pipe_write(void) { return pipe_end(1); }

static int
link_path(void)
{
	const char *path = in_world("link");

	if (symlink("/", path) != 0)
		die("symlink");
	int fd = keep(open(path, O_PATH | O_NOFOLLOW));
	unlink(path);
	return fd;
}

static int unix_socket(void) { return keep(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int udp_socket(void) { return keep(socket(AF_INET, SOCK_DGRAM, 0)); }
static int epoll(void) { return keep(epoll_create1(0)); }
static int event(void) { return keep(eventfd(0, 0)); }
static int timer(void) { return keep(timerfd_create(CLOCK_MONOTONIC, 0)); }
static int inotify(void) { return keep(inotify_init()); }
static int pidfd(void) { return keep((int)syscall(SYS_pidfd_open, getpid(), 0)); }
static int secret(void) { return sized((int)syscall(447 /* memfd_secret */, 0), FILE_SIZE); }

static int
signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	return keep(signalfd(-1, &none, 0));
}

static int
uring(void)
{
	uint64_t parameters[15] = { 0 };

	return keep((int)syscall(425 /* io_uring_setup */, 1, parameters));
}

static int
terminal(int slave)
{
	int master = keep(posix_openpt(O_RDWR | O_NOCTTY));

	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
		return NOT_MADE;
	return slave ? keep(open(ptsname(master), O_RDWR | O_NOCTTY)) : master;
}

static int terminal_master(void) { return terminal(0); }
static int terminal_slave(void) { return terminal(1); }

static const struct row {
	const char *name;
	int (*make)(void);
} rows[] = {
	{ "file, O_RDONLY", file_rdonly },
	{ "file, O_RDWR", file_rdwr },
	{ "file, O_RDWR and O_APPEND", file_append },
	{ "file, O_RDONLY and O_APPEND", file_rdonly_append },
	{ "file, O_NONBLOCK and O_SYNC", file_sync },
	{ "file, empty", empty_file },
	{ "file, O_TMPFILE", tmpfile_sized },
	{ "file of 5 GiB", large_file },
	{ "file on the disk", on_disk },
	{ "file on ramfs", on_ramfs },
	{ "file on tmpfs with huge pages", on_huge_tmpfs },
	{ "file on hugetlbfs", on_hugetlbfs },
	{ "memfd", memory },
	{ "memfd of huge pages", huge_memory },
	{ "memfd_secret", secret },
	{ "file in /proc", proc_file },
	{ "file in /sys", sys_file },
	{ "name space", name_space },
	{ "-1", minus_1 },
	{ "-2", minus_2 },
	{ "AT_FDCWD", at_fdcwd },
	{ "the least number", least },
	{ "the greatest number", greatest },
	{ "closed", closed },
	{ "file, O_WRONLY", file_wronly },
	{ "file, O_WRONLY and O_APPEND", file_wronly_append },
	{ "/dev/null, O_WRONLY", null_wronly },
	{ "FIFO, O_WRONLY", fifo_wronly },
	{ "pipe, write end", pipe_write },
	{ "file, access mode 3", file_mode_3 },
	{ "/dev/null, access mode 3", null_mode_3 },
	{ "file, O_PATH", file_path },
	{ "directory, O_PATH", directory_path },
	{ "/dev/null, O_PATH", null_path },
	{ "FIFO, O_PATH", fifo_path },
	{ "symbolic link, O_PATH", link_path },
	{ "directory", a_directory },
	{ "block device", block_device },
	{ "pipe, read end", pipe_read },
	{ "FIFO, O_RDONLY", fifo_rdonly },
	{ "FIFO, O_RDWR", fifo_rdwr },
	{ "socket, Unix", unix_socket },
	{ "socket, UDP", udp_socket },
	{ "epoll", epoll },
	{ "eventfd", event },
	{ "timerfd", timer },
	{ "signalfd", signals },
	{ "pidfd", pidfd },
	{ "inotify", inotify },
	{ "io_uring", uring },
	{ "/dev/null", null_rdwr },
	{ "/dev/zero", zero },
	{ "/dev/full", full },
	{ "/dev/urandom", urandom },
	{ "terminal, master", terminal_master },
	{ "terminal, slave", terminal_slave },
};

#endif
