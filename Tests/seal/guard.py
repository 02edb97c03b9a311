"""The agent guards itself: in a machine of its own, since a seal lasts as long as the machine runs.

guard.py SWGUARD WAYS: first the ways of a confined process of root's, then programs that are taken off their hooks, then a
seal and the ways of a process under no policy. After each way the agent answers, and what was denied is denied.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

program, ways = sys.argv[1:]
CONFIG, POLICIES, LOG = '/etc/swguard/agent.yaml', '/etc/swguard/policies', '/var/log/swguard/audit.jsonl'
INTRUDER, CAT = '/tmp/intruder-python', '/tmp/guarded-cat'
failures = []


def expect(is_right, what):
    if not is_right:
        failures.append(what)
        print('FAILED', what, flush=True)


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True)


def prepare():
    for directory in [POLICIES, '/var/log/swguard', '/run/swguard', '/sys/fs/cgroup']:
        os.makedirs(directory, exist_ok=True)
    run('mount', '-t', 'cgroup2', 'none', '/sys/fs/cgroup')
    run('mount', '--make-rshared', '/')
    os.makedirs('/sys/fs/cgroup/agent', exist_ok=True)
    shutil.copy(os.path.realpath('/usr/bin/python3'), INTRUDER)
    shutil.copy(os.path.realpath('/usr/bin/cat'), CAT)
    open('/etc/guarded-secret', 'w').write('x')
    open(CONFIG, 'w').write('apiVersion: swguard/v1\nkind: Agent\n')
    open(POLICIES + '/guarded.yaml', 'w').write(f'''
apiVersion: swguard/v1
kind: Policy
metadata: {{name: guarded}}
subjects: [{{exec: {CAT}}}]
files:
  default: allow
  rules: [{{id: secret, deny: [read], paths: [/etc/guarded-secret]}}]
''')
    open(POLICIES + '/generous.yaml', 'w').write(f'''
apiVersion: swguard/v1
kind: Policy
metadata: {{name: generous}}
subjects: [{{exec: {INTRUDER}}}]
files: {{default: allow}}
operations: {{default: allow, allow: all}}
''')
    shutil.copy(POLICIES + '/guarded.yaml', '/tmp/other.yaml')


class Agent:
    def __init__(self, *options, alarm=0):
        self.said = open('/tmp/agent-said', 'w+')

        def become():
            signal.alarm(alarm)
            with open('/sys/fs/cgroup/agent/cgroup.procs', 'w') as processes:
                processes.write('0')

        self.process = subprocess.Popen(
            [program, 'agent', '--policies', POLICIES, '--config', CONFIG, *options], stderr=self.said,
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=become)

    @property
    def text(self):
        return open('/tmp/agent-said').read()

    def is_ready(self):
        """Waits for it; False: it ended."""
        while 'swguard: enforcing ' not in self.text:
            if self.process.poll() is not None:
                return False
            time.sleep(0.1)
        return True

    def ready(self):
        assert self.is_ready(), self.text
        return self


def is_denied():
    return run(CAT, '/etc/guarded-secret').returncode != 0


def answers():
    return run(program, 'status').returncode == 0


def attempt(python, table, agent):
    """Goes through a table."""
    intruder = subprocess.Popen(
        [python, '-I', '-S', '-u', ways, table, str(agent.process.pid), program], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=dict(os.environ, PYTHONHOME='/usr'))
    count = 0
    while True:
        try:
            intruder.stdin.write('\n')
            intruder.stdin.flush()
        except BrokenPipeError:
            break
        line = intruder.stdout.readline()
        if not line:
            break
        name, code, right = json.loads(line)
        print('%s: %s: %s' % (table, name, os.strerror(code) if isinstance(code, int) and code else code), flush=True)
        expect(code in right, '%s: %s gave %s, not %s' % (table, name, code, right))
        expect(agent.process.poll() is None and answers(), '%s: %s: the agent does not answer' % (table, name))
        expect(is_denied(), '%s: %s: nothing is denied any more' % (table, name))
        count += 1
    expect(intruder.wait() == 0 and count > 20, '%s ended after %d' % (table, count))


def tampers(since):
    with open(LOG) as log:
        log.seek(since)
        events = [json.loads(line) for line in log.read().splitlines()]
    return [event for event in events if event['kind'] == 'tamper']


def expect_tampers(since, actions, comm, has_policy):
    wanted = set(actions)
    deadline = time.monotonic() + 60
    while wanted and time.monotonic() < deadline:
        time.sleep(0.5)
        for event in tampers(since):
            if event['process'].get('comm', '').startswith(comm) and ('policy' in event) == has_policy and event['verdict'] == 'deny':
                wanted.discard(event['action'])
    expect(not wanted, 'no tamper events: %s' % sorted(wanted))
    for event in tampers(since)[:200:20]:
        print(json.dumps(event))


def size():
    return os.path.getsize(LOG) if os.path.exists(LOG) else 0


def pinned_links():
    sets = [name for name in os.listdir('/sys/fs/bpf/swguard') if name.startswith('set-')]
    assert len(sets) == 1, sets
    return '/sys/fs/bpf/swguard/%s/links' % sets[0]


FILES = ['file.write', 'file.create', 'file.remove', 'file.metadata', 'file.link']
OTHERS = ['process.signal', 'process.ptrace', 'process.limit', 'operation.bpf', 'operation.mount']


def confined():
    agent = Agent().ready()
    expect(is_denied(), 'nothing is denied')
    since = size()
    attempt(INTRUDER, 'confined', agent)
    expect_tampers(since, FILES + OTHERS, 'intruder-python', True)
    expect(not [event for event in tampers(since) if event['process'].get('comm') == 'python3'], 'tamper without cause')
    return agent


def missing(agent):
    """Programs that somebody has taken off their hooks."""
    since = size()
    before = sorted(os.listdir(pinned_links()))
    os.unlink(pinned_links() + '/swguard_path_rmdir')
    while 'path_rmdir' not in agent.text:
        time.sleep(0.1)
    status = json.loads(run(program, 'status', '--format', 'json').stdout)['result']
    expect('degraded' in json.dumps(status) and 'path_rmdir' in json.dumps(status), 'status: %s' % status)
    agent.process.kill()
    agent.process.wait()
    agent = Agent().ready()
    expect('path_rmdir' in agent.text, 'the next does not say it')
    expect(sorted(os.listdir(pinned_links())) == before, 'it is not whole')
    expect('degraded' not in run(program, 'status', '--format', 'json').stdout, 'whole, and degraded')
    events = [json.loads(line) for line in open(LOG).read()[since:].splitlines()]
    expect([event for event in events if event.get('state') == 'degraded'], 'no event')
    agent.process.terminate()
    agent.process.wait()


def commands(is_known):
    """Through the sealed agent a command gets layers of its own, and everything else goes on as it was."""
    def attempt(user, backend, granted, path):
        return run('setpriv', '--reuid', user, '--regid', user, '--clear-groups', program, 'run', '--backend', backend,
                   '--exec', '/usr', '--read', granted, '--', '/usr/bin/cat', path)

    for user in ['0', '65534']:
        ended = attempt(user, 'lsm', '/etc/hosts', '/etc/hosts')
        expect(ended.returncode == 0, 'a command of %s: %s' % (user, ended))
        ended = attempt(user, 'lsm', '/etc/hosts', '/etc/guarded-secret')
        expect(ended.returncode == 1 and '/etc/guarded-secret by files.default' in ended.stderr,
               'what is denied a command of %s: %s' % (user, ended))
        if is_known:
            continue
        # The next agent reads no policies, and so makes no new layers.
        ended = attempt(user, 'lsm', '/etc/passwd', '/etc/passwd')
        expect(ended.returncode == 125, 'a new policy of %s: %s' % (user, ended))
        ended = attempt(user, 'auto', '/etc/passwd', '/etc/passwd')
        expect(ended.returncode == 0 and 'Landlock is used' in ended.stderr, 'without the agent: %s' % ended)
        ended = attempt(user, 'auto', '/etc/passwd', '/etc/guarded-secret')
        expect(ended.returncode == 1, 'denied without the agent: %s' % ended)
    expect(is_denied() and answers(), 'commands')
    expect(run('/usr/bin/cat', '/etc/guarded-secret').returncode == 0, 'somebody else is denied')


def sealed():
    seconds = 60
    # Nobody may end it: it is told when by a clock of its own.
    while True:
        agent = Agent('--sealed', alarm=seconds)
        if agent.is_ready():
            break
        seconds *= 2
    print(agent.text, flush=True)
    expect('swguard: sealed until the machine starts again' in agent.text, agent.text)
    commands(True)
    agent.process.wait()
    print('it ended by', agent.process.returncode, flush=True)
    expect(is_denied(), 'nothing is denied without it')
    ended = run(program, 'agent', '--teardown')
    expect(ended.returncode == 3 and 'sealed until' in ended.stderr, 'teardown: %s' % ended)
    open('/tmp/other.conf', 'w').write('apiVersion: swguard/v1\nkind: Agent\naudit: {file: none}\n')
    ended = run(program, 'agent', '--policies', '/tmp', '--config', '/tmp/other.conf')
    expect(ended.returncode == 3 and 'sealed until' in ended.stderr, 'another: %s' % ended)
    expect(is_denied(), 'another agent')
    # The next one is not asked to be sealed.
    agent = Agent().ready()
    print(agent.text, flush=True)
    expect('sealed until the machine starts again' in agent.text, agent.text)
    commands(False)
    since = size()
    attempt(os.path.realpath('/usr/bin/python3'), 'sealed', agent)
    expect_tampers(since, FILES + OTHERS + ['operation.raw-io', 'operation.kexec'], 'python3', False)
    attempt(INTRUDER, 'confined', agent)


prepare()
agent = confined()
missing(agent)
sealed()
print('guard: %d failures' % len(failures))
for failure in failures:
    print('  ', failure)
sys.exit(1 if failures else 0)
