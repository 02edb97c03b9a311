"""Ways to get at the agent, each tried by a process of root's.

ways.py TABLE PID prints a line of JSON for each way of the table: its name, the errno that came of it (0: it went on), and
the errnos that are right. `confined` is for a process under a policy that grants everything, `sealed` for one under none.
The process goes through the table row by row: it reads a line before each.
"""
import ctypes
import errno
import glob
import json
import os
import signal
import socket
import struct
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
EPERM, EACCES, EBUSY, EXDEV = errno.EPERM, errno.EACCES, errno.EBUSY, errno.EXDEV
DENIED = (EPERM, EACCES)
PINS, STATE, LOG = '/sys/fs/bpf/swguard', '/var/lib/swguard', '/var/log/swguard/audit.jsonl'
POLICY, CONFIG = '/etc/swguard/policies/guarded.yaml', '/etc/swguard/agent.yaml'
table, agent = sys.argv[1], int(sys.argv[2])
# On the file system that most of the agent's files are on.
WORK = '/root/ways-%d' % os.getpid()
program = os.readlink('/proc/%d/exe' % agent) if table == 'sealed' else sys.argv[3]


def call(number, *arguments):
    """A system call; its result, or an OSError."""
    result = libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), 'call %d' % number)
    return result


def bpf(command, *fields):
    attributes = ctypes.create_string_buffer(b''.join(fields).ljust(144, b'\0'), 144)
    return call(321, command, attributes, 144)


def word(*numbers):
    return struct.pack('<%dI' % len(numbers), *numbers)


def pinned(path):
    name = ctypes.create_string_buffer(path.encode())
    pinned.kept.append(name)
    return bpf(7, struct.pack('<Q', ctypes.addressof(name)))


pinned.kept = []


def own(kind):
    found = glob.glob('%s/set-*/%s' % (PINS, kind))
    assert found, kind
    return found[0]


def numbers(next_command):
    number, found = 0, []
    while True:
        attributes = ctypes.create_string_buffer(word(number, 0).ljust(144, b'\0'), 144)
        try:
            call(321, next_command, attributes, 144)
        except OSError:
            return found
        number = struct.unpack_from('<I', attributes.raw, 4)[0]
        found.append(number)


def by_number(next_command, get_command):
    """Whether any object of swguard's is to be had; EPERM where as many as there must be are not."""
    refused = 0
    for number in numbers(next_command):
        try:
            descriptor = bpf(get_command, word(number))
        except OSError as error:
            refused += error.errno == EPERM
            continue
        information = ctypes.create_string_buffer(256)
        try:
            bpf(15, struct.pack('<IIQ', descriptor, 256, ctypes.addressof(information)))
            if b'swguard' in information.raw:
                return
        finally:
            os.close(descriptor)
    if refused >= 10:
        raise OSError(EPERM, '%d refused' % refused)


def mount(source, target, kind, flags, data=None):
    if libc.mount(source and source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), data) < 0:
        raise OSError(ctypes.get_errno(), 'mount')


def umount(target, flags=0):
    if libc.umount2(target.encode(), flags) < 0:
        raise OSError(ctypes.get_errno(), 'umount')


def opened(path, flags):
    os.close(os.open(path, flags, 0o600))


def inside(body):
    """In a namespace of its own, as a child: its errno."""
    child = os.fork()
    if child == 0:
        try:
            call(272, 0x20000)
            body()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, 'inside')


def bound(path, body):
    """With another mount of a directory."""
    there = WORK + '/bound'
    os.makedirs(there, exist_ok=True)
    mount(path, there, None, 4096)
    try:
        body(there)
    finally:
        umount(there, 2)


def vector(address, size):
    return ctypes.create_string_buffer(struct.pack('<QQ', address, size))


def memory(number):
    buffer = ctypes.create_string_buffer(8)
    call(number, agent, vector(ctypes.addressof(buffer), 8), 1, vector(0x400000, 8), 1, 0)


def pidfd():
    return call(434, agent, 0)


def by_descriptor():
    """A signal of choice when a descriptor can be read: the kernel sends it, and says nothing of a refusal."""
    ours, other = socket.socketpair()
    import fcntl
    fcntl.fcntl(ours, fcntl.F_SETOWN, agent)
    fcntl.fcntl(ours, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC)
    other.send(b'x')


def prlimit(resource):
    call(302, agent, resource, ctypes.create_string_buffer(struct.pack('<QQ', 1, 1)), 0)


def through_overlay():
    """The policies as the upper layer: overlayfs writes to it by hooks of inodes only."""
    for name in ['lower', 'work', 'merged']:
        os.makedirs('%s/%s' % (WORK, name), exist_ok=True)
    mount('overlay', WORK + '/merged', 'overlay', 0,
          ('lowerdir=%s/lower,upperdir=/etc/swguard/policies,workdir=%s/work' % (WORK, WORK)).encode())
    try:
        opened(WORK + '/merged/more.yaml', os.O_WRONLY | os.O_CREAT)
    finally:
        umount(WORK + '/merged', 2)


def attribute(path):
    import fcntl
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, 0x40086602, struct.pack('<Q', 0x10))
    finally:
        os.close(descriptor)


def traced_start():
    child = os.fork()
    if child == 0:
        try:
            call(101, 0, 0, 0, 0)
            os.execv(program, [program, 'check'])
        except OSError as error:
            os._exit(error.errno)
    status = os.waitpid(child, 0)[1]
    if os.WIFSTOPPED(status):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return
    raise OSError(os.waitstatus_to_exitcode(status), 'exec')


def module():
    buffer = ctypes.create_string_buffer(b'\x7fELF' + b'\0' * 4092, 4096)
    call(175, buffer, 4096, ctypes.create_string_buffer(b''))


def load(kind):
    instructions = ctypes.create_string_buffer(struct.pack('<QQ', 0xb7, 0x95))
    licence = ctypes.create_string_buffer(b'GPL')
    os.close(bpf(5, struct.pack('<IIQQ', kind, 2, ctypes.addressof(instructions), ctypes.addressof(licence))))


def link_of(name):
    return pinned(own('links/' + name))


def write(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def command(*arguments):
    """swguard itself: it says no."""
    ended = subprocess.run([program, *arguments], capture_output=True, text=True)
    if ended.returncode == 0:
        return
    if 'sealed until the machine starts again' in ended.stdout + ended.stderr:
        raise OSError(EPERM, 'sealed')
    raise OSError(errno.EIO, ended.stdout + ended.stderr)


def renamed(path):
    os.rename(path, path + '-away')


def another_cgroup():
    line = open('/proc/%d/cgroup' % agent).read().splitlines()[-1].split(':', 2)[2]
    return '/sys/fs/cgroup' + line


# A name, what is done, and the errnos that are right.
PROCESS = [
    ('kill with 0', lambda: os.kill(agent, 0), DENIED),
    ('kill with TERM', lambda: os.kill(agent, signal.SIGTERM), DENIED),
    ('kill with STOP', lambda: os.kill(agent, signal.SIGSTOP), DENIED),
    ('kill with KILL', lambda: os.kill(agent, signal.SIGKILL), DENIED),
    ('tgkill', lambda: call(234, agent, agent, signal.SIGKILL), DENIED),
    ('pidfd_send_signal', lambda: call(424, pidfd(), signal.SIGKILL, 0, 0), DENIED),
    ('F_SETSIG', by_descriptor, (0,)),
    ('ptrace ATTACH', lambda: call(101, 16, agent, 0, 0), DENIED),
    ('ptrace SEIZE', lambda: call(101, 0x4206, agent, 0, 0), DENIED),
    ('/proc/PID/mem', lambda: opened('/proc/%d/mem' % agent, os.O_RDWR), DENIED),
    ('process_vm_readv', lambda: memory(310), DENIED),
    ('process_vm_writev', lambda: memory(311), DENIED),
    ('pidfd_getfd', lambda: call(438, pidfd(), 0, 0), DENIED),
    ('prlimit', lambda: prlimit(7), DENIED),
    ('prlimit cpu', lambda: prlimit(0), DENIED),
    ('setpriority', lambda: os.setpriority(os.PRIO_PROCESS, agent, 19), DENIED),
    ('sched_setaffinity', lambda: os.sched_setaffinity(agent, {0}), DENIED),
    ('sched_setscheduler', lambda: os.sched_setscheduler(agent, os.SCHED_IDLE, os.sched_param(0)), DENIED),
    ('ioprio_set', lambda: call(251, 1, agent, 3 << 13), DENIED),
]
LOOKING = [
    ('kcmp', lambda: call(312, os.getpid(), agent, 2, 0, 0), DENIED),
    ('/proc/PID/environ', lambda: opened('/proc/%d/environ' % agent, os.O_RDONLY), DENIED),
    ('/proc/PID/exe', lambda: os.readlink('/proc/%d/exe' % agent), DENIED),
]
BPF = [
    ('pinned map', lambda: pinned(PINS + '/layers'), (EPERM,)),
    ('pinned map of the set', lambda: pinned(own('maps/agent')), (EPERM,)),
    ('pinned map of slots', lambda: pinned(PINS + '/slots'), (EPERM,)),
    ('pinned program', lambda: pinned(own('maps/swguard_identify')), (EPERM,)),
    ('claim', lambda: pinned(own('maps/swguard_claim')), (EPERM,)),
    ('maps by number', lambda: by_number(12, 14), (EPERM,)),
    ('programs by number', lambda: by_number(11, 13), (EPERM,)),
    ('links by number', lambda: by_number(31, 30), (EPERM,)),
    ('BPF_LINK_DETACH', lambda: bpf(34, word(link_of('swguard_file_open'))), (EPERM,)),
    ('BPF_LINK_UPDATE', lambda: bpf(29, word(link_of('swguard_list_tasks'), 0, 0, 0)), (EPERM,)),
    ('BPF_ITER_CREATE', lambda: bpf(33, word(link_of('swguard_list_tasks'), 0)), (EPERM,)),
]
PINNED = [
    ('unlink a pin', lambda: os.unlink(PINS + '/layers'), DENIED),
    ('unlink a link', lambda: os.unlink(own('links/swguard_file_open')), DENIED),
    ('rename a pin', lambda: renamed(PINS + '/layers'), DENIED),
    ('rename the pins', lambda: renamed(PINS), DENIED + (EXDEV,)),
    ('make a directory', lambda: os.mkdir(PINS + '/mine'), DENIED),
    ('chmod the pins', lambda: os.chmod(PINS, 0o777), DENIED),
    ('by another mount', lambda: bound(PINS, lambda there: os.unlink(there + '/layers')), DENIED),
    ('by a mount of all', lambda: bound('/sys/fs/bpf', lambda there: os.unlink(there + '/swguard/slots')), DENIED),
    ('umount', lambda: umount('/sys/fs/bpf'), (EPERM,)),
    ('umount -l', lambda: umount('/sys/fs/bpf', 2), (EPERM,)),
    ('umount -l of sysfs', lambda: umount('/sys', 2), (EPERM,)),
    ('umount elsewhere, passed on', lambda: inside(lambda: umount('/sys/fs/bpf', 2)), (EPERM,)),
    ('umount above elsewhere', lambda: inside(lambda: umount('/sys', 2)), (EPERM,)),
    ('mount over the bpffs', lambda: mount('x', '/sys/fs/bpf', 'tmpfs', 0), (EPERM,)),
    ('mount over the pins', lambda: mount('/tmp', PINS, None, 4096), (EPERM,)),
    ('mount over what is above', lambda: mount('x', '/var/lib', 'tmpfs', 0), (EPERM,)),
    ('mount over the log', lambda: mount('x', '/var/log/swguard', 'tmpfs', 0), (EPERM,)),
    ('move the bpffs', lambda: mount('/sys/fs/bpf', WORK, None, 8192), (EPERM,)),
    ('remount the bpffs', lambda: mount(None, '/sys/fs/bpf', None, 32 | 1), (EPERM,)),
]
FILES = [
    ('write a policy', lambda: opened(POLICY, os.O_WRONLY), DENIED),
    ('truncate a policy', lambda: os.truncate(POLICY, 0), DENIED),
    ('O_TRUNC', lambda: opened(POLICY, os.O_RDONLY | os.O_TRUNC), DENIED),
    ('make a policy', lambda: opened('/etc/swguard/policies/more.yaml', os.O_WRONLY | os.O_CREAT), DENIED),
    ('remove a policy', lambda: os.unlink(POLICY), DENIED),
    ('rename a policy', lambda: renamed(POLICY), DENIED + (EXDEV,)),
    ('put one in its place', lambda: os.rename(WORK + '/mine', POLICY), DENIED + (EXDEV,)),
    ('link a policy', lambda: os.link(POLICY, WORK + '/linked'), DENIED + (EXDEV,)),
    ('chmod a policy', lambda: os.chmod(POLICY, 0o666), DENIED),
    ('touch a policy', lambda: os.utime(POLICY, (1, 1)), DENIED),
    ('an attribute', lambda: os.setxattr(POLICY, 'trusted.mine', b'x'), DENIED + (errno.ENOTSUP,)),
    ('chattr', lambda: attribute(POLICY), DENIED + (errno.ENOTTY,)),
    ('write the configuration', lambda: opened(CONFIG, os.O_RDWR), DENIED),
    ('append to the log', lambda: opened(LOG, os.O_WRONLY | os.O_APPEND), DENIED),
    ('remove the log', lambda: os.unlink(LOG), DENIED),
    ('make state', lambda: opened(STATE + '/mine', os.O_WRONLY | os.O_CREAT), DENIED),
    ('rename the state', lambda: renamed(STATE), DENIED + (EXDEV,)),
    ('rename what is above', lambda: renamed('/var/lib'), DENIED + (EXDEV, EBUSY)),
    ('write the program', lambda: opened(program, os.O_WRONLY), DENIED + (errno.ETXTBSY,)),
    ('replace the program', lambda: os.rename(WORK + '/mine', program), DENIED + (EXDEV,)),
    ('remove the socket', lambda: os.unlink('/run/swguard/control'), DENIED),
    ('by another mount of policies',
     lambda: bound('/etc/swguard', lambda there: opened(there + '/agent.yaml', os.O_WRONLY)), DENIED),
]
SEALED = [
    ('ftrace_enabled', lambda: write('/proc/sys/kernel/ftrace_enabled', '0'), DENIED),
    ('oom_score_adj', lambda: write('/proc/%d/oom_score_adj' % agent, '1000'), DENIED),
    ('another file of it', lambda: write('/proc/%d/task/%d/comm' % (agent, agent), 'x'), DENIED),
    ('cgroup.freeze', lambda: write(another_cgroup() + '/cgroup.freeze', '1'), DENIED),
    ('cgroup.kill', lambda: write(another_cgroup() + '/cgroup.kill', '1'), DENIED),
    ('/dev/mem', lambda: opened('/dev/mem', os.O_RDWR), DENIED),
    ('iopl', lambda: call(172, 3), DENIED),
    ('ioperm', lambda: call(173, 0x80, 1, 1), DENIED),
    ('a module without a signature', module, DENIED + (errno.ENOEXEC, errno.EBADMSG)),
    ('kexec_load', lambda: call(246, 0, 0, 0, 0), DENIED),
    ('an LSM program', lambda: load(29), (EPERM,)),
    ('a tracing program', lambda: load(26), (EPERM,)),
    ('a kprobe program', lambda: load(2), (EPERM,)),
    ('a socket filter', lambda: load(1), (0,)),
    ('PR_SET_MM_EXE_FILE', lambda: call(157, 35, 13, os.open('/bin/true', os.O_RDONLY), 0, 0), (EPERM,)),
    ('the program, traced', traced_start, (EPERM,)),
    ('an overlay over policies', through_overlay, DENIED),
    ('load', lambda: command('load', '/tmp/other.yaml'), (EPERM,)),
    ('unload', lambda: command('unload', 'guarded'), (EPERM,)),
    ('reload', lambda: command('reload'), (EPERM,)),
    ('rollback', lambda: command('rollback'), (EPERM,)),
]
TABLES = {
    'confined': PROCESS + LOOKING + BPF + PINNED + FILES,
    'sealed': PROCESS + BPF + PINNED + FILES + SEALED,
}

os.makedirs(WORK, exist_ok=True)
for name, attempt, right in TABLES[table]:
    if not sys.stdin.readline():
        break
    open(WORK + '/mine', 'w').close()
    try:
        attempt()
        code = 0
    except OSError as error:
        code = error.errno
    except Exception as error:
        code = repr(error)
    print(json.dumps([name, code, list(right)]), flush=True)
