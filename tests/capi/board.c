/*
 * The start of a C program on a Cortex-M board of QEMU. newlib's start-up code and semihosting
 * (rdimon.specs) do the rest.
 */

extern void _start(void);

/* newlib sets the stack: the processor's own first word only has to be there. */
const void *const vectors[2] __attribute__((section(".vectors"))) = {
	(const void *)0x400000,
	(const void *)_start,
};
