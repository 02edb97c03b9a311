/// A compiled policy in a file: `"SWGPLAN\0"`, then as `SealedFile` says.
public enum PlanFile {
    /// Why bytes are not a plan.
    public enum Failure: Error, Hashable {
        /// They do not begin as a plan file does.
        case notAPlan
        /// Another version of swguard wrote it; this one reads `format`.
        case otherFormat(UInt16)
        /// Cut short, or changed since it was written.
        case damaged

        /// For a person, to follow `cannot read FILE: `.
        public var text: String {
            switch self {
            case .notAPlan: "it is not a compiled policy"
            case .otherFormat(let found):
                "it has format \(found), this swguard reads \(PlanFile.format): compile it again"
            case .damaged: "it is cut short or was changed: compile it again"
            }
        }
    }

    /// The format that this version writes and reads.
    public static let format: UInt16 = 4
    static var magic: String.UTF8View { "SWGPLAN\0".utf8 }

    /// The file that holds `plan`.
    public static func encode(_ plan: Plan) -> [UInt8] {
        var writer = BinaryWriter()
        plan.encode(to: &writer)
        return SealedFile.encode(writer.bytes, magic: magic, format: format)
    }

    /// The plan that `file` holds.
    public static func decode(_ file: [UInt8]) throws(Failure) -> Plan {
        var reader = BinaryReader(try SealedFile.decode(file, magic: magic, format: format))
        guard let plan = try? Plan(from: &reader), reader.isAtEnd else { throw .damaged }
        return plan
    }
}
