/* A device DAX in the made /sys of nd.h. */

#ifndef ND_DAX_H
#define ND_DAX_H

#include "nd.h"

/* The character device with this number is a device DAX, whose directory is `path`. */
static void
make_dax(const char *path, const char *number)
{
	put_all(path, (const char *const[]){ "dev", number, "size", "1073741824", "align",
		"2097152", "numa_node", "1", NULL });
	if (mkdir("/sys/bus/dax", 0755) != 0)
		die("/sys/bus/dax");
	lead(nd_path("%s/subsystem", path), "/sys/bus/dax");
	lead(nd_path("/sys/dev/char/%s", number), path);
}

#endif
