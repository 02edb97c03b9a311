"""What Tests/vm/power-cut runs in each machine: looks at the log that the machine before has left on the disk, has the agent
write on under load, and tells what is on the disk for certain, until the power goes; `power-cut.py last` ends by itself."""

import ctypes
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

LOG = pathlib.Path("/var/log/swguard/audit.jsonl")
POLICIES = pathlib.Path("/etc/swguard/policies")
PROGRAM = "/usr/local/bin/confined-python" if os.access("/usr/local/bin", os.W_OK) else "/tmp/confined-python"
# Each denial is of another file, so that each is a line.
LOAD = """
import os, itertools, time
for number in itertools.count():
    try:
        os.open(f'/tmp/secret/{number}', os.O_RDONLY)
    except PermissionError:
        pass
    if number % 100 == 0:
        time.sleep(0.02)
"""


def say(word, value):
    print(json.dumps({word: value}), flush=True)


def verify():
    ended = subprocess.run(["swguard", "audit", "verify", "--format", "json"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads(ended.stdout)["result"]


def watch():
    """Tells of seals: when one is there, the one before is on the disk."""
    seals = []
    with LOG.open("rb") as file:
        file.seek(0, os.SEEK_END)
        rest = b""
        while True:
            rest += file.read()
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if b'"kind":"seal"' in line:
                    seals.append(json.loads(line)["seq"])
                    if len(seals) > 1:
                        say("durable", seals[-2])
            time.sleep(0.05)


libc = ctypes.CDLL(None, use_errno=True)
os.makedirs("/var/log/swguard", exist_ok=True)
# What is written comes to the disk all the time, and not only when somebody asks for it: so that lines are cut.
for knob in ("dirty_writeback_centisecs", "dirty_expire_centisecs"):
    pathlib.Path(f"/proc/sys/vm/{knob}").write_text("3")
if libc.mount(b"/dev/nvme0n1", b"/var/log/swguard", b"ext4", 0, b"commit=1"):
    raise OSError(ctypes.get_errno(), "mount")
os.chmod("/var/log/swguard", 0o750)
say("found", verify() if LOG.exists() else None)

os.makedirs("/tmp/secret")
POLICIES.mkdir(parents=True)
subprocess.run(["cp", os.path.realpath("/usr/bin/python3"), PROGRAM], check=True)
(POLICIES / "load.yaml").write_text(f"""apiVersion: swguard/v1
kind: Policy
metadata: {{name: load}}
subjects: [{{exec: {PROGRAM}}}]
files:
  default: allow
  rules: [{{id: secret, deny: [read], paths: [/tmp/secret/*]}}]
""")
agent = subprocess.Popen(["swguard", "agent", "--policies", str(POLICIES)], stderr=subprocess.PIPE, text=True)
while "enforcing 1 policy" not in (line := agent.stderr.readline()):
    assert line, agent.wait()
    print(line, end="", file=sys.stderr)
threading.Thread(target=lambda: print(agent.stderr.read(), file=sys.stderr), daemon=True).start()
for number in range(50_000):
    pathlib.Path(f"/tmp/secret/{number}").touch()
load = subprocess.Popen([PROGRAM, "-S", "-E", "-c", LOAD])
if sys.argv[1:] != ["last"]:
    watch()
time.sleep(3)
load.kill()
load.wait()
agent.terminate()
assert agent.wait() == 0
assert subprocess.run(["swguard", "agent", "--teardown"]).returncode == 0
say("ended", verify())
libc.umount(b"/var/log/swguard")
