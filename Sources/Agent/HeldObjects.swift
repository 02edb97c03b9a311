internal import AuditLog
internal import Compiler
private import Glibc

/// Objects of file systems, by what stat(2) calls them, each kept by a descriptor, so that its inode number cannot become
/// another's.
final class HeldObjects {
    private var descriptors: [KernelObject: CInt] = [:]
    private var known: [[UInt8]: KernelObject] = [:]
    /// The first that is there and cannot be kept: `/etc/shadow: Too many open files`.
    private(set) var failure: String?

    /// O_PATH (include/uapi/asm-generic/fcntl.h), which Swift's Glibc does not show.
    static let pathOnly: CInt = 0o10000000

    init() {
        // One a deny rule: as many as the kernel lets root have, whatever a shell or a service manager thought enough.
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        if let most = ProcessFile.read("/proc/sys/fs/nr_open").flatMap(Self.number(in:)) {
            var limit = rlimit(rlim_cur: most, rlim_max: most)
            if unsafe setrlimit(resource, &limit) == 0 { return }
        }
        var limit = rlimit()
        if unsafe getrlimit(resource, &limit) == 0 {
            limit.rlim_cur = limit.rlim_max
            _ = unsafe setrlimit(resource, &limit)
        }
    }

    private static func number(in bytes: [UInt8]) -> rlim_t? {
        rlim_t(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    deinit { for descriptor in descriptors.values { close(descriptor) } }

    /// What keeps an object.
    func descriptor(of object: KernelObject) -> CInt? { descriptors[object] }

    /// The object that `path` leads to, links followed; nil: there is none, or it cannot be kept.
    func object(at path: [UInt8]) -> KernelObject? {
        if let object = known[path] { return object }
        guard let object = presentObject(at: path) else { return nil }
        known[path] = object
        return object
    }

    /// The same of what is there now, whatever was there before.
    func presentObject(at path: [UInt8]) -> KernelObject? {
        let descriptor = unsafe (path + [0]).withUnsafeBytes { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text -> CInt in
                guard let base = text.baseAddress else { return -1 }
                return unsafe open(base, Self.pathOnly | O_CLOEXEC)
            }
        }
        var status = stat()
        guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else {
            let code = errno
            if descriptor >= 0 { close(descriptor) }
            if ![ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG].contains(code), failure == nil {
                failure =
                    "\(String(decoding: path, as: UTF8.self)): \(unsafe String(cString: strerror(code)))"
            }
            return nil
        }
        let object = KernelObject(
            inode: UInt64(status.st_ino), device: Self.kernelNumber(of: UInt64(status.st_dev)))
        // One descriptor keeps it.
        if descriptors[object] == nil { descriptors[object] = descriptor } else { close(descriptor) }
        return object
    }

    /// The C library's number of a device as the kernel has it (gnu_dev_major(3); include/linux/kdev_t.h).
    static func kernelNumber(of device: UInt64) -> UInt32 {
        let major = device >> 8 & 0xfff | device >> 32 & 0xffff_f000
        let minor = device & 0xff | device >> 12 & 0xffff_ff00
        return UInt32(truncatingIfNeeded: major << 20 | minor)
    }
}
