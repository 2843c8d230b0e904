//! The library that programs find through `AT_SYSINFO_EHDR`, laid out by hand.
//!
//! It is what Linux's is to a program: an ELF shared object named `linux-vdso.so.1` whose symbols have the version `LINUX_2.6`
//! (Linux's `Documentation/ABI/stable/vdso`; the structures are those of the System V ABI and, for versions, of the Linux
//! Standard Base, "Symbol Versioning"). Everything in it is relative to its own beginning; it lies in the kernel's read-only
//! data, is never executed there, and is copied into pages that programs map. There is one page before it in their address
//! space, the [time page](crate::vdso::TimePage), which the code reaches relative to itself.
//!
//! The code uses no stack, so that it may run on any, and falls back to the system call for what it cannot tell.

use core::arch::global_asm;
use core::mem::offset_of;

use super::descriptors::selector;
use crate::vdso::{CLOCKS, TimeData};

// SAFETY: the assembly below defines both; only their addresses are taken.
unsafe extern "C" {
    static vdso_image: u8;
    static vdso_image_end: u8;
}

pub fn image() -> &'static [u8] {
    let (start, end) = (&raw const vdso_image, &raw const vdso_image_end);
    // SAFETY: what lies between the two symbols, in the kernel's read-only data.
    unsafe { core::slice::from_raw_parts(start, end.addr() - start.addr()) }
}

global_asm!(
    r#"
    .macro SYMBOL name, label
    .long \name - 10f
    .byte 0x12                  // global, a function
    .byte 0
    .short 1                    // in some section: defined
    .quad \label - vdso_image
    .quad \label\()_end - \label
    .endm
    .macro ENTRY tag, value
    .quad \tag, \value
    .endm

    // rax: nanoseconds that the clock edi shows; goes to 9f if it is not known. Keeps rdi and rsi.
    .macro NANOSECONDS
    lea r8, [rip + vdso_image - 4096]
1:  mov r9, [r8 + {SEQUENCE}]
    test r9b, 1
    jnz 2f
    mov rax, [r8 + {KNOWN}]
    bt rax, rdi
    jnc 9f
    lfence                      // no earlier than what the program did before
    rdtsc
    shl rdx, 32
    or rax, rdx
    sub rax, [r8 + {BASE}]
    mul qword ptr [r8 + {NANOS_PER_TICK}]
    shrd rax, rdx, 32
    add rax, [r8 + rdi * 8 + {OFFSETS}]
    cmp r9, [r8 + {SEQUENCE}]
    je 3f
2:  pause
    jmp 1b
3:
    .endm

    // rax: nanoseconds; afterwards rax: seconds, rcx: the nanoseconds left. A multiplication by 2^75 / (10^9 / 2^9), which is
    // exact for every 64-bit number, in place of a division.
    .macro SECONDS
    mov rcx, rax
    shr rax, 9
    movabs rdx, 0x44b82fa09b5a53
    mul rdx
    shr rdx, 11
    mov rax, rdx
    imul rdx, rdx, 1000000000
    sub rcx, rdx
    .endm

    .pushsection .rodata, "a"
    .balign 4096
    .globl vdso_image
    .globl vdso_image_end
vdso_image:
    .byte 0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0    // 64 bits, little endian
    .quad 0
    .short 3, 62                // a shared object, for x86-64
    .long 1
    .quad 0, 64, 0              // no entry; program headers; no section headers
    .long 0
    .short 64, 56, 3, 0, 0, 0
    // Program headers: type and flags, offset, two addresses, two sizes, alignment.
    .long 1, 5
    .quad 0, 0, 0, 90f - vdso_image, 90f - vdso_image, 4096
    .long 2, 4
    .quad 40f - vdso_image, 40f - vdso_image, 40f - vdso_image, 50f - 40f, 50f - 40f, 8
    .long 4, 4
    .quad 50f - vdso_image, 50f - vdso_image, 50f - vdso_image, 60f - 50f, 60f - 50f, 4
    // The hash table has one chain, through all symbols.
20: .long 1, 6, 1
    .long 0, 2, 3, 4, 5, 0
    .balign 8
30: .quad 0, 0, 0
    SYMBOL 11f, vdso_clock_gettime
    SYMBOL 12f, vdso_gettimeofday
    SYMBOL 13f, vdso_time
    SYMBOL 14f, vdso_getcpu
    SYMBOL 15f, vdso_clock_getres
31:
10: .byte 0
11: .asciz "__vdso_clock_gettime"
12: .asciz "__vdso_gettimeofday"
13: .asciz "__vdso_time"
14: .asciz "__vdso_getcpu"
15: .asciz "__vdso_clock_getres"
16: .asciz "linux-vdso.so.1"
17: .asciz "LINUX_2.6"
18:
    .balign 8
    // A version for each symbol, and the two versions: the library's own name, and Linux's. With their hashes.
32: .short 0, 2, 2, 2, 2, 2
    .balign 8
33: .short 1, 1, 1, 1
    .long 0x0deebfa1, 20, 28
    .long 16b - 10b, 0
    .short 1, 0, 2, 1
    .long 0x03ae75f6, 20, 0
    .long 17b - 10b, 0
    .balign 8
40: ENTRY 4, 20b - vdso_image   // hash table
    ENTRY 5, 10b - vdso_image   // strings
    ENTRY 6, 30b - vdso_image   // symbols
    ENTRY 10, 18b - 10b         // bytes of strings
    ENTRY 11, 24                // bytes of a symbol
    ENTRY 14, 16b - 10b         // name
    ENTRY 0x6ffffff0, 32b - vdso_image
    ENTRY 0x6ffffffc, 33b - vdso_image
    ENTRY 0x6ffffffd, 2
    ENTRY 0, 0
    // Which Linux this is: 6.1.
50: .long 6, 4, 0
    .asciz "Linux"
    .balign 4
    .long 0x060100
60:

    .balign 16
vdso_clock_gettime:             // edi: clock, rsi: struct timespec
    mov edi, edi
    cmp edi, {CLOCKS}
    jae 9f
    NANOSECONDS
    SECONDS
    mov [rsi], rax
    mov [rsi + 8], rcx
    xor eax, eax
    ret
9:  mov eax, 228
    syscall
    ret
vdso_clock_gettime_end:

    .balign 16
vdso_gettimeofday:              // rdi: struct timeval, rsi: struct timezone; either may be null
    mov r10, rdi
    test rdi, rdi
    jz 4f
    xor edi, edi
    NANOSECONDS
    SECONDS
    imul rcx, rcx, 0x10624dd3   // divided by 1000: exact below 10^9
    shr rcx, 38
    mov [r10], rax
    mov [r10 + 8], rcx
4:  test rsi, rsi
    jz 5f
    mov qword ptr [rsi], 0      // no time zone
5:  xor eax, eax
    ret
9:  mov rdi, r10
    mov eax, 96
    syscall
    ret
vdso_gettimeofday_end:

    .balign 16
vdso_time:                      // rdi: time_t, or null
    mov r10, rdi
    xor edi, edi
    NANOSECONDS
    SECONDS
    test r10, r10
    jz 4f
    mov [r10], rax
4:  ret
9:  mov rdi, r10
    mov eax, 201
    syscall
    ret
vdso_time_end:

    .balign 16
vdso_getcpu:                    // rdi: unsigned, rsi: unsigned; either may be null
    mov eax, {CPU_NUMBER}
    lsl eax, eax
    jnz 9f
    test rdi, rdi
    jz 4f
    mov [rdi], eax
4:  test rsi, rsi
    jz 5f
    mov dword ptr [rsi], 0      // one node
5:  xor eax, eax
    ret
9:  mov eax, 309
    syscall
    ret
vdso_getcpu_end:

    .balign 16
vdso_clock_getres:
    mov eax, 229
    syscall
    ret
vdso_clock_getres_end:
90:
    .balign 4096
vdso_image_end:
    .popsection
    .purgem SYMBOL
    .purgem ENTRY
    .purgem NANOSECONDS
    .purgem SECONDS
"#,
    CLOCKS = const CLOCKS,
    SEQUENCE = const offset_of!(TimeData, sequence),
    KNOWN = const offset_of!(TimeData, known),
    BASE = const offset_of!(TimeData, base),
    NANOS_PER_TICK = const offset_of!(TimeData, nanos_per_tick),
    OFFSETS = const offset_of!(TimeData, offsets),
    CPU_NUMBER = const selector::CPU_NUMBER,
);
