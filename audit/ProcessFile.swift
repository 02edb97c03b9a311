private import Glibc

/// What /proc tells of processes. Nothing here throws: what cannot be read is not known.
public enum ProcessFile {
    /// The content of a file of procfs, up to `limit` bytes.
    public static func read(_ path: String, limit: Int = 4096) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
        defer { close(descriptor) }
        var size = 0
        var buffer = [UInt8](repeating: 0, count: limit)
        while size < limit {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress.map { unsafe $0 + size }, limit - size)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { break }
            size += count
        }
        return Array(buffer[..<size])
    }

    /// Where a symbolic link of procfs leads, as the kernel writes it.
    public static func link(_ path: String) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text -> Int in
                guard let base = text.baseAddress else { return -1 }
                return unsafe readlink(path, base, text.count)
            }
        }
        return count < 0 ? nil : Array(buffer[..<count])
    }

    /// The boot's id, `0f3c…`; empty where procfs does not tell.
    public static func bootID() -> [UInt8] {
        (read("/proc/sys/kernel/random/boot_id") ?? []).filter { $0 != UInt8(ascii: "\n") }
    }

    /// The name of this machine; empty if it has none.
    public static func hostName() -> [UInt8] {
        var name = [UInt8](repeating: 0, count: 256)
        let result = unsafe name.withUnsafeMutableBytes { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text -> CInt in
                guard let base = text.baseAddress else { return -1 }
                return unsafe gethostname(base, text.count - 1)
            }
        }
        return result < 0 ? [] : Array(name.prefix { $0 != 0 })
    }
}

extension ProcessIdentity {
    /// What /proc tells of the thread `tid`.
    ///
    /// True only as long as the thread is kept from going on: its number can be another's afterwards.
    public static func read(tid: Int32) -> Self {
        let directory = "/proc/\(tid)"
        var identity = Self(pid: tid, tid: tid)
        for line in (ProcessFile.read(directory + "/status") ?? []).split(separator: UInt8(ascii: "\n")) {
            identity.take(statusLine: line)
        }
        if let stat = ProcessFile.read(directory + "/stat") {
            identity.start = startTime(stat: stat)
        }
        identity.exe = ProcessFile.link(directory + "/exe")
        if let cgroup = ProcessFile.read(directory + "/cgroup") { identity.cgroup = unifiedCgroup(cgroup) }
        return identity
    }

    private mutating func take(statusLine line: ArraySlice<UInt8>) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let value = line[line.index(after: colon)...].drop {
            $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ")
        }
        func number<Number: FixedWidthInteger>(_ index: Int) -> Number? {
            let words = value.split(whereSeparator: { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") })
            return words.indices.contains(index) ? Number(String(decoding: words[index], as: UTF8.self)) : nil
        }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "Name": comm = Self.unescaped(value)
        case "Tgid": pid = number(0) ?? pid
        case "PPid": ppid = number(0)
        // Real, effective, saved, filesystem: the effective ids are what is checked.
        case "Uid": uid = number(1)
        case "Gid": gid = number(1)
        default: break
        }
    }

    /// The name as the thread set it; /proc/PID/status escapes newline and backslash (fs/proc/array.c).
    private static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = name
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let next = rest.first {
                rest.removeFirst()
                bytes.append(next == UInt8(ascii: "n") ? UInt8(ascii: "\n") : next)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// Field 22 of /proc/PID/stat, in clock ticks of 10 ms (USER_HZ is 100 on every Linux), as nanoseconds.
    static func startTime(stat: [UInt8]) -> UInt64? {
        // The name in field 2 may hold anything, also blanks and brackets: what counts begins behind the last one.
        guard let bracket = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(bracket + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let ticks = UInt64(String(decoding: fields[19], as: UTF8.self)) else {
            return nil
        }
        let (nanoseconds, overflow) = ticks.multipliedReportingOverflow(by: 10_000_000)
        return overflow ? nil : nanoseconds
    }

    /// The path in the unified hierarchy: the line that begins `0::`.
    static func unifiedCgroup(_ text: [UInt8]) -> [UInt8]? {
        let prefix = Array("0::".utf8)
        return text.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: prefix) }
            .map { Array($0.dropFirst(prefix.count)) }
    }
}
