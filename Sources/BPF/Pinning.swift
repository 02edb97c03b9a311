internal import Clibbpf
internal import Glibc

/// Names in a bpffs, by which maps and links are there for whoever comes next: what is pinned outlives the process.
///
/// ## Minimum kernel version
/// 4.4; links 5.7, links of iterators 5.8.
enum Pin {
    /// Gives what `descriptor` shows the name `path`.
    static func make(_ path: String, of descriptor: CInt, _ what: String) throws(KernelError) {
        let result = unsafe bpf_obj_pin(descriptor, path)
        guard result == 0 else { throw KernelError(operation: "pin \(what) at '\(path)'", code: -result) }
    }

    /// The number of a link, in this boot no other's.
    static func number(ofLink descriptor: CInt, _ what: String) throws(KernelError) -> UInt32 {
        var information = bpf_link_info()
        var size = UInt32(MemoryLayout<bpf_link_info>.size)
        let result = unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size)
        guard result == 0 else { throw KernelError(operation: "look at \(what)", code: -result) }
        return information.id
    }

    /// A descriptor of what is pinned at `path`: the caller's to close.
    static func open(_ path: String, _ what: String) throws(KernelError) -> CInt {
        let descriptor = unsafe bpf_obj_get(path)
        guard descriptor >= 0 else {
            throw KernelError(operation: "open \(what) pinned at '\(path)'", code: -descriptor)
        }
        return descriptor
    }
}

extension Map {
    /// The map that is pinned at `path`.
    public init(pinnedAt path: String, named name: String) throws(KernelError) {
        let descriptor = try Pin.open(path, "the BPF map '\(name)'")
        defer { close(descriptor) }
        self = try Map(duplicating: descriptor, named: name)
    }

    /// Makes a hash map of the kernel's, of no object.
    public init(
        makingHash name: String, keySize: Int, valueSize: Int, capacity: Int
    ) throws(KernelError) {
        self = try Map(
            making: BPF_MAP_TYPE_HASH, name, keySize: keySize, valueSize: valueSize, capacity: capacity,
            flags: UInt32(BPF_F_NO_PREALLOC))
    }

    /// Makes an array that can be mapped, of no object.
    public init(makingArray name: String, valueSize: Int, capacity: Int) throws(KernelError) {
        self = try Map(
            making: BPF_MAP_TYPE_ARRAY, name, keySize: 4, valueSize: valueSize, capacity: capacity,
            flags: UInt32(BPF_F_MMAPABLE))
    }

    private init(
        making type: bpf_map_type, _ name: String, keySize: Int, valueSize: Int, capacity: Int, flags: UInt32
    ) throws(KernelError) {
        var options = bpf_map_create_opts()
        options.sz = MemoryLayout<bpf_map_create_opts>.size
        options.map_flags = flags
        let made = unsafe bpf_map_create(
            type, name, UInt32(keySize), UInt32(valueSize), UInt32(capacity), &options)
        guard made >= 0 else { throw KernelError(operation: "make the BPF map '\(name)'", code: -made) }
        defer { close(made) }
        self = try Map(duplicating: made, named: name)
    }

    /// Gives it the name `path`.
    public func pin(at path: String) throws(KernelError) {
        try Pin.make(path, of: descriptor, "the BPF map '\(name)'")
    }

    /// The number by which the kernel knows it, in this boot no other's.
    public func identifier() throws(KernelError) -> UInt32 { try information().id }

    /// Takes the right to write it from user space, for good: programs still do.
    ///
    /// ## Minimum kernel version
    /// 5.2.
    public func freeze() throws(KernelError) {
        let result = bpf_map_freeze(descriptor)
        guard result == 0 else { throw KernelError(operation: "freeze the BPF map '\(name)'", code: -result) }
    }

    /// Whether another map could take its place: the same kind, sizes and flags.
    public func hasShape(of other: borrowing Map) throws(KernelError) -> Bool {
        let own = try information()
        let others = try other.information()
        return own.type == others.type && own.key_size == others.key_size
            && own.value_size == others.value_size && own.max_entries == others.max_entries
            && own.map_flags == others.map_flags
    }

    private func information() throws(KernelError) -> bpf_map_info {
        var information = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        let result = unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size)
        guard result == 0 else {
            throw KernelError(operation: "look at the BPF map '\(name)'", code: -result)
        }
        return information
    }
}

extension OpenObject {
    /// Has the programs use `map`, which is there already, in place of their own of that name.
    ///
    /// - Throws: EINVAL where it has another shape than the programs expect.
    public mutating func reuse(_ map: borrowing Map) throws(KernelError) {
        let found = unsafe bpf_object__find_map_by_name(pointer, map.name)
        guard let found = unsafe found else {
            throw KernelError(operation: "find the BPF map '\(map.name)'", code: ENOENT)
        }
        let operation = "use the BPF map '\(map.name)' that is there"
        // libbpf takes the shape of what it is given as its own.
        let hasShape =
            unsafe bpf_map__key_size(found) == UInt32(map.keySize)
            && bpf_map__value_size(found) == UInt32(map.valueSize)
        guard hasShape else { throw KernelError(operation: operation, code: EINVAL) }
        let result = unsafe bpf_map__reuse_fd(found, map.descriptor)
        guard result == 0 else { throw KernelError(operation: operation, code: -result) }
    }
}

extension Object {
    /// Attaches `program` to the hook that its section names, and pins the link at `path`: it runs from now on, until the
    /// pin is removed. Gives the number of the link, in this boot no other's.
    @discardableResult
    public borrowing func attach(_ program: String, pinnedAt path: String) throws(KernelError) -> UInt32 {
        let handle = unsafe try self.program(program)
        let link = unsafe try LibraryMessages.create("attach the BPF program '\(program)'") {
            unsafe bpf_program__attach(handle)
        }
        // This process's hold of it; the pin is another.
        defer { _ = unsafe bpf_link__destroy(link) }
        let descriptor = unsafe bpf_link__fd(link)
        let number = try Pin.number(ofLink: descriptor, "the link of '\(program)'")
        try Pin.make(path, of: descriptor, "the link of '\(program)'")
        return number
    }
}

/// A link that is pinned. Only whether it is one is of interest: it needs nobody who holds it.
public enum PinnedLink {
    /// - Throws: where there is none at `path`.
    public static func check(_ path: String) throws(KernelError) {
        let descriptor = try Pin.open(path, "the link")
        defer { close(descriptor) }
        var information = bpf_link_info()
        var size = UInt32(MemoryLayout<bpf_link_info>.size)
        // The kernel answers EINVAL for what is a map or a program: its structure is another.
        let result = unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size)
        guard result == 0 else { throw KernelError(operation: "look at the link '\(path)'", code: -result) }
    }
}
