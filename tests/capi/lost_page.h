/*
 * A page that is mapped and lost: the file behind it was cut off. Whoever touches it gets a SIGBUS.
 */

#ifndef LOST_PAGE_H
#define LOST_PAGE_H

#include <sys/mman.h>

#include "world.h"

static void *
lost_page(void)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = open(directory, O_RDWR | O_TMPFILE, 0600);
	void *at;

	if (fd < 0 || ftruncate(fd, page) != 0)
		die("O_TMPFILE");
	at = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED || ftruncate(fd, 0) != 0)
		die("mmap");
	close(fd);
	return at;
}

#endif
