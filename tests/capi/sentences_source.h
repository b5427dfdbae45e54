/* The part of sentences.c on the pages of sources and messages. */

#include <pthread.h>

typedef int question(const struct pmem2_source *, size_t *);

/*
 * Returns the answer of a device DAX whose files in sysfs hold this. The output is unchanged unless
 * the answer is 0.
 */
static int
device_answers(question *ask, const char *size, const char *align, size_t *answer)
{
	struct pmem2_source *src;
	size_t output = 77;
	int fd, code;

	make_sysfs(size, align);
	fd = open("/dev/null", O_RDWR);
	src = source_of(fd);
	code = ask(src, &output);
	CHECK(code <= 0 && (code == 0 || output == 77));
	*answer = output;
	pmem2_source_delete(&src);
	close(fd);
	unmake_sysfs();
	return code;
}

/*
 * Returns the answer of a device DAX whose attribute is a directory, missing, or not accessible.
 */
static int
device_fails(question *ask, const char *attribute, int there)
{
	struct pmem2_source *src;
	size_t output = 77;
	int fd, code;

	make_sysfs("4096\n", "4096\n");
	fd = open("/dev/null", O_RDWR);
	src = source_of(fd);
	CHECK(unlink(attribute) == 0);
	CHECK(!there || mkdir(attribute, 0755) == 0);
	code = ask(src, &output);
	CHECK(code != 0 && output == 77);
	pmem2_source_delete(&src);
	close(fd);
	unmake_sysfs();
	return code;
}

/* A path in /sys that goes in circles: it is from_fd that asks whether it is a device DAX. */
static void
loop_in_sysfs(void)
{
	make_sysfs("4096\n", "4096\n");
	CHECK(rename("/sys/dev/char/1:3", "/sys/dev/char/away") == 0);
	CHECK(symlink("1:3", "/sys/dev/char/1:3") == 0);
	CHECK(from_fd(open("/dev/null", O_RDWR)) == -ELOOP);
	unmake_sysfs();
}

/* Returns the answer of a source once the kernel's fstat fails with EIO. */
static int
without_fstat(question *ask, int device)
{
	struct pmem2_source *src;
	int fd, status;
	pid_t child;

	if (device)
		make_sysfs("4096\n", "4096\n");
	fd = device ? open("/dev/null", O_RDWR) : open_file(O_RDWR);
	src = source_of(fd);
	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		size_t output = 77;
		int code;

		fail_fstat();
		code = ask(src, &output);
		_exit(output == 77 || code == 0 ? -code : 255);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	pmem2_source_delete(&src);
	close(fd);
	unmake_sysfs();
	return -WEXITSTATUS(status);
}

/* Returns the answer of a source whose descriptor was closed and is this now, or nothing. */
static int
reused(question *ask, int other)
{
	int fd = open_file(O_RDWR), code;
	struct pmem2_source *src = source_of(fd);
	size_t output = 77;

	if (other < 0)
		close(fd);
	else
		CHECK(dup2(other, fd) == fd);
	code = ask(src, &output);
	CHECK((code == 0) == (output != 77));
	pmem2_source_delete(&src);
	if (other >= 0) {
		close(other);
		close(fd);
	}
	return code;
}

static size_t
size_of_file(int length)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	size_t size = 77;

	CHECK(ftruncate(fd, length) == 0);
	CHECK(pmem2_source_size(src, &size) == 0);
	pmem2_source_delete(&src);
	close(fd);
	return size;
}

static void
page_of_from_anon(void)
{
	struct pmem2_source *src = NULL;
	size_t size, sizes[] = { 0, 1, 4096, 12345, SIZE_MAX }, i;
	int code, fd = 77;

	begin("pmem2_source_from_anon");
	CHECK(pmem2_source_from_anon(&src, 4096) == 0 && src != NULL);
	sentence("The pmem2_source_from_anon() function instantiates a new struct pmem2_source "
		"object describing an anonymous data "
		 "source.");
	CHECK(pmem2_source_get_fd(src, &fd) == PMEM2_E_FILE_DESCRIPTOR_NOT_SET && fd == 77);
	without_mappings("Mappings created using this function are not backed by any file and are "
		"zero-initialized.");
	pmem2_source_delete(&src);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK(pmem2_source_from_anon(&src, sizes[i]) == 0);
		CHECK(pmem2_source_size(src, &size) == 0 && size == sizes[i]);
		pmem2_source_delete(&src);
	}
	sentence("The size argument for the function defines the length in bytes of the anonymous "
		"source, as returned by "
		 "pmem2_source_size(3).");
	CHECK(pmem2_source_from_anon(&src, SIZE_MAX) == 0);
	pmem2_source_delete(&src);
	without_mappings("The application should set this value so that it's greater than or equal "
		"to the size of any mapping created "
			 "with the anonymous source.");
	without_mappings("The offset value for mapping is ignored.");
	code = pmem2_source_from_anon(&src, 1);
	CHECK(code == 0);
	pmem2_source_delete(&src);
	malloc_fails = 1;
	code = pmem2_source_from_anon(&src, 1);
	malloc_fails = 0;
	CHECK(code < 0 && src == NULL);
	sentence("The pmem2_source_from_anon() function returns 0 on success or a negative error "
		"code on failure.");
	CHECK(code < 0);
	sentence("The pmem2_source_form_anon() can fail with the following errors:");
	CHECK(code == -ENOMEM);
	sentence("-ENOMEM - in case of insufficient memory to allocate an instance of struct "
		"pmem2_source.");
}

static void
page_of_size(void)
{
	size_t answer;

	begin("pmem2_source_size");
	CHECK(size_of_file(0) == 0 && size_of_file(4097) == 4097 &&
		size_of_file(1 << 30) == 1 << 30);
	sentence("The pmem2_source_size() function retrieves the size of the file in bytes pointed "
		"by file descriptor or handle stored "
		 "in the source and puts it in *size.");
	CHECK(size_of_file(12345) == 12345);
	CHECK(device_answers(pmem2_source_size, "12288\n", "4096\n", &answer) == 0 &&
		answer == 12288);
	sentence("This function is a portable replacement for OS-specific APIs.");
	CHECK(device_answers(pmem2_source_size, "1073741824\n", "2097152\n", &answer) == 0 &&
		answer == 1 << 30);
	sentence("On Linux, it hides the quirkiness of Device DAX size detection.");
	CHECK(reused(pmem2_source_size, -1) < 0);
	CHECK(size_of_file(1) == 1);
	sentence("The pmem2_source_size() function returns 0 on success.");
	/* `reused` and the others look at the output each time. */
	CHECK(reused(pmem2_source_size, -1) < 0);
	CHECK(device_answers(pmem2_source_size, "x\n", "4096\n", &answer) < 0 && answer == 77);
	sentence("If the function fails, the *size variable is left unmodified and a negative "
		"error code is returned.");
	CHECK(reused(pmem2_source_size, -1) < 0);
	sentence("The pmem2_source_size() can fail with the following errors:");
	CHECK(reused(pmem2_source_size, -1) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("On all systems:");
	CHECK(reused(pmem2_source_size, -1) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(reused(pmem2_source_size, open_file(O_RDWR)) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("PMEM2_E_INVALID_FILE_HANDLE - source contains an invalid file handle.");
	elsewhere("On Windows:");
	elsewhere("PMEM2_E_INVALID_FILE_TYPE - handle points to a resource that is not a regular "
		"file.");
	CHECK(size_of_file(1) == 1);
	sentence("On Linux:");
	/* No source is made of these; a descriptor that has become one is another file. */
	refused_types();
	CHECK(reused(pmem2_source_size, open(directory, O_RDONLY)) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(reused(pmem2_source_size, a_pipe(0)) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("PMEM2_E_INVALID_FILE_TYPE - file descriptor points to a directory, block device, "
		"pipe, or socket.");
	refused_devices();
	CHECK(reused(pmem2_source_size, open("/dev/null", O_RDWR)) == PMEM2_E_INVALID_FILE_HANDLE);
	sentence("PMEM2_E_INVALID_FILE_TYPE - file descriptor points to a character device other "
		"than Device DAX.");
	CHECK(device_answers(pmem2_source_size, "", "4096\n",
		&answer) == PMEM2_E_INVALID_SIZE_FORMAT);
	CHECK(device_answers(pmem2_source_size, "x\n", "4096\n",
		&answer) == PMEM2_E_INVALID_SIZE_FORMAT);
	CHECK(device_answers(pmem2_source_size, "4096 bytes\n", "4096\n",
		&answer) == PMEM2_E_INVALID_SIZE_FORMAT);
	sentence("PMEM2_E_INVALID_SIZE_FORMAT - kernel query for Device DAX size returned data in "
		"invalid format.");
	CHECK(without_fstat(pmem2_source_size, 0) == -EIO);
	CHECK(without_fstat(pmem2_source_size, 1) == -EIO);
	sentence("-errno set by failing fstat(2), while trying to validate the file descriptor.");
	loop_in_sysfs();
	sentence("-errno set by failing realpath(3), while trying to determine whether fd points "
		"to a Device DAX.");
	CHECK(device_fails(pmem2_source_size, "/sys/dev/char/1:3/size", 0) == -ENOENT);
	sentence("-errno set by failing open(2), while trying to determine Device DAX's size.");
	CHECK(device_fails(pmem2_source_size, "/sys/dev/char/1:3/size", 1) == -EISDIR);
	sentence("-errno set by failing read(2), while trying to determine Device DAX's size.");
	/* More than 64 bits: there is no strtoull here to set ERANGE, and the code says more. */
	CHECK(device_answers(pmem2_source_size, "18446744073709551616\n", "4096\n",
		&answer) == PMEM2_E_INVALID_SIZE_FORMAT);
	CHECK(device_answers(pmem2_source_size, "18446744073709551615\n", "4096\n", &answer) == 0 &&
		answer == SIZE_MAX);
	sentence("-errno set by failing strtoull(3), while trying to determine Device DAX's size.");
	elsewhere("On FreeBSD:");
	elsewhere("PMEM2_E_INVALID_FILE_TYPE - file descriptor points to a directory, block "
		"device, pipe, socket, or character device.");
	elsewhere("-errno set by failing fstat(2), while trying to validate the file descriptor.");
}

static size_t
alignment_of_file(void)
{
	int fd = open_file(O_RDWR);
	struct pmem2_source *src = source_of(fd);
	size_t alignment = 77;

	CHECK(pmem2_source_alignment(src, &alignment) == 0);
	pmem2_source_delete(&src);
	close(fd);
	return alignment;
}

static void
page_of_alignment(void)
{
	size_t answer, page_size = (size_t)sysconf(_SC_PAGESIZE);
	struct pmem2_source *src;

	begin("pmem2_source_alignment");
	CHECK(alignment_of_file() == page_size);
	CHECK(device_answers(pmem2_source_alignment, "1073741824\n", "2097152\n", &answer) == 0 &&
		answer == 2 << 20);
	sentence("The pmem2_source_alignment() function retrieves the alignment of offset and "
		"length needed for pmem2_map_new(3) to "
		 "succeed.");
	CHECK(pmem2_source_from_anon(&src, 1) == 0);
	CHECK(pmem2_source_alignment(src, &answer) == 0 && answer == page_size);
	pmem2_source_delete(&src);
	sentence("The alignment is stored in *alignment.");
	CHECK(alignment_of_file() == page_size);
	sentence("The pmem2_source_alignment() function returns 0 on success.");
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "3\n", &answer) < 0 && answer == 77);
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "x\n", &answer) < 0 && answer == 77);
	sentence("If the function fails, the *alignment variable is left unmodified and a negative "
		"error code is returned.");
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "x\n", &answer) < 0);
	sentence("The pmem2_source_alignment() can fail with the following errors:");
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "0\n",
		&answer) == PMEM2_E_INVALID_ALIGNMENT_VALUE);
	sentence("On all systems:");
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "0\n",
		&answer) == PMEM2_E_INVALID_ALIGNMENT_VALUE);
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "3000\n",
		&answer) == PMEM2_E_INVALID_ALIGNMENT_VALUE);
	sentence("PMEM2_E_INVALID_ALIGNMENT_VALUE - operating system returned unexpected alignment "
		"value (eg. it is not a power of two).");
	CHECK(alignment_of_file() == page_size);
	sentence("on Linux:");
	refused_devices();
	sentence("PMEM2_E_INVALID_FILE_TYPE - file descriptor points to a character device other "
		"than Device DAX.");
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "",
		&answer) == PMEM2_E_INVALID_ALIGNMENT_FORMAT);
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "0x1000\n",
		&answer) == PMEM2_E_INVALID_ALIGNMENT_FORMAT);
	sentence("PMEM2_E_INVALID_ALIGNMENT_FORMAT - kernel query for Device DAX alignment "
		"returned data in invalid format.");
	CHECK(without_fstat(pmem2_source_alignment, 1) == -EIO);
	/* Of a file nothing is asked. */
	CHECK(without_fstat(pmem2_source_alignment, 0) == 0);
	sentence("-errno set by failing fstat(2), while trying to validate the file descriptor.");
	loop_in_sysfs();
	sentence("-errno set by failing realpath(3), while trying to determine whether fd points "
		"to a Device DAX.");
	CHECK(device_fails(pmem2_source_alignment, "/sys/dev/char/1:3/align", 1) == -EISDIR);
	CHECK(device_fails(pmem2_source_alignment, "/sys/dev/char/1:3/align", 0) == -ENOENT);
	sentence("-errno set by failing read(2), while trying to determine Device DAX's "
		"alignment.");
	CHECK(device_answers(pmem2_source_alignment, "4096\n", "18446744073709551616\n",
		&answer) == PMEM2_E_INVALID_ALIGNMENT_FORMAT);
	sentence("-errno set by failing strtoull(3), while trying to determine Device DAX's "
		"alignment.");
	elsewhere("On FreeBSD:");
	elsewhere("PMEM2_E_INVALID_FILE_TYPE - file descriptor points to a directory, block "
		"device, pipe, socket, or character device.");
	elsewhere("-errno set by failing fstat(2), while trying to validate the file descriptor.");
}

static void
page_of_get_fd(void)
{
	int fd = open_file(O_RDONLY), answer = 77, code;
	struct pmem2_source *src = source_of(fd), *anonymous;

	begin("pmem2_source_get_fd");
	CHECK(pmem2_source_get_fd(src, &answer) == 0 && answer == fd);
	sentence("The pmem2_source_get_fd() function reads the file descriptor of *struct "
		"pmem2_source** object describing the data "
		 "source and returns it by fd parameter.");
	elsewhere("This function is Linux only, on Windows use pmem2_source_get_handle(3).");
	CHECK(pmem2_source_get_fd(src, &answer) == 0);
	CHECK(pmem2_source_from_anon(&anonymous, 1) == 0);
	answer = 77;
	code = pmem2_source_get_fd(anonymous, &answer);
	CHECK(code < 0 && answer == 77);
	sentence("The pmem2_source_get_fd() function returns 0 on success or a negative error code "
		"on failure.");
	CHECK(code < 0);
	sentence("The pmem2_source_get_fd() can fail with the following errors:");
	CHECK(code == PMEM2_E_FILE_DESCRIPTOR_NOT_SET);
	sentence("PMEM2_E_FILE_DESCRIPTOR_NOT_SET - in case of an instance of struct pmem2_source "
		"that does not come from source type "
		 "that support file descriptors, eg. anonymous data source.");
	pmem2_source_delete(&src);
	pmem2_source_delete(&anonymous);
	close(fd);
}

/* Fails in a way of its own, in another thread. */
static void *
fails_elsewhere(void *message)
{
	CHECK(from_fd(open(directory, O_RDONLY)) < 0);
	snprintf(message, 512, "%s", pmem2_errormsg());
	return NULL;
}

static void
page_of_errormsg(void)
{
	char before[512], other[512];
	const char *message;
	pthread_t thread;

	begin("pmem2_errormsg");
	CHECK(from_fd(-1) < 0);
	CHECK(strstr(pmem2_errormsg(), "not an open file descriptor") != NULL);
	CHECK(from_fd(open_file(O_WRONLY)) < 0);
	CHECK(strstr(pmem2_errormsg(), "write-only") != NULL);
	sentence("If an error is detected during the call to a libpmem2(7) function, the "
		"application may retrieve an error message "
		 "describing the reason of the failure from pmem2_errormsg().");
	message = pmem2_errormsg();
	snprintf(before, sizeof(before), "%s", message);
	CHECK(pthread_create(&thread, NULL, fails_elsewhere, other) == 0 &&
		pthread_join(thread, NULL) == 0);
	CHECK(strstr(other, "a directory") != NULL);
	CHECK(pmem2_errormsg() == message && strcmp(message, before) == 0);
	sentence("The error message buffer is thread-local; errors encountered in one thread do "
		"not affect its value in other threads.");
	CHECK(from_fd(open_file(O_RDONLY)) == 0);
	CHECK(strcmp(pmem2_errormsg(), before) == 0);
	sentence("The buffer is never cleared by any library function; its content is significant "
		"only when the return value of the "
		 "immediately preceding call to a libpmem2(7) function indicated an error.");
	CHECK(pmem2_errormsg() == message);
	sentence("The application must not modify or free the error message string.");
	CHECK(from_fd(-1) < 0);
	CHECK(strcmp(message, before) != 0);
	sentence("Subsequent calls to other library functions may modify the previous message.");
	CHECK(message == pmem2_errormsg() && message[0] != '\0');
	sentence("The pmem2_errormsg() function returns a pointer to a static buffer containing "
		"the last error message logged for the "
		 "current thread.");
	loop_in_sysfs();
	CHECK(strstr(pmem2_errormsg(), "too many levels of symbolic links (ELOOP)") != NULL);
	sentence("If errno was set, the error message may include a description of the "
		"corresponding error code as returned by "
		 "strerror(3).");
}

/* Returns the output of a call of pmem2_perror to stderr. */
static const char *
printed(int which)
{
	static char text[1024];
	int ends[2], kept;
	ssize_t length;

	CHECK(pipe(ends) == 0);
	fflush(stderr);
	kept = dup(2);
	CHECK(kept >= 0 && dup2(ends[1], 2) == 2);
	if (which == 0)
		pmem2_perror("%s", "path");
	else
		pmem2_perror("%s %d%c%5.2f %ld %s", "a", 1, 'b', 2.5, 3L, "c");
	fflush(stderr);
	CHECK(dup2(kept, 2) == 2);
	close(kept);
	close(ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	CHECK(length >= 0);
	text[length] = '\0';
	close(ends[0]);
	return text;
}

static void
page_of_perror(void)
{
	char expected[1024];

	begin("pmem2_perror");
	CHECK(from_fd(-1) < 0);
	CHECK(strstr(printed(0), pmem2_errormsg()) != NULL);
	CHECK(from_fd(open_file(O_WRONLY)) < 0);
	CHECK(strstr(printed(0), pmem2_errormsg()) != NULL);
	sentence("The pmem2_perror() function produces a message on standard error stream "
		"describing the last error encountered during "
		 "library call.");
	CHECK(strncmp(printed(1), "a 1b 2.50 3 c", 13) == 0);
	sentence("pmem2_perror() takes a variable number of arguments.");
	CHECK(strncmp(printed(0), "path: ", 6) == 0);
	CHECK(strncmp(printed(1), "a 1b 2.50 3 c: ", 15) == 0);
	sentence("First, the argument string format is printed - similarly to the printf(3), "
		"followed by a colon and a blank.");
	snprintf(expected, sizeof(expected), "path: %s\n", pmem2_errormsg());
	CHECK(strcmp(printed(0), expected) == 0);
	sentence("Then an error message retrieved from the pmem2_errormsg(), and a new-line.");
	CHECK(strstr(printed(0), pmem2_errormsg()) != NULL);
	sentence("To see how the error message is generated, please see pmem2_errormsg(3).");
}
