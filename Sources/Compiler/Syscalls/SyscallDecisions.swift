public import Policy
public import Seccomp

/// What one policy says of every system call, as far as a filter can see it. Plain data.
///
/// A call is looked up by ABI and number and leads to a list of branches; the first whose tests all hold
/// decides, and the last has none.
public struct SyscallDecisions: Hashable, Sendable {
    /// A test of one argument: `argument & mask OP value`, unsigned. Mask and value are already cut to the
    /// width that the kernel reads.
    public struct Test: Hashable, Sendable {
        /// 0 to 5.
        public var argument: UInt8
        public var mask: UInt64
        public var comparison: ArgumentCondition.Comparison
        public var value: UInt64

        public init(
            _ argument: UInt8, mask: UInt64 = .max, _ comparison: ArgumentCondition.Comparison,
            _ value: UInt64
        ) {
            self.argument = argument
            self.mask = mask
            self.comparison = comparison
            self.value = value
        }

        /// Whether it holds; an argument that there is not is 0.
        public func holds(for arguments: [UInt64]) -> Bool {
            let index = Int(argument)
            let found = (index < arguments.count ? arguments[index] : 0) & mask
            return switch comparison {
            case .equal: found == value
            case .notEqual: found != value
            case .less: found < value
            case .lessOrEqual: found <= value
            case .greater: found > value
            case .greaterOrEqual: found >= value
            }
        }

        /// The same test of an argument that is read as 32 bits.
        var narrowed: Self { Self(argument, mask: mask & 0xffff_ffff, comparison, value & 0xffff_ffff) }
    }

    /// What happens to a call.
    public enum Outcome: Hashable, Sendable {
        case allow
        case errno(Int32)
        case kill
    }

    /// One branch of a list.
    public struct Branch: Hashable, Sendable {
        /// All must hold.
        public var tests: [Test]
        public var outcome: Outcome
        /// An index of `causes`; nil: the policy does not speak of it.
        public var cause: Int?

        public init(tests: [Test] = [], outcome: Outcome, cause: Int?) {
            self.tests = tests
            self.outcome = outcome
            self.cause = cause
        }
    }

    /// Why something was decided.
    public struct Cause: Hashable, Sendable {
        /// What kind of thing was asked for, for the event.
        public enum Subject: Hashable, Sendable {
            case syscall
            case operation(Operation)
            case socket
            case file(FileAccess)
        }

        public var rule: DecidingRule
        public var subject: Subject
        /// Whether what is decided is reported. What is not, is answered in the kernel.
        public var isReported: Bool

        public init(rule: DecidingRule, subject: Subject, isReported: Bool) {
            self.rule = rule
            self.subject = subject
            self.isReported = isReported
        }
    }

    /// One call of an ABI.
    public struct Call: Hashable, Sendable {
        public var number: UInt32
        public var name: String
        /// An index of `lists`.
        public var list: Int

        public init(number: UInt32, name: String, list: Int) {
            self.number = number
            self.name = name
            self.list = list
        }
    }

    /// The calls of one ABI, by ascending number. A number that is not there is newer than the tables, or no
    /// call: ENOSYS.
    public struct Table: Hashable, Sendable {
        public var abi: SyscallABI
        public var calls: [Call]

        public init(abi: SyscallABI, calls: [Call]) {
            self.abi = abi
            self.calls = calls
        }
    }

    /// `metadata.name` of the policy.
    public var policy: String
    /// In `complain` nothing is denied; what would be is observed.
    public var mode: Policy.Mode
    public var causes: [Cause]
    /// Distinct lists of branches.
    public var lists: [[Branch]]
    /// One for each ABI that processes may use; calls by any other way are killed.
    public var tables: [Table]

    public init(
        policy: String, mode: Policy.Mode, causes: [Cause], lists: [[Branch]], tables: [Table]
    ) {
        self.policy = policy
        self.mode = mode
        self.causes = causes
        self.lists = lists
        self.tables = tables
    }
}

// MARK: - Asking

extension SyscallDecisions {
    /// What is decided of one call, and why.
    public struct Verdict: Hashable, Sendable {
        public var outcome: Outcome
        /// nil: granted, and nothing to report of it.
        public var cause: Cause?
        /// The place of the deciding policy among the layers, oldest first; nil without a cause.
        public var layer: Int?
        /// Whether the deciding layer only complains, so that the call is let through all the same.
        public var isComplaint: Bool = false
    }

    /// What this policy says of a call, whatever its mode.
    public func decide(_ call: FilterInput) -> (outcome: Outcome, cause: Cause?) {
        guard
            let abi = SyscallABI(architecture: call.architecture, number: call.number),
            let table = tables.first(where: { $0.abi == abi })
        else { return (.kill, .foreignABI) }
        guard let found = table.call(call.number) else {
            return (.errno(ErrorNumber.noSystemCall), .unknownCall)
        }
        for branch in lists[found.list] where branch.tests.allSatisfy({ $0.holds(for: call.arguments) }) {
            return (branch.outcome, branch.cause.map { causes[$0] })
        }
        return (.kill, nil)  // No list ends without a branch that always holds; if one did, fail closed.
    }

    /// What several policies, oldest first, say of a call: a kill before an error, else what the oldest says
    /// that denies. Layers in complain mode are heard after these, and are marked, where what they say is to be
    /// reported; a rule whose grants are to be reported comes last.
    public static func decide(_ layers: [Self], _ call: FilterInput) -> Verdict {
        var first: Verdict?
        var complaint: Verdict?
        var grant: Verdict?
        for (index, layer) in layers.enumerated() {
            let (outcome, cause) = layer.decide(call)
            switch outcome {
            case .allow:
                guard let cause, cause.isReported else { continue }
                grant = grant ?? Verdict(outcome: .allow, cause: cause, layer: index)
            case _ where layer.mode == .complain:
                guard cause?.isReported ?? true else { continue }
                complaint =
                    complaint ?? Verdict(outcome: outcome, cause: cause, layer: index, isComplaint: true)
            case .kill: return Verdict(outcome: outcome, cause: cause, layer: index)
            case .errno: first = first ?? Verdict(outcome: outcome, cause: cause, layer: index)
            }
        }
        return first ?? complaint ?? grant ?? Verdict(outcome: .allow, cause: nil, layer: nil)
    }

    /// The name of a call, for people; from the tables of the decisions, without any library.
    public func name(of call: FilterInput) -> String? {
        guard let abi = SyscallABI(architecture: call.architecture, number: call.number) else { return nil }
        return tables.first { $0.abi == abi }?.call(call.number)?.name
    }
}

extension SyscallDecisions.Table {
    /// The call with a number; nil where there is none.
    public func call(_ number: UInt32) -> SyscallDecisions.Call? {
        var (low, high) = (0, calls.count)
        while low < high {
            let middle = (low + high) / 2
            if calls[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < calls.count && calls[low].number == number ? calls[low] : nil
    }
}

extension SyscallDecisions.Cause {
    /// A call by a way that the policy does not list. The kill cannot be reported; what only complains is.
    public static let foreignABI = Self(
        rule: DecidingRule(id: "abi", location: nil), subject: .syscall, isReported: true)
    /// A call newer than the tables: the kernel's own answer to what it does not know.
    public static let unknownCall = Self(
        rule: DecidingRule(id: "syscalls.unknown", location: nil), subject: .syscall, isReported: false)
}

/// The errors that filters answer with, in the numbering of all architectures at hand
/// (`include/uapi/asm-generic/errno-base.h` and `errno.h`).
enum ErrorNumber {
    static let notPermitted: Int32 = 1
    static let accessDenied: Int32 = 13
    static let noSystemCall: Int32 = 38
}
