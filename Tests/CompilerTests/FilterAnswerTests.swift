import Compiler
import Policy
import Seccomp
import Testing

/// Who answers a denied call, and which of several policies.
@Suite struct FilterAnswerTests {
    // MARK: - Supervisor

    @Test func `a denied call goes to the supervisor, but for those whose loss would hang a program`() throws
    {
        let filter = try TestFilter(.syscalls([], operations: nil), flavor: .notify())
        #expect(filter.answer(nativeCall("openat")) == .notify)
        #expect(filter.answer(nativeCall("mount")) == .notify)
        for name in [
            "close", "close_range", "dup", "dup2", "dup3", "fork", "vfork", "clone", "wait4", "waitid",
            "read", "write", "rt_sigaction", "rt_sigprocmask", "poll", "ppoll", "epoll_wait", "execveat",
        ] {
            #expect(filter.answer(nativeCall(name)) == .permissionDenied)
        }
        #expect(filter.answer(FilterInput(number: 1000, architecture: 0xc000_003e)) == .noSystemCall)
    }

    @Test func `a kill and a denial that is not reported do not go to the supervisor`() throws {
        var quiet = SyscallRule.deny(.name("mkdir"), action: .errno(13))
        quiet.header.log = false
        let filter = try TestFilter(
            .syscalls([
                quiet, .deny(.name("rmdir"), action: .kill), .deny(.name("umask"), action: .errno(38)),
            ]),
            flavor: .notify())
        #expect(filter.answer(nativeCall("mkdir")) == .accessDenied)
        #expect(filter.answer(nativeCall("rmdir")) == .killProcess)
        #expect(filter.answer(nativeCall("umask")) == .notify)
    }

    @Test func `a grant that is to be reported goes to the supervisor, and stays a grant`() throws {
        var loud = SyscallRule.allow(.name("mkdir"), .name("close"))
        loud.header.log = true
        let filter = try TestFilter(.syscalls([loud]), flavor: .notify())
        #expect(filter.answer(nativeCall("mkdir")) == .notify)
        #expect(filter.answer(nativeCall("close")) == .allow)
        let verdict = SyscallDecisions.decide(filter.decisions, nativeCall("mkdir"))
        #expect(
            verdict.outcome == .allow && verdict.cause?.rule.id == "syscalls.rules[0]" && verdict.layer == 0)
        #expect(try TestFilter(.syscalls([loud])).answer(nativeCall("mkdir")) == .allow)
    }

    @Test func `observed calls always go to the supervisor`() throws {
        let flavor = FilterFlavor.notify(observing: ["openat", "execve", "connect"])
        let filter = try TestFilter(plainPolicy, flavor: flavor)
        for name in ["openat", "execve", "connect"] { #expect(filter.answer(nativeCall(name)) == .notify) }
        #expect(filter.answer(nativeCall("open")) == .allow)
        #expect(throws: FilterError.cannotObserve("close")) {
            try TestFilter(plainPolicy, flavor: .notify(observing: ["close", "openat"]))
        }
    }

    @Test func `complain lets everything through and shows it to the supervisor`() throws {
        var policy = Policy.syscalls([.deny(.name("mkdir"), action: .kill)], operations: nil)
        policy.mode = .complain
        let alone = try TestFilter(policy)
        let watched = try TestFilter(policy, flavor: .notify())
        for input in [
            nativeCall("mkdir"), nativeCall("mount"), nativeCall("openat"), syscall("mkdir", .i386),
            FilterInput(number: 1000, architecture: 0xc000_003e),
            FilterInput(number: 0x4000_0001, architecture: 0xc000_003e),
        ] {
            #expect(alone.answer(input) == .allow)
        }
        #expect(watched.answer(nativeCall("mkdir")) == .notify)
        #expect(watched.answer(nativeCall("mount")) == .notify)
        #expect(watched.answer(nativeCall("close")) == .allow)
        // A foreign ABI would kill; its calls that must not be taken back are let through unseen.
        #expect(watched.answer(syscall("mkdir", .i386)) == .notify)
        #expect(watched.answer(syscall("close", .i386)) == .allow)
        let foreign = SyscallDecisions.decide(watched.decisions, syscall("mkdir", .i386))
        #expect(foreign.isComplaint && foreign.cause?.rule.id == "abi")
        let verdict = SyscallDecisions.decide(watched.decisions, nativeCall("mkdir"))
        #expect(
            verdict.isComplaint && verdict.outcome == .kill && verdict.cause?.rule.id == "syscalls.rules[0]")
    }

    // MARK: - Layers

    @Test func `a kill comes before an error, and the oldest error before the others`() throws {
        func layer(_ action: SyscallAction?) -> SyscallLayerInputs {
            SyscallLayerInputs(
                policy: .syscalls(action.map { [.deny(.name("mkdir"), action: $0)] } ?? [], default: .allow))
        }
        func answer(_ actions: SyscallAction?...) throws -> FilterAction {
            try TestFilter(actions.map(layer)).answer(nativeCall("mkdir"))
        }
        #expect(try answer(.errno(13), .kill) == .killProcess)
        #expect(try answer(.kill, .errno(13)) == .killProcess)
        #expect(try answer(.errno(13), .errno(95)) == .errno(13))
        #expect(try answer(nil, .errno(95), .errno(13)) == .errno(95))
        #expect(try answer(nil, nil) == .allow)
    }
}
