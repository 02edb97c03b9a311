/// Why one text of a policy (a pattern, an endpoint, a condition) is not accepted, and where in it.
public struct PolicyTextError: Error, Hashable, Sendable {
    /// The first byte that is meant, from the start of the text.
    public var offset: Int
    /// How many bytes are meant.
    public var length: Int
    /// What was found.
    public var text: String
    /// What would be right.
    public var hint: String?

    public init(_ text: String, at offset: Int, length: Int = 1, hint: String? = nil) {
        self.offset = offset
        self.length = length
        self.text = text
        self.hint = hint
    }
}
