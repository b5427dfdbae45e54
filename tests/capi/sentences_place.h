/* The part of sentences.c on the pages of places. */

#include "nd.h"

/* A source of a file on so many made-up NVDIMMs. */
static struct pmem2_source *
source_on(int dimms)
{
	make_nd(dimms);
	return source_of(file_on_nd());
}

/* Ends the source, closes its file, and takes the made /sys away. */
static void
done_with(struct pmem2_source *src)
{
	int fd = -1;

	CHECK(pmem2_source_get_fd(src, &fd) == 0 && close(fd) == 0);
	pmem2_source_delete(&src);
	unmake_sysfs();
}

/*
 * The three questions in one form: the code, after a look at the outputs, which stay as they were
 * in a failure.
 */
typedef int identity(const struct pmem2_source *);

static int
numa_node(const struct pmem2_source *src)
{
	int node = 77, code = pmem2_source_numa_node(src, &node);

	CHECK(code == 0 ? node >= -1 && node != 77 : code < 0 && node == 77);
	return code;
}

static int
device_usc(const struct pmem2_source *src)
{
	uint64_t usc = 77;
	int code = pmem2_source_device_usc(src, &usc);

	CHECK(code == 0 ? usc != 77 : code < 0 && usc == 77);
	return code;
}

/* Both modes fail alike. */
static int
device_id(const struct pmem2_source *src)
{
	char id[256];
	size_t len = 77, told = sizeof(id);
	int code = pmem2_source_device_id(src, NULL, &len);

	memset(id, '#', sizeof(id));
	CHECK(code == 0 ? len != 77 : code < 0 && len == 77);
	CHECK(pmem2_source_device_id(src, id, &told) == code && told == sizeof(id));
	CHECK(code == 0 ? strlen(id) + 1 == len : id[0] == '#');
	return code;
}

static int
of_anonymous(identity *ask)
{
	struct pmem2_source *src;
	int code;

	CHECK(pmem2_source_from_anon(&src, 4096) == 0);
	code = ask(src);
	pmem2_source_delete(&src);
	return code;
}

/* A file in memory: of a file system without a device. */
static int
of_memory(identity *ask)
{
	int fd = open_file(O_RDWR), code;
	struct pmem2_source *src = source_of(fd);

	code = ask(src);
	pmem2_source_delete(&src);
	close(fd);
	return code;
}

/* A file on a disk that is no NVDIMM. */
static int
of_disk(identity *ask)
{
	dev_t disk = nd_disk();
	struct pmem2_source *src;
	int code;

	empty_sysfs();
	put(nd_path("/sys/devices/pci0000:00/block/sda/dev"),
		nd_path("%u:%u", major(disk), minor(disk)));
	lead(nd_path("/sys/dev/block/%u:%u", major(disk), minor(disk)),
		"/sys/devices/pci0000:00/block/sda");
	src = source_of(file_on_nd());
	code = ask(src);
	done_with(src);
	return code;
}

/* This file of the second NVDIMM is a directory, or missing (there is 0). */
static int
without_file(identity *ask, const char *name, int there)
{
	struct pmem2_source *src = source_on(2);
	const char *path = nd_path(ND_BUS "/%s", name);
	int code;

	CHECK(unlink(path) == 0);
	CHECK(!there || mkdir(path, 0755) == 0);
	code = ask(src);
	done_with(src);
	return code;
}

/* The answer of a file on NVDIMMs once the kernel's fstat fails with EIO. */
static int
failing_fstat(identity *ask)
{
	struct pmem2_source *src = source_on(1);
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		fail_fstat();
		_exit(-ask(src) & 0xff);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	done_with(src);
	return -WEXITSTATUS(status);
}

/*
 * There is no libndctl, whose context could fail; what it would have been made for fails by itself.
 */
static int
without_sysfs(identity *ask)
{
	struct pmem2_source *src = source_on(1);
	int code;

	empty_sysfs();
	code = ask(src);
	done_with(src);
	return code;
}

static int
node_of(const char *says)
{
	struct pmem2_source *src = source_on(1);
	int node = 77;

	write_file(ND_REGION "/numa_node", says);
	CHECK(pmem2_source_numa_node(src, &node) == 0);
	done_with(src);
	return node;
}

static void
page_of_numa_node(void)
{
	struct pmem2_source *src;
	int node = 77;

	begin("pmem2_source_numa_node");
	CHECK(node_of("0\n") == 0 && node_of("1\n") == 1 && node_of("7\n") == 7);
	sentence("The pmem2_source_numa_node() function retrieves the numa node of the given data "
		"source.");
	/* That it is a node's number, or none: as the kernel counts them. */
	CHECK(node_of("1023\n") == 1023 && node_of("-1\n") == -1);
	sentence("The numa node can be used to, e.g., pin threads to near-memory cores.");
	src = source_on(1);
	CHECK(pmem2_source_numa_node(src, &node) == 0 && node == ND_NODE);
	sentence("The numa node is stored in *numa_node.");
	/* ndctl shows what the region's file says, and so does libpmem2: table.c. */
	CHECK(pmem2_source_numa_node(src, &node) == 0 && node == ND_NODE);
	sentence("It is the same value that is shown as numa_node in ndctl list -v.");
	CHECK(pmem2_source_numa_node(src, &node) == 0);
	sentence("The pmem2_source_numa_node() function returns 0 on success.");
	done_with(src);
	CHECK(of_memory(numa_node) < 0 && of_anonymous(numa_node) < 0);
	sentence("If the function fails, the *numa_node variable is left unmodified and a negative "
		"error code is returned.");
	CHECK(of_memory(numa_node) < 0);
	sentence("The pmem2_source_numa_node() can fail with the following errors:");
	CHECK(of_anonymous(numa_node) == PMEM2_E_NOSUPP);
	sentence("On all systems:");
	CHECK(of_anonymous(numa_node) == PMEM2_E_NOSUPP);
	CHECK(strstr(pmem2_errormsg(), "the NUMA node") != NULL);
	sentence("PMEM2_E_NOSUPP - source type or operating system not supported (see #caveats for "
		"details.)");
	CHECK(of_disk(numa_node) == PMEM2_E_DAX_REGION_NOT_FOUND);
	sentence("on Linux:");
	CHECK(of_disk(numa_node) == PMEM2_E_DAX_REGION_NOT_FOUND &&
		strstr(pmem2_errormsg(), "the block device") != NULL);
	CHECK(of_memory(numa_node) == PMEM2_E_DAX_REGION_NOT_FOUND &&
		strstr(pmem2_errormsg(), "tmpfs") != NULL);
	sentence("PMEM2_E_DAX_REGION_NOT_FOUND - no ndctl_region could be determined for the "
		"source.");
	/* No source is made of one. */
	CHECK(from_fd(open(directory, O_RDONLY)) == PMEM2_E_INVALID_FILE_TYPE);
	sentence("PMEM2_E_INVALID_FILE_TYPE - if the source points to a directory.");
	CHECK(without_sysfs(numa_node) == -ENOENT);
	CHECK(without_file(numa_node, "region1/numa_node", 1) == -EISDIR);
	sentence("-errno set by failing ndctl_new, while trying to create a new context.");
}

/* The id on two NVDIMMs in a buffer of `told` bytes; nothing is written after them. */
static int
id_in(size_t told, char *id)
{
	struct pmem2_source *src = source_on(2);
	size_t len = told;
	int code;

	memset(id, '#', 256);
	code = pmem2_source_device_id(src, id, &len);
	CHECK(len == told);
	CHECK(id[told] == '#');
	done_with(src);
	return code;
}

static size_t
length_on(int dimms)
{
	struct pmem2_source *src = source_on(dimms);
	size_t len = 77;

	CHECK(pmem2_source_device_id(src, NULL, &len) == 0);
	done_with(src);
	return len;
}

static void
page_of_device_id(void)
{
	char id[257];
	size_t needed = strlen(nd_id[2]) + 1, len;
	int i;

	begin("pmem2_source_device_id");
	CHECK(id_in(200, id) == 0 && strcmp(id, nd_id[2]) == 0);
	CHECK(strstr(id, nd_ids[0]) != NULL && strstr(id, nd_ids[1]) != NULL);
	sentence("The pmem2_source_device_id() function retrieves a unique identifier of all "
		"NVDIMMs backing the data source.");
	CHECK(length_on(1) > 1 && id_in(200, id) == 0);
	sentence("This function has two operating modes:");
	for (i = 0; i <= ND_DIMMS; i++)
		CHECK(length_on(i) == strlen(nd_id[i]) + 1 &&
			(i == 0 || length_on(i) > length_on(i - 1)));
	sentence("if *id is NULL the function calculates a buffer length required for storing the "
		"identifier of the *source device "
		 "and puts this length in *len The more hardware devices back the data source, the "
		 	"longer the length is.");
	CHECK(id_in(needed, id) == 0 && strcmp(id, nd_id[2]) == 0);
	sentence("if *id is not NULL it must point to a buffer of length *len provided by the "
		"previous call to this function.");
	CHECK(id_in(needed, id) == 0 && strlen(id) == strlen(nd_ids[0]) + strlen(nd_ids[1]));
	sentence("On success, pmem2_source_device_id() will store a unique identifier of all "
		"hardware devices backing the data "
		 "source.");
	/* Of the same hardware it stays the same, of other hardware it is another one. */
	CHECK(length_on(2) == length_on(2) && strcmp(nd_id[1], nd_id[2]) != 0);
	sentence("For details on how to use the unique identifier for detecting the unsafe "
		"shutdown please refer to "
		 "libpmem2_unsafe_shutdown(7) manual page.");
	CHECK(id_in(needed, id) == 0);
	sentence("The pmem2_source_device_id() function returns 0 on success.");
	for (len = 0; len < needed; len++)
		CHECK(id_in(len, id) < 0 && id[0] == '#');
	CHECK(of_memory(device_id) < 0);
	sentence("If the function fails, the *id and *len variables contents are left unmodified "
		"and a negative error code is "
		 "returned.");
	CHECK(of_memory(device_id) < 0);
	sentence("The pmem2_source_device_id() can fail with the following errors:");
	CHECK(of_anonymous(device_id) == PMEM2_E_NOSUPP);
	sentence("On all systems:");
	for (len = 0; len < needed; len++)
		CHECK(id_in(len, id) == PMEM2_E_BUFFER_TOO_SMALL);
	CHECK(strstr(pmem2_errormsg(), nd_path("%zu are needed", needed)) != NULL);
	sentence("PMEM2_E_BUFFER_TOO_SMALL - the provided buffer of length *len is too small to "
		"store the full identifier of the "
		 "backing devices.");
	CHECK(of_anonymous(device_id) == PMEM2_E_NOSUPP && of_memory(device_id) == PMEM2_E_NOSUPP);
	CHECK(of_disk(device_id) == PMEM2_E_NOSUPP && without_file(device_id, "nmem1/nfit/id",
		0) == PMEM2_E_NOSUPP);
	sentence("PMEM2_E_NOSUPP - the underlying platform does not expose hardware "
		"identification.");
	elsewhere("On Windows:");
	elsewhere("-errno equivalent of return code set by failing GetFinalPathNameByHandleW(), "
		"while trying to resolve the volume "
		  "path from the file handle.");
	elsewhere("-errno set by failing malloc(3), while trying to allocate a buffer for storing "
		"volume path.");
	elsewhere("-errno equivalent of return code set by failing CreateFileW(), while trying to "
		"obtain a handle to the volume.");
	elsewhere("-errno equivalent of return code set by failing DeviceIoControl(), while trying "
		"to obtain volume USC value.");
	CHECK(failing_fstat(device_id) == -EIO);
	sentence("On Linux:");
	CHECK(failing_fstat(device_id) == -EIO);
	sentence("-errno set by failing fstat(2), while trying to validate the file descriptor.");
	CHECK(without_sysfs(device_id) == -ENOENT && without_file(device_id, "nmem1/nfit/id",
		1) == -EISDIR);
	sentence("-errno set by failing ndctl_new(), while trying to initiate a new NDCTL library "
		"context.");
}

static uint64_t
usc_on(int dimms)
{
	struct pmem2_source *src = source_on(dimms);
	uint64_t usc = 77;

	CHECK(pmem2_source_device_usc(src, &usc) == 0);
	done_with(src);
	return usc;
}

static void
page_of_device_usc(void)
{
	int i;

	begin("pmem2_source_device_usc");
	for (i = 0; i <= ND_DIMMS; i++)
		CHECK(usc_on(i) == nd_usc[i]);
	sentence("The pmem2_source_device_usc() function retrieves the sum of the unsafe shutdown "
		"count(USC) values of all hardware "
		 "devices backing the data source and stores it in *usc.");
	/* It is a number to keep and to compare: the same as long as nothing happened. */
	CHECK(usc_on(2) == usc_on(2) && usc_on(2) != usc_on(3));
	sentence("Please refer to libpmem2_unsafe_shutdown(7) for detailed description on how to "
		"properly consume this information.");
	CHECK(usc_on(1) == nd_usc[1]);
	sentence("The pmem2_source_device_usc() function returns 0 on success.");
	CHECK(of_memory(device_usc) < 0 && without_file(device_usc, "nmem0/nfit/dirty_shutdown",
		0) < 0);
	sentence("If the function fails, the *usc variable content is left unmodified and a "
		"negative error code is returned.");
	CHECK(of_memory(device_usc) < 0);
	sentence("The pmem2_source_device_usc() can fail with the following errors:");
	CHECK(of_anonymous(device_usc) == PMEM2_E_NOSUPP);
	sentence("On all systems:");
	CHECK(of_anonymous(device_usc) == PMEM2_E_NOSUPP &&
		of_memory(device_usc) == PMEM2_E_NOSUPP);
	CHECK(of_disk(device_usc) == PMEM2_E_NOSUPP);
	CHECK(without_file(device_usc, "nmem0/nfit/dirty_shutdown", 0) == PMEM2_E_NOSUPP);
	sentence("PMEM2_E_NOSUPP - the underlying platform does not expose unsafe shutdown count "
		"information.");
	elsewhere("On Windows:");
	elsewhere("-errno equivalent of return code set by failing GetFinalPathNameByHandleW(), "
		"while trying to resolve volume path "
		  "from the file handle.");
	elsewhere("-errno set by failing malloc(3), while trying to allocate a buffer for storing "
		"volume path.");
	elsewhere("-errno equivalent of return code set by failing CreateFileW(), while trying to "
		"obtain a handle to the volume.");
	elsewhere("-errno equivalent of return code set by failing DeviceIoControl(), while trying "
		"to obtain volume USC value.");
	CHECK(failing_fstat(device_usc) == -EIO);
	sentence("On Linux:");
	CHECK(failing_fstat(device_usc) == -EIO);
	sentence("-errno set by failing fstat(2), while trying to validate the file descriptor.");
	CHECK(without_sysfs(device_usc) == -ENOENT);
	sentence("-errno set by failing ndctl_new(), while trying to initiate a new NDCTL library "
		"context.");
	CHECK(without_file(device_usc, "nmem0/nfit/dirty_shutdown", 1) == -EISDIR);
	sentence("-errno set by failing ndctl_dimm_get_dirty_shutdown(), while trying to obtain "
		"DIMM USC value.");
}
