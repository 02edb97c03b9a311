// What hooks have in common, in the kernel once.
//
// The verifier follows what a program calls anew in each program, and that is most of what it takes to load them: a walk
// alone takes 20 million instructions (6.1) or 30 (6.12), in each of 30 hooks. So the hooks look whether a task is confined
// at all, and gather what the request is about, as numbers; whether it is granted is decided by `decide`. In the hooks'
// programs that is a stub, which denies. The agent has the kernel put one program in its place, of the type `ext`, in all of
// them, before it attaches any.
//
// A program must have the stub at the same place as its types say. The kernel forgets to move what it knows of functions
// when it takes a whole function out that is never called (kernel/bpf/verifier.c, adjust_subprog_starts_after_remove:
// func_info_aux stays where it was), and refuses to replace the one behind it. So in a hook's program no call of a function
// stands behind a constant of .rodata.
//
// In hooks only: what is itself a part, or no hook, has the stub for good, and calls what decides by its own name.
#pragma once

#include "tables.bpf.h"

enum asking {
	ASK_OPERATION, // operation, is_quiet
	ASK_OPERATION_OF, // operation: by the layers that stand in the scratch as another task's
	ASK_CAPABILITY, // capability, is_quiet
	ASK_NOTED, // accesses: to what stands in the scratch
	ASK_OBJECT, // addresses of a struct vfsmount and a struct dentry; accesses
	ASK_CODE, // address of a struct file; accesses
	ASK_ATTRIBUTE, // address of a struct dentry
	ASK_RENAME, // mount and name before, mount and name after
	ASK_EXCHANGE, // the same
	ASK_LINK, // mount, name before, name after
	ASK_SOCKET_NAME, // mount, name, accesses: that a unix socket is being bound to
	ASK_UNIX, // address of a struct sock; access
	ASK_ABSTRACT, // address of the name behind its first byte; size
	ASK_ADDRESS, // address of a struct sockaddr; size; address of a struct sock; access and uses
	ASK_ANY_ADDRESS, // access
	ASK_LISTENING, // address of a struct sock
	ASK_FAMILY, // family, protocol
	BEGIN_SEEKING, // name, mount: see withheld.bpf.h
	ENTER_BY_EXEC, // address of a struct linux_binprm
	ENTER_AS_USER, // address of a struct cred; whether it is so now
	ENTER_BY_ITSELF, // layer, session: see joining.bpf.h
	GUARD_SELF, // enum of the object, access, what is noted, is_quiet: see self.bpf.h
	GUARD_CHANGE, // address of a struct dentry, kinds of places, access: see changes.bpf.h
	GUARD_OPENING, // address of a struct file
	FIND_HIDDEN, // address of a struct task_struct: not 0 where its layers are hidden
};

// Decides; returns 0 or a negative errno. Where nothing is in its place it denies, but for programs that decide nothing: the
// kernel takes programs out in no order.
__weak __noinline int decide(__u32 asking, __u64 first, __u64 second, __u64 third, __u64 fourth)
{
	const __u32 *words = tables_begin();

	return words && generation_now(words) <= SWGUARD_NOTHING ? 0 : -EACCES;
}

static __always_inline int decide_operation(__u32 operation, __u32 is_quiet)
{
	return decide(ASK_OPERATION, operation, is_quiet, 0, 0);
}

// Decides a request for what a path leads to.
static __always_inline int decide_path(const struct path *path, __u32 accesses)
{
	return decide(ASK_OBJECT, AS_NUMBER(mount_of(path)), AS_NUMBER(dentry_of(path)), accesses, 0);
}
