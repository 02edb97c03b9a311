internal import Policy

extension Coverage: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        rows.encode(to: &writer)
        findings.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(rows: try [Row](from: &reader), findings: try [Finding](from: &reader))
    }
}

extension Coverage.Layer: BinaryCodable {}
extension Coverage.Extent: BinaryCodable {}
extension Coverage.Finding.Kind: BinaryCodable {}
extension Policy.Mode: BinaryCodable {}

extension Coverage.Row: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        section.encode(to: &writer)
        subject.encode(to: &writer)
        location.encode(to: &writer)
        extent.encode(to: &writer)
        layers.encode(to: &writer)
        mechanism.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            section: try String(from: &reader), subject: try String(from: &reader),
            location: try SourceLocation?(from: &reader), extent: try Coverage.Extent(from: &reader),
            layers: try [Coverage.Layer](from: &reader), mechanism: try String(from: &reader))
    }
}

extension Coverage.Finding: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        kind.encode(to: &writer)
        section.encode(to: &writer)
        subject.encode(to: &writer)
        location.encode(to: &writer)
        text.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            try Kind(from: &reader), section: try String(from: &reader), subject: try String(from: &reader),
            location: try SourceLocation?(from: &reader), text: try String(from: &reader))
    }
}

extension DecidingRule: BinaryCodable {
    func encode(to writer: inout BinaryWriter) {
        id.encode(to: &writer)
        location.encode(to: &writer)
        reason.encode(to: &writer)
    }
    init(from reader: inout BinaryReader) throws(BinaryError) {
        self.init(
            id: try String(from: &reader), location: try SourceLocation?(from: &reader),
            reason: try String?(from: &reader))
    }
}
