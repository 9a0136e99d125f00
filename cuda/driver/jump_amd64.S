// A function of the driver is a jump through its entry of driver_table. At first an entry leads back here, with the entry's address in
// r11, which no caller keeps anything in; then to where driver_load put it. Arguments stay where the caller laid them.
.text

#define F(name) .globl name; .hidden name; .type name, @function; .type first_##name, @function; \
  name: jmpq *at_##name(%rip); \
  first_##name: leaq at_##name(%rip), %r11; jmp first_use;
#include "functions.h"
#undef F

.type first_use, @function
first_use:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  andq $-16, %rsp
  subq $192, %rsp
  movq %rdi, 0(%rsp)
  movq %rsi, 8(%rsp)
  movq %rdx, 16(%rsp)
  movq %rcx, 24(%rsp)
  movq %r8, 32(%rsp)
  movq %r9, 40(%rsp)
  movq %r11, 48(%rsp)
  movaps %xmm0, 64(%rsp)
  movaps %xmm1, 80(%rsp)
  movaps %xmm2, 96(%rsp)
  movaps %xmm3, 112(%rsp)
  movaps %xmm4, 128(%rsp)
  movaps %xmm5, 144(%rsp)
  movaps %xmm6, 160(%rsp)
  movaps %xmm7, 176(%rsp)
  call driver_load
  movq 0(%rsp), %rdi
  movq 8(%rsp), %rsi
  movq 16(%rsp), %rdx
  movq 24(%rsp), %rcx
  movq 32(%rsp), %r8
  movq 40(%rsp), %r9
  movq 48(%rsp), %r11
  movaps 64(%rsp), %xmm0
  movaps 80(%rsp), %xmm1
  movaps 96(%rsp), %xmm2
  movaps 112(%rsp), %xmm3
  movaps 128(%rsp), %xmm4
  movaps 144(%rsp), %xmm5
  movaps 160(%rsp), %xmm6
  movaps 176(%rsp), %xmm7
  leave
  .cfi_def_cfa %rsp, 8
  jmpq *(%r11)
  .cfi_endproc
.size first_use, .-first_use

.section .data.rel.local, "aw"
.balign 8
.globl driver_table
.hidden driver_table
.type driver_table, @object
driver_table:
#define F(name) at_##name: .quad first_##name;
#include "functions.h"
.size driver_table, .-driver_table

.section .note.GNU-stack, "", @progbits
