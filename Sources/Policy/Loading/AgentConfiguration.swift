/// What the host agent is told besides policies: `/etc/swguard/agent.yaml`.
public struct AgentConfiguration: Hashable, Sendable {
    public static let standardPath = "/etc/swguard/agent.yaml"

    /// Programs that set up cgroups, namespaces and ids for others: their own exec in a cgroup does not begin the cgroup's
    /// policies, the next one does. Absolute paths of files.
    public var launchers: [Located<String>]

    /// Whether what directories are called is kept from one request to the next. Verdicts are the same without, and dearer.
    /// Read when the agent starts.
    public var isCaching: Bool

    /// Where events go, and how the log is kept.
    public var audit = AuditConfiguration()

    /// A file of metrics that is kept up to date; nil: none.
    public var metrics: String?

    /// Whether nobody changes what is enforced until the machine starts again.
    public var isSealed = false

    /// What was read; empty where there is no file.
    public private(set) var contents: [UInt8] = []

    /// Where nothing is configured: what systemd (255 and later) starts in a unit's cgroup before the unit's program.
    public static let standardLaunchers = ["/usr/lib/systemd/systemd-executor"]

    public init(launchers: [Located<String>], isCaching: Bool = true) {
        self.launchers = launchers
        self.isCaching = isCaching
    }

    /// What is done without a file.
    public static let standard = Self(
        launchers: standardLaunchers.map { Located($0, at: SourceLocation(file: standardPath, line: 1)) })

    /// The configuration in `bytes`; nil where there are errors.
    public static func decode(_ bytes: [UInt8], named name: String) -> (Self?, [Diagnostic]) {
        let diagnostics = Diagnostics()
        let text = SourceText(file: name, bytes: bytes)
        diagnostics.enter(text)
        guard let root = YAMLReader.read(text, diagnostics) else { return (nil, diagnostics.sorted()) }
        ShapeCheck(diagnostics: diagnostics).check(root, .object(AgentShape.document), key: nil)
        var configuration = standard
        if let items = root["launchers"]?.items {
            configuration.launchers = items.compactMap { item in
                item.text.map { Located($0, at: item.location) }
            }
        }
        if let isCaching = root["cache"]?.text { configuration.isCaching = isCaching == "true" }
        configuration.metrics = root["metrics"]?.text
        configuration.isSealed = root["sealed"]?.text == "true"
        configuration.contents = bytes
        if let audit = root["audit"] { configuration.audit = AuditConfiguration(audit) }
        // Fail closed: with one error there is no configuration.
        return (diagnostics.hasErrors ? nil : configuration, diagnostics.sorted())
    }
}

/// The keys of the agent's configuration, version 1.
enum AgentShape {
    static let document = ObjectShape(
        "the agent's configuration",
        [
            Field(
                "apiVersion", "The version of the language.", .word(Vocabulary("apiVersion", ["swguard/v1"])),
                isRequired: true),
            Field("kind", "What the document is.", .word(Vocabulary("kind", ["Agent"])), isRequired: true),
            Field(
                "launchers",
                "Programs of root whose exec in a control group does not begin the policies of that group; systemd's, unless written.",
                .list(ListShape(of: .text(file), mayBeEmpty: true))),
            Field(
                "cache",
                "Whether paths of directories are kept between requests: true, unless written. To find out whether it matters.",
                .flag),
            Field(
                "sealed",
                "Whether what is enforced cannot be changed by anybody until the machine starts again, as with 'agent --sealed': false, unless written.",
                .flag),
            Field(
                "audit", "Where events go, and how the audit log is kept.", .object(AuditConfiguration.shape)),
            Field(
                "metrics",
                "A file that is written every 15 s with metrics in Prometheus' text form, for the node exporter: '*.prom'.",
                .text(file)),
        ])

    static let file = TextShape(
        "an absolute path of one file", pattern: "^/",
        hint: "write it in full: no patterns, no '.' and no '..'"
    ) { path in
        path.hasPrefix("/") && path.utf8.count < 4096
            && path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
            && !path.contains { "*?[]{}\\".contains($0) }
    }
}
