internal import Landlock
internal import Policy

extension FileRights: BinaryCodable {}
extension NetworkRights: BinaryCodable {}
extension Scopes: BinaryCodable {}

extension SourceLocation: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        file.encode(to: &writer)
        line.encode(to: &writer)
        column.encode(to: &writer)
        length.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            file: try String(from: &reader), line: try Int(from: &reader), column: try Int(from: &reader),
            length: try Int(from: &reader))
    }
}

extension PathPattern: BinaryCodable {
    func encode(to writer: inout BinaryWriter) { tokens.encode(to: &writer) }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(tokens: try [Token](from: &reader))
    }
}

extension PathPattern.Token: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        switch self {
        case .byte(let byte):
            writer.write(0)
            writer.write(byte)
        case .anyByte: writer.write(1)
        case .set(let set):
            writer.write(2)
            let members = (0...255).map { UInt8($0) }.filter { set.contains($0) }
            BinaryBytes(members).encode(to: &writer)
        case .star: writer.write(3)
        case .anything: writer.write(4)
        case .subtree: writer.write(5)
        }
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        switch try reader.readByte() {
        case 0: self = .byte(try reader.readByte())
        case 1: self = .anyByte
        case 2:
            var set = ByteSet()
            for member in try BinaryBytes(from: &reader).bytes { set.insert(member) }
            self = .set(set)
        case 3: self = .star
        case 4: self = .anything
        case 5: self = .subtree
        default: throw reader.error
        }
    }
}

extension LandlockRecipe: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        fileRights.encode(to: &writer)
        networkRights.encode(to: &writer)
        scopes.encode(to: &writer)
        grants.encode(to: &writer)
        processGrants.encode(to: &writer)
        carvings.encode(to: &writer)
        denies.encode(to: &writer)
        ports.encode(to: &writer)
        origins.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init()
        fileRights = try FileRights(from: &reader)
        networkRights = try NetworkRights(from: &reader)
        scopes = try Scopes(from: &reader)
        grants = try [Grant](from: &reader)
        processGrants = try [Grant](from: &reader)
        carvings = try [Carving](from: &reader)
        denies = try [WalkPattern](from: &reader)
        ports = try [PortGrant](from: &reader)
        origins = try [Origin](from: &reader)
        // What a grant points to must exist: the rest of the program does not look again.
        let indices =
            (grants + processGrants).map(\.origin) + (carvings.flatMap(\.allows) + denies).map(\.origin)
        guard indices.allSatisfy(origins.indices.contains) else { throw reader.error }
    }
}

extension LandlockRecipe.Grant: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        BinaryBytes(path).encode(to: &writer)
        rights.encode(to: &writer)
        isSubtree.encode(to: &writer)
        origin.encode(to: &writer)
        hasOtherSpelling.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            path: try BinaryBytes(from: &reader).bytes, rights: try FileRights(from: &reader),
            isSubtree: try Bool(from: &reader), origin: try Int(from: &reader),
            hasOtherSpelling: try Bool(from: &reader))
    }
}

extension LandlockRecipe.WalkPattern: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        pattern.encode(to: &writer)
        rights.encode(to: &writer)
        origin.encode(to: &writer)
        isAnyDepth.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            pattern: try PathPattern(from: &reader), rights: try FileRights(from: &reader),
            origin: try Int(from: &reader), isAnyDepth: try Bool(from: &reader))
    }
}

extension LandlockRecipe.Carving: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        BinaryBytes(root).encode(to: &writer)
        allows.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            root: try BinaryBytes(from: &reader).bytes,
            allows: try [LandlockRecipe.WalkPattern](from: &reader))
    }
}

extension LandlockRecipe.PortGrant: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        port.encode(to: &writer)
        rights.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(port: try UInt16(from: &reader), rights: try NetworkRights(from: &reader))
    }
}

extension LandlockRecipe.Origin: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        section.encode(to: &writer)
        subject.encode(to: &writer)
        location.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            section: try String(from: &reader), subject: try String(from: &reader),
            location: try SourceLocation?(from: &reader))
    }
}
