// What nobody but the agent does while it is sealed, until the machine starts again: what would change its files, its
// program's memory, or the kernel's. Loaded only where it is to be sealed (`is_sealable`); hooks that are there anyhow look
// for themselves (files.bpf.h, attributes.bpf.h, operations.bpf.h, entry.bpf.h, joining.bpf.h).
//
// Hooks of inodes and not of paths: what overlayfs or a file server changes beneath passes these, too.
#pragma once

#include "changes.bpf.h"

#define CREATION_HOOK(hook)                                                                  \
	SEC("lsm/" #hook)                                                                    \
	int BPF_PROG(swguard_##hook, struct inode *directory, struct dentry *name)           \
	{                                                                                    \
		if (guard_change(name, OF_ITS_OWN, CHANGE_CREATE))                           \
			REFUSE(EPERM);                                                       \
		return 0;                                                                    \
	}

CREATION_HOOK(inode_create)
CREATION_HOOK(inode_mkdir)
CREATION_HOOK(inode_mknod)
CREATION_HOOK(inode_symlink)

#define REMOVAL_HOOK(hook)                                                                   \
	SEC("lsm/" #hook)                                                                    \
	int BPF_PROG(swguard_##hook, struct inode *directory, struct dentry *name)           \
	{                                                                                    \
		if (guard_change(name, ~0u, CHANGE_REMOVE))                                  \
			REFUSE(EPERM);                                                       \
		return 0;                                                                    \
	}

REMOVAL_HOOK(inode_unlink)
REMOVAL_HOOK(inode_rmdir)

SEC("lsm/inode_link")
int BPF_PROG(swguard_inode_link, struct dentry *old, struct inode *directory, struct dentry *new)
{
	if (guard_change(old, OF_ITS_OWN, CHANGE_LINK) || guard_change(new, OF_ITS_OWN, CHANGE_CREATE))
		REFUSE(EPERM);
	return 0;
}

SEC("lsm/inode_rename")
int BPF_PROG(swguard_inode_rename, struct inode *old_directory, struct dentry *old, struct inode *new_directory,
	     struct dentry *new)
{
	if (guard_change(old, ~0u, CHANGE_REMOVE) || guard_change(new, ~0u, CHANGE_CREATE))
		REFUSE(EPERM);
	return 0;
}

// MARK: Memory

#define LOCKDOWN(reason) bpf_core_enum_value(enum lockdown_reason, LOCKDOWN_##reason)

static __always_inline __u32 operation_locked_down(__u32 what)
{
	if (what == LOCKDOWN(MODULE_SIGNATURE) || what == LOCKDOWN(MODULE_PARAMETERS))
		return OPERATION_MODULE;
	if (what == LOCKDOWN(KEXEC))
		return OPERATION_KEXEC;
	if (what == LOCKDOWN(BPF_WRITE_USER))
		return OPERATION_BPF;
	return OPERATION_RAW_IO;
}

// What changes the running kernel, by the kernel's own list: as with lockdown=integrity. Among it are modules without a valid
// signature, /dev/mem, ports, model-specific registers, kexec, and BPF programs that write memory of processes.
SEC("lsm/locked_down")
int BPF_PROG(swguard_locked_down, unsigned int what)
{
	if (what >= LOCKDOWN(INTEGRITY_MAX) || !is_sealed())
		return 0;
	if (judge_self(SWGUARD_OBJECT_OPERATION, operation_locked_down(what), 0, 0))
		REFUSE(EPERM);
	return 0;
}
