/*
 * NVDIMMs, a region and a namespace in a made /sys, which says that the disk that /var/tmp is on is
 * that namespace: a file tells its disk by st_dev, which cannot be made up. It has what libndctl
 * wants to see, too; tests/common/nd.rs says more.
 */

#ifndef ND_H
#define ND_H

#include <stdint.h>
#include <sys/sysmacros.h>

#include "sysfs.h"

#define ND_BUS "/sys/devices/LNXSYSTM:00/ACPI0012:00/ndbus0"
#define ND_REGION ND_BUS "/region1"
#define ND_DIMMS 3

/* What nmem0, nmem1, nmem2 say. The region's mappings have the last one first. */
static const char *const nd_ids[ND_DIMMS] = { "8680-56341200", "8980-a1-1741-00000b2c", "8680-1" };
static const char *const nd_counts[ND_DIMMS] = { "3", "40", "500" };

/* The id and the count of a region on so many of them. */
static const char *const nd_id[ND_DIMMS + 1] = { "", "8680-56341200",
	"8980-a1-1741-00000b2c8680-56341200",
	"8680-18980-a1-1741-00000b2c8680-56341200" };
static const uint64_t nd_usc[ND_DIMMS + 1] = { 0, 3, 43, 543 };

#define ND_NODE 1
#define ND_TARGET_NODE 2

/* A path in /sys, printed; good until the 64th call after this. */
__attribute__((__format__(__printf__, 1, 2))) static const char *
nd_path(const char *format, ...)
{
	static char paths[64][256];
	static unsigned next;
	char *path = paths[next++ % 64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path, sizeof(paths[0]), format, arguments);
	va_end(arguments);
	return path;
}

static void
make_parents(const char *path)
{
	char part[256];
	size_t i;

	snprintf(part, sizeof(part), "%s", path);
	for (i = sizeof("/sys/") - 1; part[i] != '\0'; i++)
		if (part[i] == '/') {
			part[i] = '\0';
			if (mkdir(part, 0755) != 0 && errno != EEXIST)
				die(part);
			part[i] = '/';
		}
}

/* A file with a line. */
static void
put(const char *path, const char *line)
{
	make_parents(path);
	write_file(path, nd_path("%s\n", line));
}

/* Files of a directory: names and lines in turn, to NULL. */
static void
put_all(const char *directory_of, const char *const *names_and_lines)
{
	for (; names_and_lines[0] != NULL; names_and_lines += 2)
		put(nd_path("%s/%s", directory_of, names_and_lines[0]), names_and_lines[1]);
}

/* A link from one path in /sys to another, as the kernel has them: up to /sys and down again. */
static void
lead(const char *path, const char *target)
{
	char relative[512] = "";
	const char *rest;

	make_parents(path);
	for (rest = path + sizeof("/sys/") - 1; (rest = strchr(rest, '/')) != NULL; rest++)
		strcat(relative, "../");
	strcat(relative, target + sizeof("/sys/") - 1);
	if (symlink(relative, path) != 0)
		die(path);
}

/*
 * A device of the bus nd has its directory, and a link where libndctl and this library look for it.
 */
static void
nd_device(const char *path, const char *const *names_and_lines)
{
	put_all(path, names_and_lines);
	lead(nd_path("/sys/bus/nd/devices/%s", strrchr(path, '/') + 1), path);
}

static void
make_dimm(int number)
{
	const char *path = nd_path(ND_BUS "/nmem%d", number);

	nd_device(path, (const char *const[]){ "dev", nd_path("249:%d", number), "commands",
		"smart", "modalias", "nd:t1",
		"flags", "", NULL });
	put_all(nd_path("%s/nfit", path), (const char *const[]){ "id", nd_ids[number],
		"dirty_shutdown", nd_counts[number],
		"handle", nd_path("0x%d", number), "phys_id", "0x0", "serial", "0x0", "vendor",
			"0x8086", "device", "0x0",
		"rev_id", "0x0", "format", "0x0301", "flags", "", NULL });
}

/* A file on the disk that is the namespace; it has no name. */
static int
file_on_nd(void)
{
	int fd = open("/var/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, FILE_SIZE) != 0)
		die("/var/tmp");
	return fd;
}

static dev_t
nd_disk(void)
{
	struct stat status;

	if (stat("/var/tmp", &status) != 0)
		die("/var/tmp");
	if (major(status.st_dev) == 0) {
		fprintf(stderr,
			"/var/tmp is on a file system without a device: these tests need a "
			"directory on a disk\n");
		exit(2);
	}
	return status.st_dev;
}

/* The disk below a directory, by its numbers. */
static void
make_disk(const char *parent, const char *name, dev_t device)
{
	const char *path = nd_path("%s/block/%s", parent, name);

	put(nd_path("%s/dev", path), nd_path("%u:%u", major(device), minor(device)));
	put(nd_path("%s/queue/dax", path), "1");
	lead(nd_path("/sys/block/%s", name), path);
	lead(nd_path("/sys/class/block/%s", name), path);
}

/* A /sys with one region, on so many NVDIMMs, and in it a namespace in the mode fsdax: pmem1. */
static void
make_nd_bus(int dimms)
{
	int i;

	empty_sysfs();
	nd_device(ND_BUS, (const char *const[]){ "provider", "ACPI.NFIT", "commands", "ars_cap",
		"wait_probe", "1",
		"nfit/revision", "1", "nfit/dsm_mask", "0x0", NULL });
	put(ND_BUS "/nd/ndctl0/dev", "248:0");
	lead(ND_BUS "/nd/ndctl0/device", ND_BUS);
	lead("/sys/class/nd/ndctl0", ND_BUS "/nd/ndctl0");
	lead("/sys/dev/char/248:0", ND_BUS "/nd/ndctl0");
	/*
	 * In the order of the mappings: libndctl has the first one first that readdir gives last,
	 * and tmpfs gives the oldest last.
	 */
	for (i = dimms; i-- > 0;)
		make_dimm(i);
	nd_device(ND_REGION, (const char *const[]){ "size", "134217728", "mappings",
		nd_path("%d", dimms), "nstype", "4",
		"read_only", "0", "numa_node", "1", "target_node", "2", "modalias", "nd:t2",
			"persistence_domain",
		"memory_controller", NULL });
	for (i = 0; i < dimms; i++)
		put(nd_path(ND_REGION "/mapping%d", i),
			nd_path("nmem%d,0,134217728,%d", dimms - 1 - i, i));
	nd_device(ND_REGION "/namespace1.0", (const char *const[]){ "nstype", "4", "size",
		"134217728", "resource",
		"0x100000000", "force_raw", "0", "holder", "pfn1.1", "numa_node", "1", "modalias",
			"nd:t4", "mode", "memory",
		NULL });
	nd_device(ND_REGION "/pfn1.1", (const char *const[]){ "namespace", "namespace1.0", "size",
		"132120576", "resource",
		"0x100200000", "align", "2097152", "mode", "pmem", "uuid",
			"6e7a5c36-0b9f-4f4e-9d0c-0ef8f4d5a5a1", "modalias",
		"nd:t7", NULL });
}

/* The disk that the files are on is pmem1. */
static void
make_nd(int dimms)
{
	dev_t disk = nd_disk();

	make_nd_bus(dimms);
	make_disk(ND_REGION "/pfn1.1", "pmem1", disk);
	lead(nd_path("/sys/dev/block/%u:%u", major(disk), minor(disk)),
		ND_REGION "/pfn1.1/block/pmem1");
}

#endif
