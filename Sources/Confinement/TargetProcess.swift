internal import AuditLog
internal import CLinux
private import Glibc

/// The process that made a call which waits: its memory, directories and descriptors.
///
/// Whatever is read may be another process's by then, or be changed by another thread before the kernel reads it: it is
/// good enough to report, never to permit.
struct TargetProcess {
    let thread: Int32
    let process: Int32
    private var directory: String { "/proc/\(thread)" }

    init(thread: Int32) {
        self.thread = thread
        process = Self.process(of: thread) ?? thread
    }

    private static func process(of thread: Int32) -> Int32? {
        let prefix = Array("Tgid:\t".utf8)
        return ProcessFile.read("/proc/\(thread)/status")?.split(separator: UInt8(ascii: "\n"))
            .first { $0.starts(with: prefix) }
            .flatMap { Int32(String(decoding: $0.dropFirst(prefix.count), as: UTF8.self)) }
    }

    /// `count` bytes at `address`; nil where they are not all readable.
    func bytes(at address: UInt64, count: Int) -> [UInt8]? {
        if count == 0 { return [] }
        var buffer = [UInt8](repeating: 0, count: count)
        let size = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe swguard_read_memory(thread, address, bytes.baseAddress, UInt64(count))
        }
        return size == count ? buffer : nil
    }

    /// An unsigned number, little endian as on every architecture that swguard has raw calls for.
    func number<Number: FixedWidthInteger & UnsignedInteger>(at address: UInt64, as: Number.Type) -> Number? {
        bytes(at: address, count: MemoryLayout<Number>.size).map { bytes in
            bytes.reversed().reduce(0) { $0 << 8 | Number($1) }
        }
    }

    /// The string at `address` without its NUL; nil if it is not readable or longer than PATH_MAX.
    func string(at address: UInt64) -> [UInt8]? {
        let page = 4096
        var string: [UInt8] = []
        var next = address
        while string.count < Int(PATH_MAX) {
            // Never beyond a page: the next one may not be there.
            let count = page - Int(next % UInt64(page))
            guard let part = bytes(at: next, count: count) else { return nil }
            if let end = part.firstIndex(of: 0) { return string + part[..<end] }
            string += part
            let (sum, overflow) = next.addingReportingOverflow(UInt64(count))
            if overflow { return nil }
            next = sum
        }
        return nil
    }

    /// The current directory, by its name.
    var workingDirectory: [UInt8]? { ProcessFile.link("\(directory)/cwd") }

    /// The root directory: `/` but in a chroot.
    var root: [UInt8] { ProcessFile.link("\(directory)/root") ?? [UInt8(ascii: "/")] }

    /// What a descriptor is open on; nil if it is no file with a name.
    func path(ofDescriptor descriptor: Int32) -> [UInt8]? {
        guard let path = ProcessFile.link("\(directory)/fd/\(descriptor)"), path.first == UInt8(ascii: "/"),
            !path.starts(with: Array("/memfd:".utf8))
        else { return nil }
        return path
    }

    /// Follows paths as the kernel does for this process.
    var resolver: PathResolver {
        PathResolver(process: process, thread: thread, root: root) { path in
            var path = path
            path.append(0)
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let size = unsafe path.withUnsafeBytes { name in
                unsafe buffer.withUnsafeMutableBytes { target in
                    unsafe swguard_read_link(name.baseAddress, target.baseAddress, UInt64(target.count))
                }
            }
            if size >= 0 { return .link(Array(buffer[..<Int(size)])) }
            return switch errno {
            case EINVAL: .other
            case ENOENT, ENOTDIR: .missing
            default: .unreadable
            }
        }
    }
}
