/// A value that a plan file can hold: little endian, no padding, lengths before contents.
///
/// Written by hand for each type, since starting a command decodes one of these each time.
protocol BinaryCodable {
    func encode(to writer: inout BinaryWriter)
    init(from reader: inout BinaryReader) throws(BinaryError)
}

/// A plan file's contents that do not decode: cut short, or with a value that does not exist.
struct BinaryError: Error, Equatable {
    /// Where, in bytes from the start of what is decoded.
    var offset: Int
}

/// The bytes of a value being encoded.
struct BinaryWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ byte: UInt8) { bytes.append(byte) }

    mutating func write(contentsOf other: some Sequence<UInt8>) { bytes.append(contentsOf: other) }

    /// A count or an index: seven bits a byte, the lowest first.
    mutating func write(count: Int) { write(compact: UInt64(count)) }

    mutating func write(compact value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// The bytes of a value being decoded.
struct BinaryReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var offset: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    var isAtEnd: Bool { offset == bytes.endIndex }

    var error: BinaryError { BinaryError(offset: offset - bytes.startIndex) }

    mutating func readByte() throws(BinaryError) -> UInt8 {
        guard offset < bytes.endIndex else { throw error }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func read(count: Int) throws(BinaryError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - offset else { throw error }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    mutating func readCompact() throws(BinaryError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            guard shift < 63 || byte <= 1 else { throw error }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
            guard shift <= 63 else { throw error }
        }
    }

    /// A count of elements of at least one byte each: never more than there are bytes left.
    mutating func readCount() throws(BinaryError) -> Int {
        let value = try readCompact()
        guard value <= UInt64(bytes.endIndex - offset) else { throw error }
        return Int(value)
    }
}

extension UInt64: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { writer.write(compact: self) }
    init(from reader: inout BinaryReader) throws(BinaryError) { self = try reader.readCompact() }
}

extension UInt32: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { writer.write(compact: UInt64(self)) }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        guard let value = Self(exactly: try reader.readCompact()) else { throw reader.error }
        self = value
    }
}

extension UInt16: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { writer.write(compact: UInt64(self)) }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        guard let value = Self(exactly: try reader.readCompact()) else { throw reader.error }
        self = value
    }
}

extension UInt8: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { writer.write(self) }
    init(from reader: inout BinaryReader) throws(BinaryError) { self = try reader.readByte() }
}

extension Int: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        writer.write(compact: UInt64(bitPattern: Int64(self << 1 ^ self >> 63)))
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        let folded = try reader.readCompact()
        self = Int(truncatingIfNeeded: folded >> 1) ^ -Int(truncatingIfNeeded: folded & 1)
    }
}

extension Int32: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { Int(self).encode(to: &writer) }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        guard let value = Self(exactly: try Int(from: &reader)) else { throw reader.error }
        self = value
    }
}

extension Bool: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { writer.write(self ? 1 : 0) }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        let byte = try reader.readByte()
        guard byte <= 1 else { throw reader.error }
        self = byte == 1
    }
}

extension String: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        writer.write(count: utf8.count)
        writer.write(contentsOf: utf8)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        let count = try reader.readCount()
        self = String(decoding: try reader.read(count: count), as: UTF8.self)
    }
}

/// Bytes, as one piece. (An array of them would be taken apart byte by byte.)
struct BinaryBytes: BinaryCodable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func encode(to writer: inout BinaryWriter) {
        writer.write(count: bytes.count)
        writer.write(contentsOf: bytes)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        let count = try reader.readCount()
        bytes = Array(try reader.read(count: count))
    }
}

extension Array: BinaryCodable where Element: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        writer.write(count: count)
        for element in self { element.encode(to: &writer) }
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        let count = try reader.readCount()
        self = []
        // Not even the type of the storage is needed then.
        if count == 0 { return }
        reserveCapacity(count)
        for _ in 0..<count { append(try Element(from: &reader)) }
    }
}

extension Optional: BinaryCodable where Wrapped: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        (self != nil).encode(to: &writer)
        self?.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self = try Bool(from: &reader) ? try Wrapped(from: &reader) : nil
    }
}

extension BinaryCodable where Self: RawRepresentable, RawValue: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { rawValue.encode(to: &writer) }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        guard let value = Self(rawValue: try RawValue(from: &reader)) else { throw reader.error }
        self = value
    }
}
