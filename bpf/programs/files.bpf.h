// Hooks on files that are opened, mapped, truncated, watched, or handed over.
#pragma once

#include "changes.bpf.h"
#include "decide.bpf.h"

#define O_TRUNC 01000
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_CREATED (1 << 20)
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
	// Truncates also what is opened to be read. Since 6.2 no path_truncate comes of it, and overlayfs has left the content
	// behind by then.
	if (file->f_flags & O_TRUNC && !(file->f_mode & FMODE_CREATED))
		accesses |= SWGUARD_WRITE;
	// Access mode 3: for ioctl only, and neither mode.
	if ((file->f_flags & 3) == 3)
		accesses = SWGUARD_READ | SWGUARD_WRITE;
	return accesses;
}

// Whether what is opened can be changed by it.
static __always_inline bool may_change(const struct file *file)
{
	return file->f_mode & FMODE_WRITE || file->f_flags & O_TRUNC || (file->f_flags & 3) == 3;
}

#define NSFS_MAGIC 0x6e736673
// Either is FMODE_BACKING, by the version; on a file of the kernel's own mounts, no other meaning of them is possible.
#define FMODE_BACKING (1 << 24 | 1 << 25)

// Whether a file has no name any more, or never had one but as O_TMPFILE has.
static __always_inline bool is_unlinked(struct file *file)
{
	return BPF_CORE_READ(file, f_inode, i_nlink) == 0;
}

// Decides what using a file as code asks for: `accesses` of its name, or `anonymous-exec` where it has none.
static __noinline int ask_code(struct file *file, __u32 accesses)
{
	int result = find(BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry));
	int error;

	if (result == WALK_NAMELESS)
		return judge_operation(OPERATION_ANONYMOUS_EXEC, 0, 0);
	error = judge(result, accesses);
	if (!error && is_unlinked(file))
		error = judge_operation(OPERATION_ANONYMOUS_EXEC, 0, 0);
	return error;
}

// Decides what using a file as code asks for, and keeps what a walk found of its directory, whose inode is `directory`.
static __noinline int ask_code_by_walk(struct swguard_layers *own, struct file *file, struct inode *directory,
				       __u32 accesses)
{
	struct scratch *scratch = scratch_of_current();
	struct file *untyped = UNTYPED(struct file, file);
	int error = decide(ASK_CODE, AS_NUMBER(file), accesses, 0, 0);

	if (scratch && untyped->f_path.dentry != untyped->f_path.mnt->mnt_root)
		keep_tag(directory, scratch, own);
	return error;
}

// The same by the tag of the directory, if that says that it is granted.
static __noinline int ask_mapping(struct swguard_layers *own, struct file *file)
{
	struct file *untyped = UNTYPED(struct file, file);
	struct dentry *directory = file->f_path.dentry->d_parent;
	struct inode *inode = directory->d_inode;

	// What has no name is `anonymous-exec`, whatever its directory.
	if (untyped->f_inode->i_nlink && is_granted_by_tag(own, untyped->f_path.mnt, directory, inode,
							   untyped->f_path.dentry, SWGUARD_MAP))
		return 0;
	return ask_code_by_walk(own, file, inode, SWGUARD_MAP);
}

// Apart from the hook, which has then nothing to keep on the stack for a task without layers.
static __noinline int ask_open(struct file *file)
{
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());
	struct file *untyped = UNTYPED(struct file, file);
	struct dentry *name, *directory;
	struct inode *inode;
	struct vfsmount *mount;
	__u32 accesses;

	if (!own)
		return are_layers_hidden() ? -EACCES : 0;
	if (!own->count)
		return 0;
	// Its inode's storage is looked up. Before what the verifier follows by several ways.
	directory = file->f_path.dentry->d_parent;
	inode = directory->d_inode;
	mount = untyped->f_path.mnt;
	name = untyped->f_path.dentry;
	barrier();
	accesses = accesses_of(file);
	// A file of nsfs is in no directory that has a tag. To execute what has no name is `anonymous-exec`.
	if ((accesses != SWGUARD_EXECUTE || untyped->f_inode->i_nlink) &&
	    is_granted_by_tag(own, mount, directory, inode, name, accesses))
		return 0;
	if (untyped->f_inode->i_sb->s_magic == NSFS_MAGIC)
		return decide_operation(OPERATION_NAMESPACE, 0);
	if (accesses == SWGUARD_EXECUTE)
		return ask_code_by_walk(own, file, inode, accesses);
	// No name leads to a mount of the kernel's own: what is opened there has none (a memfd, a pipe, by its descriptor), or
	// overlayfs opens it in a layer for what the task asked for of the overlay. It writes to its working directory, which is
	// not beneath the mount's root: a walk would not end there.
	if (is_internal(mount))
		return 0;
	return ask_by_walk(own, mount, inode, name, accesses);
}

// FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, and what FAT calls its attributes.
static __always_inline bool sets_attributes(__u32 command)
{
	return command == 0x40086602 || command == 0x40046602 || command == 0x401c5820 || command == 0x40047211;
}

SEC("lsm/file_open")
int BPF_PROG(swguard_file_open, struct file *file)
{
	if (is_sealable && may_change(file) && guard_opening(file))
		REFUSE(EPERM);
	if (!is_suspect_at_once())
		return 0;
	VERDICT(ask_open(file));
}

// A descriptor that came over a socket is checked as if it had been opened.
SEC("lsm/file_receive")
int BPF_PROG(swguard_file_receive, struct file *file)
{
	if (!is_suspect())
		return 0;
	VERDICT(ask_open(file));
}

SEC("lsm/path_truncate")
int BPF_PROG(swguard_path_truncate, const struct path *path)
{
	PASS_UNCONFINED(own);
	VERDICT(decide_path(path, SWGUARD_WRITE));
}

// 6.2 and later: ftruncate(2) no longer asks path_truncate. A descriptor that is open for writing is enough there, as it
// is for write(2).

SEC("lsm/path_notify")
int BPF_PROG(swguard_path_notify, const struct path *path, __u64 mask, unsigned int type)
{
	PASS_UNCONFINED(own);
	VERDICT(decide_path(path, SWGUARD_READ));
}

// Not the image that execve itself maps: `execute` was asked for that.
static __always_inline bool is_executing(void)
{
	return BPF_CORE_READ_BITFIELD(bpf_get_current_task_btf(), in_execve);
}

// Memory that is written and executed: granted unless a policy denies it.
static __always_inline int ask_writable_code(void)
{
	return decide_operation(OPERATION_WRITABLE_CODE, 0);
}

#define PROT_WRITE 0x2
#define MAP_SHARED_BITS 0x3
#define MAP_SHARED 0x1
#define MAP_SHARED_VALIDATE 0x3
#define VM_WRITE 0x2

SEC("lsm/mmap_file")
int BPF_PROG(swguard_mmap_file, struct file *file, unsigned long requested, unsigned long protection,
	     unsigned long flags)
{
	int error = 0;

	if (!(protection & PROT_EXEC))
		return 0;
	PASS_UNCONFINED(own);
	if (protection & PROT_WRITE)
		error = ask_writable_code();
	if (!error && file && !is_executing())
		error = ask_mapping(own, file);
	VERDICT(error);
}

SEC("lsm/file_mprotect")
int BPF_PROG(swguard_file_mprotect, struct vm_area_struct *area, unsigned long requested, unsigned long protection)
{
	struct file *file;
	int error = 0;

	if (!(protection & PROT_EXEC))
		return 0;
	PASS_UNCONFINED(own);
	file = BPF_CORE_READ(area, vm_file);
	// What has been written is not told apart from what could have been: pages of its own, or writable now.
	if (protection & PROT_WRITE || BPF_CORE_READ(area, vm_flags) & VM_WRITE || BPF_CORE_READ(area, anon_vma))
		error = ask_writable_code();
	if (error || !file)
		VERDICT(error);
	// overlayfs maps a layer's file; what the user opened stands behind it.
	if (bpf_core_type_exists(struct backing_file) && BPF_CORE_READ(file, f_mode) & FMODE_BACKING &&
	    is_internal(BPF_CORE_READ(file, f_path.mnt))) {
		struct backing_file *backing = (void *)file - bpf_core_field_offset(struct backing_file, file);

		VERDICT(decide(ASK_OBJECT, (__u64)BPF_CORE_READ(backing, user_path.mnt),
			       (__u64)BPF_CORE_READ(backing, user_path.dentry), SWGUARD_MAP, 0));
	}
	VERDICT(decide(ASK_CODE, (__u64)file, SWGUARD_MAP, 0, 0));
}
