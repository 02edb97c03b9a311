internal import Clibbpf
internal import Glibc

/// Programs attached to their hooks, in order. Its end detaches them, the last first.
///
/// ## Minimum kernel version
/// 5.7 (CONFIG_BPF_LSM).
@safe
public struct LinkSet: ~Copyable {
    private var pointers: [OpaquePointer]

    deinit {
        for index in unsafe pointers.indices.reversed() { _ = unsafe bpf_link__destroy(pointers[index]) }
    }

    /// Detaches all of them, the last first.
    public mutating func detach() {
        while let pointer = unsafe pointers.popLast() { _ = unsafe bpf_link__destroy(pointer) }
    }

    public init() { unsafe pointers = [] }

    /// How many are attached.
    public var count: Int { unsafe pointers.count }

    /// Attaches `program`; it runs from now on.
    public mutating func attach(_ program: String, of object: borrowing Object) throws(KernelError) {
        let handle = unsafe try object.program(program)
        let pointer = unsafe try LibraryMessages.create("attach the BPF program '\(program)'") {
            unsafe bpf_program__attach(handle)
        }
        unsafe pointers.append(pointer)
    }
}
