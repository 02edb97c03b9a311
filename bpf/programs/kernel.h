// The kernel's structures, as far as the programs look into them.
//
// Only the fields that are read, in any order: the loader finds their offsets in the running kernel's type information
// (CO-RE), and refuses to load where one is missing.
#pragma once

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_local_storage;

struct task_struct {
	struct bpf_local_storage *bpf_storage;
};

struct qstr {
	const unsigned char *name;
};

struct inode {
	unsigned long i_ino;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
};

#pragma clang attribute pop
