import Compiler
import Glibc
import Policy
import Seccomp
import Testing

/// Runs `body` on a thread of its own, which may be filtered: a filter without `synchronise` is one thread's.
private func onThread(_ body: @escaping () -> Void) {
    let box = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let result = pthread_create(
        &thread, nil,
        { argument in
            Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    guard result == 0 else {
        Issue.record("no thread: \(result)")
        return
    }
    pthread_join(thread, nil)
}

private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// What goes to and fro between a filtered thread and its supervisor.
private final class Exchange: @unchecked Sendable {
    var listener: NotificationListener?
    var ready = sem_t()
    var codes: [Int32] = []
    init() { sem_init(&ready, 0, 0) }
}

/// Programs in the kernel at hand; needs no privilege.
@Suite(.serialized) struct FilterKernelTests {
    @Test(arguments: syscallSeeds(40))
    func `the kernel takes every program that is made`(seed: UInt64) throws {
        var random = SyscallRandomPolicy(seed: seed &* 31)
        let inputs = (0...Int(seed % 3)).map { random.inputs("layer-\($0)") }
        let program = try TestFilter(inputs, flavor: seed.isMultiple(of: 2) ? .errno : .notify()).program
        #expect(program.defect == nil)
        // Everything is allowed before the program begins; the kernel checks it all the same.
        let harmless = FilterProgram(
            [.init(code: FilterCode.finish, constant: FilterAction.allow.returnValue)] + program.instructions)
        onThread {
            #expect(throws: Never.self) {
                try FilterProgram.setNoNewPrivileges()
                try harmless.install()
            }
        }
    }

    @Test func `the kernel refuses what the check finds`() {
        let finish = FilterProgram.Instruction(
            code: FilterCode.finish, constant: FilterAction.allow.returnValue)
        let programs: [FilterProgram] = [
            FilterProgram([]), FilterProgram([.init(code: 0x28, constant: 0), finish]),
            FilterProgram([.init(code: 0x20, constant: 64), finish]),
            FilterProgram([.init(code: 0x20, constant: 2), finish]),
            FilterProgram([.init(code: 0x05, constant: 1), finish]),
            FilterProgram([.init(code: 0x15, whenTrue: 1, constant: 0), finish]),
            FilterProgram([.init(code: 0x34, constant: 0), finish]),
            FilterProgram([.init(code: 0x64, constant: 32), finish]),
            FilterProgram([.init(code: 0x60, constant: 1), finish]),
            FilterProgram([finish, .init(code: 0x20, constant: 0)]),
            FilterProgram([.init(code: 0x94, constant: 3), finish]),
        ]
        onThread {
            #expect(throws: Never.self) { try FilterProgram.setNoNewPrivileges() }
            for program in programs {
                #expect(program.defect != nil)
                let error = #expect(throws: SeccompError.self) { try program.install() }
                #expect(error?.code == EINVAL)
            }
        }
    }

    @Test func `what a policy denies fails, and what it allows works, before and after`() throws {
        let filter = try TestFilter(
            .syscalls(
                [
                    .deny(.name("mkdir"), action: .errno(EOPNOTSUPP)),
                    .deny(
                        .name("umask"),
                        when: ArgumentCondition(argument: 0, comparison: .greater, value: 0o777),
                        action: .errno(ENOTTY)),
                ], default: .allow, operations: nil))
        onThread {
            #expect(mkdir("/nonexistent/a", 0) == -1 && errno == ENOENT)
            #expect(throws: Never.self) {
                try FilterProgram.setNoNewPrivileges()
                try filter.program.install()
            }
            #expect(mkdir("/nonexistent/a", 0) == -1 && errno == EOPNOTSUPP)
            #expect(mkdirat(AT_FDCWD, "/nonexistent/a", 0) == -1 && errno == ENOENT)
            #expect(chroot("/nonexistent") == -1 && errno == EPERM)
            #expect(rmdir("/nonexistent/a") == -1 && errno == ENOENT)
        }
        #expect(mkdir("/nonexistent/a", 0) == -1 && errno == ENOENT)
    }

    @Test func `a denied call waits for the supervisor, who names the rule and gives the error`() throws {
        let features = SeccompFeatures.probe()
        try #require(features.canNotify)
        let filter = try TestFilter(
            .syscalls([.deny(.name("mkdir"), action: .errno(EOPNOTSUPP))], default: .allow),
            flavor: .notify(observing: ["rmdir"]))
        let exchange = Exchange()
        let supervisor = Body {
            sem_wait(&exchange.ready)
            guard var listener = exchange.listener.take() else { return }
            do {
                for _ in 0..<2 {
                    var waiting = pollfd(fd: listener.pollDescriptor, events: Int16(POLLIN), revents: 0)
                    let count = poll(&waiting, 1, 10_000)
                    #expect(count == 1)
                    guard let call = try listener.receive() else {
                        throw SeccompError(operation: "receive", code: 0)
                    }
                    let isWaiting = listener.isWaiting(call.id)
                    #expect(isWaiting)
                    #expect(call.thread > 0)
                    let verdict = SyscallDecisions.decide(filter.decisions, call.input)
                    switch verdict.outcome {
                    case .errno(let code):
                        #expect(filter.decisions[0].name(of: call.input) == "mkdir")
                        #expect(verdict.cause?.rule.id == "syscalls.rules[0]")
                        let isAnswered = try listener.refuse(call.id, errno: code)
                        #expect(isAnswered)
                    default:
                        #expect(filter.decisions[0].name(of: call.input) == "rmdir")
                        let isAnswered = try listener.letContinue(call.id)
                        #expect(isAnswered)
                    }
                    let waitsOn = listener.isWaiting(call.id)
                    #expect(!waitsOn)
                }
            } catch {
                Issue.record(error)
            }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(supervisor).toOpaque())
        onThread {
            do {
                try FilterProgram.setNoNewPrivileges()
                exchange.listener = try filter.program.installWithListener(flags: features.listenerFlags)
            } catch {
                Issue.record(error)
            }
            sem_post(&exchange.ready)
            exchange.codes.append(mkdir("/nonexistent/a", 0) == -1 ? errno : 0)
            exchange.codes.append(rmdir("/nonexistent/a") == -1 ? errno : 0)
            pthread_join(thread, nil)
            // The listener is gone: fail closed.
            exchange.codes.append(mkdir("/nonexistent/a", 0) == -1 ? errno : 0)
        }
        #expect(exchange.codes == [EOPNOTSUPP, ENOENT, ENOSYS])
    }

    @Test func `a second listener in one tree is EBUSY`() throws {
        let program = try TestFilter(.syscalls([], default: .allow), flavor: .notify()).program
        onThread {
            do {
                try FilterProgram.setNoNewPrivileges()
                let first = try program.installWithListener(flags: [])
                var code: Int32 = 0
                do throws(SeccompError) {
                    _ = try program.installWithListener(flags: [])
                } catch {
                    code = error.code
                }
                #expect(code == EBUSY)
                let descriptor = first.pollDescriptor
                #expect(descriptor >= 0)
            } catch {
                Issue.record(error)
            }
        }
    }

    @Test func `probing finds what this kernel is known to have, and loads nothing`() {
        var name = utsname()
        uname(&name)
        let features = SeccompFeatures.probe()
        #expect(features.canKillProcess)
        #expect(!features.canWaitKillable || features.canContinue)
        #expect(features.listenerFlags.contains(.waitKillable) == features.canWaitKillable)
        #expect(mkdir("/nonexistent/a", 0) == -1 && errno == ENOENT)
    }
}
