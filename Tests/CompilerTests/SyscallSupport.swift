import Compiler
import Glibc
import Policy
import Seccomp
import Testing

import struct Policy.SourceLocation

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SyscallRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func pick<C: Collection>(_ choices: C) -> C.Element { choices.randomElement(using: &self)! }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// The seeds of random tests: a fixed list, longer with `SWGUARD_FILTER_CASES`, another one with `SWGUARD_SEED`.
func syscallSeeds(_ count: Int) -> [UInt64] {
    func number<Number: LosslessStringConvertible>(_ name: String) -> Number? {
        getenv(name).flatMap { Number(String(cString: $0)) }
    }
    let (asked, first): (Int?, UInt64?) = (number("SWGUARD_FILTER_CASES"), number("SWGUARD_SEED"))
    return (0..<UInt64(asked ?? count)).map { (first ?? 1000) + $0 }
}

/// A policy that says nothing: what always applies is all there is.
let plainPolicy = Policy(name: "plain", file: "plain.yaml")

func syscallPlace(_ line: Int = 1) -> SourceLocation { SourceLocation(file: "test.yaml", line: line) }

/// Policies, written short.
extension Policy {
    /// A policy with a `syscalls` section, and everything else granted.
    static func syscalls(
        _ rules: [SyscallRule], default verdict: Verdict = .deny, architectures: [String] = [],
        operations: ListSection<Operation>? = .everything
    ) -> Self {
        var policy = Policy(name: "test", file: "test.yaml")
        policy.syscalls = SyscallsSection(
            defaultVerdict: verdict, architectures: architectures.map { Located($0, at: syscallPlace()) },
            rules: rules.enumerated().map { index, rule in
                var rule = rule
                rule.header.id = "syscalls.rules[\(index)]"
                return rule
            }, location: syscallPlace())
        policy.operations = operations
        return policy
    }

    /// A policy that denies these operations, and has nothing else but what always applies.
    static func denyingOperations(_ operations: Operation...) -> Self {
        var policy = Policy(name: "test", file: "test.yaml")
        policy.operations = ListSection(
            defaultVerdict: .allow, entries: operations.map { .entry(.deny, $0) }, location: syscallPlace())
        return policy
    }

    /// A policy that allows these operations and denies the others.
    static func allowingOperations(_ operations: Operation...) -> Self {
        var policy = Policy(name: "test", file: "test.yaml")
        policy.operations = ListSection(
            entries: operations.map { .entry(.allow, $0) }, location: syscallPlace())
        return policy
    }
}

extension ListSection<Operation> {
    static var everything: Self { Self(entries: [.entry(.allow, nil)], location: syscallPlace()) }
}

extension ListEntry<Operation> {
    static func entry(_ verdict: Verdict, _ operation: Operation?) -> Self {
        Self(
            header: RuleHeader(
                id: "operations.\(verdict.rawValue)", verdict: verdict, location: syscallPlace()),
            item: operation)
    }
}

extension SyscallRule {
    static func allow(_ selectors: SyscallSelector..., when conditions: ArgumentCondition...) -> Self {
        make(.allow, selectors, conditions, .errno(1))
    }

    static func deny(
        _ selectors: SyscallSelector..., when conditions: ArgumentCondition...,
        action: SyscallAction = .errno(1)
    ) -> Self {
        make(.deny, selectors, conditions, action)
    }

    static func make(
        _ verdict: Verdict, _ selectors: [SyscallSelector], _ conditions: [ArgumentCondition],
        _ action: SyscallAction
    ) -> Self {
        Self(
            header: RuleHeader(id: "?", verdict: verdict, location: syscallPlace()),
            selectors: selectors.map { Located($0, at: syscallPlace()) },
            conditions: conditions.map { Located($0, at: syscallPlace()) }, action: action)
    }
}

/// One native call.
func nativeCall(_ name: String, _ arguments: UInt64...) -> FilterInput {
    syscall(name, .native, arguments)
}

/// One call of any ABI.
func syscall(_ name: String, _ abi: SyscallABI, _ arguments: [UInt64] = []) -> FilterInput {
    guard let number = SyscallTable.number(of: name, abi: abi) else {
        Issue.record("no call \(name) in \(abi)")
        return FilterInput(number: 0, architecture: 0)
    }
    return FilterInput(number: number, architecture: abi.architecture, arguments: arguments)
}

/// A policy's filter, in the emulator.
struct TestFilter {
    let decisions: [SyscallDecisions]
    let coverage: Coverage
    let program: FilterProgram
    let emulator: FilterEmulator

    init(_ inputs: [SyscallLayerInputs], flavor: FilterFlavor = .errno) throws {
        let lowered = inputs.map { SyscallDecisions.lower($0) }
        decisions = lowered.map(\.decisions)
        var coverage = Coverage()
        for layer in lowered { coverage.merge(layer.coverage) }
        self.coverage = coverage
        program = try FilterCompiler.compile(decisions, flavor: flavor)
        emulator = try FilterEmulator(program)
    }

    init(_ policy: Policy, flavor: FilterFlavor = .errno) throws {
        try self.init([SyscallLayerInputs(policy: policy)], flavor: flavor)
    }

    func answer(_ input: FilterInput) -> FilterAction { emulator.run(input).action }
}

extension FilterAction {
    static let permissionDenied = Self.errno(1)
    static let accessDenied = Self.errno(13)
    static let noSystemCall = Self.errno(38)
}
