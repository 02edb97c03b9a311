internal import Policy

/// What is refused whatever the `syscalls` section says: operations, sockets, truncation and rings.
extension SyscallLowering {
    mutating func refuse(_ operation: Operation) {
        let part = evaluator.decide(.operation(operation)).parts[0]
        guard part.verdict == .deny, let rule = part.rule else {
            return describe(operation, by: part.rule, extent: .full, layers: [], mechanism: "granted")
        }
        guard let calls = OperationCalls.of(operation) else { return }
        if operation == .ptrace, inputs.ptraceByLandlock {
            return describe(
                operation, by: rule, extent: .full, layers: [.landlock],
                mechanism: "no process outside the domain can be traced")
        }
        if operation == .signal, inputs.signalByLandlock {
            refuse(OperationCalls.othersLimits, of: operation, rule: rule, log: part.log)
            return describe(
                operation, by: rule, extent: .full, layers: [.landlock, .seccomp],
                mechanism:
                    "no process outside the domain can be signalled; setting limits by process id is refused")
        }
        for refusal in calls.refusals { refuse(refusal, of: operation, rule: rule, log: part.log) }
        describe(
            operation, by: rule, extent: calls.extent, layers: calls.extent == .none ? [] : [.seccomp],
            mechanism: calls.mechanism)
        describeLimits(of: operation, rule: rule, extent: calls.extent, mechanism: calls.mechanism)
    }

    private mutating func refuse(
        _ refusal: OperationCalls.Refusal, of operation: Operation, rule: DecidingRule, log: Bool
    ) {
        let isHidden = refusal.errno == ErrorNumber.noSystemCall
        refusals.append(
            Refusal(
                calls: SyscallTable.words(refusal.calls), tests: refusal.tests, errno: refusal.errno,
                abis: refusal.abis,
                cause: number(
                    of: Decisions.Cause(
                        rule: rule, subject: .operation(operation), isReported: log && !isHidden))))
    }

    /// The restrictions that were asked for, with the operation `raw-socket` among them.
    var sockets: SocketRestrictions {
        var sockets = inputs.sockets
        let part = evaluator.decide(.operation(.rawSocket)).parts[0]
        if part.verdict == .deny, sockets.refusesOtherProtocols == nil {
            sockets.refusesOtherProtocols = part.rule
        }
        return sockets
    }

    mutating func refuseSockets() {
        let sockets = sockets
        for (call, tests, cause, isRawSocket) in sockets.branches.refusals {
            let number = number(
                of: Decisions.Cause(
                    rule: cause, subject: isRawSocket ? .operation(.rawSocket) : .socket, isReported: true))
            refusals.append(
                Refusal(
                    calls: [call], tests: tests,
                    errno: isRawSocket ? ErrorNumber.notPermitted : ErrorNumber.accessDenied, abis: [],
                    cause: number))
        }
        describeSockets(sockets)
    }

    mutating func refuseTruncation() {
        guard inputs.restrictsTruncation else { return }
        let rule = DecidingRule(id: "files.default", location: policy.files?.location)
        let loud = number(of: Decisions.Cause(rule: rule, subject: .file(.write), isReported: true))
        let quiet = number(of: Decisions.Cause(rule: rule, subject: .file(.write), isReported: false))
        func refuse(_ calls: [String], _ tests: [Decisions.Test]) {
            refusals.append(
                Refusal(calls: calls, tests: tests, errno: ErrorNumber.accessDenied, abis: [], cause: loud))
        }
        refuse(["truncate", "truncate64"], [])
        // O_TRUNC with access mode 0 or 3: Landlock asks for no write then (OPEN_FMODE, include/linux/fs.h).
        for mode: UInt64 in [0, 3] {
            for (call, argument): (String, UInt8) in [("open", 1), ("openat", 2), ("open_by_handle_at", 2)] {
                refuse([call], [.init(argument, mask: 0x203, .equal, 0x200 | mode)])
            }
        }
        refusals.append(
            Refusal(
                calls: ["openat2"], tests: [], errno: ErrorNumber.noSystemCall, abis: [], cause: quiet))
        find(
            .narrowed, "files", "files.default", policy.files?.location,
            "truncate(2), openat2(2) and opening with O_TRUNC but not for writing are refused for every file: "
                + "Landlock does not see them below ABI 3")
    }

    /// Access mode 3 asks for read and write, and Landlock for nothing (OPEN_FMODE, include/linux/fs.h): refused, since
    /// the filter does not see which file it is. What openat2(2) asks for is in memory, which no filter sees.
    mutating func refuseAccessModeThree() {
        guard inputs.restrictsAccessMode else { return }
        let rule = DecidingRule(
            id: "files.default", location: policy.files?.location,
            reason: "Landlock does not see access mode 3, which asks for read and write")
        let number = number(of: Decisions.Cause(rule: rule, subject: .file(.write), isReported: true))
        for (call, argument): (String, UInt8) in [("open", 1), ("openat", 2), ("open_by_handle_at", 2)] {
            refusals.append(
                Refusal(
                    calls: [call], tests: [.init(argument, mask: 3, .equal, 3)],
                    errno: ErrorNumber.accessDenied, abis: [], cause: number))
        }
    }

    /// Requests made through a ring pass no filter: where this filter is what restricts, there is no ring.
    mutating func refuseRings() {
        let part = evaluator.decide(.operation(.ioUring)).parts[0]
        let restricting =
            !sockets.branches.refusals.isEmpty || inputs.restrictsTruncation || policy.syscalls != nil
        guard restricting, part.verdict == .allow else { return }
        let isWritten = policy.operations?.entries.contains {
            $0.header.verdict == .allow && $0.covers(.ioUring)
        }
        if isWritten == true {
            if policy.mode == .enforce {
                find(
                    .excess, "operations", part.rule?.id ?? Operation.ioUring.name, part.rule?.location,
                    "io_uring is allowed, and its requests pass no filter: what this policy says of system calls "
                        + "and sockets would not hold; leave out io-uring, or the sections that it passes by")
            }
            return
        }
        let rule = DecidingRule(
            id: "operations.default", location: nil, reason: "requests of io_uring pass no filter")
        let number = number(
            of: Decisions.Cause(rule: rule, subject: .operation(.ioUring), isReported: true))
        refusals.append(
            Refusal(
                calls: SyscallTable.words(OperationCalls.ioUringCalls), tests: [],
                errno: ErrorNumber.notPermitted, abis: [], cause: number))
        describe(
            .ioUring, by: rule, extent: .full, layers: [.seccomp],
            mechanism: "refused: its requests pass no filter")
        find(
            .narrowed, "operations", Operation.ioUring.name, nil,
            "io_uring is refused: its requests pass no filter; to allow: operations: allow: [io-uring], and "
                + "nothing that a filter must enforce")
    }
}
