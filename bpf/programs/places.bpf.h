// The agent's places among files, and the mounts that they are on.
#pragma once

#include "self.bpf.h"

// A search up the directories of a file system for a place of the agent's.
struct place_search {
	__u64 dentry;
	__u32 is_above; // the object itself is passed
	__u32 found; // bits of enum swguard_place
};

static long climb_place(__u32 index, struct place_search *search)
{
	struct dentry *dentry = (struct dentry *)search->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	const __u32 *place;

	if (inode) {
		struct swguard_object object = object_of(inode, 0);

		place = bpf_map_lookup_elem(&places, &object);
		if (place)
			search->found |= search->is_above ? *place & SWGUARD_PLACE_TREE : *place;
	}
	search->is_above = 1;
	search->dentry = (__u64)parent;
	return parent == dentry || search->found ? 1 : 0;
}

// What a dentry is of the agent's: bits of enum swguard_place, of it and of what it is in. What is deeper than the agent
// goes is none.
__noinline __u32 place_of(__u64 dentry)
{
	struct place_search search = { .dentry = dentry };

	bpf_loop(SWGUARD_DEPTH_MAX, climb_place, &search, 0);
	return search.found;
}

static __always_inline struct mount *whole_mount(struct vfsmount *mount)
{
	return (void *)mount - bpf_core_field_offset(struct mount, mnt);
}

// Whether what is done at a mount can be seen where the agent is: in its namespace, or passed on to it.
static __always_inline bool is_seen_by_agent(const struct swguard_agent *known, struct vfsmount *mount)
{
	struct mount *whole = whole_mount(mount);

	return BPF_CORE_READ(whole, mnt_ns, ns.inum) == known->namespace || BPF_CORE_READ(whole, mnt_group_id);
}

struct detachment {
	__u64 mount; // struct mount *, from that of a place upwards
	__u64 asked; // struct mount *
	__u64 point; // where that is mounted
	__u32 group; // of the mount that it is mounted on: with which others are changed
	__u32 is_found;
};

// A mount that is unmounted takes along those on it, and, in other namespaces, those at the same place of a mount that gets
// its parent's changes.
static long climb_mount(__u32 index, struct detachment *detachment)
{
	struct mount *mount = (struct mount *)detachment->mount, *parent = BPF_CORE_READ(mount, mnt_parent);

	if (detachment->mount == detachment->asked)
		detachment->is_found = 1;
	else if (detachment->group && (__u64)BPF_CORE_READ(mount, mnt_mountpoint) == detachment->point &&
		 (BPF_CORE_READ(parent, mnt_group_id) == detachment->group ||
		  BPF_CORE_READ(parent, mnt_master, mnt_group_id) == detachment->group))
		detachment->is_found = 1;
	detachment->mount = (__u64)parent;
	return detachment->is_found || parent == mount || !parent ? 1 : 0;
}

// How many mounts one is beneath at most, as far as this looks.
#define MOUNT_DEPTH 32

static long look_at_mount(__u32 index, struct detachment *detachment)
{
	struct swguard_agent *known = agent_record();
	__u64 mount;

	if (!known)
		return 1;
	mount = known->mounts[BOUNDED(index, SWGUARD_AGENT_MOUNTS - 1)];
	if (!mount)
		return 1;
	detachment->mount = mount - bpf_core_field_offset(struct mount, mnt);
	bpf_loop(MOUNT_DEPTH, climb_mount, detachment, 0);
	return detachment->is_found ? 1 : 0;
}

// Decides what would take a mount away: with it one of the agent's may go, and with the last of its bpffs all that is pinned.
__noinline int guard_detaching(__u64 vfsmount)
{
	struct mount *mount = whole_mount((struct vfsmount *)vfsmount), *parent = BPF_CORE_READ(mount, mnt_parent);
	struct detachment detachment = {
		.asked = (__u64)mount,
		.point = (__u64)BPF_CORE_READ(mount, mnt_mountpoint),
		.group = parent == mount ? 0 : BPF_CORE_READ(parent, mnt_group_id),
	};

	bpf_loop(SWGUARD_AGENT_MOUNTS, look_at_mount, &detachment, 0);
	return detachment.is_found ? judge_self(SWGUARD_OBJECT_OPERATION, OPERATION_MOUNT, 0, 0) : 0;
}

// Decides what is mounted over a directory: over a place of the agent's, or above one.
static __always_inline int guard_covering(struct vfsmount *mount, struct dentry *dentry)
{
	struct swguard_agent *known = agent_record();

	if (!known || !is_seen_by_agent(known, mount) || !place_of(AS_NUMBER(dentry)))
		return 0;
	return judge_self(SWGUARD_OBJECT_OPERATION, OPERATION_MOUNT, 0, 0);
}

// include/uapi/linux/mount.h
#define MS_REMOUNT 32
#define MS_MOVE 8192
#define MS_UNBINDABLE (1 << 17)
#define MS_PRIVATE (1 << 18)
#define MS_SLAVE (1 << 19)
#define MS_SHARED (1 << 20)
#define BPF_FS_MAGIC 0xcafe4a11

SEC("lsm/sb_mount")
int BPF_PROG(swguard_sb_mount, const char *device, const struct path *path, const char *type, unsigned long flags)
{
	struct vfsmount *mount = mount_of(path);
	int error = 0;

	if (flags & MS_REMOUNT) {
		// Of others', root's and the log's among them, it is the owner's affair, and a shutdown's.
		if (BPF_CORE_READ(mount, mnt_sb, s_magic) == BPF_FS_MAGIC)
			error = guard_detaching(AS_NUMBER(mount));
	} else if (!(flags & (MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED))) {
		error = guard_covering(mount, dentry_of(path));
		// What is moved is a name here. It may be one that the agent's places are on.
		if (!error && flags & MS_MOVE) {
			struct swguard_agent *known = agent_record();

			if (known && known->process && is_seen_by_agent(known, mount))
				error = judge_self(SWGUARD_OBJECT_OPERATION, OPERATION_MOUNT, 0, 0);
		}
	}
	if (error)
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(decide_operation(OPERATION_MOUNT, 0));
}

SEC("lsm/sb_umount")
int BPF_PROG(swguard_sb_umount, struct vfsmount *mount)
{
	if (guard_detaching(AS_NUMBER(mount)))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(decide_operation(OPERATION_MOUNT, 0));
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(swguard_sb_pivotroot, const struct path *old, const struct path *new)
{
	// Where the root is one that the agent's places are beneath.
	if (guard_detaching((__u64)BPF_CORE_READ(bpf_get_current_task_btf(), fs, root.mnt)))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(decide_operation(OPERATION_MOUNT, 0));
}

SEC("lsm/move_mount")
int BPF_PROG(swguard_move_mount, const struct path *from, const struct path *to)
{
	if (guard_covering(mount_of(to), dentry_of(to)) || guard_detaching(AS_NUMBER(mount_of(from))))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(decide_operation(OPERATION_MOUNT, 0));
}
