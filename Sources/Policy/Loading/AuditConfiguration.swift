/// Where the host agent's events go, and how its log is kept: `audit` of the agent's configuration.
public struct AuditConfiguration: Hashable, Sendable {
    /// When written lines are to be on the disk.
    public enum Sync: String, CaseIterable, Hashable, Sendable {
        case never, seals, lines
    }

    /// A syslog daemon.
    public enum Syslog: Hashable, Sendable {
        case unix(String)
        case udp(address: String, port: UInt16)
    }

    /// The log's file; nil: none.
    public var file: String? = "/var/log/swguard/audit.jsonl"
    /// A file that would grow beyond as many bytes is rotated.
    public var rotationSize: UInt64 = 64 << 20
    /// A file that is older, in seconds, is rotated.
    public var rotationAge: Int64 = 86_400
    /// How many rotated files are kept; nil: all.
    public var keep: Int?
    public var sync = Sync.seals
    /// Bytes of events that may wait for each output.
    public var buffer = 4 << 20
    /// How many lines each policy may have a second; nil: as many as come.
    public var rate: Int?
    public var standardOutput = false
    public var journal = false
    public var syslog: Syslog?

    public init() {}

    /// What is written; what is wrong has been reported, and is passed over.
    init(_ node: YAMLNode) {
        if let text = node["file"]?.text { file = text == "none" ? nil : text }
        if let size = node["rotate"]?["size"]?.text.flatMap(Self.bytes) { rotationSize = size }
        if let age = node["rotate"]?["age"]?.text.flatMap(Self.seconds) { rotationAge = age }
        keep = node["rotate"]?["keep"]?.text.flatMap(Self.number)
        sync = node["sync"]?.text.flatMap(Sync.init) ?? sync
        if let size = node["buffer"]?.text.flatMap(Self.bytes) { buffer = Int(clamping: size) }
        rate = node["rate"]?.text.flatMap(Self.number)
        standardOutput = node["stdout"]?.text == "true"
        journal = node["journald"]?.text == "true"
        syslog = node["syslog"]?.text.flatMap(Self.syslog)
    }

    static let shape = ObjectShape(
        "the audit log",
        [
            Field(
                "file",
                "The log's file; rotated files are beside it. Unless written, /var/log/swguard/audit.jsonl; 'none': no file.",
                .text(
                    TextShape(
                        "an absolute path of one file, or 'none'", pattern: "^(/|none$)",
                        hint: "write it in full: no patterns, no '.' and no '..'"
                    ) { $0 == "none" || (AgentShape.file.accepts?($0) ?? false) })),
            Field(
                "rotate", "When the file is rotated: compressed, and another begun.",
                .object(
                    ObjectShape(
                        "rotation",
                        [
                            Field(
                                "size",
                                "Before it would grow beyond this: bytes, or with KiB, MiB, GiB. Unless written, 64MiB.",
                                .text(
                                    TextShape(
                                        "a size of 64KiB to 1024GiB", pattern: "^[0-9]+(KiB|MiB|GiB)?$",
                                        hint: "write '64MiB'"
                                    ) { bytes($0).map { (64 << 10...1 << 40).contains($0) } ?? false })),
                            Field(
                                "age", "When its first line is as old: with s, m, h, d. Unless written, 1d.",
                                .text(
                                    TextShape(
                                        "an age of 1s to 3650d", pattern: "^[0-9]+[smhd]$", hint: "write '1d'"
                                    ) { seconds($0).map { (1...3650 * 86_400).contains($0) } ?? false })),
                            Field(
                                "keep",
                                "How many rotated files are kept; the oldest go. Unless written, all.",
                                .text(
                                    TextShape(
                                        "a number of files, 1 to 100000", pattern: "^[0-9]+$",
                                        hint: "leave the key out to keep all"
                                    ) { number($0).map { (1...100_000).contains($0) } ?? false })),
                        ]))),
            Field(
                "sync",
                "When lines are to be on the disk: behind each seal unless written, behind each line, or when the kernel likes.",
                .word(Vocabulary("sync", Sync.allCases.map(\.rawValue)))),
            Field(
                "buffer",
                "How much may wait for each output; what comes then is counted and told as a gap. Unless written, 4MiB.",
                .text(
                    TextShape(
                        "a size of 64KiB to 1GiB", pattern: "^[0-9]+(KiB|MiB|GiB)?$", hint: "write '4MiB'"
                    ) { bytes($0).map { (64 << 10...1 << 30).contains($0) } ?? false })),
            Field(
                "rate",
                "How many lines each policy may have a second; what is beyond is counted and told as a gap. Unless written, as many as come.",
                .text(
                    TextShape(
                        "a number of lines a second, 1 to 1000000", pattern: "^[0-9]+$",
                        hint: "leave the key out to have all"
                    ) { number($0).map { (1...1_000_000).contains($0) } ?? false })),
            Field("stdout", "Whether events go to standard output, too.", .flag),
            Field("journald", "Whether events go to the journal, too.", .flag),
            Field(
                "syslog",
                "A syslog daemon that gets events, too (RFC 5424): 'unix:/dev/log', or 'udp:ADDRESS:PORT' with a numeric address.",
                .text(
                    TextShape(
                        "the address of a syslog daemon", pattern: "^(unix:/|udp:)",
                        hint: "write 'unix:/dev/log' or 'udp:192.0.2.1:514'"
                    ) { syslog($0) != nil })),
        ])

    private static func number(_ text: String) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    private static func bytes(_ text: String) -> UInt64? {
        let units: [(String, UInt64)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
        let unit = units.first { text.hasSuffix($0.0) }
        guard let count = number(String(text.dropLast(unit?.0.count ?? 0))) else { return nil }
        let (size, isTooLarge) = UInt64(count).multipliedReportingOverflow(by: unit?.1 ?? 1)
        return isTooLarge ? nil : size
    }

    private static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = number(String(text.dropLast())) else {
            return nil
        }
        let (seconds, isTooLarge) = Int64(count).multipliedReportingOverflow(by: unit)
        return isTooLarge ? nil : seconds
    }

    private static func syslog(_ text: String) -> Syslog? {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // The room of sun_path, its NUL included (unix(7)).
            return path.utf8.count < 108 && AgentShape.file.accepts?(path) == true ? .unix(path) : nil
        }
        guard text.hasPrefix("udp:"), let colon = text.lastIndex(of: ":"),
            let port = number(String(text[text.index(after: colon)...])).flatMap({ UInt16(exactly: $0) }),
            port > 0
        else { return nil }
        var host = String(
            text[
                text.index(
                    text.startIndex, offsetBy: 4)..<max(colon, text.index(text.startIndex, offsetBy: 4))])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return IPAddress(host) == nil ? nil : .udp(address: host, port: port)
    }
}
