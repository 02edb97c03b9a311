internal import BPF
private import CLinux
internal import CSwguardBPF
internal import Compiler
private import Glibc

/// The maps and the program by which the programs of a set know the agent and what is its own.
struct AgentMaps: ~Copyable {
    /// The program by which the agent says who it is.
    static let program = "swguard_claim"
    static let maps = ["agent", "places", "links"]

    private let claim: SyscallProgram
    private let places: Map
    private let links: Map
    private let identify: SyscallProgram

    /// Whether nobody changes anything any more, and what the one that sealed was told. Open to whoever runs the agent's
    /// program.
    struct Seal: Hashable {
        var digest: [UInt8]
    }

    /// The seal of the programs of a set; nil: it is not sealed, or so old that it cannot be.
    static func seal(of set: PinnedSet) -> Seal? {
        guard let program = try? SyscallProgram(Self.program, pinnedAt: set.map(Self.program)) else {
            return nil
        }
        var record = ClaimRecord()
        guard (try? program.run(&record)) == 0, record.is_sealed != 0 else { return nil }
        return Seal(digest: bytes(of: record.digest))
    }

    /// Says that this process is the agent. `directories`: those whose mounts are not to go.
    static func claim(_ set: PinnedSet, directories: [CInt] = []) throws(KernelError) -> SyscallProgram {
        let claim = try SyscallProgram(Self.program, pinnedAt: set.map(Self.program))
        var record = ClaimRecord()
        record.request = .SWGUARD_CLAIM
        record.directory_count = UInt32(directories.count)
        unsafe withUnsafeMutableBytes(of: &record.directories) { bytes in
            for (index, descriptor) in directories.prefix(Int(SWGUARD_AGENT_MOUNTS)).enumerated() {
                unsafe bytes.storeBytes(of: UInt32(descriptor), toByteOffset: 4 * index, as: UInt32.self)
            }
        }
        let result = try claim.run(&record)
        guard result == 0 else { throw KernelError(operation: "become the agent", code: -result) }
        return claim
    }

    /// Says that this process is the agent, before it looks at anything else: where it is sealed or confined, nobody else
    /// may.
    init(of set: PinnedSet, _ own: OwnPlaces) throws(KernelError) {
        var directories: [CInt] = []
        defer { for descriptor in directories { close(descriptor) } }
        for path in own.mounted {
            let descriptor = unsafe open(path, HeldObjects.pathOnly | O_CLOEXEC | O_DIRECTORY)
            if descriptor >= 0 { directories.append(descriptor) }
        }
        let claim = try Self.claim(set, directories: directories)
        let places = try set.open("places")
        let links = try set.open("links")
        let identify = try SyscallProgram(GuardMaps.program, pinnedAt: set.map(GuardMaps.program))
        self.claim = claim
        self.places = places
        self.links = links
        self.identify = identify
    }

    /// Tells the programs what is the agent's among files.
    func mark(_ own: OwnPlaces) throws(KernelError) {
        let held = HeldObjects()
        var marks: [KernelObject: UInt32] = [:]
        for mark in own.marks {
            guard let object = held.presentObject(at: Array(mark.path.utf8)),
                let descriptor = held.descriptor(of: object)
            else { continue }
            var identity = IdentityRecord(inode: 0, device: 0, descriptor: UInt32(descriptor))
            guard try identify.run(&identity) == 0 else { continue }
            marks[KernelObject(inode: identity.inode, device: identity.device), default: 0] |=
                mark.kind.rawValue
        }
        for key in try places.keys(as: swguard_object.self)
        where marks[KernelObject(inode: key.inode, device: key.device)] == nil { try places.remove(key) }
        for (object, mark) in marks {
            try places.update(
                swguard_object(inode: object.inode, device: object.device, generation: 0), mark)
        }
    }

    /// Lets nobody change anything from here on.
    func seal(_ digest: [UInt8]) throws(KernelError) {
        var record = ClaimRecord()
        record.request = .SWGUARD_SEAL
        unsafe withUnsafeMutableBytes(of: &record.digest) {
            unsafe $0.copyBytes(from: digest.prefix($0.count))
        }
        let result = try claim.run(&record)
        guard result == 0 else { throw KernelError(operation: "seal", code: -result) }
    }

    /// How many records of no policy found no room in the ring.
    var lost: Int {
        var record = ClaimRecord()
        return (try? claim.run(&record)) == 0 ? Int(clamping: record.lost) : 0
    }

    /// The programs that were attached when the set was made.
    func attached() throws(KernelError) -> Set<String> {
        var names: Set<String> = []
        for key in try links.keys(as: UInt32.self) {
            guard let name = try links.lookup(key, as: InlineArray<96, UInt8>.self) else { continue }
            names.insert(String(decoding: name.indices.map { name[$0] }.prefix { $0 != 0 }, as: UTF8.self))
        }
        return names
    }

    /// Notes a program that is attached, by the number of its link.
    static func note(_ program: String, _ number: UInt32, in links: borrowing Map) throws(KernelError) {
        var name = InlineArray<96, UInt8>(repeating: 0)
        for (index, byte) in program.utf8.prefix(95).enumerated() { name[index] = byte }
        try links.update(number, name)
    }

    private static func bytes(of digest: some BitwiseCopyable) -> [UInt8] {
        var digest = digest
        return unsafe withUnsafeBytes(of: &digest) { unsafe Array($0) }
    }
}
