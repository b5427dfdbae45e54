/* The part of source.c on the granularity to expect, and on descriptions of made-up NVDIMMs. */

#ifndef GRANULARITY_H
#define GRANULARITY_H

#include <limits.h>

#include "nd_dax.h"

/* The numbers are libpmem2's: ci/capi compares them with its header. */
#define NONE ((enum pmem2_granularity)2026)

/*
 * The granularity and the reason, for this sharing; the reason in every length that is too short,
 * and in the shortest that is not.
 */
static void
expect(const struct pmem2_source *src, enum pmem2_sharing_type sharing,
	enum pmem2_granularity granularity, const char *words)
{
	char exact[PMEM2_REASON_SIZE], buffer[PMEM2_REASON_SIZE];
	enum pmem2_granularity answer = NONE;
	size_t length, len;

	CHECK(pmem2_source_expected_granularity(src, sharing, &answer) == 0 &&
		answer == granularity);
	CHECK(pmem2_source_expected_granularity_reason(src, sharing, exact, sizeof(exact)) == 0);
	CHECK(strstr(exact, words) != NULL);
	length = strlen(exact);
	for (len = 0; len <= length; len += len < length - 1 && len > 1 ? length - 3 : 1) {
		memset(buffer, 0xa5, sizeof(buffer));
		CHECK(pmem2_source_expected_granularity_reason(src, sharing, buffer,
			len) == PMEM2_E_BUFFER_TOO_SMALL);
		CHECK(is_filled(buffer, sizeof(buffer)));
	}
	CHECK(pmem2_source_expected_granularity_reason(src, sharing, buffer, length + 1) == 0);
	CHECK(strcmp(buffer, exact) == 0 && is_filled(buffer + length + 1,
		sizeof(buffer) - length - 1));
}

/* Every way to fail: the code, the words, and outputs as they were. */
static void
expect_failure(const struct pmem2_source *src, int sharing, int code, const char *words)
{
	enum pmem2_granularity answer = NONE;
	char buffer[PMEM2_REASON_SIZE];

	memset(buffer, 0xa5, sizeof(buffer));
	CHECK(pmem2_source_expected_granularity(src, (enum pmem2_sharing_type)sharing,
		&answer) == code && answer == NONE);
	CHECK(strstr(pmem2_errormsg(), words) != NULL);
	CHECK(pmem2_source_expected_granularity_reason(src, (enum pmem2_sharing_type)sharing,
		buffer, sizeof(buffer)) == code);
	CHECK(strstr(pmem2_errormsg(), words) != NULL && is_filled(buffer, sizeof(buffer)));
}

/*
 * A file that has no shared mapping, or a memfd that is sealed against writing: a source, which may
 * still be mapped privately.
 */
static void
unmappable(const char *path, int flags, int code, const char *words)
{
	int fd = path != NULL ? open(path, flags) : (int)syscall(SYS_memfd_create, "sealed",
		2U /* MFD_ALLOW_SEALING */);
	struct pmem2_source *src;

	CHECK(fd >= 0);
	if (path == NULL) {
		CHECK(ftruncate(fd, 4096) == 0 && fcntl(fd, 1033 /* F_ADD_SEALS */,
			8 /* F_SEAL_WRITE */) == 0);
	}
	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	expect_failure(src, PMEM2_SHARED, code, words);
	expect(src, PMEM2_PRIVATE, PMEM2_GRANULARITY_BYTE, "private");
	CHECK(pmem2_source_delete(&src) == 0 && close(fd) == 0);
}

static void
granularity(void)
{
	int fd = open_file(O_RDWR), i;
	struct pmem2_source *src, *anonymous;
	static const int sharings[] = { -1, 2, 3, INT_MIN, INT_MAX };

	CHECK(PMEM2_GRANULARITY_BYTE == 0 && PMEM2_GRANULARITY_CACHE_LINE == 1 &&
		PMEM2_GRANULARITY_PAGE == 2);
	CHECK(PMEM2_SHARED == 0 && PMEM2_PRIVATE == 1);
	CHECK(pmem2_source_from_fd(&src, fd) == 0 && pmem2_source_from_anon(&anonymous, 1) == 0);
	expect(src, PMEM2_SHARED, PMEM2_GRANULARITY_PAGE, "it lies on tmpfs");
	expect(src, PMEM2_SHARED, PMEM2_GRANULARITY_PAGE, "; use a file on ext4 or xfs");
	expect(src, PMEM2_PRIVATE, PMEM2_GRANULARITY_BYTE, "private");
	expect(anonymous, PMEM2_SHARED, PMEM2_GRANULARITY_BYTE, "anonymous");
	expect(anonymous, PMEM2_PRIVATE, PMEM2_GRANULARITY_BYTE, "anonymous");
	for (i = 0; i < (int)(sizeof(sharings) / sizeof(sharings[0])); i++) {
		expect_failure(src, sharings[i], PMEM2_E_INVALID_SHARING_VALUE, "sharing");
		expect_failure(anonymous, sharings[i], PMEM2_E_INVALID_SHARING_VALUE, "sharing");
	}
	/* (valgrind has a cmdline of its own, a file that can be mapped.) */
	unmappable("/proc/self/status", O_RDONLY, -ENODEV, "the source cannot be mapped: ");
	unmappable(NULL, O_RDWR, -EPERM,
		"opened for writing, but can be mapped for reading only: ");
	expect_failure(NULL, PMEM2_SHARED, -EINVAL, "src is NULL");
	CHECK(pmem2_source_expected_granularity(src, PMEM2_SHARED, NULL) == -EINVAL);
	CHECK(strstr(pmem2_errormsg(), "granularity is NULL") != NULL);
	CHECK(pmem2_source_expected_granularity_reason(src, PMEM2_SHARED, NULL, 0) == -EINVAL);
	CHECK(strstr(pmem2_errormsg(), "buf is NULL") != NULL);

	/* Another file now. */
	CHECK(dup2(open_file(O_RDWR), fd) == fd);
	expect_failure(src, PMEM2_SHARED, PMEM2_E_INVALID_FILE_HANDLE, "another file");
	close(fd);
	expect_failure(src, PMEM2_SHARED, PMEM2_E_INVALID_FILE_HANDLE,
		"not an open file descriptor");
	CHECK(pmem2_source_delete(&src) == 0 && pmem2_source_delete(&anonymous) == 0);
}

/* /dev/null as a device DAX of this provider; libpmem2's own way to find it is not asked for. */
static struct pmem2_source *
device_dax_of(const char *provider, const char *domain, int *fd)
{
	struct pmem2_source *src;

	make_nd_bus(1);
	write_file(ND_BUS "/provider", provider);
	write_file(ND_REGION "/persistence_domain", domain);
	nd_device(ND_REGION "/dax1.1", (const char *const[]){ "namespace", "namespace1.0", NULL });
	make_dax(ND_REGION "/dax1.1/dax1.1.0", "1:3");
	*fd = open("/dev/null", O_RDWR);
	CHECK(pmem2_source_from_fd(&src, *fd) == 0);
	return src;
}

static void
granularity_of_devices(void)
{
	struct pmem2_source *src;
	int fd, node = 77;

	src = device_dax_of("ACPI.NFIT\n", "memory_controller\n", &fd);
	expect(src, PMEM2_SHARED, PMEM2_GRANULARITY_CACHE_LINE, "eADR");
	expect_failure(src, PMEM2_PRIVATE, PMEM2_E_SRC_DEVDAX_PRIVATE, "privately");
	CHECK(pmem2_source_numa_node(src, &node) == 0 && node == ND_NODE);
	CHECK(pmem2_source_target_node(src, &node) == 0 && node == ND_TARGET_NODE);
	write_file(ND_REGION "/target_node", "-1\n");
	CHECK(pmem2_source_target_node(src, &node) == 0 && node == -1);
	write_file(ND_REGION "/target_node", "none\n");
	node = 77;
	CHECK(pmem2_source_target_node(src, &node) == PMEM2_E_INVALID_REGION_FORMAT && node == 77);
	CHECK(pmem2_source_delete(&src) == 0 && close(fd) == 0);

	src = device_dax_of("ACPI.NFIT\n", "cpu_cache\n", &fd);
	expect(src, PMEM2_SHARED, PMEM2_GRANULARITY_BYTE, "eADR");
	CHECK(pmem2_source_delete(&src) == 0 && close(fd) == 0);

	src = device_dax_of("virtio-pmem\n", "cpu_cache\n", &fd);
	expect_failure(src, PMEM2_SHARED, PMEM2_E_GRANULARITY_NOT_SUPPORTED, "virtio-pmem");
	CHECK(pmem2_source_delete(&src) == 0 && close(fd) == 0);

	src = device_dax_of("ACPI.NFIT\n", "nonsense\n", &fd);
	expect_failure(src, PMEM2_SHARED, PMEM2_E_INVALID_REGION_FORMAT, "region");
	CHECK(pmem2_source_delete(&src) == 0 && close(fd) == 0);

	/* Another device has its number now: its directory is another one. */
	src = device_dax_of("ACPI.NFIT\n", "cpu_cache\n", &fd);
	CHECK(unlink("/sys/dev/char/1:3") == 0);
	put_all(ND_REGION "/dax1.1/dax1.1.1", (const char *const[]){ "dev", "1:3", "size", "4096",
		"align", "4096", NULL });
	lead("/sys/dev/char/1:3", ND_REGION "/dax1.1/dax1.1.1");
	expect_failure(src, PMEM2_SHARED, PMEM2_E_INVALID_FILE_HANDLE, "its device was taken away");
	CHECK(pmem2_source_numa_node(src, &node) == PMEM2_E_INVALID_FILE_HANDLE);
	CHECK(pmem2_source_delete(&src) == 0 && close(fd) == 0);
	unmake_sysfs();
}

/*
 * What is found out about NVDIMMs is in the description; the manual page says how long it is about.
 */
static void
descriptions_of_nvdimms(void)
{
	struct pmem2_source *src;
	char text[PMEM2_DESCRIPTION_SIZE];
	int fd;

	make_nd(3);
	fd = file_on_nd();
	CHECK(pmem2_source_from_fd(&src, fd) == 0);
	CHECK(pmem2_source_describe(src, text, sizeof(text)) == 0);
	CHECK(strstr(text, "pmem1") != NULL && strstr(text, "region1") != NULL &&
		strstr(text, "ACPI.NFIT") != NULL);
	CHECK(strstr(text, nd_id[3]) != NULL && strstr(text, "543") != NULL &&
		strstr(text, "PAGE") != NULL);
	CHECK(strlen(text) > 500 && strlen(text) < 2000);
	CHECK(pmem2_source_delete(&src) == 0 && close(fd) == 0);
	unmake_sysfs();
}

#endif
