/* The rows of table.c on transfers. */

#ifndef ROWS_TRANSFER_H
#define ROWS_TRANSFER_H

#include <sys/resource.h>

#include "nd.h"
#include "world.h"

/* Prints the result of a transfer, the bytes in the buffer, and the size of the file afterwards. */
static void
transfer(int fd, int writing, size_t size, size_t offset)
{
	struct pmem2_source *src = source_of(fd);
	char buffer[16] = "in the buffer";
	struct stat status;
	int code = writing ? pmem2_source_pwrite_mcsafe(src, buffer, size, offset) :
			     pmem2_source_pread_mcsafe(src, buffer, size, offset);

	if (fstat(fd, &status) != 0)
		die("fstat");
	printf(" %d \"%.15s\" %lld", code, buffer, (long long)status.st_size);
}

static int
file_with_text(int flags)
{
	int fd = open_file(O_RDWR), other;

	if (pwrite(fd, "in the file", 11, 0) != 11)
		die("pwrite");
	other = open(nd_path("/proc/self/fd/%d", fd), flags);
	close(fd);
	return other;
}

/* Prints the first bytes of the file, and its size. */
static void
contents(int fd)
{
	char text[12] = "";
	struct stat status;

	if (pread(fd, text, 11, 0) < 0 || fstat(fd, &status) != 0)
		die("pread");
	printf(" \"%s\" %lld", text, (long long)status.st_size);
}

static void read_row(void) { transfer(file_with_text(O_RDONLY), 0, 11, 0); }
static void read_nothing(void) { transfer(file_with_text(O_RDONLY), 0, 0, 0); }
static void read_beyond(void) { transfer(file_with_text(O_RDONLY), 0, 11, FILE_SIZE - 10); }
static void read_behind(void) { transfer(file_with_text(O_RDONLY), 0, 11, FILE_SIZE + 4096); }
static void read_wrapping(void) { transfer(file_with_text(O_RDONLY), 0, 11, SIZE_MAX - 5); }
static void write_beyond(void) { transfer(file_with_text(O_RDWR), 1, 11, FILE_SIZE - 10); }
static void write_behind(void) { transfer(file_with_text(O_RDWR), 1, 11, FILE_SIZE + 4096); }
static void write_read_only(void) { transfer(file_with_text(O_RDONLY), 1, 11, 0); }

static void
write_row(void)
{
	int fd = file_with_text(O_RDWR);

	transfer(fd, 1, 3, 0);
	contents(fd);
}

static void
write_append(void)
{
	int fd = file_with_text(O_RDWR | O_APPEND);

	transfer(fd, 1, 3, 0);
	contents(fd);
}

static void
write_limited(void)
{
	struct rlimit limit = { 5, 5 };
	int fd = file_with_text(O_RDWR);

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		die("RLIMIT_FSIZE");
	transfer(fd, 1, 11, 0);
}

static void
transfer_anonymous(void)
{
	struct pmem2_source *src;
	char byte = 0;

	if (pmem2_source_from_anon(&src, 4096) != 0)
		die("pmem2_source_from_anon");
	printf(" %d", pmem2_source_pread_mcsafe(src, &byte, 1, 0));
	printf(" %d", pmem2_source_pwrite_mcsafe(src, &byte, 1, 0));
	/* Whatever the other arguments are. */
	printf(" %d", pmem2_source_pread_mcsafe(src, NULL, 1, 0));
	printf(" %d", pmem2_source_pwrite_mcsafe(src, NULL, 1, 0));
	printf(" %d", pmem2_source_pread_mcsafe(src, NULL, 0, 0));
	printf(" %d", pmem2_source_pwrite_mcsafe(src, NULL, 0, 0));
}

/* No bytes need no memory. */
static void
no_bytes_at_null(void)
{
	struct pmem2_source *src = source_of(file_with_text(O_RDWR));

	printf(" %d", pmem2_source_pread_mcsafe(src, NULL, 0, 0));
	printf(" %d", pmem2_source_pwrite_mcsafe(src, NULL, 0, 0));
}

static void
transfer_closed(void)
{
	int fd = file_with_text(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	char byte = 0;

	close(fd);
	printf(" %d", pmem2_source_pread_mcsafe(src, &byte, 1, 0));
	printf(" %d", pmem2_source_pwrite_mcsafe(src, &byte, 1, 0));
}

/* The other file has the same size. */
static void
transfer_reused(void)
{
	int fd = file_with_text(O_RDWR), other = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	char text[] = "lost";

	if (dup2(other, fd) != fd)
		die("dup2");
	printf(" %d", pmem2_source_pwrite_mcsafe(src, text, 4, 0));
	contents(other);
}

static void
read_into_nothing(void)
{
	printf(" %d", pmem2_source_pread_mcsafe(source_of(file_with_text(O_RDONLY)), NULL, 1, 0));
}

static void
read_into_text(void)
{
	/* Of the program itself: it can be read only. */
	printf(" %d", pmem2_source_pread_mcsafe(source_of(file_with_text(O_RDONLY)),
		(void *)(uintptr_t) "text", 1, 0));
}

static void
read_of_null(void)
{
	char byte = 0;

	printf(" %d", pmem2_source_pread_mcsafe(NULL, &byte, 1, 0));
}

static const struct {
	const char *name;
	void (*body)(void);
} transfer_rows[] = {
	{ "read", read_row },
	{ "read, no bytes", read_nothing },
	{ "read, over the end", read_beyond },
	{ "read, behind the end", read_behind },
	{ "read, wrapping", read_wrapping },
	{ "write", write_row },
	{ "write, over the end", write_beyond },
	{ "write, behind the end", write_behind },
	{ "write, opened read-only", write_read_only },
	{ "write, O_APPEND", write_append },
	{ "write, limited file size", write_limited },
	{ "transfers, anonymous", transfer_anonymous },
	{ "transfers, no bytes at NULL", no_bytes_at_null },
	{ "transfers, closed", transfer_closed },
	{ "transfers, another file now", transfer_reused },
	{ "read into NULL", read_into_nothing },
	{ "read into what can be read only", read_into_text },
	{ "read(NULL, &byte, 1, 0)", read_of_null },
};

#endif
