internal import Clibbpf
internal import Glibc

/// Programs and maps read from an ELF object, before the kernel has any of it.
///
/// Which programs are to be loaded is chosen here. Its end forgets it.
@safe
public struct OpenObject: ~Copyable {
    private let handle: ObjectHandle
    private let name: String

    private var pointer: OpaquePointer { unsafe handle.pointer }

    /// Reads the object in `bytes`, which are needed until it is loaded; `name` is what messages call it.
    public init(reading bytes: UnsafeRawBufferPointer, named name: String) throws(KernelError) {
        let pointer = unsafe try LibraryMessages.create("read the BPF object '\(name)'") {
            unsafe name.withCString { text in
                var options = unsafe bpf_object_open_opts()
                unsafe options.sz = MemoryLayout<bpf_object_open_opts>.size
                unsafe options.object_name = text
                return unsafe bpf_object__open_mem(bytes.baseAddress, bytes.count, &options)
            }
        }
        self.handle = unsafe ObjectHandle(pointer)
        self.name = name
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

    /// Sets the constants of the programs (`const volatile`, section `.rodata`), all of them, in the section's layout.
    public mutating func setConstants(_ bytes: RawSpan) throws(KernelError) {
        let pointer = unsafe pointer
        var map = unsafe bpf_object__next_map(pointer, nil)
        while let current = unsafe map, unsafe !String(cString: bpf_map__name(current)).hasSuffix(".rodata") {
            unsafe map = bpf_object__next_map(pointer, current)
        }
        guard let map = unsafe map else {
            throw KernelError(operation: "find the constants of the BPF programs", code: ENOENT)
        }
        let result = unsafe bytes.withUnsafeBytes { bytes in
            unsafe bpf_map__set_initial_value(map, bytes.baseAddress, bytes.count)
        }
        guard result == 0 else {
            throw KernelError(operation: "set the constants of the BPF programs", code: -result)
        }
    }

    /// Creates the maps and has the kernel verify the chosen programs; nothing runs yet.
    ///
    /// Where it fails, nothing stays in the kernel, and the error holds the verifier's log.
    public consuming func load() throws(KernelError) -> Object {
        try LibraryMessages.perform("load the BPF programs of '\(name)'") {
            unsafe bpf_object__load(pointer)
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

    private var pointer: OpaquePointer { unsafe handle.pointer }

    fileprivate init(loaded handle: consuming ObjectHandle) { self.handle = handle }

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
