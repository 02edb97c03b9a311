// Hooks on what has no object name: each asks for the operation of the policy language. Where the kernel has none, see
// capabilities.bpf.h. What is asked of the agent's own, too, is in self.bpf.h and places.bpf.h.
#pragma once

#include "claim.bpf.h"
#include "files.bpf.h"
#include "places.bpf.h"

#define OPERATION_HOOK(hook, operation, ...)                                \
	SEC("lsm/" #hook)                                                   \
	int BPF_PROG(swguard_##hook __VA_OPT__(, ) __VA_ARGS__)             \
	{                                                                   \
		PASS_UNCONFINED(own);                                               \
		VERDICT(decide_operation(operation, 0));                     \
	}

OPERATION_HOOK(path_chroot, OPERATION_CHROOT)
OPERATION_HOOK(userns_create, OPERATION_NAMESPACE)
OPERATION_HOOK(settime, OPERATION_TIME)
OPERATION_HOOK(syslog, OPERATION_SYSLOG)
OPERATION_HOOK(quotactl, OPERATION_QUOTA)
OPERATION_HOOK(perf_event_open, OPERATION_PERF)
OPERATION_HOOK(key_alloc, OPERATION_KEYRING)
OPERATION_HOOK(key_permission, OPERATION_KEYRING)
OPERATION_HOOK(ipc_permission, OPERATION_IPC)
OPERATION_HOOK(uring_sqpoll, OPERATION_IO_URING)
OPERATION_HOOK(uring_cmd, OPERATION_IO_URING)
OPERATION_HOOK(task_fix_setgid, OPERATION_SETUID)
OPERATION_HOOK(task_fix_setgroups, OPERATION_SETUID)

// enum kernel_read_file_id and kernel_load_data_id (include/linux/kernel_read_file.h): the same numbers.
#define READING_MODULE 2
#define READING_KEXEC_IMAGE 3
#define READING_KEXEC_INITRAMFS 4

// 1: the kernel does not look at the signatures of modules, so that while the agent is sealed nobody loads one.
const volatile __u32 refuses_modules = 0;

static __always_inline int guard_reading(__u32 what)
{
	const struct swguard_agent *known;

	if (!is_sealable || !refuses_modules || what != READING_MODULE)
		return 0;
	known = agent_record();
	return known && known->is_sealed ? judge_self(SWGUARD_OBJECT_OPERATION, OPERATION_MODULE, 0, 0) : 0;
}

static __always_inline int judge_reading(__u32 what)
{
	if (what == READING_MODULE)
		return decide_operation(OPERATION_MODULE, 0);
	if (what == READING_KEXEC_IMAGE || what == READING_KEXEC_INITRAMFS)
		return decide_operation(OPERATION_KEXEC, 0);
	return 0;
}

SEC("lsm/kernel_read_file")
int BPF_PROG(swguard_kernel_read_file, struct file *file, unsigned int what, bool contents)
{
	if (guard_reading(what))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(judge_reading(what));
}

SEC("lsm/kernel_load_data")
int BPF_PROG(swguard_kernel_load_data, unsigned int what, bool contents)
{
	if (guard_reading(what))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(judge_reading(what));
}

// Rings and userfaultfds have no hook of their own before 6.15, but a name among the kernel's nameless inodes.
SEC("lsm/inode_init_security_anon")
int BPF_PROG(swguard_inode_init_security_anon, struct inode *inode, struct qstr *name)
{
	char text[16] = {};

	PASS_UNCONFINED(own);
	if (bpf_probe_read_kernel_str(text, sizeof(text), BPF_CORE_READ(name, name)) < 0)
		REFUSE(EPERM);
	if (__builtin_memcmp(text, "[io_uring]", 10) == 0)
		VERDICT(decide_operation(OPERATION_IO_URING, 0));
	if (__builtin_memcmp(text, "[userfaultfd]", 13) == 0)
		VERDICT(decide_operation(OPERATION_USERFAULTFD, 0));
	return 0;
}

// MARK: Other processes

struct comparison {
	struct swguard_layers *own;
	struct swguard_layers *other;
	__u32 is_lacking;
};

static long compare_layer(__u32 index, struct comparison *comparison)
{
	__u32 slot, found = 0;

	if (index >= SWGUARD_LAYERS_MAX)
		return 1;
	slot = comparison->own->policies[index];
	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX; layer++)
		if (layer < comparison->other->count && comparison->other->policies[layer] == slot)
			found = 1;
	if (found)
		return 0;
	comparison->is_lacking = 1;
	return 1;
}

static long compare_refused(__u32 place, struct comparison *comparison)
{
	place = within_refused(place);
	comparison->is_lacking |= comparison->own->refused[place] & ~comparison->other->refused[place];
	return comparison->is_lacking != 0;
}

// Whether `other` lacks one of the layers of `own`: it may do what the task may not.
static __always_inline bool lacks(struct swguard_layers *own, struct task_struct *other)
{
	struct comparison comparison = { .own = own, .other = layers_of(other) };

	if (!comparison.other)
		return true;
	bpf_loop(own->count, compare_layer, &comparison, 0);
	// What has no room denies more than a layer does.
	if (own->has_refused)
		bpf_loop(SWGUARD_REFUSED_WORDS, compare_refused, &comparison, 0);
	return comparison.is_lacking;
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(swguard_ptrace_access_check, struct task_struct *child, unsigned int mode)
{
	if (guard_trace(child, mode))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	if (!lacks(own, child))
		return 0;
	VERDICT(decide_operation(OPERATION_PTRACE, mode & PTRACE_MODE_NOAUDIT));
}

// Decides an operation that the task that is running would have another one do. Returns 0 or an errno.
static __always_inline int decide_for(struct swguard_layers *layers, __u32 operation)
{
	struct scratch *scratch = scratch_of_current();

	if (!scratch || bpf_probe_read_kernel(&scratch->other, sizeof(scratch->other), layers))
		return -EPERM;
	return decide(ASK_OPERATION_OF, operation, 0, 0, 0);
}

// PTRACE_TRACEME: the parent becomes the tracer, and gets hold of what the caller may do. It is the parent that is judged.
SEC("lsm/ptrace_traceme")
int BPF_PROG(swguard_ptrace_traceme, struct task_struct *parent)
{
	struct swguard_layers *tracer = layers_of(parent), *own;
	int error;

	if (!tracer) {
		// It may be under policies that deny it.
		if (are_layers_hidden_of(parent))
			REFUSE(EPERM);
		return 0;
	}
	if (!tracer->count || !lacks(tracer, bpf_get_current_task_btf()))
		return 0;
	error = decide_for(tracer, OPERATION_PTRACE);
	// The caller may be under nothing, and leaves hooks early then.
	own = layers_of(bpf_get_current_task_btf());
	if (!own && !are_layers_hidden())
		bpf_task_storage_delete(&scratches, bpf_get_current_task_btf());
	VERDICT(error);
}

// System V objects, when they are changed or removed: that asks no permission, but to be the owner. What asks for a
// permission as well (`asks`: ipc/sem.c, ipc/shm.c, ipc/msg.c) has been judged with that.
#define IPC_CONTROL_HOOK(hook, asks)                                        \
	SEC("lsm/" #hook)                                                   \
	int BPF_PROG(swguard_##hook, struct kern_ipc_perm *object, int command) \
	{                                                                   \
		/* What there is in all, not one of them. */                \
		if (!IS_GIVEN(object) || (asks))                            \
			return 0;                                           \
		PASS_UNCONFINED(own);                                       \
		VERDICT(decide_operation(OPERATION_IPC, 0));                 \
	}

#define IPC_STAT 2
#define GETPID 11
#define SETALL 17
#define SEM_STAT 18
#define SHM_STAT 13
#define MSG_STAT 11

IPC_CONTROL_HOOK(msg_queue_msgctl, command == IPC_STAT || command == MSG_STAT)
IPC_CONTROL_HOOK(shm_shmctl, command == IPC_STAT || command == SHM_STAT)
IPC_CONTROL_HOOK(sem_semctl, command == IPC_STAT || (command >= GETPID && command <= SETALL) || command == SEM_STAT)

SEC("lsm/task_kill")
int BPF_PROG(swguard_task_kill, struct task_struct *target, struct kernel_siginfo *information, int number,
	     const struct cred *sender)
{
	// By a device that has finished, for whoever asked it to: any task may be running (kernel/signal.c,
	// kill_pid_usb_asyncio).
	if (IS_GIVEN(sender))
		return 0;
	if (guard_process(target, OPERATION_SIGNAL, 0))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	if (!lacks(own, target))
		return 0;
	VERDICT(decide_operation(OPERATION_SIGNAL, 0));
}

// MARK: Signals that the kernel sends later

// To the owner of a descriptor, when it can be read or written: any signal (F_SETSIG), with no sender that could be judged
// then (fs/fcntl.c, send_sigio). So who names another owner is judged, and who chooses the signal, which whoever owns it by
// then gets. F_SETOWN_EX is not read: another thread can change what it says.
#define COMMAND_SETOWN 8
#define COMMAND_SETSIG 10
#define COMMAND_SETOWN_EX 15

// The number of the process in its own namespace, as F_SETOWN takes it; 0 where it is not found.
static __always_inline int own_number(void)
{
	struct pid *pid = BPF_CORE_READ(bpf_get_current_task_btf(), group_leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	int number = 0;

	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr));
	return number;
}

static __always_inline bool may_signal_others(__u32 command, unsigned long argument)
{
	switch (command) {
	case COMMAND_SETOWN:
		return (int)argument != 0 && (int)argument != own_number();
	case COMMAND_SETSIG:
		return argument != 0;
	case COMMAND_SETOWN_EX:
		return true;
	}
	return false;
}

SEC("lsm/file_fcntl")
int BPF_PROG(swguard_file_fcntl, struct file *file, unsigned int command, unsigned long argument)
{
	PASS_UNCONFINED(own);
	if (!may_signal_others(command, argument))
		return 0;
	VERDICT(decide_operation(OPERATION_SIGNAL, 0));
}

// MARK: Ioctls

static __always_inline int judge_ioctl(struct file *file, __u32 command)
{
	if (sets_attributes(command))
		return decide_path(&file->f_path, SWGUARD_METADATA);
	switch (command) {
	case 0x5412: // TIOCSTI
	case 0x541c: // TIOCLINUX
		return decide_operation(OPERATION_TERMINAL_INJECTION, 0);
	case 0x5000940e: // BTRFS_IOC_SUBVOL_CREATE
	case 0x50009418: // BTRFS_IOC_SUBVOL_CREATE_V2
	case 0x50009401: // BTRFS_IOC_SNAP_CREATE
	case 0x50009417: // BTRFS_IOC_SNAP_CREATE_V2
	case 0x5000940f: // BTRFS_IOC_SNAP_DESTROY
	case 0x5000943f: // BTRFS_IOC_SNAP_DESTROY_V2
	case 0x4020bc10: // BCH_IOCTL_SUBVOLUME_CREATE
	case 0x4020bc11: // BCH_IOCTL_SUBVOLUME_DESTROY
	case 0x40206f04: // OCFS2_IOC_REFLINK
		return decide_operation(OPERATION_SUBVOLUME, 0);
	case 0x8901: // FIOSETOWN
	case 0x8902: // SIOCSPGRP
		return decide_operation(OPERATION_SIGNAL, 0);
	}
	return 0;
}

SEC("lsm/file_ioctl")
int BPF_PROG(swguard_file_ioctl, struct file *file, unsigned int command, unsigned long argument)
{
	if (is_sealable && sets_attributes(command) &&
	    guard_change(BPF_CORE_READ(file, f_path.dentry), OF_ITS_OWN, CHANGE_METADATA))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(judge_ioctl(file, command));
}

// A call of the 32-bit ABI, where the kernel tells them apart (6.6 and stable kernels since).
SEC("lsm/file_ioctl_compat")
int BPF_PROG(swguard_file_ioctl_compat, struct file *file, unsigned int command, unsigned long argument)
{
	if (is_sealable && sets_attributes(command) &&
	    guard_change(BPF_CORE_READ(file, f_path.dentry), OF_ITS_OWN, CHANGE_METADATA))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(judge_ioctl(file, command));
}
