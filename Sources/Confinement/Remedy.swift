internal import AuditLog
private import Glibc
internal import Policy

/// The smallest rule that would allow what was denied, as YAML to be put into a policy.
enum Remedy {
    /// The rule; nil where none would: a deny rule decided, which no allow overrides, or the kernel has the last
    /// word.
    static func text(for report: DenialReport) -> String? {
        guard let rule = report.rule else { return nil }
        // Only a default gives way to an allow rule.
        guard rule.id.hasSuffix(".default") || rule.id == "network.families" else {
            return "change \(AuditText(rule.id).string), a deny rule"
        }
        let denied = report.denied.joined(separator: ", ")
        switch report.judgement.request {
        case .file(let path, _):
            return "allow: [\(denied)], paths: [\(scalar(PathPattern.escape(path)))]"
        case .network(_, let address):
            if rule.id == "files.default", case .unixPath(let path) = address {
                return "allow: [write], paths: [\(scalar(PathPattern.escape(path)))]"
            }
            return "allow: [\(denied)], endpoints: [\(quoted(address.endpoint))]"
        case .socket(let family, let number) where rule.id == "network.default":
            return "allow: [connect], endpoints: [\"\(endpoints(family, number))\"]"
        case .socket(let family, _): return "families: [\(SocketFamilyName.of(family))]"
        case .capability(let capability): return "capabilities: {allow: [\(capability.name)]}"
        case .operation(let operation): return "operations: {allow: [\(operation.name)]}"
        case .syscall(let name, _): return "allow: [\(name)]"
        }
    }

    /// The endpoints that a refused socket could be for: the family is granted, and no rule names any of them.
    private static func endpoints(_ family: UInt32, _ protocolNumber: UInt32) -> String {
        if family == UInt32(AF_UNIX) { return "unix:/**" }
        return switch protocolNumber {
        case UInt32(IPPROTO_TCP), UInt32(IPPROTO_MPTCP): "tcp:*:*"
        case UInt32(IPPROTO_UDP), UInt32(IPPROTO_UDPLITE): "udp:*:*"
        // The default of a type that the report does not know.
        default: "ip:*:*"
        }
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

    /// A double-quoted scalar. Bytes that are not UTF-8 cannot be written in YAML at all: they stay escaped, and
    /// whoever copies the line sees it.
    private static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for character in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch character {
            case "\"", "\\": text += "\\" + String(character)
            case "\0"..."\u{1f}", "\u{7f}"..."\u{9f}":
                text += "\\x" + (character.value < 16 ? "0" : "") + String(character.value, radix: 16)
            default: text.unicodeScalars.append(character)
            }
        }
        return text + "\""
    }
}
