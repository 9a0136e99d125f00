// As jump_amd64.S. x16 and x17 belong to whoever carries a call from caller to callee.
.text

#define F(name) .globl name; .hidden name; .type name, %function; .type first_##name, %function; .balign 4; \
  name: hint #34; adrp x16, at_##name; add x16, x16, :lo12:at_##name; ldar x17, [x16]; br x17; \
  first_##name: hint #34; b first_use;
#include "functions.h"
#undef F

.type first_use, %function
first_use:
  .cfi_startproc
  stp x29, x30, [sp, #-224]!
  .cfi_def_cfa_offset 224
  .cfi_offset x29, -224
  .cfi_offset x30, -216
  mov x29, sp
  stp x0, x1, [sp, #16]
  stp x2, x3, [sp, #32]
  stp x4, x5, [sp, #48]
  stp x6, x7, [sp, #64]
  stp x8, x16, [sp, #80]
  stp q0, q1, [sp, #96]
  stp q2, q3, [sp, #128]
  stp q4, q5, [sp, #160]
  stp q6, q7, [sp, #192]
  bl driver_load
  ldp x0, x1, [sp, #16]
  ldp x2, x3, [sp, #32]
  ldp x4, x5, [sp, #48]
  ldp x6, x7, [sp, #64]
  ldp x8, x16, [sp, #80]
  ldp q0, q1, [sp, #96]
  ldp q2, q3, [sp, #128]
  ldp q4, q5, [sp, #160]
  ldp q6, q7, [sp, #192]
  ldp x29, x30, [sp], #224
  .cfi_restore x29
  .cfi_restore x30
  .cfi_def_cfa_offset 0
  ldar x17, [x16]
  br x17
  .cfi_endproc
.size first_use, .-first_use

.section .data.rel.local, "aw"
.balign 8
.globl driver_table
.hidden driver_table
.type driver_table, %object
driver_table:
#define F(name) at_##name: .quad first_##name;
#include "functions.h"
.size driver_table, .-driver_table

.section .note.GNU-stack, "", %progbits
