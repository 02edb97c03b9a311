/// Which system calls a rule is about.
public enum SyscallSelector: Hashable, Sendable {
    /// A name, as the kernel calls it.
    case name(String)
    /// `name?`: a name that need not be known.
    case optionalName(String)
    /// `@group`, without the `@`.
    case group(String)
    /// `all`.
    case all
}

/// A condition on one argument: `arg1 & 0xff == 3`.
public struct ArgumentCondition: Hashable, Sendable {
    /// How the argument and the value are compared, unsigned, on the argument's own width.
    public enum Comparison: String, CaseIterable, Hashable, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// Which argument, 0 to 5.
    public var argument: Int
    /// The bits that are looked at; all of them unless written.
    public var mask: UInt64
    /// How to compare.
    public var comparison: Comparison
    /// What to compare with. A negative number is its two's complement.
    public var value: UInt64

    /// A condition on argument `argument`.
    public init(argument: Int, mask: UInt64 = .max, comparison: Comparison, value: UInt64) {
        self.argument = argument
        self.mask = mask
        self.comparison = comparison
        self.value = value
    }

    /// Whether `arguments` meet it. A `width` of 32 compares the low 32 bits alone: the kernel ignores the rest.
    public func holds(for arguments: [UInt64], width: Int) -> Bool {
        let bits: UInt64 = width == 32 ? 0xffff_ffff : .max
        let found = arguments[argument] & mask & bits
        let wanted = value & bits
        return switch comparison {
        case .equal: found == wanted
        case .notEqual: found != wanted
        case .less: found < wanted
        case .lessOrEqual: found <= wanted
        case .greater: found > wanted
        case .greaterOrEqual: found >= wanted
        }
    }
}

/// What happens to a denied system call.
public enum SyscallAction: Hashable, Sendable {
    /// It returns this error.
    case errno(Int32)
    /// The process is killed.
    case kill
}
