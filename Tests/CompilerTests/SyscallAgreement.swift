import Compiler
import Policy
import Seccomp
import Testing

/// Compares a filter with what it was made from: every number, and every class of arguments that a decision
/// tells apart.
enum SyscallAgreement {
    /// The program, in the emulator, answers what `SyscallDecisions.decide` says; and what that says of the
    /// `syscalls` section is what the reference evaluator says.
    ///
    /// For the policies of `inputs` as layers, oldest first, in both flavours.
    static func check(
        _ inputs: [SyscallLayerInputs], seed: UInt64 = 1,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        let errno = try TestFilter(inputs)
        let notify = try TestFilter(inputs, flavor: .notify())
        let evaluators = inputs.map { Evaluator($0.policy, vocabulary: SyscallTable.vocabulary) }
        var random = SyscallRandom(seed: seed)
        for abi in SyscallABI.usable {
            for number in numbers(of: abi) {
                for arguments in ArgumentClasses.vectors(errno.decisions, abi, number, &random) {
                    let input = FilterInput(
                        number: number, architecture: abi.architecture, arguments: arguments)
                    let verdict = SyscallDecisions.decide(errno.decisions, input)
                    let name = SyscallTable.name(of: number, abi: abi)
                    let text = "\(abi) \(number) \(name ?? "?") \(arguments.map { String($0, radix: 16) })"
                    #expect(
                        errno.answer(input) == expected(verdict), "\(text)", sourceLocation: sourceLocation)
                    #expect(
                        expectedNotified(verdict, name).contains(notify.answer(input)), "\(text)",
                        sourceLocation: sourceLocation)
                    guard let name, abi == .native else { continue }
                    for (index, evaluator) in evaluators.enumerated() {
                        compare(
                            evaluator, errno.decisions[index], input, name, text,
                            sourceLocation: sourceLocation)
                    }
                }
            }
        }
        // A way of making calls that is in no table.
        for architecture: UInt32 in [0, 0x4000_0028, 0xffff_ffff, 0xc000_003f] {
            let input = FilterInput(number: 1, architecture: architecture)
            let isComplaining = inputs.allSatisfy { $0.policy.mode == .complain }
            #expect(
                errno.answer(input) == (isComplaining ? .allow : .killProcess), sourceLocation: sourceLocation
            )
        }
    }

    /// Every number of an ABI, with what is between and 100 beyond, and the far ends.
    static func numbers(of abi: SyscallABI) -> [UInt32] {
        let known = SyscallTable.calls(of: abi).map(\.number)
        guard let first = known.first, let last = known.last else { return [] }
        let far: [UInt32] = abi == .x32 ? [0x7fff_ffff, 0xffff_fffe] : [0x3fff_ffff, 0xffff_ffff]
        return Array(first...(last + 100)) + far
    }

    private static func expected(_ verdict: SyscallDecisions.Verdict) -> FilterAction {
        if verdict.isComplaint { return .allow }
        return switch verdict.outcome {
        case .allow: .allow
        case .errno(let code): .errno(UInt16(code))
        case .kill: .killProcess
        }
    }

    /// What may be answered where there is a supervisor.
    private static func expectedNotified(
        _ verdict: SyscallDecisions.Verdict, _ name: String?
    ) -> [FilterAction] {
        let isReported = verdict.cause?.isReported ?? false
        let mayNotify = isReported && !NeverNotified.names.contains(name ?? "")
        if verdict.isComplaint { return mayNotify ? [.notify] : [.allow, .notify] }
        switch verdict.outcome {
        case .allow: return mayNotify ? [.notify] : [.allow]
        case .errno: return mayNotify ? [.notify] : [expected(verdict)]
        case .kill: return [.killProcess]
        }
    }

    private static func compare(
        _ evaluator: Evaluator, _ decisions: SyscallDecisions, _ input: FilterInput, _ name: String,
        _ text: String,
        sourceLocation: Testing.SourceLocation
    ) {
        let part = evaluator.decide(.syscall(name: name, arguments: input.arguments)).parts[0]
        let (outcome, cause) = decisions.decide(input)
        // Operations, sockets and truncation refuse beside the section; then the section must not allow by
        // that, and its own denial by a rule stands first.
        if let cause, cause.subject != .syscall {
            #expect(outcome != .allow, "\(text)", sourceLocation: sourceLocation)
            #expect(
                part.verdict == .allow || part.rule?.id == "syscalls.default", "\(text)",
                sourceLocation: sourceLocation)
            return
        }
        let said: SyscallDecisions.Outcome =
            switch (part.verdict, part.action) {
            case (.allow, _): .allow
            case (.deny, .kill): .kill
            case (.deny, .errno(let code)): .errno(code)
            case (.deny, nil): .errno(1)
            }
        #expect(outcome == said, "\(text)", sourceLocation: sourceLocation)
        #expect(cause?.rule == part.rule, "\(text)", sourceLocation: sourceLocation)
        if let cause { #expect(cause.isReported == part.log, "\(text)", sourceLocation: sourceLocation) }
    }
}

/// Arguments that tell decisions apart.
enum ArgumentClasses {
    /// The vectors for one call of some layers: for every value that an argument is compared with, the value,
    /// its neighbours, high bits and foreign bits, alone and together with what makes a whole branch hold.
    static func vectors(
        _ layers: [SyscallDecisions], _ abi: SyscallABI, _ number: UInt32, _ random: inout SyscallRandom
    ) -> [[UInt64]] {
        var branches: [[SyscallDecisions.Test]] = []
        for layer in layers {
            guard let found = layer.tables.first(where: { $0.abi == abi })?.call(number) else { continue }
            branches += layer.lists[found.list].map(\.tests).filter { !$0.isEmpty }
        }
        let zero = Array(repeating: UInt64(0), count: 6)
        guard !branches.isEmpty else { return [zero] }
        var values: [Set<UInt64>] = Array(repeating: [0, .max, 1, 0xffff_ffff, 1 << 32], count: 6)
        for test in branches.joined() {
            values[Int(test.argument)].formUnion(candidates(test))
        }
        let tested = Set(branches.joined().map { Int($0.argument) }).sorted()
        var bases = [zero, Array(repeating: UInt64.max, count: 6)]
        for branch in branches {
            var vector = zero
            for test in branch {
                vector[Int(test.argument)] = satisfying(branch, test, values[Int(test.argument)])
            }
            bases.append(vector)
        }
        var vectors = Set(bases)
        for base in bases {
            for argument in tested {
                for value in values[argument] {
                    var vector = base
                    vector[argument] = value
                    vectors.insert(vector)
                }
            }
        }
        for _ in 0..<20 {
            vectors.insert(
                (0..<6).map { tested.contains($0) ? random.pick(values[$0].sorted()) : random.next() })
        }
        let sorted = vectors.sorted { $0.lexicographicallyPrecedes($1) }
        return sorted.count <= 600 ? sorted : Array(sorted.shuffled(using: &random).prefix(600))
    }

    private static func candidates(_ test: SyscallDecisions.Test) -> [UInt64] {
        let value = test.value
        return [
            value, value &+ 1, value &- 1, value | 1 << 32, value | 1 << 63, value | ~test.mask,
            value ^ test.mask,
            test.mask, ~test.mask, (value & 0xffff_ffff) | 0xffff_ffff_0000_0000, value & test.mask,
            value ^ (test.mask & (0 &- test.mask)),
        ]
    }

    /// A value of the argument of `test` with which all tests of it in `branch` hold, if one is known.
    private static func satisfying(
        _ branch: [SyscallDecisions.Test], _ test: SyscallDecisions.Test, _ values: Set<UInt64>
    ) -> UInt64 {
        let same = branch.filter { $0.argument == test.argument }
        return values.sorted().first { value in
            var vector = Array(repeating: UInt64(0), count: 6)
            vector[Int(test.argument)] = value
            return same.allSatisfy { $0.holds(for: vector) }
        } ?? test.value
    }
}
