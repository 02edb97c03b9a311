internal import Clibbpf
internal import Glibc
internal import Synchronization

/// What libbpf asks about programs of some sections before it loads them.
enum Sections {
    /// What is being loaded: the object as a number, 0 for none, and the kernel's functions by name. Loads have their turn
    /// (LibraryMessages).
    private static let loading = Mutex<(object: UInt, functions: [String: UInt32])>((0, [:]))

    /// Has libbpf ask, once in a process. Negative: it failed.
    static let registration: CInt = {
        var options = libbpf_prog_handler_opts()
        options.sz = MemoryLayout<libbpf_prog_handler_opts>.size
        unsafe options.prog_prepare_load_fn = { program, options, _ in
            let object = unsafe OpaquePointer(bitPattern: loading.withLock { $0.object })
            guard let object = unsafe object, let program = unsafe program, let options = unsafe options
            else { return -EINVAL }
            return unsafe Parts.prepare(program, of: object, options)
        }
        let result = unsafe libbpf_register_prog_handler(
            Parts.prefix, BPF_PROG_TYPE_EXT, bpf_attach_type(0), &options)
        guard result >= 0 else { return result }
        unsafe options.prog_prepare_load_fn = { program, options, _ in
            guard let program = unsafe program, let options = unsafe options else { return -EINVAL }
            return unsafe prepareHook(program, options)
        }
        unsafe options.prog_attach_fn = { program, _, link in
            guard let program = unsafe program, let link = unsafe link else { return -EINVAL }
            unsafe link.pointee = bpf_program__attach_lsm(program)
            return unsafe link.pointee == nil ? -errno : 0
        }
        return unsafe libbpf_register_prog_handler("lsm/", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, &options)
    }()

    /// Runs `load`, in which libbpf loads `object`.
    static func during(
        loadOf object: OpaquePointer, _ functions: [String: UInt32], _ load: () -> CInt
    ) -> CInt {
        loading.withLock { $0 = (UInt(bitPattern: object), functions) }
        defer { loading.withLock { $0 = (0, [:]) } }
        return load()
    }

    /// Tells the kernel what a program of a security hook attaches to: libbpf would look through all its types.
    private static func prepareHook(
        _ program: OpaquePointer, _ options: UnsafeMutablePointer<bpf_prog_load_opts>
    ) -> CInt {
        guard let section = unsafe bpf_program__section_name(program),
            let function = KernelExtract.target(of: unsafe String(cString: section))
        else { return -EINVAL }
        if let number = loading.withLock({ $0.functions[function] }) {
            unsafe options.pointee.attach_btf_id = number
            return 0
        }
        let hook = String(function.dropFirst("bpf_lsm_".count))
        let number = unsafe libbpf_find_vmlinux_btf_id(hook, BPF_LSM_MAC)
        guard number > 0 else { return number < 0 ? number : -ESRCH }
        unsafe options.pointee.attach_btf_id = UInt32(number)
        return 0
    }
}
