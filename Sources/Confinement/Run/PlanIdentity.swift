internal import Compiler
internal import Policy

/// What tells the plan of one command line from those of others. The same parts must be added in the same order.
struct PlanIdentity {
    private var text: [UInt8] = []

    /// Each part has its length in front, so that no two lists of parts look alike.
    mutating func add(_ part: [UInt8]) {
        add(UInt64(part.count))
        text += part
    }

    mutating func add(_ part: String?) {
        add(part != nil)
        guard let part else { return }
        add(UInt64(part.utf8.count))
        text += part.utf8
    }

    mutating func add(_ number: UInt64) {
        var rest = number
        for _ in 0..<8 {
            text.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    mutating func add(_ flag: Bool) { text.append(flag ? 1 : 0) }

    /// Why a variable has no value does not matter.
    mutating func add(_ value: PolicyVariables.Value) {
        switch value {
        case .set(let bytes):
            add(true)
            add(bytes)
        case .unset: add(false)
        }
    }

    /// The SHA-256 of it all.
    var hash: [UInt8] { SHA256.hash(text) }
}
