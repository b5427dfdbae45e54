/* The part of sentences.c on the page of transfers. */

static void
reads_and_writes(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	char text[] = "some bytes", bytes[sizeof(text)];

	CHECK(pmem2_source_pwrite_mcsafe(src, text, sizeof(text), 4093) == 0);
	CHECK(pread(fd, bytes, sizeof(bytes), 4093) == sizeof(bytes) && strcmp(bytes, text) == 0);
	CHECK(pwrite(fd, "OTHER", 5, 4093) == 5);
	CHECK(pmem2_source_pread_mcsafe(src, bytes, sizeof(bytes), 4093) == 0 &&
		strcmp(bytes, "OTHERbytes") == 0);
	pmem2_source_delete(&src);
	close(fd);
}

static void
out_of_range(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	char bytes[2] = "";

	CHECK(pmem2_source_pread_mcsafe(src, bytes, 1, FILE_SIZE - 1) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, bytes, 2,
		FILE_SIZE - 1) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_source_pwrite_mcsafe(src, bytes, 2,
		FILE_SIZE - 1) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_source_pread_mcsafe(src, bytes, 2, SIZE_MAX) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(pmem2_source_pwrite_mcsafe(src, bytes, 2, SIZE_MAX) == PMEM2_E_LENGTH_OUT_OF_RANGE);
	CHECK(lseek(fd, 0, SEEK_END) == FILE_SIZE);
	pmem2_source_delete(&src);
	close(fd);
}

static void
anonymous_transfers(void)
{
	struct pmem2_source *src;
	char byte = 0;

	CHECK(pmem2_source_from_anon(&src, 4096) == 0);
	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, 0) == PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED);
	CHECK(pmem2_source_pwrite_mcsafe(src, &byte, 1, 0) == PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED);
	pmem2_source_delete(&src);
}

/* Returns the answer of a call in a process in which the system's own call fails so. */
static int
transfer(int writing)
{
	int fd = open_file(O_RDWR), code;
	struct pmem2_source *src = source_of(fd);
	char byte = 0;

	code = writing ? pmem2_source_pwrite_mcsafe(src, &byte, 1, 0) :
		pmem2_source_pread_mcsafe(src, &byte, 1, 0);
	pmem2_source_delete(&src);
	close(fd);
	return code;
}

static int is_bad_to_read(void *unused) { (void)unused; return transfer(0) == PMEM2_E_IO_FAIL; }
static int is_bad_to_write(void *unused) { (void)unused; return transfer(1) == PMEM2_E_IO_FAIL; }
static int fails_otherwise(void *unused) { (void)unused; return transfer(0) == -ENXIO; }

static void
medium_fails(void)
{
	CHECK(child_under(SYS_pread64, EIO, is_bad_to_read, NULL));
	CHECK(child_under(SYS_pwrite64, EIO, is_bad_to_write, NULL));
}

/*
 * A device DAX whose memory is lost from its second page on: see sigbus.h. valgrind does not keep
 * all registers in a signal.
 */
static int
survives_sigbus(void *unused)
{
	struct sigaction action;
	struct pmem2_source *src;
	char byte = 0;

	(void)unused;
	make_device_dax("1:5", "8388608\n", "4096\n");
	src = source_of(open("/dev/zero", O_RDWR));
	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, 0) == 0);
	CHECK(sigaction(SIGBUS, NULL, &action) == 0 && (action.sa_flags & SA_SIGINFO) != 0);
#ifndef UNDER_TOOL
	CHECK(pmem2_source_pread_mcsafe(src, &byte, 1, 5000) == PMEM2_E_IO_FAIL);
	CHECK(pmem2_source_pwrite_mcsafe(src, &byte, 1, 5000) == PMEM2_E_IO_FAIL);
#endif
	pmem2_source_delete(&src);
	return 1;
}

static void
takes_sigbus(void)
{
	CHECK(child_under(0, 0, survives_sigbus, NULL));
}

static void
page_of_pread_mcsafe(void)
{
	begin("pmem2_source_pread_mcsafe");
	reads_and_writes();
	sentence("The pmem2_source_pread_mcsafe() function reads size bytes from the source src "
		"starting at "
		 "offset offset into the buffer buf.");
	reads_and_writes();
	sentence("The pmem2_source_pwrite_mcsafe() function writes size bytes from the buffer buf "
		"to the "
		 "source src starting at the offset offset.");
	takes_sigbus();
	sentence("Above functions are capable of detecting bad blocks and handling the SIGBUS "
		"signal thrown "
		 "when accessing a bad block.");
	medium_fails();
	takes_sigbus();
	sentence("When a bad block is encountered, pmem2_source_pread_mcsafe() and "
		 "pmem2_source_pwrite_mcsafe() functions return corresponding error.");
	/* It stays: no handler can be taken away while other threads may need it. */
	takes_sigbus();
	sentence("A signal handler for SIGBUS signal is registered using sigaction(2) for the "
		"running time of "
		 "those operations.");
	elsewhere("This capability is limited to POSIX systems.");
	tells_bad_blocks();
	sentence("For bad block detection and clearing, see pmem2_badblock_context_new(3), "
		 "pmem2_badblock_next(3) and pmem2_badblock_clear(3).");
	reads_and_writes();
	out_of_range();
	sentence("The pmem2_source_pread_mcsafe() and pmem2_source_pwrite_mcsafe() functions "
		"return 0 on "
		 "success or a negative error code on failure.");
	out_of_range();
	sentence("The pmem2_source_pread_mcsafe() and pmem2_source_pwrite_mcsafe() can fail with "
		"the following "
		 "errors:");
	medium_fails();
	takes_sigbus();
	sentence("PMEM2_E_IO_FAIL - a physical I/O error occurred during the read/write operation, "
		"a possible "
		 "bad block encountered.");
	out_of_range();
	sentence("PMEM2_E_LENGTH_OUT_OF_RANGE - read/write operation size size from offset offset "
		"goes beyond "
		 "the file length.");
	anonymous_transfers();
	sentence("PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED - read/write operation doesn't support "
		"provided source, "
		 "only sources created with pmem2_source_from_fd(3) and "
		 	"pmem2_source_from_handle(3) are "
		 "supported.");
	CHECK(child_under(SYS_pread64, ENXIO, fails_otherwise, NULL));
	sentence("Those operations can also return all errors from the underlying pread(2), "
		"pwrite(2), "
		 "sigaction(2) functions on POSIX systems and ReadFile(), WriteFile() functions on "
		 	"Windows.");
}
