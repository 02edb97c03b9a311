internal import Clibbpf
internal import Glibc

/// One program attached to its hook. Its end detaches it.
///
/// ## Minimum kernel version
/// 5.7 (CONFIG_BPF_LSM, and `bpf` in the list of security modules at boot).
@safe
public struct Link: ~Copyable {
    private let pointer: OpaquePointer

    deinit { _ = unsafe bpf_link__destroy(pointer) }

    /// Attaches `program` to the hook that its section names; it runs from now on.
    public init(attaching program: String, of object: borrowing Object) throws(KernelError) {
        let handle = unsafe try object.program(program)
        let pointer = unsafe try LibraryMessages.create("attach the BPF program '\(program)'") {
            unsafe bpf_program__attach(handle)
        }
        unsafe self.pointer = pointer
    }
}
