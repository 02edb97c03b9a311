// Hooks on open files.
#pragma once

#include "event.bpf.h"
#include "hook.h"
#include "layers.bpf.h"

// The rule that denies an object, by its name and its directory's.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct swguard_name_pair);
	__type(value, __u32);
} denied SEC(".maps");

// Neither fits on the stack (512 bytes), and a per-CPU map is shared with whoever preempts: one a task.
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct swguard_name_pair);
} scratch SEC(".maps");

SEC("lsm/file_open")
int BPF_PROG(swguard_file_open, struct file *file, int ret)
{
	const struct swguard_layers *on;
	struct swguard_name_pair *pair;
	struct swguard_event *event;
	struct dentry *dentry;
	__u32 *rule;

	if (ret)
		return ret;
	on = layers_of_current();
	if (!on)
		return 0;

	pair = bpf_task_storage_get(&scratch, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	// No memory, or busy: what cannot be decided is denied.
	if (!pair)
		return -EACCES;
	__builtin_memset(pair, 0, sizeof(*pair));
	dentry = file->f_path.dentry;
	bpf_probe_read_kernel_str(pair->name, sizeof(pair->name), dentry->d_name.name);
	bpf_probe_read_kernel_str(pair->directory, sizeof(pair->directory),
				  dentry->d_parent->d_name.name);
	rule = bpf_map_lookup_elem(&denied, pair);
	if (!rule)
		return 0;

	event = event_begin(SWGUARD_EVENT_FILE_OPEN, on->policies[0], *rule);
	if (event) {
		event->inode = file->f_inode->i_ino;
		bpf_ringbuf_submit(event, 0);
	}
	return -EACCES;
}
