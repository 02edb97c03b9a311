internal import Clibbpf
internal import Glibc

/// What of the kernel's types an object's programs need, from one look through all of them.
///
/// libbpf compares the name of each type that programs use with those of all the kernel's, 130,000 of them, and that of
/// each hook: 350 million instructions for the agent's programs. It is given the few that have such a name instead, and the
/// numbers of the functions.
struct KernelExtract {
    static let path = "/sys/kernel/btf/vmlinux"

    /// The kernel's functions that sections of the object name: their numbers.
    private(set) var functions: [String: UInt32] = [:]
    /// Types with the names that the object uses, and what they are made of, numbered anew: for relocation alone.
    private(set) var types: [UInt8] = []

    /// nil: the kernel's types cannot be read so, and libbpf is to look.
    init?(forObject object: UnsafeRawBufferPointer) {
        guard let kernel = Self.readKernel() else { return nil }
        let own = unsafe TypeTable(ObjectSection.named(".BTF", of: object))
        guard let own else { return nil }
        let numbered = unsafe ObjectSection.numberedTypes(of: object)
        let isRead = unsafe kernel.withUnsafeBytes { bytes in
            guard let table = unsafe TypeTable(bytes) else { return false }
            return collect(from: table, for: own, numbered, unsafe Self.targets(of: object))
        }
        guard isRead else { return nil }
    }

    private static func readKernel() -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_size > 0 else { return nil }
        let size = Int(status.st_size)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let result = unsafe read(descriptor, buffer.baseAddress! + count, size - count)
                if result <= 0 { break }
                count += result
            }
        }
        return bytes.count == size ? bytes : nil
    }

    private mutating func collect(
        from kernel: TypeTable, for own: TypeTable, _ numbered: Set<Int>, _ targets: TypeTable.Names
    ) -> Bool {
        var wanted = TypeTable.Names()
        var kept = TypeTable.Names()
        guard
            own.forEach({ number, entry in
                if numbered.contains(number) { unsafe kept.insert(Self.essential(own.name(at: entry.name))) }
                switch entry.kind {
                case .structure, .union, .enumeration, .wideEnumeration, .forward, .typedef, .integer, .float:
                    if entry.name != 0 { unsafe wanted.insert(Self.essential(own.name(at: entry.name))) }
                default: break
                }
            })
        else { return false }
        var offsets: [Int32] = [0]
        offsets.reserveCapacity(200_000)
        var roots: [Int] = []
        var functions: [String: UInt32] = [:]
        let isWhole = kernel.forEach { number, entry in
            offsets.append(Int32(truncatingIfNeeded: entry.offset))
            switch entry.kind {
            case .function:
                let name = unsafe kernel.name(at: entry.name)
                if unsafe targets.contains(name) {
                    functions[unsafe String(decoding: name, as: UTF8.self)] = UInt32(number)
                }
            case .structure, .union, .enumeration, .wideEnumeration, .typedef, .integer, .float:
                if entry.name != 0, unsafe wanted.contains(kernel.name(at: entry.name)) {
                    roots.append(number)
                }
            default: break
            }
        }
        guard isWhole else { return false }
        self.functions = functions
        let keeping = roots.filter { root in
            unsafe kept.contains(kernel.name(at: Int(kernel.word(Int(offsets[root])))))
        }
        var writer = TypeWriter(from: kernel, offsets: offsets, keeping: keeping)
        for root in roots { _ = writer.number(of: root) }
        types = writer.finish()
        return true
    }

    /// The functions that the sections of an object name.
    private static func targets(of object: UnsafeRawBufferPointer) -> TypeTable.Names {
        var targets = TypeTable.Names()
        for section in unsafe ObjectSection.names(of: object) {
            if let function = target(of: section) { targets.insert(Array(function.utf8)) }
        }
        return targets
    }

    /// The function of the kernel that a program of `section` attaches to: `bpf_lsm_file_open` of `lsm/file_open`. nil: none,
    /// or not known.
    static func target(of section: String) -> String? {
        let parts = section.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "lsm", "lsm.s": return "bpf_lsm_\(parts[1])"
        case "fentry", "fentry.s", "fexit", "fexit.s", "fmod_ret", "fmod_ret.s": return String(parts[1])
        default: return nil
        }
    }

    /// A name without what tells it from others of the same type: `inode___old` is `inode` (libbpf, bpf_core_essential_name).
    private static func essential(_ name: UnsafeRawBufferPointer) -> [UInt8] {
        let bytes = unsafe Array(name)
        let bar = UInt8(ascii: "_")
        guard bytes.count > 4 else { return bytes }
        for place in (1..<bytes.count - 3).reversed()
        where bytes[place..<place + 3] == [bar, bar, bar] && bytes[place - 1] != bar
            && bytes[place + 3] != bar
        {
            return Array(bytes[..<place])
        }
        return bytes
    }
}
