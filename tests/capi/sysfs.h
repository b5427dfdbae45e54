/* A made /sys, in the mounts of world.h. */

#ifndef SYSFS_H
#define SYSFS_H

#include "world.h"

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

static int sysfs_made;

/* The system's /sys again. */
static void
unmake_sysfs(void)
{
	if (sysfs_made && umount2("/sys", MNT_DETACH) != 0)
		die("umount /sys");
	sysfs_made = 0;
}

/* A /sys with nothing in it, in place of the one that was made before. */
static void
empty_sysfs(void)
{
	unmake_sysfs();
	if (mount("tmpfs", "/sys", "tmpfs", 0, "mode=755") != 0)
		die("mount /sys");
	sysfs_made = 1;
}

/* A /sys that says that /dev/null (1:3) is a device DAX of this size and alignment, in place of the one that was made before. */
static void
make_sysfs(const char *size, const char *align)
{
	empty_sysfs();
	if (mkdir("/sys/dev", 0755) != 0 || mkdir("/sys/dev/char", 0755) != 0 || mkdir("/sys/dev/char/1:3", 0755) != 0)
		die("mkdir in /sys");
	if (mkdir("/sys/bus", 0755) != 0 || mkdir("/sys/bus/dax", 0755) != 0)
		die("mkdir in /sys");
	if (symlink("../../../bus/dax", "/sys/dev/char/1:3/subsystem") != 0)
		die("symlink in /sys");
	write_file("/sys/dev/char/1:3/size", size);
	write_file("/sys/dev/char/1:3/align", align);
}

#endif
