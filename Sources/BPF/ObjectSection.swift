/// Sections of an ELF object (elf.h), 64 bits, little-endian.
enum ObjectSection {
    /// The section `name`; empty where there is none.
    static func named(_ name: String, of object: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var found = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        unsafe forEach(of: object) { section, range in
            if section == name { unsafe found = UnsafeRawBufferPointer(rebasing: object[range]) }
        }
        return unsafe found
    }

    /// The names of all sections.
    static func names(of object: UnsafeRawBufferPointer) -> [String] {
        var names: [String] = []
        unsafe forEach(of: object) { name, _ in names.append(name) }
        return names
    }

    /// Goes over the sections whose bytes are there; what is no such object has none.
    private static func forEach(of object: UnsafeRawBufferPointer, _ body: (String, Range<Int>) -> Void) {
        func number<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> Int? {
            guard offset >= 0, offset <= object.count - MemoryLayout<T>.size else { return nil }
            return Int(exactly: unsafe object.loadUnaligned(fromByteOffset: offset, as: type))
        }
        // e_shoff, e_shnum, e_shstrndx; of a section header of 64 bytes sh_name, sh_offset, sh_size.
        guard let headers = number(0x28, as: UInt64.self), let count = number(0x3c, as: UInt16.self),
            let names = number(0x3e, as: UInt16.self), headers <= object.count,
            let texts = number(headers + 64 * names + 0x18, as: UInt64.self), texts <= object.count
        else { return }
        for index in 0..<count {
            let header = headers + 64 * index
            guard let name = number(header, as: UInt32.self),
                let offset = number(header + 0x18, as: UInt64.self),
                let size = number(header + 0x20, as: UInt64.self), offset <= object.count,
                size <= object.count - offset, texts + name <= object.count
            else { continue }
            let text = unsafe object[(texts + name)...].prefix { $0 != 0 }
            body(unsafe String(decoding: text, as: UTF8.self), offset..<offset + size)
        }
    }

    /// The types of the object whose numbers in the kernel its programs use (bpf_core_type_id_kernel), from `.BTF.ext`:
    /// its relocations are records of four words behind the name and the count of each section.
    static func numberedTypes(of object: UnsafeRawBufferPointer) -> Set<Int> {
        let bytes = unsafe named(".BTF.ext", of: object)
        func word(_ offset: Int) -> Int? {
            guard offset >= 0, offset <= bytes.count - 4 else { return nil }
            return Int(unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        var types: Set<Int> = []
        guard let header = word(4), let start = word(24), let length = word(28),
            var offset = Optional(header + start), let size = word(offset), size >= 16
        else { return types }
        let end = offset + length
        offset += 4
        while offset < end, let count = word(offset + 4) {
            offset += 8
            for _ in 0..<count {
                if let type = word(offset + 4), word(offset + 12) == typeNumberInKernel { types.insert(type) }
                offset += size
            }
        }
        return types
    }

    /// BPF_CORE_TYPE_ID_TARGET (include/uapi/linux/bpf.h).
    private static let typeNumberInKernel = 7
}
