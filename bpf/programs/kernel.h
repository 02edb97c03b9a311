// The kernel's structures, as far as the programs look into them.
//
// Only the fields that are read, in any order: the loader finds their offsets in the running kernel's type information
// (CO-RE), and refuses to load where one is missing.
#pragma once

#include <linux/types.h>

typedef __u32 fmode_t;

// As bytes: read as a whole.
struct in6_addr {
	__u32 words[4];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct bpf_local_storage_map;

struct bpf_local_storage_data {
	struct bpf_local_storage_map *smap;
};

struct bpf_local_storage_elem {
	struct hlist_node snode;
	struct bpf_local_storage_data sdata;
};

struct bpf_local_storage {
	struct hlist_head list;
};

struct thread_info {
	unsigned int status;
};

struct pid;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kuid_t euid;
	kuid_t fsuid;
	kuid_t suid;
	kgid_t egid;
};

struct kernfs_node {
	struct kernfs_node *parent;
	const char *name;
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct bpf_prog_aux {
	char name[16];
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct bpf_map {
	char name[16];
};

struct bpf_link {
	__u32 id;
	struct bpf_prog *prog;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct file;

struct mm_struct {
	struct file *exe_file;
};

struct signal_struct {
	int nr_threads;
};

struct mnt_namespace;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct fs_struct;

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	unsigned long atomic_flags;
	struct signal_struct *signal;
	struct bpf_local_storage *bpf_storage;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	struct mm_struct *mm;
	const struct cred *real_cred;
	const struct cred *cred;
	struct css_set *cgroups;
	struct files_struct *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	unsigned int ptrace;
	struct hlist_node pid_links[4];
	__u64 start_boottime;
	int pid;
	int tgid;
	char comm[16];
	unsigned int in_execve : 1;
};

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	unsigned long s_flags;
};

struct inode_operations {
	void *atomic_open;
};

struct inode {
	unsigned short i_mode;
	const struct inode_operations *i_op;
	unsigned int i_nlink;
	__u32 i_generation;
	__u32 i_rdev;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};

struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

typedef struct seqcount {
	unsigned int sequence;
} seqcount_t;

// Known by its name only: of 6.4, whose kernels have bpf_rdonly_cast.
struct bpf_iter_num {
	__u64 __opaque[1];
};

typedef struct {
	seqcount_t seqcount;
} seqcount_spinlock_t;

struct dentry {
	unsigned int d_flags;
	seqcount_spinlock_t d_seq;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	unsigned char d_iname[32];
	struct super_block *d_sb;
};

// Known by its name only: whether there is one tells the order of some hooks' arguments.
struct mnt_idmap {
	unsigned int count;
};

struct iattr {
	unsigned int ia_valid;
};

struct vfsmount {
	struct super_block *mnt_sb;
	struct dentry *mnt_root;
	int mnt_flags;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
	__u64 seq;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
	struct mount *mnt_master;
	int mnt_group_id;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
};

struct file {
	void *private_data;
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	fmode_t f_mode;
};

// What overlayfs and the like open for a mapping: the file of a layer, with the path that the user opened.
struct backing_file {
	struct file file;
	struct path user_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct linux_binprm {
	unsigned int unsafe;
	struct file *file;
	struct cred *cred;
};

// include/linux/security.h; its numbers move.
enum lockdown_reason {
	LOCKDOWN_MODULE_SIGNATURE = 1,
	LOCKDOWN_KEXEC = 4,
	LOCKDOWN_MODULE_PARAMETERS = 13,
	LOCKDOWN_BPF_WRITE_USER = 17,
	LOCKDOWN_INTEGRITY_MAX = 20,
};

struct anon_vma;

struct vm_area_struct {
	unsigned long vm_flags;
	struct anon_vma *anon_vma;
	struct file *vm_file;
};

struct pt_regs {
	unsigned long orig_ax;
};

struct kern_ipc_perm;
struct kernel_siginfo;

struct sock_common {
	unsigned short skc_family;
	__u16 skc_num;
	__u32 skc_rcv_saddr;
	int skc_bound_dev_if;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct inet_sock {
	struct sock sk;
	__u32 inet_saddr;
	int uc_index;
};

struct socket {
	short type;
	struct sock *sk;
};

struct unix_address {
	int len;
	struct sockaddr_un_head {
		unsigned short sun_family;
		char sun_path[108];
	} name[0];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
	void *msg_control;
	unsigned long msg_controllen;
};

struct sockaddr;
struct user_namespace;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop
