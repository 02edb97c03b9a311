// Changes of the agent's files, as they are decided while it is sealed: nobody but the agent makes any.
#pragma once

#include "places.bpf.h"

static __always_inline bool is_sealed(void)
{
	const struct swguard_agent *known = agent_record();

	return known && known->is_sealed && !is_agent(known);
}

static long climb_names(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	struct dentry *dentry = (struct dentry *)scratch->walk.dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	__u32 depth = scratch->walk.depth;

	if (parent == dentry || depth >= SWGUARD_DEPTH_MAX)
		return 1;
	scratch->chain[BOUNDED(depth, SWGUARD_DEPTH_MAX - 1)].dentry = (__u64)dentry;
	scratch->chain[BOUNDED(depth, SWGUARD_DEPTH_MAX - 1)].is_process = 0;
	scratch->walk.depth = depth + 1;
	scratch->walk.dentry = (__u64)parent;
	return 0;
}

// A mount of the agent's that a file system is reached by; 0: it knows none.
static __always_inline __u64 mount_known(struct super_block *system)
{
	struct swguard_agent *known = agent_record();
	__u64 mount, found = 0;

	for (__u32 number = 0; known && number < SWGUARD_AGENT_MOUNTS; number++) {
		mount = known->mounts[number];
		if (!found && mount && BPF_CORE_READ((struct vfsmount *)mount, mnt_sb) == system)
			found = mount;
	}
	return found;
}

// Decides a change of a file. Hooks of inodes show no mount: it is told by what it is called on a mount of the agent's, or
// else in its file system. `access` is the number of a bit of enum swguard_access.
static __noinline int ask_place(__u64 dentry, __u32 access)
{
	struct walk_context context = { .scratch = scratch_of_current() };
	struct scratch *scratch = context.scratch;
	int result = WALK_UNRESOLVED;

	if (scratch) {
		scratch->mount = mount_known(BPF_CORE_READ((struct dentry *)dentry, d_sb));
		scratch->dentry = dentry;
		if (scratch->mount)
			result = find_path();
	}
	if (scratch && result != WALK_DONE) {
		scratch->walk.dentry = dentry;
		scratch->walk.depth = 0;
		scratch->walk.size = 0;
		bpf_loop(SWGUARD_DEPTH_MAX, climb_names, &context, 0);
		bpf_loop(scratch->walk.depth, write_name, &context, 0);
		scratch->size = scratch->walk.size;
	}
	return ask_self(SWGUARD_OBJECT_FILE, access & 31, 1u << (access & 31), 0);
}

// As the numbers of bits of enum swguard_access.
enum { CHANGE_WRITE = 1, CHANGE_CREATE = 2, CHANGE_REMOVE = 3, CHANGE_METADATA = 6, CHANGE_LINK = 7 };

#define OF_ITS_OWN (SWGUARD_PLACE_TREE | SWGUARD_PLACE_FILE)

// Decides a change of what a dentry stands for, where that is a place of the agent's of one of these kinds.
static __always_inline int guard_change(struct dentry *dentry, __u32 kinds, __u32 access)
{
	return is_sealed() ? decide(GUARD_CHANGE, AS_NUMBER(dentry), kinds, access, 0) : 0;
}

static __noinline int ask_change(__u64 dentry, __u32 kinds, __u32 access)
{
	return place_of(dentry) & kinds ? ask_place(dentry, access) : 0;
}


#define CGROUP2_SUPER_MAGIC 0x63677270
#define PIDTYPE_PID 0

static __always_inline bool has_name(struct dentry *dentry, const char *name, __u32 size)
{
	char text[16] = {};

	if (bpf_probe_read_kernel_str(text, sizeof(text), BPF_CORE_READ(dentry, d_name.name)) != size)
		return false;
	for (__u32 place = 0; place < size; place++)
		if (text[place] != name[place])
			return false;
	return true;
}

#define IS_NAMED(dentry, text) has_name(dentry, text, sizeof(text))

// Whether a file of procfs is of the agent's process, or the switch that takes all programs off their hooks.
static __always_inline bool is_agents_proc(const struct swguard_agent *known, struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	struct proc_inode *entry = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct hlist_node *node = BPF_CORE_READ(entry, pid, tasks[PIDTYPE_PID].first);

	// kernel/trace/ftrace.c, ftrace_enable_sysctl. (Its inode is of no process, whatever stands where that would be.)
	if (IS_NAMED(dentry, "ftrace_enabled"))
		return true;
	if (!node)
		return false;
	return is_agents(known, (void *)node - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_PID]));
}

struct cgroup_search {
	__u64 node; // struct kernfs_node *
	__u64 asked;
	__u32 is_found;
	__u32 reserved;
};

static long climb_agents_cgroup(__u32 index, struct cgroup_search *search)
{
	struct kernfs_node *node = (struct kernfs_node *)search->node;

	search->is_found = BPF_CORE_READ(node, id) == search->asked;
	search->node = (__u64)BPF_CORE_READ(node, parent);
	return search->is_found || !search->node ? 1 : 0;
}

// Whether writing a file of a cgroup ends the agent or has it stand still: of its cgroup or one above.
static __always_inline bool is_agents_cgroup(const struct swguard_agent *known, struct dentry *dentry)
{
	struct task_struct *task = (struct task_struct *)known->task;
	struct cgroup_search search = {};

	if (!IS_NAMED(dentry, "cgroup.kill") && !IS_NAMED(dentry, "cgroup.freeze"))
		return false;
	// It may have ended, and stand for another.
	if (!is_agents(known, task))
		return false;
	search.node = (__u64)BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	search.asked = BPF_CORE_READ(dentry, d_parent, d_inode, i_ino);
	bpf_loop(SWGUARD_DEPTH_MAX, climb_agents_cgroup, &search, 0);
	return search.is_found;
}

// Decides an open by which something is changed.
static __always_inline int guard_opening(const struct file *file)
{
	return is_sealed() ? decide(GUARD_OPENING, AS_NUMBER(file), 0, 0, 0) : 0;
}

static __noinline int ask_opening(__u64 address)
{
	struct file *file = (struct file *)address;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct swguard_agent *known = agent_record();
	unsigned long kind = BPF_CORE_READ(dentry, d_sb, s_magic);

	if (!known)
		return 0;
	if (kind == PROC_SUPER_MAGIC) {
		if (is_first_process() || !is_agents_proc(known, dentry))
			return 0;
	} else if (kind == CGROUP2_SUPER_MAGIC) {
		if (is_first_process() || !is_agents_cgroup(known, dentry))
			return 0;
	} else if (!(place_of((__u64)dentry) & OF_ITS_OWN)) {
		return 0;
	}
	return ask_place((__u64)dentry, CHANGE_WRITE);
}
