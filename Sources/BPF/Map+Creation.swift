internal import Clibbpf
internal import Glibc

extension Map {
    /// The kinds of maps that are made apart from an object: what a map of maps is filled with.
    public enum Kind: Sendable {
        case array
        case hash
        /// Keys are a 32-bit prefix length in bits and the bytes that it counts.
        case longestPrefixTrie

        fileprivate var type: bpf_map_type {
            switch self {
            case .array: BPF_MAP_TYPE_ARRAY
            case .hash: BPF_MAP_TYPE_HASH
            case .longestPrefixTrie: BPF_MAP_TYPE_LPM_TRIE
            }
        }

        fileprivate var flags: UInt32 {
            switch self {
            case .array, .hash: 0
            // The kernel has them in no other way.
            case .longestPrefixTrie: UInt32(BPF_F_NO_PREALLOC)
            }
        }
    }

    /// Creates a map for `capacity` entries; sizes in bytes.
    ///
    /// The kernel keeps 15 bytes of `name`: letters, digits, `_` and `.`.
    public init(
        creating kind: Kind, named name: String, keySize: Int, valueSize: Int, capacity: Int
    ) throws(KernelError) {
        guard let keyBytes = UInt32(exactly: keySize), let valueBytes = UInt32(exactly: valueSize),
            let entries = UInt32(exactly: capacity)
        else { throw KernelError(operation: "create the BPF map '\(name)'", code: E2BIG) }
        let descriptor = unsafe String(decoding: name.utf8.prefix(15), as: UTF8.self).withCString { text in
            var options = bpf_map_create_opts()
            options.sz = MemoryLayout<bpf_map_create_opts>.size
            options.map_flags = kind.flags
            return unsafe bpf_map_create(kind.type, text, keyBytes, valueBytes, entries, &options)
        }
        guard descriptor >= 0 else {
            throw KernelError(operation: "create the BPF map '\(name)'", code: -descriptor)
        }
        self.init(
            owning: descriptor, named: name, keySize: keySize, valueSize: valueSize, capacity: capacity)
    }

    /// Puts the map `inner` at `key` of this map of maps.
    ///
    /// Returns when no program uses what was there any more: 20 to 30 ms (synchronize_rcu).
    public func update(_ key: some BitwiseCopyable, to inner: borrowing Map) throws(KernelError) {
        try update(key, inner.descriptor)
    }
}
