public import Policy

/// What the `files` section of a policy says of one path: for each access the verdict and what decided it.
public struct FileVerdict: Hashable, Sendable {
    /// In place of a rule: the section's default decided.
    public static let sectionDefault = UInt32.max
    /// In place of a rule: the policy has no `files` section.
    public static let notMediated = UInt32.max - 1

    /// The accesses that are granted.
    public var granted: FileAccessSet
    /// The accesses whose decision is to be reported, granted or not.
    public var reported: FileAccessSet
    /// The marks of the path (`FileMark`).
    public var marks: UInt32
    /// The rule that decided each access, in the order of `FileAccess`: an index of `FileAutomaton.rules`, or
    /// one of the numbers above.
    public var rules: [UInt32]

    public init(granted: FileAccessSet, reported: FileAccessSet, marks: UInt32, rules: [UInt32]) {
        self.granted = granted
        self.reported = reported
        self.marks = marks
        self.rules = rules
    }

    /// What decided `access`.
    public func rule(of access: FileAccess) -> UInt32 { rules[Int(access.rawValue)] }
}

/// Bits that every path has that one of the patterns matches, whatever the policy's rules say of it.
///
/// Several marks may have a bit in common. This is how the agent's own sets of paths (the files through which
/// the kernel is told of a program to start) come out of the same walk.
public struct FileMark: Hashable, Sendable {
    public var bits: UInt32
    public var patterns: [PathPattern]

    public init(bits: UInt32, patterns: [PathPattern]) {
        self.bits = bits
        self.patterns = patterns
    }
}
