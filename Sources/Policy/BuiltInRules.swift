/// The names by which decisions call what is no rule of a policy: a rule that had one of them could not be told from it.
enum BuiltInRules {
    /// The language's own, then what sections say beside their rules.
    static let ids = [
        "unresolved", "no-gain", "identity", "self", "abi", "files.default", "network.default",
        "network.families",
        "capabilities.default", "capabilities.allow", "capabilities.deny", "operations.default",
        "operations.allow", "operations.deny", "syscalls.default", "syscalls.always", "syscalls.unknown",
        "syscalls.architectures",
    ]
}
