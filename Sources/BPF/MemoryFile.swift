internal import Clibbpf
internal import Glibc

/// A file without a name, for what reads nothing but files. Its end forgets it.
final class MemoryFile: Sendable {
    private let descriptor: CInt

    /// Needs a procfs.
    var path: String { "/proc/self/fd/\(descriptor)" }

    /// nil: there is no memory for it.
    init?(holding bytes: [UInt8]) {
        descriptor = unsafe memfd_create("swguard-types", 1 /* MFD_CLOEXEC */)
        guard descriptor >= 0 else { return nil }
        var written = 0
        while written < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress! + written, buffer.count - written)
            }
            guard result > 0 else { return nil }
            written += result
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
