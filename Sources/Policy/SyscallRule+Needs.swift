extension Policy {
    /// Warnings about rules that deny, by name and whatever the arguments, what is allowed without any rule: a deny
    /// holds all the same, and commands need these calls to start, run and end.
    public func deniedNeeds(vocabulary: SyscallVocabulary) -> [Diagnostic] {
        var warnings: [Diagnostic] = []
        for rule in syscalls?.rules ?? [] where rule.header.verdict == .deny && rule.conditions.isEmpty {
            for selector in rule.selectors {
                let name: String
                switch selector.value {
                case .name(let word), .optionalName(let word): name = word
                case .group, .all: continue
                }
                guard vocabulary.alwaysAllowed.contains(name) else { continue }
                warnings.append(
                    Diagnostic(
                        "'\(name)' is denied, which every command may need", at: selector.location,
                        severity: .warning, hint: "it is allowed where no rule denies it: leave it out"))
            }
        }
        return warnings
    }
}
