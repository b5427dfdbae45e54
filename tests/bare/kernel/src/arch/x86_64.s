# The way from QEMU to `enter`, which the kernel in Rust and the one in C share. Intel's syntax.

# The note that QEMU looks for: "Xen", type 18 (XEN_ELFNOTE_PHYS32_ENTRY), the address to start at.
	.pushsection .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18
	.asciz "Xen"
	.quad entry
	.popsection
# Page tables for 0 to 4 GiB, in pages of 2 MiB. `map` fills the other entries of `directories`.
	.pushsection .data.tables, "aw", @progbits
	.balign 4096
level4: .quad directories + 3
	.zero 4096 - 8
	.globl directories
directories: .quad pages + 3, pages + 0x1003, pages + 0x2003, pages + 0x3003
	.zero 4096 - 32
pages:
	.set page, 0
	.rept 4 * 512
	.quad page + 0x83
	.set page, page + 0x200000
	.endr
# Code and data of all memory, in 64-bit mode.
	.balign 8
segments: .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
segments_register: .word 23
	.quad segments
	.popsection
	.pushsection .bss.stack, "aw", @nobits
	.balign 16
	.zero 65536
stack_end:
	.popsection
	.pushsection .text.entry, "ax", @progbits
	.code32
	.globl entry
entry:
	cli
	cld
	mov esp, offset stack_end
# PAE, and what SSE needs (OSFXSR, OSXMMEXCPT).
	mov eax, 0x620
	mov cr4, eax
	mov eax, offset level4
	mov cr3, eax
# EFER: long mode.
	mov ecx, 0xc0000080
	rdmsr
	or eax, 0x100
	wrmsr
# Paging, protection; monitoring of the coprocessor instead of emulation of it.
	mov eax, 0x80000013
	mov cr0, eax
	lgdt [segments_register]
	push 8
	mov eax, offset entry64
	push eax
	retf
	.code64
entry64:
	mov eax, 16
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor ebp, ebp
	mov edi, ebx
	call enter
	ud2
	.popsection
