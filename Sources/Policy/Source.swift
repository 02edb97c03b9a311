/// A place in a policy's text: what every diagnostic, rule and event points to.
///
/// Lines and columns count from 1; columns count code points.
public struct SourceLocation: Hashable, Sendable {
    /// The file as the user named it (`policies/web.yaml`), `-` for standard input, `command-line` for
    /// rules given as options.
    public var file: String
    /// The line, from 1. On the command line, the argument's number.
    public var line: Int
    /// The column, from 1, in code points.
    public var column: Int
    /// How many code points are meant, at least 1.
    public var length: Int

    /// A place of `length` code points in `file`.
    public init(file: String, line: Int, column: Int = 1, length: Int = 1) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
    }

    /// `file:line`, as events and explanations write it.
    public var fileAndLine: String { "\(file):\(line)" }
}

/// A value with the place it was written at.
public struct Located<Value: Sendable>: Sendable {
    /// The value.
    public var value: Value
    /// Where it stands.
    public var location: SourceLocation

    /// `value`, which stands at `location`.
    public init(_ value: Value, at location: SourceLocation) {
        self.value = value
        self.location = location
    }
}

extension Located: Equatable where Value: Equatable {}
extension Located: Hashable where Value: Hashable {}
