internal import Clibbpf
internal import Glibc

/// A program that goes over objects of the kernel (tasks, files) when it is read.
///
/// Its end lets go of it; it runs only in `read`.
///
/// ## Minimum kernel version
/// 5.8 (BPF iterators).
@safe
public struct KernelIterator: ~Copyable {
    private let link: CInt
    private let name: String

    deinit { close(link) }

    /// Makes `program`, of a section `iter/…`, ready to be read.
    public init(_ program: String, of object: borrowing Object) throws(KernelError) {
        let handle = unsafe try object.program(program)
        let pointer = unsafe try LibraryMessages.create("attach the BPF program '\(program)'") {
            unsafe bpf_program__attach_iter(handle, nil)
        }
        defer { _ = unsafe bpf_link__destroy(pointer) }
        let link = fcntl(unsafe bpf_link__fd(pointer), F_DUPFD_CLOEXEC, 3)
        guard link >= 0 else { throw KernelError(operation: "keep the link of '\(program)'", code: errno) }
        self.link = link
        name = program
    }

    /// The iterator whose link is pinned at `path`.
    public init(_ program: String, pinnedAt path: String) throws(KernelError) {
        link = try Pin.open(path, "the link of '\(program)'")
        name = program
    }

    /// Gives its link the name `path`.
    public func pin(at path: String) throws(KernelError) {
        try Pin.make(path, of: link, "the link of '\(name)'")
    }

    /// Goes over all objects once, and gives what the program wrote.
    public func read() throws(KernelError) -> [UInt8] {
        let operation = "read the BPF iterator '\(name)'"
        let descriptor = bpf_iter_create(link)
        guard descriptor >= 0 else { throw KernelError(operation: operation, code: -descriptor) }
        defer { close(descriptor) }
        var written: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            }
            if count == 0 { return written }
            if count > 0 {
                written += buffer[..<count]
            } else if errno != EINTR, errno != EAGAIN {
                throw KernelError(operation: operation, code: errno)
            }
        }
    }
}
