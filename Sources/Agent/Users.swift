internal import AuditLog
private import Glibc

/// Users by name, from /etc/passwd alone: a static program has no other sources of names.
enum Users {
    /// The number of a user, who may be named by it; nil: there is none.
    static func number(of name: String) -> UInt32? {
        if let number = UInt32(name) { return number }
        guard let file = unsafe fopen("/etc/passwd", "re") else { return nil }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        while unsafe fgets(&line, CInt(line.count), file) != nil {
            let text = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let fields = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count > 2, Array(fields[0]) == Array(name.utf8) else { continue }
            return UInt32(String(decoding: fields[2], as: UTF8.self))
        }
        return nil
    }

    /// The names of all users, by number; of several, the first.
    static func names() -> [UInt32: String] {
        var names: [UInt32: String] = [:]
        // As much as any host has of them.
        let text = ProcessFile.read("/etc/passwd", limit: 16 << 20) ?? []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count > 2, let number = UInt32(String(decoding: fields[2], as: UTF8.self)),
                names[number] == nil
            else { continue }
            names[number] = AuditText(fields[0], limit: 256).string
        }
        return names
    }
}
