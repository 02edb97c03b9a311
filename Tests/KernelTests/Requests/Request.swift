import Testing

/// One call of a program, and what policies make of it: a row of the tables of hook families.
struct Request: Sendable, CustomTestStringConvertible {
    let name: String
    /// What `Tests/attacks` is called with; `RequestStage` fills in the words in capitals.
    let call: [String]
    /// Sections of a policy that grant it.
    let granting: String
    /// Sections of policies that do not, each with the rule that its event names.
    let denying: [Denial]
    /// The event's action.
    let action: String
    /// What the caller gets where it is denied.
    let errno: Int32
    /// What the caller gets where it is not: an errno of a later check, or 0.
    let otherwise: Int32

    struct Denial: Sendable {
        let sections: String
        let rule: String
    }

    var testDescription: String { name }

    static let all = operations + endpoints + families + capabilities

    /// The sections of every policy that the rows need.
    static let policies = Set(all.flatMap { [$0.granting] + $0.denying.map(\.sections) }).sorted()
}
