/// What `swguard run` was asked to do: the command line as a value.
public struct RunOptions: Hashable, Sendable {
    /// An option's value and where it stood.
    public struct Value: Hashable, Sendable {
        public var bytes: [UInt8]
        /// The number of the argument that named the option, counted from 1 behind `run`: rules given as options are
        /// reported with it.
        public var argument: Int

        public init(_ bytes: [UInt8], argument: Int) {
            self.bytes = bytes
            self.argument = argument
        }
    }

    /// A rule given as an option.
    public struct CommandLineRule: Hashable, Sendable {
        /// Which option.
        public enum Kind: String, CaseIterable, Hashable, Sendable {
            case read, exec, write
            case denyRead = "deny-read"
            case deny, connect, bind
            case noNetwork = "no-network"
            case allowSyscall = "allow-syscall"
            case denySyscall = "deny-syscall"
        }

        public var kind: Kind
        /// What it is about; empty for `--no-network`.
        public var value: Value

        public init(_ kind: Kind, _ value: Value) {
            self.kind = kind
            self.value = value
        }
    }

    /// What enforces.
    public enum Backend: String, CaseIterable, Hashable, Sendable {
        case auto, landlock, lsm
    }

    /// Where events go.
    public enum AuditTarget: Hashable, Sendable {
        case file([UInt8])
        /// `-`.
        case standardOutput
        /// `fd:N`.
        case descriptor(Int32)
    }

    /// Each is a layer, oldest first.
    public var policies: [Value] = []
    /// In the order given.
    public var rules: [CommandLineRule] = []
    public var backend = Backend.auto
    public var isStrict = false
    public var allowsPartial = false
    public var keptDescriptors: [Int32] = []
    /// nil: readable lines on standard error.
    public var audit: AuditTarget?
    public var explains = false
    public var complains = false
    public var isExecOnly = false
    public var isBare = false
    public var printsPolicy = false
    public var isVerbose = false
    /// What follows `--`; not empty, but with `--print-policy`.
    public var command: [[UInt8]] = []

    public init() {}
}
