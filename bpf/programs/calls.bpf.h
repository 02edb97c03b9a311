// Which system call is asking, where no hook tells. x86-64 numbers.
#pragma once

#include "hook.h"

// arch/x86/include/asm/thread_info.h
#define TS_COMPAT 0x0002
// arch/x86/include/uapi/asm/unistd.h
#define X32_SYSCALL_BIT 0x40000000
// include/linux/sched.h
#define PF_IO_WORKER 0x00000010

// Numbers of the 32-bit ABI mean other calls.
static __always_inline bool is_compat_call(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
}

// Calls of x32 have the same numbers, and a bit.
static __always_inline __u64 number_of_call(struct task_struct *task)
{
	struct pt_regs *registers = (struct pt_regs *)bpf_task_pt_regs(task);

	return BPF_CORE_READ(registers, orig_ax) & ~(__u64)X32_SYSCALL_BIT;
}
