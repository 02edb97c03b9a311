internal import Policy

/// A line of the log as a value; nothing of it is believed but that it is JSON.
struct EventFields {
    private let value: JSON

    /// What a line can hold is small; more is not an event.
    private static let limits = JSON.Limits(depth: 8, values: 512)

    /// nil: it is no object.
    init?(_ line: [UInt8]) {
        guard line.count <= AuditEncoder.lineLimit, let value = try? JSON(parsing: line, limits: Self.limits),
            value.members != nil
        else { return nil }
        self.value = value
    }

    /// The text at a path; numbers are text, too.
    subscript(_ path: String...) -> String? { Self.text(member(path)) }

    /// Texts in a list.
    func list(_ path: String...) -> [String] { member(path)?.items?.compactMap { Self.text($0) } ?? [] }

    func number(_ path: String...) -> Int? { member(path)?.intValue }

    var json: JSON { value }

    private func member(_ path: [String]) -> JSON? {
        path.reduce(value) { value, key in value?[key] }
    }

    private static func text(_ value: JSON?) -> String? {
        switch value {
        case .string(let text): text
        case .int(let number): String(number)
        // What is beyond 63 bits.
        case .double(let number) where number >= 0 && number < 0x1p64: String(UInt64(number))
        default: nil
        }
    }
}
