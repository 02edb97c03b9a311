// Reports of what turns out to be nothing.
//
// open(2) with O_CREAT asks whether it may make a name before it looks the name up, when that is not cached (fs/namei.c,
// lookup_open). A refusal is then kept until it is known, and is nothing to a file that is there: it is opened. So reports
// of such a decision are withheld until the lookup has ended: they are sent where it found nothing, and forgotten, not
// counted either, where it found the file. Verdicts never wait: what is denied here is made by nobody.
//
// The lookup is one of a locked directory, by the same task: `d_instantiate` is its success. The write access to the mount
// that the open took before is given back after it, whatever it came to.
#pragma once

#include "events.bpf.h"
#include "layers.bpf.h"

struct withheld_report {
	struct swguard_event event;
	__u32 number; // in `counters`
	__u32 is_quiet;
};

struct withheld {
	__u64 dentry; // that is looked up
	__u64 mount;
	__u32 count;
	__u32 reserved;
	struct withheld_report reports[SWGUARD_LAYERS_MAX];
	// As it is sent.
	struct swguard_event event;
	char path[SWGUARD_PATH_SIZE];
};

// One for each task that was ever denied so.
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct withheld);
} withheld_reports SEC(".maps");

// Since 6.15 an enumeration; before, a macro of include/linux/dcache.h.
enum dentry_flags {
	DCACHE_PAR_LOOKUP = 1 << 28,
};

// Whether it is not known yet whether there is such a name.
static __always_inline bool is_sought(struct dentry *name)
{
	__u32 flag = bpf_core_enum_value_exists(enum dentry_flags, DCACHE_PAR_LOOKUP) ?
			     bpf_core_enum_value(enum dentry_flags, DCACHE_PAR_LOOKUP) :
			     DCACHE_PAR_LOOKUP;

	return BPF_CORE_READ(name, d_flags) & flag;
}

static __always_inline struct withheld *withheld_of_current(void)
{
	return bpf_task_storage_get(&withheld_reports, bpf_get_current_task_btf(), NULL, 0);
}

static long send_withheld(__u32 index, struct withheld **context)
{
	struct withheld *withheld = *context;
	struct withheld_report *report = &withheld->reports[BOUNDED(index, SWGUARD_LAYERS_MAX - 1)];

	withheld->event = report->event;
	hand_over(&withheld->event, report->number, report->is_quiet);
	return 0;
}

// Sends what is withheld: there was no such name.
static __noinline int send_all_withheld(void)
{
	struct withheld *withheld = withheld_of_current();
	__u32 count;

	// Or on 6.1 busy: sent at the next such end, then.
	if (!withheld)
		return 0;
	count = withheld->count;
	withheld->count = 0;
	withheld->dentry = 0;
	bpf_loop(count, send_withheld, &withheld, 0);
	return 0;
}

// Withholds the report in `scratch->event`. 0: it cannot be, and is to be sent at once.
__noinline int withhold(struct scratch *scratch, __u32 number, __u32 is_quiet)
{
	struct withheld *withheld;
	__u32 index, size;

	// The first is never so, which the verifier does not know.
	if (!scratch || scratch->sought.dentry != scratch->dentry)
		return 0;
	// Who makes the name in looking it up, as a network's file systems do, does not say apart that it was there.
	if (scratch->sought.only_denials && (!scratch->event.error || scratch->event.would_deny))
		return 0;
	withheld = bpf_task_storage_get(&withheld_reports, bpf_get_current_task_btf(), NULL,
					BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!withheld || withheld->count >= SWGUARD_LAYERS_MAX)
		return 0;
	// On 6.1 an end can have been missed.
	if (withheld->count && withheld->dentry != scratch->sought.dentry)
		return 0;
	if (!withheld->count) {
		withheld->dentry = scratch->sought.dentry;
		withheld->mount = scratch->sought.mount;
		size = scratch->event.path_size;
		if (size > SWGUARD_PATH_SIZE)
			size = SWGUARD_PATH_SIZE;
		bpf_probe_read_kernel(withheld->path, size, scratch->path);
	}
	index = withheld->count;
	withheld->count = index + 1;
	index = BOUNDED(index, SWGUARD_LAYERS_MAX - 1);
	withheld->reports[index].event = scratch->event;
	withheld->reports[index].number = number;
	withheld->reports[index].is_quiet = is_quiet;
	return 1;
}

// What is reported from now on waits for the lookup of a name: addresses of its struct dentry and of the struct vfsmount by
// which it is reached. 0: for none.
__noinline int begin_seeking(__u64 dentry, __u64 mount)
{
	struct dentry *directory = BPF_CORE_READ((struct dentry *)dentry, d_parent);
	struct inode_operations *operations = (void *)BPF_CORE_READ(directory, d_inode, i_op);
	struct scratch *scratch = scratch_of_current();

	// Nothing is decided without it.
	if (!scratch)
		return 0;
	if (dentry)
		send_all_withheld();
	scratch->sought.dentry = dentry;
	scratch->sought.mount = mount;
	scratch->sought.only_denials = BPF_CORE_READ(operations, atomic_open) != NULL;
	return 0;
}

// A name gets its object. The one that is sought was there; or it has been made now, where a policy only complains, or
// reports what it grants.
static __always_inline void settle(struct dentry *name)
{
	struct withheld *withheld;

	if (!is_suspect())
		return;
	withheld = withheld_of_current();
	if (!withheld || withheld->dentry != AS_NUMBER(name))
		return;
	if (!is_sought(name)) {
		send_all_withheld();
		return;
	}
	withheld->count = 0;
	withheld->dentry = 0;
}

SEC("fentry/mnt_drop_write")
int BPF_PROG(swguard_mnt_drop_write, struct vfsmount *mount)
{
	struct withheld *withheld;

	if (!is_suspect())
		return 0;
	withheld = withheld_of_current();
	// overlayfs writes to its own mounts while it looks a name up.
	if (!withheld || !withheld->count || withheld->mount != (__u64)mount)
		return 0;
	return send_all_withheld();
}
