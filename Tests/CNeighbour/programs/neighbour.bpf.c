// Another program on the host, which keeps something with every task: it counts what each opens and reads.
//
// It looks that up again and again. On 6.1 with full preemption whoever is preempted meanwhile leaves the storage of all
// tasks busy (kernel/bpf/bpf_task_storage.c, bpf_task_storage_trylock).
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void count(void)
{
	__u64 *found = bpf_task_storage_get(&counts, bpf_get_current_task_btf(), NULL,
					    BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (found)
		*found += 1;
}

static long count_once(__u32 index, void *context)
{
	count();
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(neighbour_file_open)
{
	count();
	return 0;
}

// How often reading looks it up: as long as a time slice has a good chance to end there.
#define LOOKUPS 500

SEC("lsm/file_permission")
int BPF_PROG(neighbour_file_permission, void *file, int mask)
{
	bpf_loop(LOOKUPS, count_once, NULL, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
