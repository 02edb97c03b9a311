// What every program is made of. Included first.
//
// No program looks at the verdict of those before it: the kernel runs none behind one that denied (it leaves the
// trampoline, arch/x86/net/bpf_jit_comp.c, invoke_bpf_mod_ret).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/errno.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "kernel.h"
#include "swguard_abi.h"

#ifndef barrier
#define barrier() asm volatile("" : : : "memory")
#endif

// A number bounded by a constant mask where it is used as an index: 6.1 forgets the bounds of what clang keeps on the stack
// in between.
#define BOUNDED(number, mask)                                           \
	({                                                              \
		__u64 bounded_ = (number);                              \
		asm volatile("%0 &= %1" : "+r"(bounded_) : "i"(mask));  \
		bounded_;                                               \
	})

// Since 6.2 (kernel/bpf/helpers.c): a number or a pointer as one to a structure of this type; reading it is a load. The
// verifier makes a move of it.
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

// By a type that came later, in 6.4.
static __always_inline bool has_casts(void)
{
	return bpf_core_type_exists(struct bpf_iter_num);
}

// A pointer whose pointers are followed by loads. For each pointer that a typed one is followed to, 6.12 looks up to four
// times through all of the kernel's types (kernel/bpf/verifier.c, check_ptr_to_btf_access: type_is_trusted and what comes
// after it): 6 ms of the program's load. Through a cast one it does not. What helpers take must be typed.
#define UNTYPED(type, pointer)                                                              \
	({                                                                                  \
		type *untyped_ = (type *)(pointer);                                         \
		has_casts() ? (type *)bpf_rdonly_cast(untyped_, bpf_core_type_id_kernel(type)) : untyped_; \
	})

// A field of what an address leads to: a load where there are casts, and else a call that takes thirty times as long.
#define PEEK(type, address, member)                                                                        \
	({                                                                                                 \
		type *peeked_ = (type *)(address);                                                         \
		has_casts() ? ((type *)bpf_rdonly_cast(peeked_, bpf_core_type_id_kernel(type)))->member :  \
			      BPF_CORE_READ(peeked_, member);                                              \
	})

static __always_inline struct vfsmount *mount_of(const struct path *path)
{
	return UNTYPED(struct path, path)->mnt;
}

static __always_inline struct dentry *dentry_of(const struct path *path)
{
	return UNTYPED(struct path, path)->dentry;
}

// A pointer as a number: functions that are verified once take nothing else.
#define AS_NUMBER(pointer)                                                                  \
	({                                                                                  \
		const void *pointer_ = (pointer);                                           \
		__u64 number_ = 0;                                                          \
		bpf_probe_read_kernel(&number_, sizeof(number_), &pointer_);                \
		number_;                                                                    \
	})

// Whether an argument of a hook is there. 6.12 holds typed arguments to be never NULL (kernel/bpf/verifier.c, reg_not_null)
// and takes the test for it out; so it is looked at as a number.
#define IS_GIVEN(argument) (AS_NUMBER(argument) != 0)
