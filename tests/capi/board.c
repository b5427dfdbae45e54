/*
 * A C program on a Cortex-M board of QEMU: where it begins. newlib's start-up code and semihosting
 * (rdimon.specs) do the rest.
 */

extern void _start(void);

/* Where the stack begins is newlib's to say: the processor's own first word only has to be one. */
const void *const vectors[2] __attribute__((section(".vectors"))) = {
	(const void *)0x400000,
	(const void *)_start,
};
