internal import Clibbpf
internal import Glibc

/// A map in the kernel. Its end closes the descriptor; the map itself lives while a program or a pin holds it.
///
/// Keys and values are bytes of exactly the sizes that the map has: another size is an error of the caller, and traps.
@safe
public struct Map: ~Copyable {
    let descriptor: CInt
    public let name: String
    /// Bytes of a key; 4 for task storage, whose key is a pidfd.
    public let keySize: Int
    /// Bytes of a value as user space reads and writes it: for a per-CPU map, one after the other for each possible
    /// CPU, each padded to eight bytes.
    public let valueSize: Int
    /// How many entries it has room for.
    public let capacity: Int

    deinit { close(descriptor) }

    /// What an update does about a key that is, or is not, there yet.
    public enum Update: Sendable {
        case insertOrReplace
        case insert
        case replace

        fileprivate var flags: UInt64 {
            switch self {
            case .insertOrReplace: UInt64(BPF_ANY)
            case .insert: UInt64(BPF_NOEXIST)
            case .replace: UInt64(BPF_EXIST)
            }
        }
    }

    /// A descriptor of its own of the map that `descriptor` shows.
    init(duplicating descriptor: CInt, named name: String) throws(KernelError) {
        var information = bpf_map_info()
        var size = UInt32(MemoryLayout<bpf_map_info>.size)
        let result = unsafe bpf_obj_get_info_by_fd(descriptor, &information, &size)
        guard result == 0 else {
            throw KernelError(operation: "look at the BPF map '\(name)'", code: -result)
        }
        let perCPU = [
            BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LRU_PERCPU_HASH,
        ].contains(bpf_map_type(information.type))
        let valueSize = Int(information.value_size)
        let processors = perCPU ? Int(libbpf_num_possible_cpus()) : 1
        guard processors > 0 else {
            throw KernelError(operation: "count the possible CPUs", code: CInt(-processors))
        }
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard own >= 0 else { throw KernelError(operation: "keep the BPF map '\(name)'", code: errno) }
        self.descriptor = own
        self.name = name
        self.keySize = Int(information.key_size)
        self.capacity = Int(information.max_entries)
        self.valueSize = perCPU ? (valueSize + 7) / 8 * 8 * processors : valueSize
    }

    /// The value at `key`; nil where there is none.
    public func lookup(_ key: RawSpan) throws(KernelError) -> [UInt8]? {
        precondition(key.byteCount == keySize, "the key of '\(name)' has \(keySize) bytes")
        let descriptor = descriptor
        var value = [UInt8](repeating: 0, count: valueSize)
        let result = unsafe key.withUnsafeBytes { key in
            unsafe value.withUnsafeMutableBytes { value in
                unsafe bpf_map_lookup_elem(descriptor, key.baseAddress, value.baseAddress)
            }
        }
        if result == -ENOENT { return nil }
        guard result == 0 else {
            throw KernelError(operation: "read the BPF map '\(name)'", code: -result)
        }
        return value
    }

    /// Puts `value` at `key`.
    public func update(
        _ key: RawSpan, _ value: RawSpan, _ mode: Update = .insertOrReplace
    ) throws(KernelError) {
        precondition(key.byteCount == keySize, "the key of '\(name)' has \(keySize) bytes")
        precondition(value.byteCount == valueSize, "a value of '\(name)' has \(valueSize) bytes")
        let result = unsafe key.withUnsafeBytes { key in
            unsafe value.withUnsafeBytes { value in
                unsafe bpf_map_update_elem(descriptor, key.baseAddress, value.baseAddress, mode.flags)
            }
        }
        guard result == 0 else {
            throw KernelError(operation: "write the BPF map '\(name)'", code: -result)
        }
    }

    /// Takes `key` and its value out; false where it was not there.
    @discardableResult
    public func remove(_ key: RawSpan) throws(KernelError) -> Bool {
        precondition(key.byteCount == keySize, "the key of '\(name)' has \(keySize) bytes")
        let result = unsafe key.withUnsafeBytes { key in
            unsafe bpf_map_delete_elem(descriptor, key.baseAddress)
        }
        if result == -ENOENT { return false }
        guard result == 0 else {
            throw KernelError(operation: "delete from the BPF map '\(name)'", code: -result)
        }
        return true
    }
}

/// Keys and values as structures of `swguard_abi.h`, or integers: their bytes, padding included.
extension Map {
    /// The bytes of the value at `key`; nil where there is none.
    public func lookup(_ key: some BitwiseCopyable) throws(KernelError) -> [UInt8]? {
        try withRawSpan(of: key) { key throws(KernelError) in try lookup(key) }
    }

    /// The value at `key`; nil where there is none.
    public func lookup<Value: BitwiseCopyable>(
        _ key: some BitwiseCopyable, as type: Value.Type
    ) throws(KernelError) -> Value? {
        precondition(MemoryLayout<Value>.size == valueSize, "a value of '\(name)' has \(valueSize) bytes")
        return try withRawSpan(of: key) { key throws(KernelError) in
            // The size was compared, and any bytes are a value of a bitwise copyable type from C.
            try lookup(key).map { value in
                unsafe value.withUnsafeBytes { unsafe $0.loadUnaligned(as: Value.self) }
            }
        }
    }

    /// Puts `value` at `key`.
    public func update(
        _ key: some BitwiseCopyable, _ value: some BitwiseCopyable, _ mode: Update = .insertOrReplace
    ) throws(KernelError) {
        try withRawSpan(of: key) { key throws(KernelError) in
            try withRawSpan(of: value) { value throws(KernelError) in try update(key, value, mode) }
        }
    }

    /// Takes `key` and its value out; false where it was not there.
    @discardableResult
    public func remove(_ key: some BitwiseCopyable) throws(KernelError) -> Bool {
        try withRawSpan(of: key) { key throws(KernelError) in try remove(key) }
    }

    /// The keys that are there. Of those that come or go meanwhile, some.
    public func keys<Key: BitwiseCopyable>(as type: Key.Type) throws(KernelError) -> [Key] {
        precondition(MemoryLayout<Key>.size == keySize, "a key of '\(name)' has \(keySize) bytes")
        var keys: [Key] = []
        var previous: [UInt8]?
        var next = [UInt8](repeating: 0, count: keySize)
        // Where a key goes meanwhile, the kernel begins again: never without end.
        for _ in 0..<(2 * capacity) {
            let result = unsafe next.withUnsafeMutableBytes { next in
                unsafe (previous ?? []).withUnsafeBytes { key in
                    unsafe bpf_map_get_next_key(
                        descriptor, previous == nil ? nil : key.baseAddress, next.baseAddress)
                }
            }
            if result == -ENOENT { break }
            guard result == 0 else {
                throw KernelError(operation: "list the BPF map '\(name)'", code: -result)
            }
            // The size was compared, and any bytes are a value of a bitwise copyable type from C.
            keys.append(unsafe next.withUnsafeBytes { unsafe $0.loadUnaligned(as: Key.self) })
            previous = next
        }
        return keys
    }

    private func withRawSpan<Value: BitwiseCopyable, Result>(
        of value: Value, _ body: (RawSpan) throws(KernelError) -> Result
    ) throws(KernelError) -> Result {
        try unsafe withUnsafeBytes(of: value) { bytes throws(KernelError) in
            unsafe try body(bytes.bytes)
        }
    }
}
