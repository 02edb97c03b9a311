public import Policy
public import Seccomp

/// What one start of a command needs of its policies: plain data, the same bytes from the same input.
///
/// Made by `PolicyCompiler`, kept in a file by `PlanFile`. What only a denial or a curious user needs is decoded when
/// it is asked for: most starts end without.
public struct Plan: Hashable, Sendable {
    /// One policy of the plan.
    public struct Layer: Hashable, Sendable {
        public var name: String
        /// The file that it came from, as named.
        public var file: String
        /// SHA-256 of the resolved policy's text.
        private var hash: [UInt8]
        public var mode: Policy.Mode
        public var recipe: LandlockRecipe

        /// The hash as people and logs have it: `sha256:0f…`.
        public var digest: String { SHA256.text(hash) }

        public init(name: String, file: String, hash: [UInt8], mode: Policy.Mode, recipe: LandlockRecipe) {
            self.name = name
            self.file = file
            self.hash = hash
            self.mode = mode
            self.recipe = recipe
        }
    }

    /// Oldest first.
    public var layers: [Layer]
    /// The one filter of all layers, as `struct sock_filter[]`: a start loads the bytes as they are.
    public var filterBytes: [UInt8]
    /// The filter for where `filterBytes` makes a listener and the kernel allows no second one; empty where that cannot
    /// be.
    public var plainFilterBytes: [UInt8]
    /// The capabilities that the command may keep, as a bit mask; nil: no policy speaks of them.
    public var keptCapabilities: UInt64?
    /// SHA-256 of all that the policies are made from, by which the agent knows them; empty: it is not asked.
    public var requestDigest = ""
    private var coverageParts: Deferred<[Coverage]>
    private var decisionParts: Deferred<[SyscallDecisions]>

    public init(
        layers: [Layer], filter: FilterProgram, filterWithoutListener: FilterProgram?,
        keptCapabilities: UInt64?,
        coverage: [Coverage], decisions: [SyscallDecisions]
    ) {
        self.layers = layers
        filterBytes = filter.bytes
        plainFilterBytes = filterWithoutListener?.bytes ?? []
        self.keptCapabilities = keptCapabilities
        coverageParts = Deferred(coverage)
        decisionParts = Deferred(decisions)
    }

    /// The one filter of all layers; nil where the bytes are no program, which the kernel would refuse.
    public var filter: FilterProgram? { FilterProgram(bytes: filterBytes) }

    /// What is enforced of each layer.
    public var coverage: [Coverage] { coverageParts.value ?? [] }

    /// What each layer says of every system call, to name the rule of a denial; nil where the stored form does not
    /// decode, which a whole file never is.
    public var decisions: [SyscallDecisions]? { decisionParts.value }
}

extension Plan: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        layers.encode(to: &writer)
        BinaryBytes(filterBytes).encode(to: &writer)
        BinaryBytes(plainFilterBytes).encode(to: &writer)
        keptCapabilities.encode(to: &writer)
        requestDigest.encode(to: &writer)
        coverageParts.encode(to: &writer)
        decisionParts.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        layers = try [Layer](from: &reader)
        filterBytes = try BinaryBytes(from: &reader).bytes
        plainFilterBytes = try BinaryBytes(from: &reader).bytes
        keptCapabilities = try UInt64?(from: &reader)
        requestDigest = try String(from: &reader)
        coverageParts = try Deferred(from: &reader)
        decisionParts = try Deferred(from: &reader)
    }
}

extension Plan.Layer: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        name.encode(to: &writer)
        file.encode(to: &writer)
        BinaryBytes(hash).encode(to: &writer)
        mode.encode(to: &writer)
        recipe.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            name: try String(from: &reader), file: try String(from: &reader),
            hash: try BinaryBytes(from: &reader).bytes, mode: try Policy.Mode(from: &reader),
            recipe: try LandlockRecipe(from: &reader))
    }
}

/// A value that is decoded when it is asked for.
struct Deferred<Value: BinaryCodable & Hashable & Sendable>: Hashable, Sendable, BinaryCodable {
    private let bytes: [UInt8]

    init(_ value: Value) {
        var writer = BinaryWriter()
        value.encode(to: &writer)
        bytes = writer.bytes
    }

    /// The value; nil where the bytes are no such value.
    var value: Value? {
        var reader = BinaryReader(bytes[...])
        return try? Value(from: &reader)
    }

    func encode(to writer: inout BinaryWriter) { BinaryBytes(bytes).encode(to: &writer) }
    init(from reader: inout BinaryReader) throws(BinaryError) { bytes = try BinaryBytes(from: &reader).bytes }
}
