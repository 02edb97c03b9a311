/// What a plan was made from, beside what the user asked for: were any of it different, the plan would be another.
public struct PlanInputs: Hashable, Sendable {
    /// The files that were read, as they were named.
    public var files: [String] = []
    /// Files that were looked for and not there.
    public var missing: [String] = []
    /// Paths, and where they led, as far as they existed.
    public var links: [Link] = []
    /// The name of the plan's file when this was written.
    public var planName = ""

    /// A path and where it led.
    public struct Link: Hashable, Sendable {
        public var path: [UInt8]
        public var target: [UInt8]

        public init(path: [UInt8], target: [UInt8]) {
            self.path = path
            self.target = target
        }
    }

    public init() {}

    static var magic: String.UTF8View { "SWGINDX\0".utf8 }

    /// The index file that lists them.
    public func encoded() -> [UInt8] {
        var writer = BinaryWriter()
        files.encode(to: &writer)
        missing.encode(to: &writer)
        links.map { BinaryBytes($0.path) }.encode(to: &writer)
        links.map { BinaryBytes($0.target) }.encode(to: &writer)
        planName.encode(to: &writer)
        return SealedFile.encode(writer.bytes, magic: Self.magic, format: PlanFile.format)
    }

    /// What an index file lists; nil where it is none, or of another version.
    public init?(decoding file: [UInt8]) {
        guard let body = try? SealedFile.decode(file, magic: Self.magic, format: PlanFile.format) else {
            return nil
        }
        var reader = BinaryReader(body)
        guard let files = try? [String](from: &reader), let missing = try? [String](from: &reader),
            let paths = try? [BinaryBytes](from: &reader), let targets = try? [BinaryBytes](from: &reader),
            let planName = try? String(from: &reader), paths.count == targets.count, reader.isAtEnd
        else { return nil }
        self.files = files
        self.missing = missing
        links = zip(paths, targets).map { Link(path: $0.bytes, target: $1.bytes) }
        self.planName = planName
    }
}
