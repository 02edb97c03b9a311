internal import Clibbpf
internal import Glibc

/// A program of the type `syscall`: it runs when it is asked to, in the process that asks. Its end closes the descriptor.
///
/// ## Minimum kernel version
/// 5.14.
public struct SyscallProgram: ~Copyable {
    private let descriptor: CInt
    private let name: String

    deinit { close(descriptor) }

    init(owning descriptor: CInt, named name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// The program that is pinned at `path`.
    public init(_ name: String, pinnedAt path: String) throws(KernelError) {
        descriptor = try Pin.open(path, "the BPF program '\(name)'")
        self.name = name
    }

    /// Gives it the name `path`.
    public borrowing func pin(at path: String) throws(KernelError) {
        try Pin.make(path, of: descriptor, "the BPF program '\(name)'")
    }

    /// Runs it with `context`, which it may change; gives what it returns.
    public borrowing func run<Context: BitwiseCopyable>(
        _ context: inout Context
    ) throws(KernelError) -> Int32 {
        var options = unsafe bpf_test_run_opts()
        unsafe options.sz = MemoryLayout<bpf_test_run_opts>.size
        let result = unsafe withUnsafeMutableBytes(of: &context) { bytes in
            // The kernel writes back what was passed in (net/bpf/test_run.c, bpf_prog_test_run_syscall).
            unsafe options.ctx_in = UnsafeRawPointer(bytes.baseAddress)
            unsafe options.ctx_size_in = UInt32(bytes.count)
            return unsafe bpf_prog_test_run_opts(descriptor, &options)
        }
        guard result == 0 else {
            throw KernelError(operation: "run the BPF program '\(name)'", code: -result)
        }
        return unsafe Int32(bitPattern: options.retval)
    }
}
