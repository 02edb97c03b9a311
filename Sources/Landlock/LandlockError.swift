internal import Glibc

/// A refusal of one of Landlock's system calls.
public struct LandlockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted: `create a Landlock ruleset`.
    public var action: String
    /// The kernel's answer.
    public var code: Int32

    /// `code` in answer to `action`.
    public init(_ action: String, code: Int32) {
        self.action = action
        self.code = code
    }

    /// `cannot create a Landlock ruleset: operation not permitted`.
    public var description: String { "cannot \(action): \(Self.reason(code))" }

    /// What the kernel's answer means to a person.
    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOSYS: "the kernel has no Landlock (CONFIG_SECURITY_LANDLOCK is off)"
        case EOPNOTSUPP: "Landlock is off (it is not among the 'lsm=' of the kernel's command line)"
        case E2BIG: "too many rulesets are stacked (at most 16), or too many rules"
        default: lowercased(unsafe String(cString: strerror(code)))
        }
    }

    /// As it stands behind a colon.
    private static func lowercased(_ text: String) -> String {
        text.prefix(1).lowercased() + text.dropFirst()
    }
}
