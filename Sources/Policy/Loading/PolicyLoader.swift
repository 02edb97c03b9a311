/// What came of loading a policy.
public struct LoadedPolicy: Sendable {
    /// The policy, includes in place; nil where there are errors.
    public var policy: Policy?
    /// What was found, by file in the order of reading, line and column.
    public var diagnostics: [Diagnostic]
    /// Every file that was read.
    public var inputs: [PolicyInput]
    /// Files that were looked for and not there: were one of them made, the policy would be another.
    public var missing: [String]
    /// Why the policy itself could not be read: `no such file`. Then there are no diagnostics.
    public var unreadable: String?
}

/// Reads policies by name or path, with what they include.
public struct PolicyLoader: Sendable {
    /// The largest file that is read.
    public static let byteLimit = YAMLReader.byteLimit
    /// How many files a policy may include, and how deep.
    public static let includeLimit = 32
    public static let depthLimit = 8

    let vocabulary: SyscallVocabulary
    let variables: PolicyVariables
    let files: any PolicyFiles
    /// The directories that names are looked for in, first to last.
    let searchPath: [String]
    let includes = DecodedIncludes()

    public init(
        vocabulary: SyscallVocabulary, variables: PolicyVariables, files: any PolicyFiles,
        searchPath: [String] = []
    ) {
        self.vocabulary = vocabulary
        self.variables = variables
        self.files = files
        self.searchPath = searchPath
    }

    /// The policy path: `$SWGUARD_POLICY_PATH` (colons between), then the user's, the host's and the vendor's
    /// directory. Empty entries are left out: they would be the working directory.
    public static func searchPath(policyPath: String?, home: String?) -> [String] {
        var path = (policyPath ?? "").split(separator: ":").map(String.init)
        if let home, home.hasPrefix("/") { path.append("\(home)/.config/swguard/policies") }
        return path + ["/etc/swguard/policies", "/usr/share/swguard/policies"]
    }

    /// Loads what a user named: a file (with a `/`, or ending in `.yaml`), `-` for standard input, or a name on
    /// the policy path.
    public func load(_ reference: String) -> LoadedPolicy {
        var load = PolicyLoad(self)
        do throws(PolicyFileError) {
            let (path, file) = try load.find(reference)
            let unit = load.read(file, as: path, directory: directory(of: path))
            return load.finish(unit)
        } catch {
            return load.unreadable(error.reason)
        }
    }

    /// Decodes text that is already there; its includes are looked for on the policy path alone, or beside
    /// `directory` first.
    public func decode(_ bytes: [UInt8], named name: String, directory: String? = nil) -> LoadedPolicy {
        var load = PolicyLoad(self)
        let file = PolicyFile(bytes: bytes, identity: "named:\(name)")
        let unit = load.read(file, as: name, directory: directory)
        return load.finish(unit)
    }

    /// `policy`, which was made without text (rules on the command line), with includes put in front.
    public func complete(_ policy: Policy, including names: [String]) -> LoadedPolicy {
        var load = PolicyLoad(self)
        var policy = policy
        policy.includes += names.enumerated().map { index, name in
            Located(name, at: SourceLocation(file: policy.file, line: index + 1))
        }
        let unit = load.include(into: policy)
        return load.finish(unit)
    }

    private func directory(of path: String) -> String? {
        if path == "-" { return nil }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
