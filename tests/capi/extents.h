/* Where a file lies on its disk. */

#ifndef EXTENTS_H
#define EXTENTS_H

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "world.h"

/* The sector of the disk that a byte of the file is in. */
static unsigned long long
sector(int fd, uint64_t offset)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
	} one;
	const struct fiemap_extent *extent = one.map.fm_extents;

	memset(&one, 0, sizeof(one));
	one.map.fm_start = offset;
	one.map.fm_length = 1;
	one.map.fm_flags = FIEMAP_FLAG_SYNC;
	one.map.fm_extent_count = 1;
	if (ioctl(fd, FS_IOC_FIEMAP, &one.map) != 0 || one.map.fm_mapped_extents != 1)
		die("FS_IOC_FIEMAP");
	return (extent->fe_physical + (offset - extent->fe_logical)) / 512;
}

#endif
