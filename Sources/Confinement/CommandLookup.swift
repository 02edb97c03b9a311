private import Glibc

/// Where a command is looked for.
public enum CommandLookup {
    /// Where glibc looks when PATH is unset (confstr(_CS_PATH)).
    static let defaultPath = Array("/bin:/usr/bin".utf8)

    /// The files to try for `name`, in order: itself if it has a `/`, else one in each directory of `path`.
    ///
    /// An empty directory is the current one. An empty name has no candidates: it is not found.
    public static func candidates(for name: [UInt8], path: [UInt8]?) -> [[UInt8]] {
        if name.isEmpty { return [] }
        let slash = UInt8(ascii: "/")
        if name.contains(slash) { return [name] }
        return (path ?? defaultPath)
            .split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            .map { directory in directory.isEmpty ? name : Array(directory) + [slash] + name }
    }

    /// Whether there is something of this name that could be executed: execve(2) says "no such file" also where it is
    /// the interpreter of a script that is missing, or the loader of a program.
    static func isThere(_ path: [UInt8]) -> Bool {
        var status = stat()
        let isFound = unsafe (path + [0]).withUnsafeBytes { bytes in
            // A buffer with a terminator is never empty, so it has a base address.
            unsafe stat(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), &status) == 0
        }
        return isFound && status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o111 != 0
    }

    /// The value of `PATH` in an environment.
    public static func path(in environment: [[UInt8]]) -> [UInt8]? {
        let key = Array("PATH=".utf8)
        return environment.first { $0.starts(with: key) }.map { Array($0.dropFirst(key.count)) }
    }
}
