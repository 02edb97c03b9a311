// How the agent says who it is, and that nobody but it changes anything from here on.
#pragma once

#include "self.bpf.h"

static __always_inline struct file *file_of(__u32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(bpf_get_current_task_btf(), files, fdt);
	struct file *file = NULL;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor);
	return file;
}

// Whether what asks sees the files that the one saw that sealed, runs its program, and is nobody's to change.
static __always_inline bool is_successor(const struct swguard_agent *known, struct task_struct *task)
{
	struct inode *root = BPF_CORE_READ(task, fs, root.dentry, d_inode);

	return runs_program(known, task) && !BPF_CORE_READ(task, ptrace) &&
	       BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) == known->namespace &&
	       BPF_CORE_READ(root, i_ino) == known->root && BPF_CORE_READ(root, i_sb, s_dev) == known->root_device;
}

#define PF_EXITING 0x4

// Whether the one that is known is there still.
static __always_inline bool is_alive(const struct swguard_agent *known)
{
	struct task_struct *task = (struct task_struct *)known->task;

	return is_agents(known, task) && !(BPF_CORE_READ(task, flags) & PF_EXITING);
}

static __always_inline void note_agent(struct swguard_agent *known, struct task_struct *task,
				       const struct swguard_claim *claim)
{
	struct inode *program = BPF_CORE_READ(task, mm, exe_file, f_inode);
	struct inode *root = BPF_CORE_READ(task, fs, root.dentry, d_inode);

	// No moment with the number of the one and the start of the other.
	known->process = 0;
	barrier();
	known->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	known->task = (__u64)AS_NUMBER(task);
	barrier();
	known->process = BPF_CORE_READ(task, tgid);
	// What a sealed agent was is what its successors are.
	if (known->is_sealed)
		return;
	known->program = BPF_CORE_READ(program, i_ino);
	known->program_device = BPF_CORE_READ(program, i_sb, s_dev);
	known->root = BPF_CORE_READ(root, i_ino);
	known->root_device = BPF_CORE_READ(root, i_sb, s_dev);
	known->namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	for (__u32 number = 0; number < SWGUARD_AGENT_MOUNTS; number++) {
		struct file *file = number < claim->directory_count ? file_of(claim->directories[number]) : NULL;

		known->mounts[number] = file ? (__u64)BPF_CORE_READ(file, f_path.mnt) : 0;
	}
}

// Run by the agent. Returns 0, or a negative errno: -EPERM to whom it is not open.
SEC("syscall")
int swguard_claim(struct swguard_claim *context)
{
	// The verifier takes the context at fixed offsets only.
	struct swguard_claim copy = *context, *claim = &copy;
	struct task_struct *task = bpf_get_current_task_btf();
	struct swguard_agent *known = agent_record();
	struct swguard_layers *own = layers_of(task);

	if (!known)
		return -EINVAL;
	switch (claim->request) {
	case SWGUARD_CLAIM:
		if (is_agent(known))
			break;
		// Who was under a policy before it executed the agent's program is none.
		if (own && own->count && !own->is_fresh)
			return -EPERM;
		if (!own && find_hidden(bpf_get_current_task()))
			return -EPERM;
		if (known->is_sealed && is_alive(known))
			return -EBUSY;
		if (known->is_sealed && !is_successor(known, task))
			return -EPERM;
		note_agent(known, task, claim);
		break;
	case SWGUARD_SEAL:
		if (!is_sealable)
			return -EOPNOTSUPP;
		if (!is_agent(known))
			return -EPERM;
		if (known->is_sealed)
			break;
		// It would go on with whoever traces it.
		if (BPF_CORE_READ(task, ptrace))
			return -EBUSY;
		__builtin_memcpy(known->digest, claim->digest, sizeof(known->digest));
		barrier();
		known->is_sealed = 1;
		break;
	default:
		break;
	}
	claim->is_sealed = known->is_sealed;
	claim->lost = known->lost;
	claim->submitted = known->submitted;
	__builtin_memcpy(claim->digest, known->digest, sizeof(claim->digest));
	*context = copy;
	return 0;
}
