import Foundation

/// Python that speaks to the agent and to the kernel as nothing of ours does.
enum Intruder {
    /// Asks for layers, and comes under them.
    private static let base = """
        import ctypes, errno, hashlib, json, os, socket, sys, threading, time
        libc = ctypes.CDLL(None, use_errno=True)
        def told(text):
            policy = 'apiVersion: swguard/v1\\nkind: Policy\\nmetadata: {name: told}\\n' + text
            return {'references': ['/told.yaml'], 'files': [{'path': '/told.yaml', 'identity': '1', 'text': policy}],
                'search': [], 'variables': [], 'links': [], 'rules': [], 'protected': [], 'bare': True, 'complain': False}
        def ask(policies, more=False):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(os.environ['SWGUARD_SOCKET'])
            digest = hashlib.sha256(json.dumps(policies, separators=(',', ':')).encode()).hexdigest()
            call = {'method': 'io.swguard.Control.Confine', 'parameters': {'digest': digest, 'policies': policies}, 'more': more}
            connection.sendall(json.dumps(call, separators=(',', ':')).encode() + b'\\0')
            data = b''
            while not data.endswith(b'\\0'): data += connection.recv(65536) or sys.exit('hung up')
            reply = json.loads(data[:-1])
            if 'error' in reply: return reply
            return reply['parameters']['layers'][0], reply['parameters']['session'], connection
        def prctl(*numbers):
            result = libc.prctl(*[ctypes.c_ulong(number) for number in numbers])
            code = ctypes.get_errno() if result < 0 else 0
            return errno.errorcode.get(code, {2737: 'ENTERED', 0: 'ok'}.get(code, code))
        def enter(layer, session=1): return prctl(0x73776701, layer, session, 0, 0)
        def bind(): return prctl(38, 1, 0, 0, 0)
        def opens(path):
            try:
                os.close(os.open(path, os.O_RDONLY))
                return 'opened'
            except OSError as error: return errno.errorcode[error.errno]
        def say(*words): print(*words, flush=True)
        def child(body):
            # What is entered is never left: each attempt has its own process.
            sys.stdout.flush()
            process = os.fork()
            if process == 0:
                try: body()
                except BaseException as error: say('died', repr(error))
                os._exit(0)
            os.waitpid(process, 0)
        secret = '/runs/out/x'
        closed = "files: {default: allow, rules: [{deny: [read], paths: [/runs/out/x]}]}"
        generous = "files: {default: allow, rules: []}\\noperations: {default: allow, allow: all}"

        """

    /// What a script prints, line by line.
    static func run(
        _ script: String, _ agent: RunningAgent, as user: Int?, _ arguments: [String] = [],
        by python: String = "/usr/bin/python3"
    ) throws -> [String] {
        let command =
            ["/usr/bin/env", "PYTHONHOME=/usr", python, "-S", "-c", base + script] + arguments
        let ended =
            if let user {
                try Ended(
                    "/usr/bin/setpriv",
                    ["--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"] + command,
                    environment: agent.environment)
            } else {
                try Ended(command[0], Array(command.dropFirst()), environment: agent.environment)
            }
        return ended.output.split(separator: "\n").map(String.init)
    }

    /// Every way into a layer that is none.
    static let ways = """
        mine, session, _ = ask(told(closed))
        other = int(sys.argv[1])
        def plain(): say('without no_new_privs', enter(mine), opens(secret))
        def right():
            bind(); say('as it should be', opens(secret), enter(mine), opens(secret))
            child(lambda: say('its child', opens(secret)))
            say('again', enter(mine), opens(secret))
        def forged():
            bind()
            say('no word', enter(0), enter(1), enter(0x80000000), enter(0xffffffff))
            say('another serial', enter(mine ^ 0x1000), enter(mine ^ 0x40000000))
            say('another slot', enter(mine ^ 1))
            say('without its bit', enter(mine & 0x7fffffff))
            say('high bits', enter(mine | 1 << 32))
            say('another user', enter(other), opens(secret))
        def threads():
            bind()
            thread = threading.Thread(target=time.sleep, args=(60,), daemon=True); thread.start()
            say('two threads', enter(mine), opens(secret))
        def many():
            bind()
            words = [ask(told(closed + ' # %d' % number))[0] for number in range(9)]
            say('many', *[enter(word) for word in words])
        def others():
            say('other prctls', prctl(15, ctypes.addressof(ctypes.create_string_buffer(b'named')), 0, 0, 0), prctl(0x73776702, 1, 1, 0, 0),
                prctl(9999, 0, 0, 0, 0))
        for body in plain, right, forged, threads, many, others: child(body)

        """

    /// The same of root, who can become somebody else.
    static let ids = """
        mine, session, _ = ask(told(closed))
        def saved():
            bind(); os.setresuid(65534, 65534, 0); say('saved id', enter(mine))
        def effective():
            bind(); os.seteuid(65534); say('effective id', enter(mine))
        def file_system():
            bind(); libc.setfsuid(65534); say('file system id', enter(mine))
        def dropped():
            bind(); os.setresuid(65534, 65534, 65534); say('dropped', enter(mine))
        def own(): bind(); say('own', enter(mine), opens(secret))
        def many():
            bind()
            words = [ask(told(closed + ' # %d' % number))[0] for number in range(9)]
            say('many', *[enter(word) for word in words])
        for body in saved, effective, file_system, dropped, own, many: child(body)

        """

    /// Of root's, under a layer that grants everything: what is the agent's is not granted.
    static let own = """
        wide, session, _ = ask(told(generous))
        process = int(sys.argv[1])
        def outcome(body):
            try: body()
            except OSError as error: return errno.errorcode[error.errno]
            return 'done'
        def own():
            bind(); say('generous', enter(wide), opens(secret))
            say('made', outcome(lambda: os.open('/var/lib/swguard/made', os.O_WRONLY | os.O_CREAT)))
            say('removed', outcome(lambda: os.unlink(os.environ['SWGUARD_SOCKET'])))
            say('signalled', outcome(lambda: os.kill(process, 9)))
        child(own)

        """

    /// What is under a policy of the host's and may reach the socket: whatever it brings, it stays under that.
    static let tight = """
        denied = '/runs/in/a.txt'
        wide, complaining = told(generous), told('files: {default: deny, rules: []}')
        complaining['complain'] = True
        words = [ask(policies)[0] for policies in (wide, complaining, told(closed))]
        def own():
            say('before', opens(denied), opens(secret))
            bind()
            for name, word in zip(['generous', 'complaining', 'closed'], words):
                say(name, enter(word), opens(denied), opens(secret))
        child(own)
        say('its parent', opens(denied), opens(secret))

        """

    /// A set-id program gains nothing under a layer, and without no_new_privs there is no layer.
    static let setID = """
        mine, session, _ = ask(told(closed))
        program = '/runs/out/set-id'
        script = 'import os; print("set-id", os.geteuid(), flush=True)'
        def plain():
            say(enter(mine)); os.execve(program, ['python3', '-I', '-S', '-c', script], {'PYTHONHOME': '/usr'})
        def confined():
            bind(); say(enter(mine)); os.execve(program, ['python3', '-I', '-S', '-c', script], {'PYTHONHOME': '/usr'})
        for body in plain, confined: child(body)

        """

    /// What is told is bounded.
    static let much = """
        def error(policies):
            reply = ask(policies)
            return (reply['error'].split('.')[-1] + ' ' + str(reply.get('parameters', {}))) if isinstance(reply, dict) else 'layer'
        say('large', error(told(closed + ' #' + 'x' * 300000)))
        sets = ', '.join('"/srv/**/a*%d*/**/b?%d*"' % (n, n) for n in range(200))
        say('wide', error(told('files: {rules: [{allow: [read], paths: [%s]}]}' % sets)))
        say('broken', error(told('files: {rules: [{allow: [raed]}]}')))
        wrong = told(closed); wrong['links'] = [{'path': 7}]
        say('form', error(wrong))
        five = told(closed); five['references'] = []
        for n in range(5):
            five['files'].append({'path': '/%d.yaml' % n, 'identity': '%d' % n, 'text': 'apiVersion: swguard/v1\\nkind: Policy\\nmetadata: {name: p%d}\\n' % n + closed})
            five['references'].append('/%d.yaml' % n)
        say('five', error(five))
        say('more', error(told(closed + ' # more')))

        """
}
