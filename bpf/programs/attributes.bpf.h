// Hooks on what an inode says of itself: times, modes, owners, extended attributes, ACLs, flags. All ask for `metadata`.
//
// Most show a dentry and no mount. Whoever changes an attribute has asked its mount for leave to write just before: that
// mount is noted, and without it the object is unresolved.
#pragma once

#include "changes.bpf.h"
#include "decide.bpf.h"

static __always_inline int note_mount(__u64 mount)
{
	struct scratch *scratch;

	if (!confinement())
		return 0;
	// Without it the attribute's hook finds no mount, or an older one's, and denies.
	scratch = scratch_of_current();
	if (scratch)
		scratch->write_mount = mount;
	return 0;
}

SEC("fentry/mnt_want_write")
int BPF_PROG(swguard_mnt_want_write, struct vfsmount *mount)
{
	return note_mount((__u64)mount);
}

SEC("fentry/mnt_want_write_file")
int BPF_PROG(swguard_mnt_want_write_file, struct file *file)
{
	return note_mount((__u64)BPF_CORE_READ(file, f_path.mnt));
}

// include/linux/mount.h: MNT_NOATIME, MNT_NODIRATIME, MNT_RELATIME.
#define MNT_ATIME_FLAGS 0x38

// Since 6.7: leave without waiting for a frozen file system, which overlayfs asks its layer's mount for before it copies a
// file up; before, it asked by mnt_want_write. Every open for writing asks, too: a mount that has what overlayfs takes from
// its upper layer's (fs/overlayfs/super.c, ovl_get_upper) is not looked at further.
SEC("fentry/mnt_get_write_access")
int BPF_PROG(swguard_mnt_get_write_access, struct vfsmount *mount)
{
	if (mount->mnt_flags & MNT_ATIME_FLAGS)
		return 0;
	return note_mount((__u64)mount);
}

// Whether the kernel changes something of a layer's for itself, while it does what the task asked for of an overlay: decided
// already, by the name on the overlay. The layer's mount is the kernel's own, and overlayfs acts with the credentials of
// whoever mounted the overlay. Neither is enough alone:
//
// - The mount noted may be an older one's: the trampoline skips a program that has been interrupted on this CPU by the task
//   that is to run it now (preempt=full; kernel/bpf/trampoline.c, prog->active). The layer's is then noted still when the
//   task names a file of that file system itself; but with its own credentials.
// - A worker of io_uring acts with other credentials than its own if the task's were replaced since the worker began, by the
//   same even; but it names the file through a mount that the task sees, and notes that. What registered credentials do is
//   denied (uring_override_creds).
//
// The working directory is not beneath the layer's mount, which begins at the upper directory: no walk gets there.
static __always_inline bool is_for_itself(struct vfsmount *mount)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return is_internal(mount) && BPF_CORE_READ(task, cred) != BPF_CORE_READ(task, real_cred);
}

// Decides about a dentry on the mount that was noted.
static __noinline int ask_attribute(struct dentry *dentry)
{
	struct scratch *scratch = scratch_of_current();
	struct vfsmount *mount;

	if (!scratch)
		return -EACCES;
	mount = (struct vfsmount *)scratch->write_mount;
	// None, or another file system's: it cannot be told by what name the object was reached.
	if (!mount || BPF_CORE_READ(mount, mnt_sb) != BPF_CORE_READ(dentry, d_sb))
		return judge(WALK_UNRESOLVED, SWGUARD_METADATA);
	if (is_for_itself(mount))
		return 0;
	return judge(find(mount, dentry), SWGUARD_METADATA);
}

static __always_inline int decide_attribute(struct dentry *dentry)
{
	return decide(ASK_ATTRIBUTE, AS_NUMBER(dentry), 0, 0, 0);
}

SEC("lsm/path_chmod")
int BPF_PROG(swguard_path_chmod, const struct path *path, __u16 mode)
{
	PASS_UNCONFINED(own);
	VERDICT(decide_path(path, SWGUARD_METADATA));
}

SEC("lsm/path_chown")
int BPF_PROG(swguard_path_chown, const struct path *path)
{
	PASS_UNCONFINED(own);
	VERDICT(decide_path(path, SWGUARD_METADATA));
}

// Of what notify_change is asked for, what has no hook with a path: times that somebody chose (include/linux/fs.h).
#define ATTR_ATIME_SET (1 << 7)
#define ATTR_MTIME_SET (1 << 8)
#define ATTR_TOUCH (1 << 17)
#define ATTR_ATIME (1 << 4)
#define ATTR_MTIME (1 << 5)
#define ATTR_SIZE (1 << 3)
#define ATTR_OPEN (1 << 15)

static __always_inline int ask_times(struct dentry *dentry, unsigned int valid)
{
	// A write or truncation sets the times, too: with the size.
	if (!(valid & (ATTR_ATIME_SET | ATTR_MTIME_SET | ATTR_TOUCH)) || valid & (ATTR_SIZE | ATTR_OPEN))
		return 0;
	return decide_attribute(dentry);
}

// 6.1: (dentry, attributes); since 6.3 an id map stands in front.
SEC("lsm/inode_setattr")
int swguard_inode_setattr(const __u64 *arguments)
{
	struct dentry *dentry = (struct dentry *)arguments[0];
	struct iattr *attributes = (struct iattr *)arguments[1];

	if (bpf_core_type_exists(struct mnt_idmap)) {
		dentry = (struct dentry *)attributes;
		// At a fixed offset of the context, as the verifier wants it.
		asm volatile("%0 = *(u64 *)(%1 + 16)" : "=r"(attributes) : "r"(arguments));
	}
	// What truncates comes here, too.
	if (is_sealable && guard_change(dentry, OF_ITS_OWN, CHANGE_METADATA))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(ask_times(dentry, BPF_CORE_READ(attributes, ia_valid)));
}

#define ATTRIBUTE_HOOK(hook)                                                        \
	SEC("lsm/" #hook)                                                           \
	int BPF_PROG(swguard_##hook, void *id_map, struct dentry *dentry)           \
	{                                                                           \
		if (is_sealable && guard_change(dentry, OF_ITS_OWN, CHANGE_METADATA))       \
			REFUSE(EPERM);                                                      \
		PASS_UNCONFINED(own);                                                       \
		VERDICT(decide_attribute(dentry));                                     \
	}

ATTRIBUTE_HOOK(inode_setxattr)
ATTRIBUTE_HOOK(inode_removexattr)
// Since 6.2; before, ACLs were extended attributes to the hooks.
ATTRIBUTE_HOOK(inode_set_acl)
ATTRIBUTE_HOOK(inode_remove_acl)
