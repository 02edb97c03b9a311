/// Types as BTF lays them out (Documentation/bpf/btf.rst): the kernel's, or an object's.
///
/// Only what stands in the table is read; a table that ends early is one with fewer types.
@safe
struct TypeTable {
    enum Kind: UInt32 {
        case integer = 1, pointer, array, structure, union, enumeration, forward, typedef, volatile, const
        case restrict, function, prototype, variable, section, float, declarationTag, typeTag, wideEnumeration

        /// Bytes behind a type's own twelve.
        func extent(_ count: Int) -> Int {
            switch self {
            case .integer, .variable, .declarationTag: 4
            case .array: 12
            case .structure, .union, .section, .wideEnumeration: 12 * count
            case .enumeration, .prototype: 8 * count
            case .pointer, .forward, .typedef, .volatile, .const, .restrict, .function, .float, .typeTag: 0
            }
        }
    }

    /// One type, by where it stands.
    struct Entry {
        let offset: Int
        let kind: Kind
        /// Of members, values or parameters.
        let count: Int
        let name: Int
        /// Bytes, its own twelve among them.
        var size: Int { 12 + kind.extent(count) }
    }

    static let magic: UInt16 = 0xeb9f
    static let headerSize = 24

    let bytes: UnsafeRawBufferPointer
    private let types: Range<Int>
    private let strings: Range<Int>

    /// nil: it is no table, or none that this version knows.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerSize, unsafe bytes.loadUnaligned(as: UInt16.self) == Self.magic,
            unsafe bytes[2] == 1
        else { return nil }
        unsafe self.bytes = bytes
        func word(_ offset: Int) -> Int {
            Int(unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let start = word(4)
        types = start + word(8)..<start + word(8) + word(12)
        strings = start + word(16)..<start + word(16) + word(20)
        guard types.upperBound <= bytes.count, strings.upperBound <= bytes.count,
            !strings.isEmpty, unsafe bytes[strings.upperBound - 1] == 0
        else { return nil }
    }

    func word(_ offset: Int) -> UInt32 { unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }

    /// The name at an offset of the strings, without its NUL.
    func name(at offset: Int) -> UnsafeRawBufferPointer {
        var end = strings.lowerBound + offset
        guard offset < strings.count else { return unsafe UnsafeRawBufferPointer(rebasing: bytes[..<0]) }
        let start = end
        // The last byte is NUL.
        while unsafe bytes[end] != 0 { end += 1 }
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// Goes over all types in their order: the first is number 1. False: something stands there that is none.
    func forEach(_ body: (_ number: Int, _ entry: Entry) -> Void) -> Bool {
        var offset = types.lowerBound
        var number = 1
        while offset + 12 <= types.upperBound {
            let information = word(offset + 4)
            guard let kind = Kind(rawValue: information >> 24 & 0x1f) else { return false }
            let entry = Entry(
                offset: offset, kind: kind, count: Int(information & 0xffff), name: Int(word(offset)))
            guard offset + entry.size <= types.upperBound else { return false }
            body(number, entry)
            offset += entry.size
            number += 1
        }
        return offset == types.upperBound
    }
}

extension TypeTable {
    /// A set of names that most others are told from without a look at the names: a filter by a hash.
    struct Names {
        private var names: Set<[UInt8]> = []
        private var filter = [UInt64](repeating: 0, count: 1 << 8)

        mutating func insert(_ name: [UInt8]) {
            guard names.insert(name).inserted else { return }
            let place = unsafe name.withUnsafeBytes { unsafe Self.place($0) }
            filter[place >> 6] |= 1 << UInt64(place & 63)
        }

        func contains(_ name: UnsafeRawBufferPointer) -> Bool {
            let place = unsafe Self.place(name)
            guard filter[place >> 6] >> UInt64(place & 63) & 1 == 1 else { return false }
            return unsafe names.contains(Array(name))
        }

        private static func place(_ name: UnsafeRawBufferPointer) -> Int {
            var hash: UInt32 = 0x811c_9dc5
            for place in 0..<name.count {
                let byte = unsafe name[place]
                hash = (hash ^ UInt32(byte)) &* 0x0100_0193
            }
            return Int(hash >> 16 ^ hash) & (1 << 14 - 1)
        }
    }
}
