internal import AuditLog
private import Glibc
internal import Policy

/// The smallest rule that would allow what was denied, as YAML to be put into a policy.
enum Remedy {
    /// The rule; nil where none would: a deny rule decided, which no allow overrides, or the kernel has the last
    /// word.
    static func text(for report: DenialReport) -> String? {
        // What Landlock narrows is granted already.
        guard report.judgement.narrowing == nil, let rule = report.rule else { return nil }
        if rule.id == "no-gain" { return nil }
        // Only a default gives way to an allow rule.
        guard rule.id.hasSuffix(".default") || rule.id == "network.families" else {
            return "change \(AuditText(rule.id).string), a deny rule"
        }
        let denied = report.denied.joined(separator: ", ")
        let standing = report.judgement.standing
        switch report.judgement.request {
        // The one operation that is kept by denying files.
        case .file where rule.id == "operations.default": return operations(.kernelHelper, standing)
        case .file(let path, _):
            return "allow: [\(denied)], paths: [\(pattern(path))]"
        case .network(_, let address):
            if rule.id == "files.default", case .unixPath(let path) = address {
                return "allow: [write], paths: [\(pattern(path))]"
            }
            let rule = "allow: [\(denied)], endpoints: [\(quoted(writable(address.endpoint)))]"
            // Landlock sees the port and not the address, and refuses the rule that does not say so.
            if case .inet = address { return rule + ", coarse: true" }
            return rule
        case .socket(let family, let number): return socket(family, number, refusedBy: rule.id, standing)
        case .capability(let capability): return "capabilities: {allow: [\(capability.name)]}"
        case .operation(let operation):
            // What the kernel cannot filter stays refused, whatever is allowed.
            return rule.reason == nil ? operations(operation, standing) : nil
        case .syscall(let name, _):
            switch rule.id {
            case "syscalls.default": return "allow: [\(name)]"
            // Its socket could not be looked at.
            case "network.default" where name == "listen": return nil
            // MSG_FASTOPEN connects to a port that Landlock does not see.
            case "network.default": return #"allow: [connect], endpoints: ["tcp:*:*"]"#
            default: return nil
            }
        }
    }

    /// What grants one operation more. Where there is no section yet, one that says nothing else would deny the rest of
    /// them.
    private static func operations(_ operation: Operation, _ standing: PolicyStanding?) -> String {
        let rest = standing?.hasOperations == false ? "default: allow, " : ""
        return "operations: {\(rest)allow: [\(operation.name)]}"
    }

    /// A socket cannot be made where its family is not listed, or where no rule lets it reach anything that the
    /// kernel could tell from what is denied.
    private static func socket(
        _ family: UInt32, _ number: UInt32, refusedBy rule: String, _ standing: PolicyStanding?
    ) -> String? {
        if rule == "network.families" {
            let word = SocketFamily.text(family: family, protocolNumber: number)
            guard SocketFamily(word: word) != nil else { return nil }
            // The list is the whole: what is in it already stays only if it is written again.
            let words = (standing?.families ?? []) + [word]
            return "families: [\(words.map { scalar(Array($0.utf8)) }.joined(separator: ", "))]"
        }
        // Without `network`, `files` decides on unix sockets, and below ABI 9 nobody sees whose they are.
        if rule == "files.default" { return "network: {default: allow}" }
        if family == 1 { return #"allow: [connect], endpoints: ["unix:/**"]"# }
        let isDatagram = number == 17 || number == 136
        return #"allow: [connect], endpoints: ["\#(isDatagram ? "udp" : "tcp"):*:*"]"#
    }

    /// The pattern of one path.
    private static func pattern(_ path: [UInt8]) -> String { scalar(writable(PathPattern.escape(path))) }

    /// A pattern that YAML can write: no YAML text holds bytes that are not UTF-8, and no pattern has another name for
    /// them than `?`, which is any byte.
    static func writable(_ pattern: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = pattern[...]
        while !rest.isEmpty {
            do {
                _ = try UTF8Span(validating: Array(rest).span)
                return result + rest
            } catch {
                let wrong = error.byteOffsets
                result += rest.prefix(wrong.lowerBound)
                result += wrong.map { _ in UInt8(ascii: "?") }
                rest = rest.dropFirst(wrong.upperBound)
            }
        }
        return result
    }

    /// A scalar within a flow sequence: plain where YAML takes it plain, else quoted.
    private static func scalar(_ bytes: [UInt8]) -> String {
        let plain = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "+"):
                true
            default: byte >= 0x80
            }
        }
        return plain ? AuditText(bytes).string : quoted(bytes)
    }

    /// A double-quoted scalar of UTF-8.
    private static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for character in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch character {
            case "\"", "\\": text += "\\" + String(character)
            case "\0"..."\u{1f}", "\u{7f}"..."\u{9f}":
                text += "\\x" + (character.value < 16 ? "0" : "") + String(character.value, radix: 16)
            // What steers the direction of text, and ends lines: all are below U+10000.
            case "\u{61c}", "\u{200e}"..."\u{200f}", "\u{2028}"..."\u{202e}", "\u{2066}"..."\u{2069}":
                text += "\\u" + (character.value < 0x1000 ? "0" : "") + String(character.value, radix: 16)
            default: text.unicodeScalars.append(character)
            }
        }
        return text + "\""
    }
}
