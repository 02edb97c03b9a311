private import Glibc

/// Where a log is: its file, and beside it the files it was before, `audit-<first seq>.jsonl.gz`.
public struct LogPlace: Hashable, Sendable {
    /// Where the host agent's log is.
    public static let standard = "/var/log/swguard/audit.jsonl"

    /// The path of the file that is written to.
    public let path: String
    let directory: String
    /// `audit`, of `audit.jsonl`.
    let stem: String

    private static let suffix = ".jsonl"

    public init(_ path: String) {
        self.path = path
        let cut = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let name = cut.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        directory = cut.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        stem = name.hasSuffix(Self.suffix) ? String(name.dropLast(Self.suffix.count)) : name
    }

    /// A file that the log was before.
    struct Rotated: Hashable {
        /// The number of its first line.
        var first: UInt64
        /// Which it is of several that begin with that number, which only happens to a log that was begun anew beside an old one.
        var copy: Int
        var name: String
        var isCompressed: Bool
    }

    /// What a file is called whose first line has that number.
    func name(first: UInt64, copy: Int = 0) -> String {
        "\(stem)-\(first)" + (copy == 0 ? "" : ".\(copy)") + Self.suffix
    }

    func path(of name: String) -> String { directory + "/" + name }

    /// The files that the log was before, oldest first; of one that is there twice, that which is not compressed.
    func rotated() throws(LogError) -> [Rotated] {
        var found: [Rotated] = []
        for file in try names().compactMap({ rotated($0) }) {
            let twin = found.firstIndex { ($0.first, $0.copy) == (file.first, file.copy) }
            guard let twin else {
                found.append(file)
                continue
            }
            // Compression was cut short, or it has just ended: the one is whole as long as it is there.
            if found[twin].isCompressed { found[twin] = file }
        }
        return found.sorted { ($0.first, $0.copy) < ($1.first, $1.copy) }
    }

    /// All files of the log, oldest first, by their paths; that which is written to is last.
    public func files() throws(LogError) -> [String] {
        var files = try rotated().map { path(of: $0.name) }
        if unsafe access(path, F_OK) == 0 { files.append(path) }
        return files
    }

    /// `name` as a rotated file's; nil: it is none.
    func rotated(_ name: String) -> Rotated? {
        guard name.hasPrefix(stem + "-") else { return nil }
        var middle = name.dropFirst(stem.count + 1)
        let isCompressed = middle.hasSuffix(".gz")
        if isCompressed { middle = middle.dropLast(3) }
        guard middle.hasSuffix(Self.suffix) else { return nil }
        let parts = middle.dropLast(Self.suffix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.first.flatMap({ UInt64($0) }), parts.count <= 2 else { return nil }
        let copy = parts.count == 2 ? Int(parts[1]) : 0
        guard let copy, self.name(first: first, copy: copy) + (isCompressed ? ".gz" : "") == name else {
            return nil
        }
        return Rotated(first: first, copy: copy, name: name, isCompressed: isCompressed)
    }

    /// What is in the directory.
    func names() throws(LogError) -> [String] {
        guard let entries = unsafe opendir(directory) else {
            throw LogError("read directory '\(directory)'", code: errno)
        }
        defer { unsafe closedir(entries) }
        var names: [String] = []
        while let entry = unsafe readdir(entries) {
            names.append(
                unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names
    }
}
