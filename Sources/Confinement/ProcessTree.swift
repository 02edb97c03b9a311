internal import AuditLog

/// What /proc tells of the state and descent of processes.
enum ProcessTree {
    /// How far up a parent is looked for; deeper trees are taken for somebody else's.
    private static let depth = 64

    /// Whether `process` is `root` or descends from it.
    static func isProcess(_ process: Int32, inTreeOf root: Int32) -> Bool {
        var current = process
        for _ in 0..<depth {
            if current == root { return true }
            if current <= 1 { return false }
            guard let parent = parent(of: current) else { return false }
            current = parent
        }
        return false
    }

    /// Whether `process` is stopped by a signal.
    static func isStopped(_ process: Int32) -> Bool { fields(process)?.first.map { $0 == "T" } ?? false }

    private static func parent(of process: Int32) -> Int32? {
        guard let fields = fields(process), fields.count > 1 else { return nil }
        return Int32(fields[1])
    }

    /// The fields of /proc/PID/stat behind the name, which may hold anything.
    private static func fields(_ process: Int32) -> [Substring]? {
        guard let stat = ProcessFile.read("/proc/\(process)/stat", limit: 1024),
            let bracket = stat.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        return String(decoding: stat[(bracket + 1)...], as: UTF8.self).split(separator: " ")
    }
}
