/*
 * A file on the disk of /var/tmp, which is a pmem disk in a made /sys (nd.h), and that disk's list
 * of bad blocks.
 */

#ifndef BADBLOCKS_WORLD_H
#define BADBLOCKS_WORLD_H

#include "extents.h"
#include "nd.h"

#define LENGTH 65536

/* The kernel's list of the disk, in a made /sys: lines of a sector and how many. */
static void
list_bad(const char *lines)
{
	write_file(nd_path("/sys/dev/block/%u:%u/badblocks", major(nd_disk()), minor(nd_disk())),
		lines);
}

/* A file of LENGTH bytes, each of them 7, which are on the disk. */
static int
bad_file(int flags)
{
	static char bytes[LENGTH];
	char path[] = "/var/tmp/pmem2-capi-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC), other;

	memset(bytes, 7, sizeof(bytes));
	other = open(path, flags | O_CLOEXEC);
	if (fd < 0 || unlink(path) != 0 || other < 0)
		die(path);
	if (pwrite(fd, bytes, sizeof(bytes), 0) != LENGTH || fsync(fd) != 0)
		die(path);
	close(fd);
	return other;
}

#endif
