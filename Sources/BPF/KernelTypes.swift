internal import Clibbpf
internal import Glibc

/// What the running kernel says of its own functions (BTF).
///
/// Its end forgets it.
///
/// ## Minimum kernel version
/// 5.4 with CONFIG_DEBUG_INFO_BTF, which every BPF LSM program needs.
@safe
public struct KernelTypes: ~Copyable {
    /// Kinds of types (include/uapi/linux/btf.h), which are both macros and enumerators there.
    enum Kind {
        static let function: UInt32 = 12
        static let section: UInt32 = 15
    }

    private let pointer: OpaquePointer

    deinit { unsafe btf__free(pointer) }

    /// Reads /sys/kernel/btf/vmlinux.
    public init() throws(KernelError) {
        let pointer = unsafe try LibraryMessages.create("read the kernel's types") {
            unsafe btf__load_vmlinux_btf()
        }
        unsafe self.pointer = pointer
    }

    /// Whether the kernel has what a program of `section` attaches to: `lsm/file_open` is the function
    /// `bpf_lsm_file_open`. Of sections whose hook is no function of the kernel, nothing is known: true.
    public func has(hookOf section: String) -> Bool {
        guard let function = KernelExtract.target(of: section) else { return true }
        return has(function: function)
    }

    /// Whether the kernel itself has a function of that name.
    public func has(function: String) -> Bool {
        unsafe btf__find_by_name_kind(pointer, function, Kind.function) > 0
    }
}
