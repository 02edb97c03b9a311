// The kernel's counters of mounts and renames: the seqlocks that every change of the mount tree and every rename take
// (fs/namespace.c, fs/dcache.c) begin with them.
#pragma once

#include "hook.h"

// Where they are. Found by the kernel itself: libbpf would have all its symbols printed, and read them.
__u64 mount_lock_address = 0;
__u64 rename_lock_address = 0;

// Run by the agent before anything is attached. Returns 0, or a negative errno.
SEC("syscall")
int swguard_find_locks(void *context)
{
	static const char mount_lock[] = "mount_lock", rename_lock[] = "rename_lock";
	long error = bpf_kallsyms_lookup_name(mount_lock, sizeof(mount_lock), 0, &mount_lock_address);

	return error ? error
		     : bpf_kallsyms_lookup_name(rename_lock, sizeof(rename_lock), 0, &rename_lock_address);
}

// An odd one is never taken for what it was: somebody is changing something, or it cannot be read.
static __always_inline __u32 sequence_at(__u64 address)
{
	__u32 sequence = 1;

	if (has_casts()) {
		const struct seqcount *counter =
			bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct seqcount));

		return address ? counter->sequence : 1;
	}
	bpf_probe_read_kernel(&sequence, sizeof(sequence), (void *)address);
	return sequence;
}

static __always_inline __u32 mount_sequence(void)
{
	return sequence_at(mount_lock_address);
}

static __always_inline __u32 rename_sequence(void)
{
	return sequence_at(rename_lock_address);
}
