/*
 * The table of windows.c: page, number in the page (DESCRIPTION, RETURN VALUE, ERRORS, CAVEATS),
 * sentence, check.
 */

#ifndef WINDOWS_SENTENCES_H
#define WINDOWS_SENTENCES_H

struct sentence {
	const char *page;
	int number;
	const char *text;
	/* NULL: it is of Linux alone. */
	void (*check)(void);
};

#define OF_LINUX NULL
#define FROM_FD "pmem2_source_from_fd"
#define GET_HANDLE "pmem2_source_get_handle"

static const struct sentence sentences[] = {
	{ FROM_FD, 1,
		"On Linux the pmem2_source_from_fd() function validates the file descriptor and "
			"instantiates a new "
		"*struct pmem2_source** object describing the data source.",
		OF_LINUX },
	{ FROM_FD, 2,
		"On Windows the pmem2_source_from_fd() function converts a file descriptor to a "
			"file handle (using "
		"**_get_osfhandle()), and passes it to pmem2_source_from_handle().",
		converts },
	{ FROM_FD, 3,
		"By default _get_osfhandle() calls abort() in case of invalid file descriptor, but "
			"this behavior can "
		"be suppressed by _set_abort_behavior() and SetErrorMode**() functions.",
		suppressed },
	{ FROM_FD, 4,
		"Please check MSDN documentation for more information about Windows CRT error "
			"handling.",
		documented },
	{ FROM_FD, 5,
		"fd must be opened with O_RDONLY or O_RDWR mode, but on Windows it is not "
			"validated.",
		modes },
	{ FROM_FD, 6,
		"If fd is invalid, then the function fails.",
		closed_and_made_up },
	{ FROM_FD, 7,
		"The pmem2_source_from_handle() function validates the handle and instantiates a "
			"new *struct "
		"pmem2_source object describing the data source.",
		describes },
	{ FROM_FD, 8,
		"If handle is INVALID_HANDLE_VALUE, then the function fails.",
		invalid_handle_value },
	{ FROM_FD, 9,
		"The handle has to be created with an access mode of GENERIC_READ or (GENERIC_READ "
			"| GENERIC_WRITE).",
		modes },
	{ FROM_FD, 10,
		"For details please see the CreateFile**() documentation.",
		modes },
	{ FROM_FD, 11,
		"The pmem2_source_delete() function frees *src returned by pmem2_source_from_fd() "
			"or "
		"pmem2_source_from_handle() and sets *src to NULL.",
		deletes },
	{ FROM_FD, 12,
		"If *src is NULL, no operation is performed.",
		deletes_null },
	{ FROM_FD, 13,
		"The pmem2_source_from_fd() and pmem2_source_from_handle() functions return 0 on "
			"success or a "
		"negative error code on failure.",
		returns },
	{ FROM_FD, 14,
		"The pmem2_source_delete() function always returns 0.",
		deletes_null },
	{ FROM_FD, 15,
		"The pmem2_source_from_fd()/pmem2_source_from_handle() functions can fail with the "
			"following errors:",
		returns },
	{ FROM_FD, 16,
		"PMEM2_E_INVALID_FILE_HANDLE - fd is not an open and valid file descriptor.",
		closed_and_made_up },
	{ FROM_FD, 17,
		"On Windows the function can abort() on this failure based on CRT's abort() "
			"behavior.",
		may_abort },
	{ FROM_FD, 18,
		"PMEM2_E_INVALID_FILE_HANDLE - fd is opened in O_WRONLY mode.",
		modes },
	{ FROM_FD, 19,
		"On Linux:",
		OF_LINUX },
	{ FROM_FD, 20,
		"PMEM2_E_INVALID_FILE_TYPE - fd points to a directory, block device, pipe, or "
			"socket.",
		OF_LINUX },
	{ FROM_FD, 21,
		"PMEM2_E_INVALID_FILE_TYPE - fd points to a character device other than Device "
			"DAX.",
		OF_LINUX },
	{ FROM_FD, 22,
		"On Windows:",
		wrong_types },
	{ FROM_FD, 23,
		"PMEM2_E_INVALID_FILE_TYPE - handle points to a resource that is not a regular "
			"file.",
		wrong_types },
	{ FROM_FD, 24,
		"On Windows pmem2_source_from_fd() can return all errors from the underlying "
		"pmem2_source_from_handle() function.",
		passes_errors_on },
	{ FROM_FD, 25,
		"The pmem2_source_from_handle() can return the following errors:",
		no_files },
	{ FROM_FD, 26,
		"PMEM2_E_INVALID_FILE_HANDLE - handle points to a resource that is not a file.",
		no_files },
	{ FROM_FD, 27,
		"PMEM2_E_INVALID_FILE_TYPE - handle points to a directory.",
		directories },
	{ FROM_FD, 28,
		"The pmem2_source_from_fd() and pmem2_source_from_handle() functions can also "
			"return -ENOMEM in case "
		"of insufficient memory to allocate an instance of struct pmem2_source.",
		heap },
	{ FROM_FD, 29,
		"On non-DAX Windows volumes, fd/handle must remain open while the mapping is in "
			"use.",
		stays_open },
	{ GET_HANDLE, 1,
		"The pmem2_source_get_handle() function reads the file handler of *struct "
			"pmem2_source** object "
		"describing the data source and returns it by h parameter.",
		gets_the_handle },
	{ GET_HANDLE, 2,
		"This function is Windows only, on Linux use pmem2_source_get_fd(3).",
		windows_only },
	{ GET_HANDLE, 3,
		"If the source was created using pmem2_source_from_fd(3) then "
			"pmem2_source_get_handle() is also valid"
		" function to read handler, because file descriptor is converted to file handle "
			"during source "
		"creation.",
		converts },
	{ GET_HANDLE, 4,
		"However, there are limitations to what you can do with a handle created from a "
			"file descriptor.",
		is_the_descriptors },
	{ GET_HANDLE, 5,
		"For details refer to DESCRIPTION section in the pmem2_source_from_fd(3) manpage.",
		suppressed },
	{ GET_HANDLE, 6,
		"The pmem2_source_get_handle() can fail with the following errors:",
		anonymous },
	{ GET_HANDLE, 7,
		"PMEM2_E_FILE_HANDLE_NOT_SET - in case of an instance of struct pmem2_source that "
			"does not come from "
		"source type that support file handles, eg. anonymous data source.",
		anonymous },
	{ GET_HANDLE, 8,
		"The pmem2_source_get_handle() returns a file handle of data source.",
		gets_the_handle },
};

#endif
