import Clibseccomp
import Compiler
import Glibc
import Policy
import Seccomp
import Testing

/// libseccomp's own program for a `syscalls` section, as the oracle of ours.
///
/// libseccomp can say less: for one call one outcome beside the default, one comparison an argument, masks with
/// equality only, and no widths. A section that needs more is not asked of it.
enum LibseccompOracle {
    struct Failure: Error {
        var step: String
        var code: Int32
    }

    /// The program for the native ABI; nil where libseccomp cannot say what the section says.
    static func program(_ section: SyscallsSection) throws -> FilterProgram? {
        let fallback: SyscallAction? = section.defaultVerdict == .deny ? .errno(1) : nil
        guard let context = seccomp_init(action(fallback)) else { throw Failure(step: "init", code: 0) }
        defer { seccomp_release(context) }
        for call in SyscallTable.calls(of: .native) {
            guard let rules = rules(for: call.name, in: section) else { return nil }
            for (conditions, outcome) in rules where outcome != fallback {
                let comparisons = conditions.map { comparison($0, of: call.name) }
                let result = comparisons.withUnsafeBufferPointer {
                    seccomp_rule_add_array(
                        context, action(outcome), CInt(bitPattern: call.number), UInt32($0.count),
                        $0.baseAddress)
                }
                guard result == 0 || result == -EEXIST else {
                    throw Failure(step: "add \(call.name)", code: result)
                }
            }
        }
        return try export(context)
    }

    /// The rules for one call, of which at most one can hold, or all of which say the same; nil: libseccomp has
    /// no words for them. An outcome of nil allows.
    private static func rules(
        for name: String, in section: SyscallsSection
    ) -> [([ArgumentCondition], SyscallAction?)]? {
        let covering = section.rules.filter { rule in
            rule.selectors.contains { SyscallTable.vocabulary.selector($0.value, covers: name) }
        }
        let denies = covering.filter { $0.header.verdict == .deny }
        let allows = covering.filter { $0.header.verdict == .allow }
        if let first = denies.first {
            if first.conditions.isEmpty { return [([], first.action)] }
            // Beside allow rules, conditional denials would need an order, which libseccomp does not keep.
            guard section.defaultVerdict == .allow, denies.allSatisfy({ $0.action == first.action }) else {
                return nil
            }
            if denies.contains(where: { $0.conditions.isEmpty }) { return [([], first.action)] }
            return expressible(denies)
        }
        if section.defaultVerdict == .allow { return [] }
        let isAlways = SyscallTable.vocabulary.alwaysAllowed.contains(name)
        if isAlways || allows.contains(where: { $0.conditions.isEmpty }) { return [([], nil)] }
        return expressible(allows)
    }

    /// Masks go with equality only, and a value with bits beside the mask, which is never met, is one that
    /// libseccomp cuts.
    private static func expressible(_ rules: [SyscallRule]) -> [([ArgumentCondition], SyscallAction?)]? {
        let isExpressible = rules.allSatisfy { rule in
            Set(rule.conditions.map(\.value.argument)).count == rule.conditions.count
                && rule.conditions.allSatisfy {
                    $0.value.mask == .max
                        || $0.value.comparison == .equal && $0.value.value & ~$0.value.mask == 0
                }
        }
        guard isExpressible else { return nil }
        return rules.map { ($0.conditions.map(\.value), $0.header.verdict == .deny ? $0.action : nil) }
    }

    /// Whether a vector asks something that libseccomp has no words for: a comparison other than equality of
    /// an argument that is read as 32 bits, with something in the other half.
    static func isAnswerable(_ section: SyscallsSection, _ name: String, _ arguments: [UInt64]) -> Bool {
        section.rules.lazy.filter { rule in
            rule.selectors.contains { SyscallTable.vocabulary.selector($0.value, covers: name) }
        }.flatMap(\.conditions).allSatisfy {
            $0.value.comparison == .equal
                || SyscallTable.vocabulary.width(of: $0.value.argument, of: name) == 64
                || arguments[$0.value.argument] >> 32 == 0
        }
    }

    private static func comparison(_ condition: ArgumentCondition, of name: String) -> scmp_arg_cmp {
        let isNarrow = SyscallTable.vocabulary.width(of: condition.argument, of: name) == 32
        let bits: UInt64 = isNarrow ? 0xffff_ffff : .max
        let (argument, value) = (UInt32(condition.argument), condition.value & bits)
        switch condition.comparison {
        case .equal:
            return scmp_arg_cmp(
                arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: condition.mask & bits, datum_b: value)
        case .notEqual: return scmp_arg_cmp(arg: argument, op: SCMP_CMP_NE, datum_a: value, datum_b: 0)
        case .less: return scmp_arg_cmp(arg: argument, op: SCMP_CMP_LT, datum_a: value, datum_b: 0)
        case .lessOrEqual: return scmp_arg_cmp(arg: argument, op: SCMP_CMP_LE, datum_a: value, datum_b: 0)
        case .greater: return scmp_arg_cmp(arg: argument, op: SCMP_CMP_GT, datum_a: value, datum_b: 0)
        case .greaterOrEqual: return scmp_arg_cmp(arg: argument, op: SCMP_CMP_GE, datum_a: value, datum_b: 0)
        }
    }

    private static func action(_ action: SyscallAction?) -> UInt32 {
        switch action {
        case nil: FilterAction.allow.returnValue
        case .errno(let code): FilterAction.errno(UInt16(code)).returnValue
        case .kill: FilterAction.killProcess.returnValue
        }
    }

    private static func export(_ context: scmp_filter_ctx) throws -> FilterProgram {
        guard let stream = tmpfile() else { throw Failure(step: "tmpfile", code: errno) }
        defer { fclose(stream) }
        let file = fileno(stream)
        let result = seccomp_export_bpf(context, file)
        guard result == 0 else { throw Failure(step: "export", code: result) }
        var bytes = Array(repeating: UInt8(0), count: FilterProgram.maximumLength * 8)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count >= 0, let program = FilterProgram(bytes: bytes[..<count]) else {
            throw Failure(step: "read", code: errno)
        }
        return program
    }

    /// Asks both programs everything. Returns how many questions there were; 0: not expressible.
    @discardableResult
    static func check(
        _ policy: Policy, seed: UInt64 = 1, sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws -> Int {
        guard let section = policy.syscalls, let oracle = try program(section) else { return 0 }
        // Operations and ABIs are ours alone.
        var plain = policy
        plain.operations = .everything
        plain.syscalls?.architectures = []
        let ours = try TestFilter(plain)
        let theirs = try FilterEmulator(oracle)
        var random = SyscallRandom(seed: seed)
        var count = 0
        for number in SyscallAgreement.numbers(of: .native) where number < SyscallABI.x32Bit {
            let name = SyscallTable.name(of: number, abi: .native)
            for arguments in ArgumentClasses.vectors(ours.decisions, .native, number, &random) {
                let input = FilterInput(
                    number: number, architecture: SyscallABI.native.architecture, arguments: arguments)
                let answer = ours.answer(input)
                count += 1
                guard let name else {
                    #expect(answer == .noSystemCall, "\(number)", sourceLocation: sourceLocation)
                    continue
                }
                guard isAnswerable(section, name, arguments) else { continue }
                #expect(
                    answer == theirs.run(input).action, "\(name) \(arguments.map { String($0, radix: 16) })",
                    sourceLocation: sourceLocation)
            }
        }
        return count
    }
}

/// Our program and libseccomp's answer alike.
@Suite struct FilterOracleTests {
    static let written: [Policy] = [
        .syscalls([]),
        .syscalls([], default: .allow),
        .syscalls([.allow(.group("system-service"))]),
        .syscalls([.deny(.group("mount"), .group("privileged"))], default: .allow),
        .syscalls([.deny(.name("ptrace"), action: .kill)], default: .allow),
        .syscalls([
            .allow(.name("socket"), when: ArgumentCondition(argument: 0, comparison: .less, value: 38)),
            .allow(.name("socket"), when: ArgumentCondition(argument: 0, comparison: .equal, value: 39)),
            .allow(.name("socket"), when: ArgumentCondition(argument: 0, comparison: .greater, value: 40)),
        ]),
        .syscalls([
            .allow(
                .name("clone"),
                when: ArgumentCondition(argument: 0, mask: 0x7e02_0000, comparison: .equal, value: 0))
        ]),
        .syscalls(
            [
                .deny(
                    .name("ioctl"), when: ArgumentCondition(argument: 1, comparison: .equal, value: 0x5412)),
                .deny(
                    .name("lseek"), .name("mmap"),
                    when: ArgumentCondition(argument: 1, comparison: .greaterOrEqual, value: 0x1_0000_0001)),
                .deny(
                    .name("mmap"),
                    when: ArgumentCondition(argument: 2, mask: 6, comparison: .equal, value: 6),
                    ArgumentCondition(argument: 3, comparison: .notEqual, value: 0x22)),
            ], default: .allow),
        FilterCountTests.containerList,
    ]

    @Test(arguments: written)
    func `a written section is answered as libseccomp's program answers`(policy: Policy) throws {
        #expect(try LibseccompOracle.check(policy) > 400)
    }

    @Test func `random sections are answered as libseccomp's programs answer`() throws {
        var asked = 0
        for seed in syscallSeeds(400) {
            var random = SyscallRandomPolicy(seed: seed &+ 77)
            var policy = random.policy("random")
            policy.mode = .enforce
            if try LibseccompOracle.check(policy, seed: seed) > 0 { asked += 1 }
        }
        // Some cannot be said in libseccomp's words; most can.
        #expect(asked * 4 >= syscallSeeds(400).count)
    }
}
