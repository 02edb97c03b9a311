internal import CSwguardBPF
internal import Compiler
private import Glibc
internal import Policy

/// What is the agent's own among files.
///
/// Whoever is confined changes none of it, by whatever name (`OwnFiles`). Where the agent is sealed nobody does, by what the
/// kernel finds in the map `places`.
struct OwnPlaces {
    /// Directories with everything beneath, links resolved.
    private var trees: [String] = []
    /// The same, but that what is in it may be written to: sockets.
    private var sockets: [String] = []
    private var files: [String] = []
    /// Names that the log has when it is rotated.
    private var patterns: [PathPattern] = []

    private static let standardTrees = [
        PinDirectory.path, StateDirectory.path, "/etc/swguard", "/var/log/swguard",
    ]
    private static let standardSockets = "/run/swguard"

    init(_ context: Agent.Context, _ configuration: AgentConfiguration) {
        trees = Self.standardTrees.compactMap(Self.resolved)
        if let directory = context.directory.flatMap(Self.resolved) { trees.append(directory) }
        sockets = [Self.standardSockets, context.socket].compactMap(Self.resolved)
        var own = context.files + [AgentConfiguration.standardPath, "/proc/self/exe"]
        own += [configuration.metrics, configuration.audit.file].compactMap { $0 }
        files = own.compactMap(Self.resolved).filter { file in
            !trees.contains { file.hasPrefix($0 + "/") }
        }
        if let log = configuration.audit.file.flatMap(Self.resolved), log.hasSuffix(".jsonl") {
            let stem = log.dropLast(".jsonl".count)
            patterns = [PathPattern(tokens: "\(stem)-".utf8.map { .byte($0) } + [.star])]
        }
    }

    /// A path without symbolic links, of what is there or may come to be; nil: not even its directory is there.
    private static func resolved(_ path: String) -> String? {
        if let whole = real(path) { return whole }
        guard let slash = path.lastIndex(of: "/"), let directory = real(String(path[...slash])) else {
            return nil
        }
        let name = path[path.index(after: slash)...]
        return directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    }

    private static func real(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// What the policies' tables say of them.
    var ownFiles: OwnFiles {
        var own = OwnFiles()
        own.deny(
            [.write, .metadata, .link, .device],
            trees.map { PathPattern(subtree: $0.utf8) } + files.map { PathPattern(literal: $0.utf8) }
                + patterns)
        // Connecting is writing, and the policies' affair.
        own.deny([.create, .remove, .metadata, .link], sockets.map { PathPattern(subtree: $0.utf8) })
        return own
    }

    /// What the kernel is told of one path.
    struct Mark {
        var path: String
        var kind: OwnPlaceMark
    }

    /// All places that are there, and the directories above them.
    var marks: [Mark] {
        var marks = (trees + sockets).map { Mark(path: $0, kind: .SWGUARD_PLACE_TREE) }
        marks += files.map { Mark(path: $0, kind: .SWGUARD_PLACE_FILE) }
        var above: Set<String> = []
        for mark in marks {
            var path = Substring(mark.path)
            while let slash = path.lastIndex(of: "/"), path != "/" {
                path = slash == path.startIndex ? "/" : path[..<slash]
                above.insert(String(path))
            }
        }
        return marks + above.sorted().map { Mark(path: $0, kind: .SWGUARD_PLACE_ABOVE) }
    }

    /// The directories whose mounts are not to go.
    var mounted: [String] { Array(trees.prefix(Int(SWGUARD_AGENT_MOUNTS))) }
}
