/// Everything that starting one confined command takes: plain data, made from a plan by the command line.
public struct LaunchRequest {
    /// What the command gets as `argv`, byte for byte; the first is what it is called.
    public var arguments: [[UInt8]]
    /// What the command gets as its environment, `NAME=VALUE`.
    public var environment: [[UInt8]]
    /// The files to try to execute, in order (see `CommandLookup`).
    public var candidates: [[UInt8]]
    /// Landlock rulesets, oldest layer first.
    public var layers: [LandlockLayer] = []
    /// The agent's layers, oldest first, and what it knows the command by.
    public var agentLayers: [UInt32] = []
    public var session: UInt32 = 0
    /// The seccomp filter; nil: none.
    public var filter: SeccompFilter?
    /// The filter to load where `filter` makes a listener and the kernel allows no second one in this tree of
    /// processes (EBUSY): it must not hand anything over. Nil: then that is a failure.
    public var filterWithoutListener: SeccompFilter?
    /// The capabilities that the command may keep, as a bit mask by number; nil: all.
    public var keptCapabilities: UInt64?
    /// Descriptors above 2 that the command gets.
    public var keptDescriptors: [CInt] = []
    /// A descriptor that the supervisor keeps for its own output (`--audit fd:N`), and the command does not get.
    public var supervisorDescriptors: [CInt] = []

    /// A request to execute the first of `candidates` that can be.
    public init(arguments: [[UInt8]], environment: [[UInt8]], candidates: [[UInt8]]) {
        self.arguments = arguments
        self.environment = environment
        self.candidates = candidates
    }
}

/// A classic BPF program for seccomp.
public struct SeccompFilter: Hashable, Sendable {
    /// `struct sock_filter[]`: eight bytes an instruction, native byte order.
    public var bytes: [UInt8]
    /// `SECCOMP_FILTER_FLAG_*`. With `NEW_LISTENER` (8) the supervisor answers what the filter hands over.
    public var flags: UInt32

    public init(bytes: [UInt8], flags: UInt32 = 0) {
        self.bytes = bytes
        self.flags = flags
    }
}

/// Why a command was not started.
public struct LaunchFailure: Error, Hashable, Sendable {
    /// What failed. Everything but `execute` is swguard's own failure.
    public enum Step: Hashable, Sendable {
        case process
        case deathSignal
        case signals
        case capabilities
        case noNewPrivileges
        case grant(path: [UInt8])
        case landlock(layer: Int)
        case descriptors
        case seccomp
        case execute(path: [UInt8])
        /// Coming under a layer of the agent's.
        case agentLayer(Int)
    }

    public var step: Step
    /// The errno.
    public var code: CInt
    /// Of an execution that fails for something that is missing: the file itself is there, so it is its interpreter.
    public var lacksInterpreter = false

    public init(_ step: Step, code: CInt) {
        self.step = step
        self.code = code
    }
}
