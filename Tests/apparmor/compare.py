"""Under the same profiles AppArmor and swguard are asked the same: what the strict translation of a profile grants AppArmor
grants, and what AppArmor grants the translation with --allow-partial grants, but for what DIFFERENCES explains."""
import collections
import glob
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

BASE = "/add/apparmor/etc/apparmor.d"
PARSER = "/add/apparmor/sbin/apparmor_parser"
ASKS = "/add/apparmor/asks"
WORK = pathlib.Path("/run/peer")
NAMED = [
    "bin.ping", "lsb_release", "php-fpm", "sbin.klogd", "sbin.syslog-ng", "sbin.syslogd", "usr.sbin.avahi-daemon",
    "usr.sbin.dnsmasq", "usr.sbin.identd", "usr.sbin.mdnsd", "usr.sbin.nmbd", "usr.sbin.nscd", "usr.sbin.smbd",
    "usr.sbin.traceroute", "usr.bin.irssi", "usr.sbin.apt-cacher-ng",
]
# What nothing but the test has in it, and where names can be made.
MAKES = ("/etc/", "/var/", "/run/", "/home/", "/root/", "/srv/", "/tmp/")
CAPABILITIES = ["sys_admin", "sys_nice", "sys_resource", "setuid", "setgid", "net_admin"]
FAMILIES = [socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16, 17]
TYPES = [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET]

# Whose answer is yes where the other's is no, what is asked, of what; and why.
DIFFERENCES = [
    ("swguard", "R", "directory", "a pattern without '/' at its end covers directories, too"),
    ("swguard", "RWXMCUH", "missing directory", "a literal with '/' at its end, or a set in its place, covers a file of that name"),
    ("swguard", "RWXM", "link", "a literal that leads through a symbolic link covers what it leads to"),
    ("swguard", "S", "(2|10) [12]", "of a family that is granted each socket can be made; its addresses are denied"),
    ("swguard", "S", "(2|10) 5", "raw-socket is every type that is neither tcp nor udp"),
    ("swguard", "S", "16 .", "the types of netlink are one and the same, and what is none gets the kernel's own error"),
    ("AppArmor", "RW", "label", "a profile with 'change_profile' may always reach its label"),
    ("AppArmor", "M", "denied program", "a denied execute denies map, too: the loader would run it"),
    ("AppArmor", "S", "(2|10) 5", "SOCK_SEQPACKET is neither tcp nor udp, and asks for raw-socket"),
]


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def names_of(policy):
    """Names that the patterns of a policy match: what is there, and what can be made."""
    found, made = [], []
    for pattern in re.findall(r"^        - \"?(/[^\"\n]*)\"?$", policy, re.M):
        pattern = pattern.replace("\\\\", "\\")
        plain = pattern.replace("/?**", "/*").replace("/**", "/*").replace("**", "*")
        if "\\" not in plain:
            found += sorted(glob.glob(plain))[:3]
        name = re.sub(r"\[\^.*?\]", "_", pattern)
        name = re.sub(r"\[(.).*?\]", r"\1", name)
        name = name.replace("/?**", "/deep/er").replace("**", "deep/er").replace("*", "some").replace("?", "x")
        name = name.replace("\\", "")
        if name.startswith(MAKES) and not os.path.lexists(name):
            made.append(name)
    return found, made


def candidates(policy):
    found, made = names_of(policy)
    found += ["/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc", "/tmp", "/var/log", "/usr/bin/true", "/usr/lib",
              "/proc/1/status", "/proc/version", "/proc/self/status", "/dev/null", "/dev/zero", "/root", "/sys/kernel"]
    made += [name + "x" for name in made[::5]] + ["/tmp/other", "/srv/other", "/etc/other"]
    parents = {os.path.dirname(name) for name in found}
    is_asked = lambda name: "\n" not in name and not name.startswith(("/run/peer", "/dev/hvc", "/dev/vport", "/dev/watchdog"))
    return (sorted({name for name in set(found) | parents if is_asked(name)})[:400],
            sorted({name for name in made if is_asked(name)})[:300])


def makable(names):
    """Of these those that can be made now, their directories made."""
    good = []
    for name in names:
        try:
            os.makedirs(os.path.dirname(name), exist_ok=True)
        except OSError:
            pass
    for name in names:
        try:
            open(name, "x").close()
            os.unlink(name)
            good.append(name)
        except OSError:
            pass
    return good


def ask(command, requests):
    """The answers, and what is a socket for its output."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=theirs, text=True)
    theirs.close()
    writer = threading.Thread(target=lambda: (process.stdin.write("\n".join(requests) + "\n"), process.stdin.close()))
    writer.start()
    answers = ours.makefile().read().split()
    writer.join()
    if process.wait() != 0 or len(answers) != len(requests):
        sys.exit(f"{command}: ended with {process.returncode} after {len(answers)} of {len(requests)} answers")
    return dict(zip(requests, answers))


def all_answers(command, found, made):
    """Names are made, used, and removed; each by one who was asked whether it may, then by us."""
    for name in made:
        if os.path.lexists(name):
            os.unlink(name)
    answers = ask(command, [f"C {name}" for name in made])
    for name in made:
        with open(name, "a"):
            os.chmod(name, 0o755)
    requests = [f"{kind} {name}" for name in made for kind in "RWXMH"]
    for name in found:
        is_directory = os.path.isdir(name)
        requests += [f"{kind} {name}" for kind in ("R" if is_directory else "RM" if name.startswith("/usr") else "RW")]
    requests += [f"X {name}" for name in ("/usr/bin/true", "/usr/bin/id", "/usr/bin/dash")]
    requests += [f"S {family} {int(kind)}" for family in map(int, FAMILIES) for kind in TYPES]
    requests += [f"K {name}" for name in CAPABILITIES]
    answers |= ask(command, requests)
    answers |= ask(command, [f"U {name}" for name in made])
    return answers


def kind_of(name, profile, peer):
    if not name.startswith("/"):
        return name
    if name.startswith("/proc/") and "/attr/" in name:
        return "label"
    if os.path.realpath(name) != name and not name.startswith("/proc/self/"):
        return "link"
    if os.path.isdir(name):
        return "directory"
    # What a negated set matches may be the end of a directory.
    if re.search(rf"{re.escape(name)}(/\s|\[\^)", profile):
        return "missing directory"
    return "denied program" if peer.get(f"X {name}") == "0" and re.search(r"deny .*x,", profile) else "file"


def main():
    WORK.mkdir()
    os.makedirs("/etc/apparmor.d", exist_ok=True)
    for profile in NAMED:
        local = pathlib.Path(BASE, "local", profile)
        if not local.exists():
            local.touch()
    files = [pathlib.Path(BASE, name) for name in NAMED] + sorted(pathlib.Path("/add/profiles").iterdir())
    profiles = []
    (WORK / "policies").mkdir()
    for file in files:
        text = file.read_text()
        # In force, and under a name of ours; what is within others has no part in this.
        text = re.sub(r"flags=\(([^)]*)\)", lambda m: "" if "disconnected" not in m[1] else "flags=(attach_disconnected)", text)
        head = re.search(r"^(?:profile\s+)?(?P<name>(?!include|abi)[^\s#@]\S*)[^\n]*\s\{[ \t]*$", text, re.M)
        enforced = WORK / file.name
        enforced.write_text(text)
        name = head["name"]
        run(PARSER, "-K", "-r", "-b", BASE, str(enforced), stderr=subprocess.DEVNULL)
        policies = {}
        for variant in ("strict", "partial"):
            binary = f"{WORK}/asks-{file.name}-{variant}"
            run("cp", ASKS, binary)
            short = re.sub("[^a-z0-9]+", "-", file.name.lower()) + "-" + variant
            command = ["swguard", "import", "apparmor", str(enforced), "--base", BASE, "--name", short, "--profile", name]
            if variant == "partial":
                command.append("--allow-partial")
            policy = run(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            policy = re.sub(r"^subjects:\n(  - .*\n)+", "", policy, flags=re.M)
            policy = policy.replace("\nfiles:", f"\nsubjects: [{{exec: {binary}}}]\nfiles:", 1)
            (WORK / "policies" / f"{short}.yaml").write_text(policy)
            policies[variant] = (binary, policy)
        profiles.append((file.name, name, text, policies))

    (WORK / "agent.yaml").write_text(f"apiVersion: swguard/v1\nkind: Agent\naudit: {{file: {WORK}/audit.jsonl}}\n")
    said = WORK / "said"
    agent = subprocess.Popen(
        ["swguard", "agent", "--policies", f"{WORK}/policies", "--config", f"{WORK}/agent.yaml"], stderr=said.open("w"))
    for _ in range(1200):
        if "swguard: enforcing " in said.read_text():
            break
        if agent.poll() is not None:
            sys.exit(said.read_text())
        time.sleep(0.1)
    else:
        sys.exit("the agent does not enforce:\n" + said.read_text())

    table, unexplained, asked = collections.Counter(), [], 0
    for file, name, text, policies in profiles:
        found, made = candidates(policies["partial"][1])
        made = makable(made)
        peer = all_answers([ASKS, name], found, made)
        ours = {variant: all_answers([binary], found, made) for variant, (binary, _) in policies.items()}
        asked += len(peer)
        granted = sum(answer == "1" for answer in peer.values())
        print(f"{file}: {len(peer)} requests, AppArmor grants {granted}, "
              + ", ".join(f"{variant} {sum(a == '1' for a in ours[variant].values())}" for variant in ours))
        for request, theirs in peer.items():
            for who, differs in (("swguard", ours["strict"][request] > theirs), ("AppArmor", ours["partial"][request] < theirs)):
                if not differs:
                    continue
                kind, what = request.split(" ", 1)
                for entry in DIFFERENCES:
                    if entry[0] == who and kind in entry[1] and re.fullmatch(entry[2], kind_of(what, text, peer)):
                        table[entry] += 1
                        break
                else:
                    unexplained.append(f"{file}: only {who} grants {request}")
    print(f"{asked} requests under {len(profiles)} profiles; answers that differ, and why:")
    for (who, kinds, what, why), count in table.most_common():
        print(f"  {count:5} x only {who} grants {kinds} of {what}: {why}")
    for line in unexplained:
        print("UNEXPLAINED", line)
    agent.terminate()
    agent.wait(60)
    run("swguard", "agent", "--teardown")
    sys.exit(f"{len(unexplained)} answers differ and are not explained" if unexplained else 0)


main()
