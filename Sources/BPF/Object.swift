internal import Clibbpf
internal import Glibc

/// Programs and maps read from an ELF object, before the kernel has any of it.
///
/// Which programs are to be loaded is chosen here. Its end forgets it.
@safe
public struct OpenObject: ~Copyable {
    private let handle: ObjectHandle
    private let name: String
    /// nil: it could not be made, and libbpf looks through the kernel's types itself.
    private let extract: KernelExtract?
    /// What libbpf reads when it loads.
    private let types: MemoryFile?

    var pointer: OpaquePointer { unsafe handle.pointer }

    /// Reads the object in `bytes`, which are needed until it is loaded; `name` is what messages call it.
    public init(reading bytes: UnsafeRawBufferPointer, named name: String) throws(KernelError) {
        guard Sections.registration >= 0 else {
            throw KernelError(operation: "have libbpf know of sections", code: -Sections.registration)
        }
        let extract = unsafe KernelExtract(forObject: bytes)
        let types = extract.flatMap { MemoryFile(holding: $0.types) }
        let path = types?.path
        let pointer = unsafe try LibraryMessages.create("read the BPF object '\(name)'") {
            unsafe name.withCString { text in
                var options = unsafe bpf_object_open_opts()
                unsafe options.sz = MemoryLayout<bpf_object_open_opts>.size
                unsafe options.object_name = text
                guard let path else {
                    return unsafe bpf_object__open_mem(bytes.baseAddress, bytes.count, &options)
                }
                return unsafe path.withCString { path in
                    unsafe options.btf_custom_path = path
                    return unsafe bpf_object__open_mem(bytes.baseAddress, bytes.count, &options)
                }
            }
        }
        self.handle = unsafe ObjectHandle(pointer)
        self.name = name
        self.extract = extract
        self.types = types
    }

    /// The programs in it, in the order of the object.
    public var programs: [String] {
        var names: [String] = []
        var program = unsafe bpf_object__next_program(pointer, nil)
        while let current = unsafe program {
            unsafe names.append(String(cString: bpf_program__name(current)))
            unsafe program = bpf_object__next_program(pointer, current)
        }
        return names
    }

    /// Chooses whether `program` is loaded with the rest; all are at first.
    public mutating func setLoaded(_ isLoaded: Bool, program: String) throws(KernelError) {
        let found = unsafe bpf_object__find_program_by_name(pointer, program)
        guard let found = unsafe found else {
            throw KernelError(operation: "find the BPF program '\(program)'", code: ENOENT)
        }
        let result = unsafe bpf_program__set_autoload(found, isLoaded)
        guard result == 0 else {
            throw KernelError(operation: "choose the BPF program '\(program)'", code: -result)
        }
    }

    /// Sets how many entries `map` will hold.
    public mutating func setCapacity(_ entries: UInt32, map: String) throws(KernelError) {
        let found = unsafe bpf_object__find_map_by_name(pointer, map)
        guard let found = unsafe found else {
            throw KernelError(operation: "find the BPF map '\(map)'", code: ENOENT)
        }
        let result = unsafe bpf_map__set_max_entries(found, entries)
        guard result == 0 else {
            throw KernelError(operation: "set the size of the BPF map '\(map)'", code: -result)
        }
    }

    /// Sets how many bytes a value of `map` has.
    public mutating func setValueSize(_ bytes: UInt32, map: String) throws(KernelError) {
        let found = unsafe bpf_object__find_map_by_name(pointer, map)
        guard let found = unsafe found else {
            throw KernelError(operation: "find the BPF map '\(map)'", code: ENOENT)
        }
        let result = unsafe bpf_map__set_value_size(found, bytes)
        guard result == 0 else {
            throw KernelError(operation: "set the size of the BPF map '\(map)'", code: -result)
        }
    }

    /// Sets a `const volatile` variable of the programs, which the verifier then takes as a constant.
    public mutating func setConstant(
        _ value: some FixedWidthInteger & BitwiseCopyable, _ name: String
    ) throws(KernelError) {
        let operation = "set '\(name)' of the BPF object"
        guard let place = place(ofConstant: name),
            let section = unsafe bpf_object__find_map_by_name(pointer, ".rodata")
        else { throw KernelError(operation: operation, code: ENOENT) }
        var size = 0
        let initial = unsafe bpf_map__initial_value(section, &size)
        guard let initial = unsafe initial, place.size == MemoryLayout.size(ofValue: value),
            place.offset + place.size <= size
        else { throw KernelError(operation: operation, code: EINVAL) }
        // libbpf gives its own copy of the section out to be changed before the load (libbpf.h); the variable is in it.
        unsafe UnsafeMutableRawPointer(mutating: initial).storeBytes(
            of: value, toByteOffset: place.offset, as: type(of: value))
    }

    /// Where in `.rodata` a variable is, by the object's types.
    private func place(ofConstant name: String) -> (offset: Int, size: Int)? {
        guard let types = unsafe bpf_object__btf(pointer) else { return nil }
        let number = unsafe btf__find_by_name_kind(types, ".rodata", KernelTypes.Kind.section)
        guard number > 0, let section = unsafe btf__type_by_id(types, UInt32(number)),
            let variables = unsafe btf_var_secinfos(section)
        else { return nil }
        for index in 0..<Int(unsafe btf_vlen(section)) {
            // As many follow the section's type as it says.
            let variable = unsafe variables[index]
            guard let type = unsafe btf__type_by_id(types, variable.type),
                let text = unsafe btf__name_by_offset(types, type.pointee.name_off)
            else { continue }
            if unsafe String(cString: text) == name { return (Int(variable.offset), Int(variable.size)) }
        }
        return nil
    }

    /// The section of a program, which names its hook: `lsm/file_open`.
    public func section(of program: String) -> String? {
        guard let found = unsafe bpf_object__find_program_by_name(pointer, program),
            let name = unsafe bpf_program__section_name(found)
        else { return nil }
        return unsafe String(cString: name)
    }

    /// Leaves out those of the `optional` programs whose hook this kernel does not have; gives their sections.
    public mutating func leaveOutMissing(of optional: Set<String>) throws(KernelError) -> [String] {
        var missing: [String] = []
        for program in programs where optional.contains(program) {
            guard let section = section(of: program), try !isThere(hookOf: section) else { continue }
            try setLoaded(false, program: program)
            missing.append(section)
        }
        return missing
    }

    private func isThere(hookOf section: String) throws(KernelError) -> Bool {
        guard let extract else { return try KernelTypes().has(hookOf: section) }
        return KernelExtract.target(of: section).map { extract.functions[$0] != nil } ?? true
    }

    /// Creates the maps and has the kernel verify the chosen programs; nothing runs yet.
    ///
    /// Where it fails, nothing stays in the kernel, and the error holds the verifier's log.
    public consuming func load() throws(KernelError) -> Object {
        try LibraryMessages.perform("load the BPF programs of '\(name)'") {
            unsafe Sections.during(loadOf: pointer, extract?.functions ?? [:]) {
                unsafe bpf_object__load(pointer)
            }
        }
        return Object(loaded: handle)
    }
}

/// Programs and maps in the kernel.
///
/// Its end lets go of them: what is attached or pinned, or held by a `Map`, stays.
///
/// ## Minimum kernel version
/// 5.11: before, memory of programs and maps counted against RLIMIT_MEMLOCK.
@safe
public struct Object: ~Copyable {
    private let handle: ObjectHandle

    var pointer: OpaquePointer { unsafe handle.pointer }

    fileprivate init(loaded handle: consuming ObjectHandle) { self.handle = handle }

    /// The programs that were loaded, in the order of the object.
    public var programs: [String] {
        var names: [String] = []
        var program = unsafe bpf_object__next_program(pointer, nil)
        while let current = unsafe program {
            if unsafe bpf_program__fd(current) >= 0 {
                unsafe names.append(String(cString: bpf_program__name(current)))
            }
            unsafe program = bpf_object__next_program(pointer, current)
        }
        return names
    }

    /// The map `name`; it outlives this object.
    public borrowing func map(_ name: String) throws(KernelError) -> Map {
        let descriptor = unsafe bpf_object__find_map_fd_by_name(pointer, name)
        guard descriptor >= 0 else {
            throw KernelError(operation: "find the BPF map '\(name)'", code: -descriptor)
        }
        return try Map(duplicating: descriptor, named: name)
    }

    /// How many instructions the verifier walked through to accept `program`: its cost at load, and its distance from
    /// the limit of one million.
    ///
    /// ## Minimum kernel version
    /// 5.16 (`verified_insns`); 0 before.
    public borrowing func verifiedInstructions(of program: String) throws(KernelError) -> Int {
        let handle = unsafe try self.program(program)
        let descriptor = unsafe bpf_program__fd(handle)
        guard descriptor >= 0 else {
            throw KernelError(operation: "look at the BPF program '\(program)'", code: -descriptor)
        }
        var information = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        let result = unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size)
        guard result == 0 else {
            throw KernelError(operation: "look at the BPF program '\(program)'", code: -result)
        }
        return Int(information.verified_insns)
    }

    /// A program of the type `syscall`, to be run by and by.
    public borrowing func syscall(_ program: String) throws(KernelError) -> SyscallProgram {
        let handle = unsafe try self.program(program)
        let descriptor = unsafe fcntl(bpf_program__fd(handle), F_DUPFD_CLOEXEC, 3)
        guard descriptor >= 0 else {
            throw KernelError(operation: "keep the BPF program '\(program)'", code: errno)
        }
        return SyscallProgram(owning: descriptor, named: program)
    }

    /// Runs a program of the type `syscall` once, without arguments; gives what it returns.
    ///
    /// ## Minimum kernel version
    /// 5.14.
    public borrowing func run(_ program: String) throws(KernelError) -> Int32 {
        let handle = unsafe try self.program(program)
        var options = unsafe bpf_test_run_opts()
        unsafe options.sz = MemoryLayout<bpf_test_run_opts>.size
        let result = unsafe bpf_prog_test_run_opts(bpf_program__fd(handle), &options)
        guard result == 0 else {
            throw KernelError(operation: "run the BPF program '\(program)'", code: -result)
        }
        return unsafe Int32(bitPattern: options.retval)
    }

    /// libbpf's handle of the program `name`, for as long as this object lives.
    @unsafe
    borrowing func program(_ name: String) throws(KernelError) -> OpaquePointer {
        guard let program = unsafe bpf_object__find_program_by_name(pointer, name) else {
            throw KernelError(operation: "find the BPF program '\(name)'", code: ENOENT)
        }
        return unsafe program
    }
}

/// The owner of libbpf's object. Its end closes it.
@safe
private struct ObjectHandle: ~Copyable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe bpf_object__close(pointer) }
}
