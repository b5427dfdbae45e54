/*
 * What the C programs here share: a place of their own for files and mounts, descriptors. Linux
 * only.
 */

#ifndef WORLD_H
#define WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Any length will do that is no multiple of a page. */
#define FILE_SIZE 10001

static char directory[] = "/tmp/pmem2-capi-XXXXXX";

static void
die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

/* Mounts of its own, and an empty directory. Needs root, as mounting does. */
static void
enter_world(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		die("unshare(CLONE_NEWNS)");
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
		die("mount / private");
	if (mkdtemp(directory) == NULL)
		die("mkdtemp");
	/* Whatever is made in it goes with the process. */
	if (mount("tmpfs", directory, "tmpfs", 0, NULL) != 0)
		die("mount tmpfs");
}

static void
leave_world(void)
{
	if (umount2(directory, MNT_DETACH) != 0)
		die("umount");
	if (rmdir(directory) != 0)
		die("rmdir");
}

/* A path in the directory; good until the eighth call after this. */
static const char *
in_world(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

/* Makes a file of FILE_SIZE bytes, opens it so, and removes its name. */
static int
open_file(int flags)
{
	const char *path = in_world("file");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || ftruncate(fd, FILE_SIZE) != 0)
		die(path);
	close(fd);
	fd = open(path, flags | O_CLOEXEC);
	unlink(path);
	return fd;
}

#endif
