import Testing

extension KernelTests.AgentTests {
    /// The agent as its service manager has it, and as the owner of a machine gets rid of it.
    @Suite struct ServiceManagerTests {
        /// Plays the manager: it hears what the agent says, and looks whether that is so.
        private static let manager = #"""
            import os, signal, socket, subprocess, sys, time

            program, place = sys.argv[1:]
            boots = '/var/lib/swguard/boots'
            os.makedirs(place + '/policies')
            open(place + '/policies/cat.yaml', 'w').write('''
            apiVersion: swguard/v1
            kind: Policy
            metadata: {name: cat}
            subjects: [{exec: /usr/bin/cat}]
            files:
              default: allow
              rules: [{deny: [read], paths: [/etc/hostname]}]
            ''')
            open(place + '/agent.yaml', 'w').write(
                'apiVersion: swguard/v1\nkind: Agent\nmetrics: %s/swguard.prom\n' % place)
            ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            ears.bind(place + '/notify')
            ears.settimeout(120)

            def start(**more):
                return subprocess.Popen(
                    [program, 'agent', '--policies', place + '/policies', '--config', place + '/agent.yaml'],
                    env=dict(os.environ, SWGUARD_SOCKET=place + '/control', **more), stderr=subprocess.PIPE, text=True)

            def hear(word):
                heard = []
                while not any(line.startswith(word) for line in heard):
                    heard = ears.recv(4096).decode().splitlines()
                return heard

            def is_denied():
                return subprocess.run(['/usr/bin/cat', '/etc/hostname'], capture_output=True).returncode != 0

            def teardown():
                assert subprocess.run(
                    [program, 'agent', '--teardown'], env=dict(os.environ, SWGUARD_SOCKET=place + '/control')
                ).returncode == 0

            agent = start(NOTIFY_SOCKET=place + '/notify', WATCHDOG_USEC='4000000')
            heard = ears.recv(4096).decode().splitlines()
            assert heard == ['READY=1', 'STATUS=enforcing 1 policy: cat'], heard
            assert is_denied(), 'ready before it enforces'
            hear('WATCHDOG=1')
            hear('WATCHDOG=1')
            agent.send_signal(signal.SIGHUP)
            assert any(line.startswith('MONOTONIC_USEC=') for line in hear('RELOADING=1'))
            hear('READY=1')
            metrics = open(place + '/swguard.prom').read()
            assert 'swguard_policies 1\n' in metrics and 'swguard_events_total{policy="cat"' in metrics, metrics
            form, boot, policies, count = open(boots).read().split()
            assert count == '1', count
            agent.terminate()
            hear('STOPPING=1')
            assert agent.wait() == 0 and is_denied()
            teardown()
            assert not os.path.exists(boots), 'its owner has taken them out'
            # As three boots that did not last leave it.
            open(boots, 'w').write('1 another %s 3\n' % policies)
            agent = start()
            _, said = agent.communicate()
            assert agent.returncode == 3 and boots in said and not is_denied(), said
            # The owner's word.
            os.unlink(boots)
            agent = start(NOTIFY_SOCKET=place + '/notify')
            hear('READY=1')
            assert is_denied()
            agent.terminate()
            agent.wait()
            teardown()
            print('seen to the end')
            """#

        @Test func `readiness, life, metrics and the way back`() throws {
            let place = "/tmp/swguard-manager"
            let ended = try Ended("/usr/bin/python3", ["-c", Self.manager, RunningAgent.program, place])
            #expect(ended.status == 0 && ended.output.hasSuffix("seen to the end\n"), "\(ended.output)")
        }
    }
}
