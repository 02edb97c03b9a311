import Landlock
import Policy

@testable import Compiler

extension PathPattern {
    /// The one pattern that `text` stands for.
    init(test text: String) {
        let kind = text.hasPrefix("/") ? Kind.path : .abstractName
        do {
            let patterns = try Self.parse(text.utf8, kind: kind)
            precondition(patterns.count == 1, "\(text) is several patterns")
            self = patterns[0]
        } catch {
            preconditionFailure("\(text): \(error)")
        }
    }
}

extension Endpoint {
    /// The endpoint that `text` writes: numbers for addresses are `10.0.0.0/8` or `*`.
    init(test text: String) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        if parts[0] == "unix" {
            self =
                parts[1].hasPrefix("@")
                ? .unixAbstract(PathPattern(test: String(parts[1].dropFirst())))
                : .unixPath(PathPattern(test: parts[1]))
            return
        }
        let rest = parts[1].split(separator: ":").map(String.init)
        let ports: PortPattern
        if rest[1] == "*" {
            ports = .any
        } else {
            let bounds = rest[1].split(separator: "-").compactMap { UInt16($0) }
            ports = .range(bounds[0]...bounds[bounds.count - 1])
        }
        let hosts: HostPattern
        if rest[0] == "*" {
            hosts = .any
        } else {
            let prefix = rest[0].split(separator: "/").map(String.init)
            let address = prefix[0].split(separator: ".").compactMap { UInt32($0) }.reduce(0) { $0 << 8 | $1 }
            hosts = .prefix(.v4(address), length: prefix.count > 1 ? UInt8(prefix[1]) ?? 32 : 32)
        }
        self = .inet(parts[0] == "ip" ? [.tcp, .udp] : parts[0] == "tcp" ? [.tcp] : [.udp], hosts, ports)
    }
}

/// Policies in a few words; rule N of a section has the id `files.N` or `network.N`, and line 10 + N.
extension Policy {
    struct TestRule {
        var verdict: Verdict
        var accesses: [String]
        var objects: [String]
        var isCoarse = false
    }

    static func allow(_ accesses: String..., on objects: [String], coarse: Bool = false) -> TestRule {
        TestRule(verdict: .allow, accesses: accesses, objects: objects, isCoarse: coarse)
    }

    static func deny(_ accesses: String..., on objects: [String]) -> TestRule {
        TestRule(verdict: .deny, accesses: accesses, objects: objects)
    }

    init(
        files fileRules: [TestRule]? = nil, filesDefault: Verdict = .deny,
        network networkRules: [TestRule]? = nil,
        networkDefault: Verdict = .deny, operations: [(Verdict, Operation?)]? = nil
    ) {
        self.init(name: "test", file: "t.yaml")
        func header(_ section: String, _ index: Int, _ rule: TestRule) -> RuleHeader {
            RuleHeader(
                id: "\(section).\(index)", verdict: rule.verdict, isCoarse: rule.isCoarse,
                location: SourceLocation(file: "t.yaml", line: 10 + index))
        }
        if let fileRules {
            files = FilesSection(
                defaultVerdict: filesDefault,
                rules: fileRules.enumerated().map { index, rule in
                    FileRule(
                        header: header("files", index, rule),
                        accesses: rule.accesses == ["all"]
                            ? .all
                            : FileAccessSet(rule.accesses.map { FileAccessSet(FileAccess(name: $0)!) }),
                        patterns: rule.objects.enumerated().map { column, text in
                            Located(
                                PathPattern(test: text),
                                at: SourceLocation(file: "t.yaml", line: 10 + index, column: column + 1))
                        })
                }, location: SourceLocation(file: "t.yaml", line: 1))
        }
        if let networkRules {
            network = NetworkSection(
                defaultVerdict: networkDefault,
                families: [("unix", 1), ("inet", 2), ("inet6", 10)].map {
                    Located(
                        SocketFamily(name: $0.0, number: $0.1), at: SourceLocation(file: "t.yaml", line: 2))
                },
                rules: networkRules.enumerated().map { index, rule in
                    NetworkRule(
                        header: header("network", index, rule),
                        accesses: rule.accesses == ["all"]
                            ? .all
                            : NetworkAccessSet(
                                rule.accesses.map { NetworkAccessSet(NetworkAccess(name: $0)!) }),
                        endpoints: rule.objects.enumerated().map { column, text in
                            Located(
                                Endpoint(test: text),
                                at: SourceLocation(file: "t.yaml", line: 10 + index, column: column + 1))
                        })
                }, location: SourceLocation(file: "t.yaml", line: 2))
        }
        if let operations {
            self.operations = ListSection(
                entries: operations.enumerated().map { index, entry in
                    ListEntry(
                        header: RuleHeader(
                            id: "operations.\(index)", verdict: entry.0,
                            location: SourceLocation(file: "t.yaml", line: 30 + index)), item: entry.1)
                }, location: SourceLocation(file: "t.yaml", line: 3))
        }
    }

    /// Lowered for a kernel with this ABI; 0: none.
    func lowered(abi: Int, isPrivileged: Bool = false) -> LandlockLowering {
        LandlockLowering.lower(
            self, features: abi == 0 ? nil : .abi(abi), isPrivileged: isPrivileged)
    }
}

extension LandlockLowering {
    /// `kind subject: beginning of the text`, one a finding.
    var findings: [String] {
        coverage.findings.map { "\($0.kind.rawValue) \($0.subject): \($0.text)" }
    }

    /// The kinds of findings about one rule or default.
    func kinds(_ subject: String) -> [Coverage.Finding.Kind] {
        coverage.findings.filter { $0.subject == subject }.map(\.kind)
    }

    func extent(_ subject: String) -> Coverage.Extent? {
        coverage.rows.first { $0.subject == subject }?.extent
    }

    /// `path` → rights, `/**` behind the path of a subtree.
    var grants: [String: FileRights] {
        Dictionary(
            uniqueKeysWithValues: recipe.grants.map {
                (String(decoding: $0.path, as: UTF8.self) + ($0.isSubtree ? "/**" : ""), $0.rights)
            })
    }

    var ports: [UInt16: NetworkRights] {
        Dictionary(uniqueKeysWithValues: recipe.ports.map { ($0.port, $0.rights) })
    }
}
