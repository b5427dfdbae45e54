/* The rows of table.c on the place of a source: this host's, and made-up NVDIMMs. */

#ifndef ROWS_PLACE_H
#define ROWS_PLACE_H

#include <sys/ptrace.h>
#include <sys/resource.h>

#include "nd.h"

static void
ask_numa(struct pmem2_source *src)
{
	int node = 77, code = pmem2_source_numa_node(src, &node);

	printf(" numa %d %d", code, node);
}

static void
ask_usc(struct pmem2_source *src)
{
	uint64_t usc = 77;
	int code = pmem2_source_device_usc(src, &usc);

	printf(" usc %d %llu", code, (unsigned long long)usc);
}

static void
ask_length(struct pmem2_source *src)
{
	size_t len = 77;
	int code = pmem2_source_device_id(src, NULL, &len);

	printf(" id %d %zu", code, len);
}

/* Into a buffer that holds this text, and has so many bytes as far as the call is told. */
static void
ask_id(struct pmem2_source *src, const char *before, size_t told)
{
	char id[256];
	size_t len = told;
	int code;

	memset(id, '#', sizeof(id));
	snprintf(id, sizeof(id), "%s", before);
	code = pmem2_source_device_id(src, id, &len);
	printf(" %d \"%.255s\" %s", code, id, len == told ? "len as it was" : "len changed");
}

/*
 * Without the outputs of a failed device_usc, which libpmem2 sets to 0: that is a row of its own.
 */
static void
ask_place(struct pmem2_source *src)
{
	uint64_t usc;

	ask_numa(src);
	if (pmem2_source_device_usc(src, &usc) == 0)
		ask_usc(src);
	else
		printf(" usc %d", pmem2_source_device_usc(src, &usc));
	ask_length(src);
}

static struct pmem2_source *
source_of(int fd)
{
	struct pmem2_source *src;

	if (pmem2_source_from_fd(&src, fd) != 0)
		die("pmem2_source_from_fd");
	return src;
}

static void
on_dimms(int dimms)
{
	struct pmem2_source *src;

	make_nd(dimms);
	src = source_of(file_on_nd());
	ask_place(src);
	ask_id(src, "", 200);
	/* As long as needed, and a byte too short. */
	ask_id(src, "", strlen(nd_id[dimms]) + 1);
}

static void on_no_dimm(void) { on_dimms(0); }
static void on_one_dimm(void) { on_dimms(1); }
static void on_two_dimms(void) { on_dimms(2); }
static void on_three_dimms(void) { on_dimms(3); }

/* The mappings in another order than that in which the bus has the NVDIMMs. */
static void
other_order(void)
{
	make_nd(2);
	write_file(ND_REGION "/mapping0", "nmem0,0,134217728,0\n");
	write_file(ND_REGION "/mapping1", "nmem1,0,134217728,1\n");
	ask_id(source_of(file_on_nd()), "", 200);
}

/* The former content of the buffer. */
static void
id_behind_text(void)
{
	make_nd(2);
	ask_id(source_of(file_on_nd()), "before ", 200);
}

/* Room for the first NVDIMM's. */
static void
id_too_long(void)
{
	make_nd(2);
	ask_id(source_of(file_on_nd()), "", 30);
}

static void
id_unset_and_no_dimm(void)
{
	make_nd(0);
	ask_id(source_of(file_on_nd()), "before", 200);
}

/* The first NVDIMM counts; the second does not, or its count is malformed or missing. */
static void
count_of(const char *text)
{
	make_nd(2);
	if (text == NULL) {
		if (unlink(ND_BUS "/nmem0/nfit/dirty_shutdown") != 0)
			die("dirty_shutdown");
	} else {
		write_file(ND_BUS "/nmem0/nfit/dirty_shutdown", text);
	}
	ask_usc(source_of(file_on_nd()));
}

static void count_missing(void) { count_of(NULL); }
static void count_empty(void) { count_of(""); }
static void count_garbage(void) { count_of("many\n"); }
static void
count_fails(void)
{
	make_nd(2);
	if (unlink(ND_BUS "/nmem0/nfit/dirty_shutdown") != 0 ||
		mkdir(ND_BUS "/nmem0/nfit/dirty_shutdown", 0755) != 0)
		die("dirty_shutdown");
	ask_usc(source_of(file_on_nd()));
}

static void
without_node(void)
{
	make_nd(1);
	write_file(ND_REGION "/numa_node", "-1\n");
	ask_numa(source_of(file_on_nd()));
}

/* The disk that the files are on is pmem1p1, a part of pmem1. */
static void
make_nd_partition(int dimms)
{
	dev_t disk = nd_disk();
	const char *path = ND_REGION "/pfn1.1/block/pmem1/pmem1p1";

	make_nd_bus(dimms);
	make_disk(ND_REGION "/pfn1.1", "pmem1", makedev(259, 77));
	put(nd_path("%s/partition", path), "1");
	put(nd_path("%s/dev", path), nd_path("%u:%u", major(disk), minor(disk)));
	lead("/sys/class/block/pmem1p1", path);
	lead(nd_path("/sys/dev/block/%u:%u", major(disk), minor(disk)), path);
}

static void
on_partition(void)
{
	make_nd_partition(2);
	ask_place(source_of(file_on_nd()));
}

/* No descriptor is free; prints whether anything was written to stderr. */
static void
full_table(void)
{
	struct rlimit limit;
	struct pmem2_source *src;
	int said, fd, kept_stderr = dup(2);

	make_nd(1);
	fd = file_on_nd();
	src = source_of(fd);
	said = memfd_create("stderr", 0);
	if (kept_stderr < 0 || said < 0 || dup2(said, 2) != 2 ||
		getrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("stderr");
	limit.rlim_cur = 3;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("RLIMIT_NOFILE");
	ask_numa(src);
	printf(", stderr %s", lseek(said, 0, SEEK_END) == 0 ? "empty" : "written to");
}

/* Counts system calls between two that serve as marks. */
static void
count_calls(void (*ask)(struct pmem2_source *), unsigned limit)
{
	struct pmem2_source *src;
	int status;
	unsigned stops = 0, marks = 0;
	pid_t child;

	make_nd(1);
	src = source_of(file_on_nd());
	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
			_exit(1);
		syscall(SYS_getppid);
		ask(src);
		syscall(SYS_getppid);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		die("ptrace");
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0)
		die("PTRACE_SETOPTIONS");
	while (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0 &&
		waitpid(child, &status, 0) == child && !WIFEXITED(status)) {
		struct __ptrace_syscall_info info;

		if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof(info), &info) <= 0)
			die("PTRACE_GET_SYSCALL_INFO");
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == SYS_getppid)
			marks++;
		else if (marks == 1)
			stops++;
	}
	if (marks != 2)
		die("the marks were not seen");
	printf(" %s than %u", stops > limit ? "more" : "no more", limit);
}

/* Printing is not counted. */
static void
numa_alone(struct pmem2_source *src)
{
	int node;

	if (pmem2_source_numa_node(src, &node) != 0)
		_exit(1);
}

static void
usc_alone(struct pmem2_source *src)
{
	uint64_t usc;

	if (pmem2_source_device_usc(src, &usc) != 0)
		_exit(1);
}

static void
length_alone(struct pmem2_source *src)
{
	size_t len;

	if (pmem2_source_device_id(src, NULL, &len) != 0)
		_exit(1);
}

static void calls_of_numa(void) { count_calls(numa_alone, 7); }
static void calls_of_usc(void) { count_calls(usc_alone, 5 + 6); }
static void calls_of_id(void) { count_calls(length_alone, 5 + 6); }

static void usc_of_file(void) { ask_usc(source_of(open_file(O_RDWR))); }

static void numa_null(void) { printf(" %d", pmem2_source_numa_node(source_of(open_file(O_RDWR)),
	NULL)); }
static void usc_null(void) { printf(" %d", pmem2_source_device_usc(source_of(open_file(O_RDWR)),
	NULL)); }

static void
id_null(void)
{
	make_nd(1);
	printf(" %d", pmem2_source_device_id(source_of(file_on_nd()), NULL, NULL));
}

/* There is no answer, wherever it would go. */
static void
anonymous_null(void)
{
	struct pmem2_source *src;
	char text[8];

	if (pmem2_source_from_anon(&src, 4096) != 0)
		_exit(1);
	printf(" numa %d", pmem2_source_numa_node(src, NULL));
	printf(" usc %d", pmem2_source_device_usc(src, NULL));
	printf(" id %d %d", pmem2_source_device_id(src, NULL, NULL),
		pmem2_source_device_id(src, text, NULL));
	printf(" get_fd %d", pmem2_source_get_fd(src, NULL));
}

static void
numa_of_null(void)
{
	ask_numa(NULL);
}

static void
usc_of_null(void)
{
	ask_usc(NULL);
}

static void
id_of_null(void)
{
	ask_length(NULL);
}

static const struct place_row {
	const char *name;
	void (*body)(void);
} place_rows[] = {
	{ "anonymous, NULL", anonymous_null },
	{ "numa_node(src, NULL)", numa_null },
	{ "numa_node(NULL, &node)", numa_of_null },
	{ "device_usc(src, NULL)", usc_null },
	{ "device_usc(NULL, &usc)", usc_of_null },
	{ "device_id(src, NULL, NULL)", id_null },
	{ "device_id(NULL, NULL, &len)", id_of_null },
	{ "device_usc where there is none", usc_of_file },
	{ "NVDIMMs, none", on_no_dimm },
	{ "NVDIMMs, one", on_one_dimm },
	{ "NVDIMMs, two", on_two_dimms },
	{ "NVDIMMs, three", on_three_dimms },
	{ "NVDIMMs, two, mapped in another order than listed", other_order },
	{ "NVDIMMs, text in the buffer", id_behind_text },
	{ "NVDIMMs, the buffer is too small", id_too_long },
	{ "NVDIMMs, none, text in the buffer", id_unset_and_no_dimm },
	{ "NVDIMMs, one does not count", count_missing },
	{ "NVDIMMs, one says nothing", count_empty },
	{ "NVDIMMs, one says nonsense", count_garbage },
	{ "NVDIMMs, one fails", count_fails },
	{ "NVDIMMs, no node", without_node },
	{ "NVDIMMs, a partition", on_partition },
	{ "NVDIMMs, no descriptor left", full_table },
	{ "NVDIMMs, system calls of numa_node", calls_of_numa },
	{ "NVDIMMs, system calls of device_usc", calls_of_usc },
	{ "NVDIMMs, system calls of device_id", calls_of_id },
};

#endif
