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

/* Restores the system's /sys. */
static void
unmake_sysfs(void)
{
	if (sysfs_made && umount2("/sys", MNT_DETACH) != 0)
		die("umount /sys");
	sysfs_made = 0;
}

/* Makes an empty /sys, in place of the one that was made before. */
static void
empty_sysfs(void)
{
	unmake_sysfs();
	if (mount("tmpfs", "/sys", "tmpfs", 0, "mode=755") != 0)
		die("mount /sys");
	sysfs_made = 1;
}

/*
 * A /sys that says that the character device with this number is a device DAX of this size and
 * alignment.
 */
static void
make_device_dax(const char *number, const char *size, const char *align)
{
	char path[64], name[96];

	empty_sysfs();
	snprintf(path, sizeof(path), "/sys/dev/char/%s", number);
	if (mkdir("/sys/dev", 0755) != 0 || mkdir("/sys/dev/char", 0755) != 0 ||
		mkdir(path, 0755) != 0)
		die("mkdir in /sys");
	if (mkdir("/sys/bus", 0755) != 0 || mkdir("/sys/bus/dax", 0755) != 0)
		die("mkdir in /sys");
	snprintf(name, sizeof(name), "%s/subsystem", path);
	if (symlink("../../../bus/dax", name) != 0)
		die("symlink in /sys");
	snprintf(name, sizeof(name), "%s/size", path);
	write_file(name, size);
	snprintf(name, sizeof(name), "%s/align", path);
	write_file(name, align);
}

/* The same of /dev/null, in place of the one that was made before. */
#define make_sysfs(size, align) make_device_dax("1:3", size, align)

#endif
