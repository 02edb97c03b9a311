public import Automata
public import Policy

/// What one policy is in the kernel's tables, by itself: the same beside whatever other policies.
///
/// Making it is what takes time; putting it into a generation does not.
public struct KernelPart: Hashable, Sendable {
    /// The policy as events speak of it.
    public let policy: KernelPolicy
    /// The agent's files, as far as it denies them.
    let own: OwnFiles
    let files: FileAutomaton
    let sockets: SocketNames
    let fileTable: LookupTable
    let socketTable: LookupTable

    /// Compiles a policy, which is resolved: includes, variables and links are in place.
    public init(
        _ policy: Policy, own: OwnFiles = OwnFiles(), limits: AutomatonLimits = AutomatonLimits()
    ) throws(KernelTablesError) {
        self = try Self(policy, own: own, limits: limits, files: nil)
    }

    /// - Parameter files: the automaton of its `files` section, where it is known already.
    init(
        _ policy: Policy, own: OwnFiles, limits: AutomatonLimits, files: FileAutomaton?
    ) throws(KernelTablesError) {
        let compiled = KernelPolicy(policy, isGuarded: !own.isEmpty)
        let automaton = if let files { files } else { try Self.files(of: own.guarding(policy), limits) }
        self.own = own
        self.files = automaton
        fileTable = LookupTable(automaton.automaton)
        do throws(AutomatonError) {
            sockets = try SocketNames(
                policy.network, firstRule: compiled.networkRules, limits: limits)
        } catch {
            throw KernelTablesError("the unix endpoints of 'network' make too many states", in: policy)
        }
        socketTable = LookupTable(sockets.automaton)
        self.policy = compiled
    }

    private static func files(
        of section: FilesSection?, _ limits: AutomatonLimits
    ) throws(KernelTablesError) -> FileAutomaton {
        do throws(FileAutomatonError) {
            return try FileAutomaton(
                section,
                marks: [
                    FileMark(
                        bits: KernelRecords.Mark.kernelHelper,
                        patterns: KernelHelperFiles.patterns + [KernelHelperFiles.releaseAgents])
                ], limits: limits)
        } catch {
            throw KernelTablesError(error.diagnostic)
        }
    }

    /// What grants nothing, whatever is asked.
    static let closed: Self? = {
        let nowhere = SourceLocation(file: "", line: 1)
        var policy = Policy(name: "closed", file: "")
        policy.files = FilesSection(location: nowhere)
        policy.network = NetworkSection(families: [], location: nowhere)
        return try? Self(policy)
    }()
}

/// A policy that `swguard run` brought, as it stands in a generation.
public struct KernelRun: Hashable, Sendable {
    /// The word by which tasks know it: `SWGUARD_RUN_LAYER`, a serial number, and the slot.
    public var layer: UInt32
    /// The user who may come under it.
    public var owner: UInt32
    public var part: KernelPart

    public init(slot: Int, serial: UInt32, owner: UInt32, part: KernelPart) {
        layer = Self.bit | (serial % Self.serialCount) << Self.slotBits | UInt32(slot)
        self.owner = owner
        self.part = part
    }

    /// The same, with the word it had already; nil: that is none of such a policy.
    public init?(layer: UInt32, owner: UInt32, part: KernelPart) {
        guard Self.isRun(layer) else { return nil }
        self.layer = layer
        self.owner = owner
        self.part = part
    }

    /// `SWGUARD_RUN_LAYER`.
    static let bit: UInt32 = 1 << 31
    private static let slotBits: UInt32 = 12
    /// How many serial numbers there are before the first comes again.
    public static let serialCount: UInt32 = 1 << 19

    public var slot: Int { Self.slot(of: layer) }
    public var serial: UInt32 { Self.serial(of: layer) }

    /// The slot of a task's layer, of `swguard run` or not.
    public static func slot(of layer: UInt32) -> Int { Int(layer & ((1 << slotBits) - 1)) }
    public static func serial(of layer: UInt32) -> UInt32 { (layer & ~bit) >> slotBits }
    /// Whether a task's layer is one that `swguard run` brought.
    public static func isRun(_ layer: UInt32) -> Bool { layer & bit != 0 }
}
