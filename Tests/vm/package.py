"""The life of the package on a machine, as its operator meets it: package.py FIRST.deb NEXT.deb, in a virtual machine whose
first process is systemd (Tests/vm/package-tests). Prints what it has seen; the first thing that is otherwise ends it."""

import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import time

FIRST, NEXT = sys.argv[1:]
POLICIES = pathlib.Path("/etc/swguard/policies")
PINS = pathlib.Path("/sys/fs/bpf/swguard")
LOG = pathlib.Path("/var/log/swguard/audit.jsonl")
# What the package installs, not what the machine was started with.
os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
os.environ["DEBIAN_FRONTEND"] = "noninteractive"
# Far more than anything takes, on an emulated processor.
PATIENCE = 300


def run(*command, check=True):
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and ended.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.05)
    return found


def saw(text):
    print(f"seen: {text}", flush=True)


def is_denied(path="/etc/hostname"):
    return run("/usr/bin/cat", path, check=False).returncode != 0


def result(command):
    return json.loads(run("swguard", command, "--format", "json").stdout)["result"]


def show(name):
    return run("systemctl", "show", "swguard", f"--property={name}", "--value").stdout.strip()


def is_taken_over():
    return any(json.loads(line).get("state") == "took-over" for line in LOG.read_text().splitlines())


class Hammer:
    """Eight threads that try what is denied; they stop when they are told to."""

    PROGRAM = "/usr/local/bin/confined-python"
    SCRIPT = """
import os, sys, threading, time
path, stop = sys.argv[1:]
tries, opened, lock = [0], [0], threading.Lock()
def work():
    own = won = 0
    while not os.path.exists(stop):
        for _ in range(50):
            own += 1
            try:
                os.close(os.open(path, os.O_RDONLY))
                won += 1
            except PermissionError:
                pass
        # The machine has one processor, and dpkg.
        time.sleep(0.2)
    with lock:
        tries[0] += own
        opened[0] += won
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(tries[0], opened[0])
"""

    def __init__(self, path):
        self.stop = f"/run/stop-{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            [self.PROGRAM, "-S", "-E", "-c", self.SCRIPT, path, self.stop], stdout=subprocess.PIPE, text=True)

    def end(self):
        pathlib.Path(self.stop).touch()
        tries, opened = self.process.communicate()[0].split()
        return int(tries), int(opened)


POLICY = """apiVersion: swguard/v1
kind: Policy
metadata: {{name: {name}}}
subjects: [{{exec: {program}}}]
files:
  default: allow
  rules: [{{id: secret, deny: [read], paths: [{path}]}}]
"""


def prepare():
    """Makes /usr writable, and an empty database of packages."""
    until("systemd answers", lambda: os.path.exists("/run/systemd/private"))
    state = run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
    for directory in ("upper", "work"):
        os.makedirs(f"/run/usr/{directory}")
    run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=/usr,upperdir=/run/usr/upper,workdir=/run/usr/work", "/usr")
    for directory in ("/var/lib/dpkg/info", "/var/lib/dpkg/updates", "/var/lib/dpkg/triggers", "/var/lib/apt/lists/partial",
                      "/var/cache/apt/archives/partial", "/var/log/apt"):
        os.makedirs(directory, exist_ok=True)
    pathlib.Path("/var/lib/dpkg/status").touch()
    run("cp", os.path.realpath("/usr/bin/python3"), Hammer.PROGRAM)
    pathlib.Path("/etc/secret").write_text("x")
    saw(f"systemd {run('systemctl', '--version').stdout.split()[1]} is {state}, {os.uname().release}")


def install():
    run("apt", "install", "-y", FIRST)
    assert show("ActiveState") == "active", show("ActiveState")
    assert run("systemctl", "is-enabled", "swguard").stdout == "enabled\n"
    assert not is_denied()
    (POLICIES / "cat.yaml").write_text(POLICY.format(name="cat", program="/usr/bin/cat", path="/etc/hostname"))
    (POLICIES / "python.yaml").write_text(POLICY.format(name="python", program=Hammer.PROGRAM, path="/etc/secret"))
    until("the policies are in force", is_denied)
    status = run("systemctl", "status", "--no-pager", "swguard").stdout
    assert "active (running)" in status and "enforcing 2 policies: cat, python" in status, status
    saw("apt installs it, policies are taken from the directory, and systemctl status tells them")


def tail():
    reader = subprocess.Popen(["swguard", "audit", "tail"], stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    began = time.monotonic()
    assert is_denied()
    while "/etc/hostname" not in (line := reader.stdout.readline()):
        assert line
    saw(f"audit tail shows a denial after {time.monotonic() - began:.1f} s: {line.strip()}")
    reader.terminate()
    reader.wait()


def readiness():
    run("systemctl", "stop", "swguard")
    assert is_denied()
    saw("stopped, it is still denied")
    run("swguard", "agent", "--teardown")
    assert not is_denied() and not PINS.exists()
    run("systemctl", "start", "swguard")
    # At once: it is started when enforcement is in force, not before.
    assert is_denied()
    saw("what systemctl start comes back from is in force")


def kill():
    hammer = Hammer("/etc/secret")
    process = show("MainPID")
    os.kill(int(process), 9)
    assert is_denied()
    until("systemd starts it again", lambda: show("MainPID") not in (process, "0") and show("ActiveState") == "active")
    assert is_denied() and is_taken_over()
    tries, opened = hammer.end()
    assert opened == 0 and tries > 100, (tries, opened)
    saw(f"killed, it is still denied ({tries} tries), systemd starts the next agent, and that takes over")


def reload():
    generation = result("status")["generation"]
    run("systemctl", "reload", "swguard")
    assert result("status")["generation"] == generation + 1
    bad = POLICIES / "bad.yaml"
    bad.write_text(POLICY.format(name="bad", program="/usr/bin/cat", path="relative"))
    assert run("systemctl", "reload", "swguard", check=False).returncode != 0
    assert show("ActiveState") == "active" and is_denied() and result("status")["generation"] == generation + 1
    # The agent writes its lines when it has answered, and the journal takes them when it gets round to it.
    errors = until("the journal has why", reload_errors)
    assert "bad.yaml:7:46" in errors and "enforcing" not in errors, errors
    bad.unlink()
    run("systemctl", "reload", "swguard")
    saw("systemctl reload, and one of a bad policy fails, changes nothing, and is an error in the journal")


def reload_errors():
    """What the journal has of level err, when the agent's last line is there."""
    errors = run("journalctl", "--unit=swguard", "--priority=err", "--output=cat").stdout
    return errors if "cannot reload the policies" in errors else None


def upgrade():
    configuration = pathlib.Path("/etc/swguard/agent.yaml")
    configuration.write_text(configuration.read_text() + "# by the administrator\n")
    sets = [path.name for path in PINS.glob("set-*")]
    before = counts()
    hammer = Hammer("/etc/secret")
    run("apt", "install", "-y", NEXT)
    assert show("ActiveState") == "active"
    tries, opened = hammer.end()
    assert opened == 0 and tries > 100, (tries, opened)
    assert [path.name for path in PINS.glob("set-*")] != sets, "it was the same build"
    assert configuration.read_text().endswith("# by the administrator\n")
    version = re.search("^Version: (.*)$", run("dpkg", "-s", "swguard").stdout, re.M)[1]
    after = until("all is accounted for", settled)
    decided = after["decided"] - before["decided"]
    assert decided == tries, (decided, tries, before, after)
    told = {name: after[name] - before[name] for name in after if name != "decided"}
    saw(f"upgraded to {version} under load: {tries} tries, 0 opened, {decided} decided, of which {told}")


def counts():
    """Of the policy of the eight threads; the causes of what was dropped beside the other counts."""
    counts = next(policy["counts"] for policy in result("policies")["policies"] if policy["name"] == "python")
    return counts | counts.pop("dropped")


def settled():
    """The counts, when the log has them all."""
    now = counts()
    handled = sum(now[name] for name in ("written", "aggregated", "unreported", "rate", "disk", "restart"))
    assert now["decided"] == now["submitted"] + now["ring"] + now["quiet"], now
    return now if now["waiting"] == 0 and handled == now["submitted"] else None


# What is said of system calls, and what mkdir(1) then says.
FILTERS = [
    ("default: allow, rules: [{deny: [mkdir, mkdirat], action: errno:EXDEV}]", "Invalid cross-device link"),
    ("rules: [{allow: ['@system-service']}, {deny: [mkdir, mkdirat]}]", "Operation not permitted"),
    ("rules: [{allow: ['@basic-io', '@file-system', '@process']}, {deny: [futex, mkdir, mkdirat]}]", "Operation not permitted"),
]


def export():
    """What the agent cannot filter from outside, the service manager does by the exported drop-in."""
    policy = pathlib.Path("/root/probe.yaml")
    made = pathlib.Path("/run/probe")
    units = pathlib.Path("/run/systemd/system")
    drop_in = units / "probe.service.d" / "swguard-probe.conf"
    drop_in.parent.mkdir(parents=True)
    (units / "probe.service").write_text(f"[Service]\nType=oneshot\nExecStart=/usr/bin/mkdir {made}\n")
    for syscalls, reason in FILTERS:
        policy.write_text(
            f"apiVersion: swguard/v1\nkind: Policy\nmetadata: {{name: probe}}\n"
            f"subjects: [{{unit: probe.service}}]\nsyscalls: {{{syscalls}}}\n"
        )
        drop_in.write_text(run("swguard", "export", "systemd", str(policy)).stdout)
        run("systemctl", "daemon-reload")
        assert run("systemctl", "start", "probe", check=False).returncode != 0
        until("the journal has why", lambda: reason in run("journalctl", "--unit=probe").stdout)
        assert not made.exists()
    drop_in.unlink()
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "probe")
    assert made.exists()
    saw("exported drop-ins filter the system calls of a unit")


# What the unit lets nobody do who runs as it does: a line each, in Python, which is to fail.
FORBIDDEN = {
    "write beneath /usr": "open('/usr/bin/planted', 'w')",
    "write beneath /etc": "open('/etc/planted', 'w')",
    "write beneath /home": "open('/home/planted', 'w')",
    "write to a block device": "os.open('/dev/loop0', os.O_WRONLY)",
    "read the kernel's log": "os.open('/dev/kmsg', os.O_RDONLY)",
    "set a sysctl": "open('/proc/sys/kernel/core_pattern', 'w')",
    "a knob of the kernel": "open('/sys/kernel/mm/ksm/run', 'w')",
    "move a process to a cgroup": "open('/sys/fs/cgroup/cgroup.procs', 'w')",
    "load a module": "call(175, b'', 0, b'')",
    "set the clock": "time.clock_settime(time.CLOCK_REALTIME, time.time())",
    "rename the host": "socket.sethostname('other')",
    "restart the machine": "call(169, 0xfee1dead, 672274793, 0)",
    "make a namespace": "call(272, 0x40000000)",
    "a raw packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "a netlink socket": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "code that can be written": "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
    "a set-id file": "os.close(os.open('/run/swguard/s', os.O_CREAT | os.O_WRONLY)); os.chmod('/run/swguard/s', 0o4755)",
    "real time": "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
    "another personality": "call(135, 0x0020000)",
    "a key of the user": "call(248, b'user', b'swguard', b'x', 1, -4)",
}
PROBE = """
import ctypes, mmap, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), 'refused')
for name, line in {forbidden!r}.items():
    try:
        exec(line)
        print('possible:', name, flush=True)
    except OSError as error:
        print('refused:', name, error.errno, flush=True)
open('/var/log/swguard/probe', 'w').close()
open('/var/lib/swguard/probe', 'w').close()
os.unlink('/var/log/swguard/probe')
os.unlink('/var/lib/swguard/probe')
os.listdir('/sys/fs/bpf/swguard')
print('end', flush=True)
"""


def hardening():
    """Tries what the unit forbids, from a unit with the same words and another program."""
    unit = pathlib.Path("/lib/systemd/system/swguard.service").read_text()
    pathlib.Path("/run/probe.py").write_text(PROBE.format(forbidden=FORBIDDEN))
    words = [line for line in unit.split("[Service]")[1].split("[Install]")[0].splitlines()
             if not re.match("Exec|Type|WatchdogSec|Restart|Timeout", line)]
    pathlib.Path("/run/systemd/system/probe.service").write_text(
        "[Service]\nType=oneshot\nExecStart=/usr/bin/python3 /run/probe.py\nStandardOutput=append:/run/probe.out\n"
        "StandardError=append:/run/probe.out\nRuntimeDirectoryPreserve=yes\n" + "\n".join(words) + "\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "probe", check=False)
    said = pathlib.Path("/run/probe.out").read_text()
    assert said.endswith("end\n") and "possible:" not in said, said
    assert said.count("refused:") == len(FORBIDDEN), said
    status = pathlib.Path(f"/proc/{show('MainPID')}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status, status
    figure = run("systemd-analyze", "security", "--no-pager", "swguard", check=False).stdout.strip().splitlines()[-1]
    assert is_denied() and show("ActiveState") == "active"
    saw(f"of {len(FORBIDDEN)} things that the unit forbids none is possible; {figure.lstrip('→ ')}")


def verify():
    run("swguard", "audit", "verify")
    assert run("systemctl", "--failed", "--no-legend").stdout == ""
    assert oct(os.stat(LOG).st_mode & 0o777) == "0o640"
    saw("the log verifies, and no unit has failed")


def remove():
    run("apt", "remove", "-y", "swguard")
    assert not is_denied() and not PINS.exists()
    assert not os.path.exists("/usr/bin/swguard") and show("LoadState") == "not-found"
    assert LOG.exists() and (POLICIES / "cat.yaml").exists() and os.path.exists("/etc/swguard/agent.yaml")
    last = json.loads(LOG.read_text().splitlines()[-1])
    saw(f"removed, nothing is enforced; policies and log are there; its last line is '{last['kind']}'")
    run("apt", "install", "-y", FIRST)
    assert show("ActiveState") == "active" and is_denied()
    run("systemctl", "disable", "--now", "swguard")
    run("apt", "install", "-y", NEXT)
    assert show("ActiveState") == "inactive" and is_denied()
    saw("installed again, it enforces what it left; disabled, it stays so, and what is in the kernel, too")
    run("apt", "purge", "-y", "swguard")
    assert not is_denied() and not PINS.exists()
    left = [path for place in ("/etc", "/var/lib", "/var/log", "/var/cache", "/run", "/usr/share", "/etc/systemd/system/*.wants")
            for path in glob.glob(f"{place}/swguard*")]
    assert left == [], left
    saw("purged, it leaves nothing")


try:
    for step in (prepare, install, tail, readiness, kill, reload, upgrade, hardening, export, verify, remove):
        step()
except BaseException:
    print(run("journalctl", "--unit=swguard", "--lines=50", "--no-pager", check=False).stdout, flush=True)
    raise
print("seen to the end")
