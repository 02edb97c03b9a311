/// Where policies are read from: the host's files, or a table in a test.
public protocol PolicyFiles: Sendable {
    /// Reads the regular file that a user named; links are followed.
    func read(_ path: String) throws(PolicyFileError) -> PolicyFile

    /// Reads the regular file `name` (components joined by `/`) beneath `directory`, which no link leaves.
    func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile

    /// Reads standard input to its end.
    func readStandardInput() throws(PolicyFileError) -> [UInt8]
}

/// What a file held when it was read.
public struct PolicyFile: Hashable, Sendable {
    /// The contents: whole, or longer than `PolicyLoader.byteLimit`.
    public var bytes: [UInt8]
    /// Equal for two names of one file.
    public var identity: String

    public init(bytes: [UInt8], identity: String) {
        self.bytes = bytes
        self.identity = identity
    }
}

/// Why a file could not be read.
public struct PolicyFileError: Error, Hashable, Sendable {
    /// Whether there is no such file; another place may have it.
    public var isMissing: Bool
    /// What went wrong, lower case: `permission denied`.
    public var reason: String

    public init(_ reason: String, isMissing: Bool = false) {
        self.reason = reason
        self.isMissing = isMissing
    }

    /// There is no such file.
    public static let missing = Self("no such file", isMissing: true)
}

/// One file that a policy was made from.
public struct PolicyInput: Hashable, Sendable {
    /// The file as diagnostics name it; `-` for standard input.
    public var path: String
    public var bytes: [UInt8]
    /// Equal for two names of one file.
    public var identity: String

    public init(path: String, bytes: [UInt8], identity: String = "") {
        self.path = path
        self.bytes = bytes
        self.identity = identity
    }
}
