internal import Policy

/// What user space knows of a generation in the kernel, as it is kept in a file: where it lies in the maps, and what its
/// numbers stand for.
public struct GenerationRecord: Hashable, Sendable {
    /// What events call it.
    public var number: UInt32
    /// The boot and the map that it lies in: in another it means nothing.
    public var place: Place
    public var words: Range<Int>
    public var counters: Range<Int>
    /// By slot; nil: none is there.
    public var policies: [PolicyLegend?]
    /// The names whose objects are denied, and the words of the lists for what comes under them.
    public var guardedNames: [GuardedName]
    /// The policies that were added to those that the agent was told, by name: the files that they are read from.
    public var loaded: [Loaded]

    /// A map of one boot of one machine.
    public struct Place: Hashable, Sendable {
        public var boot: String
        /// The kernel's number of the map.
        public var map: UInt32

        public init(boot: String, map: UInt32) {
            self.boot = boot
            self.map = map
        }
    }

    public struct GuardedName: Hashable, Sendable {
        public var path: [UInt8]
        public var name: KernelName
        public var word: UInt32

        public init(path: [UInt8], name: KernelName, word: UInt32) {
            self.path = path
            self.name = name
            self.word = word
        }
    }

    public struct Loaded: Hashable, Sendable {
        public var policy: String
        public var file: String

        public init(policy: String, file: String) {
            self.policy = policy
            self.file = file
        }
    }

    public init(
        number: UInt32, place: Place, words: Range<Int>, counters: Range<Int>, policies: [PolicyLegend?],
        guardedNames: [GuardedName], loaded: [Loaded]
    ) {
        self.number = number
        self.place = place
        self.words = words
        self.counters = counters
        self.policies = policies
        self.guardedNames = guardedNames
        self.loaded = loaded
    }

    /// Another format is another version's.
    static let format: UInt16 = 2
    static var magic: String.UTF8View { "SWGGENR\0".utf8 }

    /// The file that holds it.
    public var encoded: [UInt8] {
        var writer = BinaryWriter()
        encode(to: &writer)
        return SealedFile.encode(writer.bytes, magic: Self.magic, format: Self.format)
    }

    /// The record that `file` holds; nil: it is of another version, cut short, or damaged.
    public init?(decoding file: [UInt8]) {
        guard let body = try? SealedFile.decode(file, magic: Self.magic, format: Self.format) else {
            return nil
        }
        var reader = BinaryReader(body)
        guard let record = try? Self(from: &reader), reader.isAtEnd else { return nil }
        self = record
    }
}

extension KernelTables {
    /// What the numbers of this generation's policies stand for, by slot.
    public var legends: [PolicyLegend?] { policies.map { $0?.legend } }
}

extension GenerationRecord: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        number.encode(to: &writer)
        place.boot.encode(to: &writer)
        place.map.encode(to: &writer)
        for range in [words, counters] {
            range.lowerBound.encode(to: &writer)
            range.count.encode(to: &writer)
        }
        policies.encode(to: &writer)
        guardedNames.encode(to: &writer)
        loaded.encode(to: &writer)
    }

    init(from reader: inout BinaryReader) throws(BinaryError) {
        number = try UInt32(from: &reader)
        place = Place(boot: try String(from: &reader), map: try UInt32(from: &reader))
        words = try Self.range(from: &reader)
        counters = try Self.range(from: &reader)
        policies = try [PolicyLegend?](from: &reader)
        guardedNames = try [GuardedName](from: &reader)
        loaded = try [Loaded](from: &reader)
        // What is accounted for is what the kernel counts.
        guard policies.reduce(0, { $0 + ($1?.counterCount ?? 0) }) <= counters.count else {
            throw reader.error
        }
    }

    private static func range(from reader: inout BinaryReader) throws(BinaryError) -> Range<Int> {
        let first = try Int(from: &reader)
        let count = try Int(from: &reader)
        guard first >= 0, count >= 0, first <= 1 << 40, count <= 1 << 40 else { throw reader.error }
        return first..<(first + count)
    }
}

extension GenerationRecord.GuardedName: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        BinaryBytes(path).encode(to: &writer)
        name.directory.inode.encode(to: &writer)
        name.directory.device.encode(to: &writer)
        BinaryBytes(name.name).encode(to: &writer)
        word.encode(to: &writer)
    }

    init(from reader: inout BinaryReader) throws(BinaryError) {
        path = try BinaryBytes(from: &reader).bytes
        let directory = KernelObject(inode: try UInt64(from: &reader), device: try UInt32(from: &reader))
        name = KernelName(directory: directory, name: try BinaryBytes(from: &reader).bytes)
        word = try UInt32(from: &reader)
        guard (1...255).contains(name.name.count), !path.contains(0) else { throw reader.error }
    }
}

extension GenerationRecord.Loaded: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        policy.encode(to: &writer)
        file.encode(to: &writer)
    }

    init(from reader: inout BinaryReader) throws(BinaryError) {
        policy = try String(from: &reader)
        file = try String(from: &reader)
    }
}

extension PolicyLegend: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        name.encode(to: &writer)
        file.encode(to: &writer)
        digest.encode(to: &writer)
        mode.encode(to: &writer)
        rules.encode(to: &writer)
        areLogged.encode(to: &writer)
        for location in [files, network, capabilities, operations] { location.encode(to: &writer) }
        sections.encode(to: &writer)
        executables.map(BinaryBytes.init).encode(to: &writer)
        (run?.layer).encode(to: &writer)
        (run?.owner ?? 0).encode(to: &writer)
    }

    init(from reader: inout BinaryReader) throws(BinaryError) {
        name = try String(from: &reader)
        file = try String(from: &reader)
        digest = try String?(from: &reader)
        mode = try Policy.Mode(from: &reader)
        rules = try [DecidingRule](from: &reader)
        areLogged = try [Bool](from: &reader)
        files = try SourceLocation?(from: &reader)
        network = try SourceLocation?(from: &reader)
        capabilities = try SourceLocation?(from: &reader)
        operations = try SourceLocation?(from: &reader)
        sections = try [Section](from: &reader)
        executables = try [BinaryBytes](from: &reader).map(\.bytes)
        let layer = try UInt32?(from: &reader)
        let owner = try UInt32(from: &reader)
        run = layer.map { Run(layer: $0, owner: owner) }
        guard areLogged.count == rules.count, executables.allSatisfy({ !$0.contains(0) }) else {
            throw reader.error
        }
    }
}

extension PolicyLegend.Section: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        name.encode(to: &writer)
        extent.encode(to: &writer)
        gaps.encode(to: &writer)
    }

    init(from reader: inout BinaryReader) throws(BinaryError) {
        name = try String(from: &reader)
        extent = try Coverage.Extent(from: &reader)
        gaps = try [String](from: &reader)
    }
}
