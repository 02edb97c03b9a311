import Glibc

/// Glibc's is behind _GNU_SOURCE (`include/uapi/asm-generic/fcntl.h`; the same on every Linux that swguard runs on).
private let O_PATH: CInt = 0o10_000_000

/// The files of this host.
public struct HostPolicyFiles: PolicyFiles {
    public init() {}

    public func read(_ path: String) throws(PolicyFileError) -> PolicyFile {
        // O_NONBLOCK: opening a FIFO must not wait for its writer.
        let file = try Descriptor { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        return try file.readRegularFile()
    }

    public func readStandardInput() throws(PolicyFileError) -> [UInt8] {
        let input = try Descriptor { fcntl(0, F_DUPFD_CLOEXEC, 3) }
        return try input.readToEnd()
    }

    /// Walks from `directory` one component at a time, so that no rename or link on the way leads out of it.
    ///
    /// Relative links that stay beneath are followed, as openat2 with RESOLVE_BENEATH would; glibc 2.36 has no
    /// wrapper for that call.
    public func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile {
        let root: Descriptor
        do throws(PolicyFileError) {
            root = try Descriptor { unsafe open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) }
        } catch {
            // A directory that the caller may not search holds no policies for it.
            throw error.reason == Self.permissionDenied ? .missing : error
        }
        var walk = Walk(root: root)
        return try walk.open(name)
    }

    private static let permissionDenied = Descriptor.reason(EACCES)

    /// A walk beneath a directory; ends with the directories that it went through.
    private struct Walk {
        private static let linkLimit = 40  // MAXSYMLINKS, include/linux/namei.h

        var directories: [Descriptor]
        var links = 0

        init(root: Descriptor) { directories = [root] }

        mutating func open(_ name: String) throws(PolicyFileError) -> PolicyFile {
            var rest = Array(name.split(separator: "/").map(String.init).reversed())
            while let component = rest.popLast() {
                guard let directory = directories.last else { throw leaves }
                if component == "." { continue }
                if component == ".." {
                    directories.removeLast()
                    if directories.isEmpty { throw leaves }
                    continue
                }
                if let target = directory.linkTarget(component) {
                    links += 1
                    if links > Self.linkLimit { throw PolicyFileError("too many links") }
                    if target.hasPrefix("/") { throw leaves }
                    rest += target.split(separator: "/").map(String.init).reversed()
                    continue
                }
                let isLast = rest.isEmpty
                let flags = isLast ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY
                let next = try Descriptor {
                    unsafe openat(directory.number, component, flags | O_NOFOLLOW | O_CLOEXEC)
                }
                if isLast { return try next.readRegularFile() }
                directories.append(next)
            }
            throw PolicyFileError("not a regular file")
        }

        private var leaves: PolicyFileError { PolicyFileError("a link leads out of the directory") }
    }
}

/// An open file. Its end closes it.
private final class Descriptor {
    fileprivate let number: CInt

    init(_ open: () -> CInt) throws(PolicyFileError) {
        number = open()
        if number < 0 { throw Self.error(errno) }
    }

    deinit { close(number) }

    static func reason(_ code: CInt) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        let words = unsafe String(cString: text)
        return words.prefix(1).lowercased() + words.dropFirst()
    }

    static func error(_ code: CInt) -> PolicyFileError {
        if code == ENOENT || code == ENOTDIR { return .missing }
        return PolicyFileError(reason(code))
    }

    /// Where the link `name` in this directory leads; nil where it is none.
    func linkTarget(_ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlinkat(number, name, &buffer, buffer.count)
        guard length > 0 else { return nil }
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func readRegularFile() throws(PolicyFileError) -> PolicyFile {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw Self.error(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw PolicyFileError("not a regular file") }
        return PolicyFile(bytes: try readToEnd(), identity: "\(status.st_dev):\(status.st_ino)")
    }

    /// Reads to the end, or one byte past the limit: then the reader says that the file is too large.
    func readToEnd() throws(PolicyFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= PolicyLoader.byteLimit {
            let wanted = min(buffer.count, PolicyLoader.byteLimit + 1 - bytes.count)
            let count = unsafe Glibc.read(number, &buffer, wanted)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.error(errno)
            }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
