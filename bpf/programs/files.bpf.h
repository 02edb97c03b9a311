// Hooks on files that are opened, mapped, truncated, watched, or handed over.
#pragma once

#include "decide.bpf.h"

#define O_TRUNC 01000
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_EXEC_FLAG 0x20 // __FMODE_EXEC in f_flags: opened by execve
#define PROT_EXEC 0x4
#define MAP_ANONYMOUS 0x20

// What opening a file as it is opened asks for.
static __always_inline __u32 accesses_of(const struct file *file)
{
	__u32 accesses = 0;

	if (file->f_flags & FMODE_EXEC_FLAG)
		return SWGUARD_EXECUTE;
	if (file->f_mode & FMODE_READ)
		accesses |= SWGUARD_READ;
	if (file->f_mode & FMODE_WRITE)
		accesses |= SWGUARD_WRITE;
	// Access mode 3: for ioctl only, and neither mode.
	if ((file->f_flags & 3) == 3)
		accesses = SWGUARD_READ | SWGUARD_WRITE;
	return accesses;
}

SEC("lsm/file_open")
int BPF_PROG(swguard_file_open, struct file *file)
{
	if (!is_confined())
		return 0;
	VERDICT(ask(&file->f_path, accesses_of(file)));
}

// A descriptor that came over a socket is checked as if it had been opened.
SEC("lsm/file_receive")
int BPF_PROG(swguard_file_receive, struct file *file)
{
	if (!is_confined())
		return 0;
	VERDICT(ask(&file->f_path, accesses_of(file)));
}

SEC("lsm/path_truncate")
int BPF_PROG(swguard_path_truncate, const struct path *path)
{
	if (!is_confined())
		return 0;
	VERDICT(ask(path, SWGUARD_WRITE));
}

// 6.2 and later: ftruncate(2) no longer asks path_truncate. A descriptor that is open for writing is enough there, as it
// is for write(2).

SEC("lsm/path_notify")
int BPF_PROG(swguard_path_notify, const struct path *path, __u64 mask, unsigned int type)
{
	if (!is_confined())
		return 0;
	VERDICT(ask(path, SWGUARD_READ));
}

// Not the image that execve itself maps: `execute` was asked for that.
static __always_inline bool is_executing(void)
{
	return BPF_CORE_READ_BITFIELD(bpf_get_current_task_btf(), in_execve);
}

SEC("lsm/mmap_file")
int BPF_PROG(swguard_mmap_file, struct file *file, unsigned long requested, unsigned long protection,
	     unsigned long flags)
{
	if (!(protection & PROT_EXEC) || !is_confined())
		return 0;
	if (!file || is_executing())
		return 0;
	VERDICT(ask(&file->f_path, SWGUARD_MAP));
}

SEC("lsm/file_mprotect")
int BPF_PROG(swguard_file_mprotect, struct vm_area_struct *area, unsigned long requested, unsigned long protection)
{
	struct file *file;

	if (!(protection & PROT_EXEC) || !is_confined())
		return 0;
	file = area->vm_file;
	if (!file)
		return 0;
	VERDICT(ask(&file->f_path, SWGUARD_MAP));
}
