public import Policy

/// The `syscalls` section of a policy as settings of a systemd service (systemd.exec(5)).
///
/// A filter cannot be put on a process from outside; the service manager sets one before it executes the service. What it
/// cannot express is found, rule by rule; it never grants what the policy denies without a finding that says so.
public struct SystemdFilter: Sendable {
    /// Lines for `[Service]`.
    public private(set) var settings: [String] = []
    public private(set) var findings: [Coverage.Finding] = []

    /// What comes of one system call.
    private enum Outcome: Hashable {
        case allowed
        case denied(SyscallAction)
    }

    /// - Parameter section: the section of a policy in `mode`.
    public init(_ section: SyscallsSection, mode: Policy.Mode) {
        let names = Self.names(of: section)
        let places = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        var rulesOfCall: [[SyscallRule]] = Array(repeating: [], count: names.count)
        for rule in section.rules {
            for index in SyscallLowering.indices(of: rule, in: places, count: names.count) {
                rulesOfCall[index].append(rule)
            }
        }
        let always = Set(SyscallTable.alwaysAllowed)
        var allowed: [String] = []
        var denied: [(name: String, action: SyscallAction)] = []
        var leftOut: [RuleHeader: (denies: [String], allows: [String])] = [:]
        for (name, rules) in zip(names, rulesOfCall) {
            let isAllowed = section.defaultVerdict == .allow || always.contains(name)
            switch Self.outcome(of: rules, isAllowed: isAllowed, name: name, leftOut: &leftOut) {
            case .allowed: allowed.append(name)
            case .denied(let action): denied.append((name, action))
            }
        }
        for rule in section.rules {
            if let names = leftOut[rule.header] { find(rule, names.denies, names.allows) }
        }

        for fault in section.architectureFaults {
            findings.append(
                Coverage.Finding(
                    .impossible, section: "syscalls", subject: "syscalls.architectures",
                    location: fault.location,
                    text: fault.value))
        }

        set("SystemCallArchitectures", to: Self.architectures(of: section))
        switch (mode, section.defaultVerdict) {
        case (.enforce, .deny):
            settings.append("SystemCallErrorNumber=EPERM")
            // What the unit says itself would be merged in, and could grant more.
            settings.append("SystemCallFilter=")
            // The first list says of which kind the filter is, even where nothing is allowed. systemd puts its own @default
            // into a list of what is allowed anyhow: what a policy denies of that is taken out again.
            settings.append("SystemCallFilter=@default")
            set("SystemCallFilter", to: allowed)
            set("SystemCallFilter", to: denied.map(\.name).filter { always.contains($0) }, prefix: "~")
            for rule in section.rules where rule.header.verdict == .deny && rule.action != .permissionDenied {
                find(
                    .gap, rule,
                    "is denied with EPERM: a list of what is allowed has one answer for all the rest")
            }
        case (.enforce, .allow):
            guard !denied.isEmpty else { break }
            settings.append("SystemCallFilter=")
            set("SystemCallFilter", to: denied.map { $0.name + ":" + $0.action.systemdText }, prefix: "~")
        case (.complain, .deny): set("SystemCallLog", to: allowed, prefix: "~")
        case (.complain, .allow): set("SystemCallLog", to: denied.map(\.name))
        }
    }

    /// Every name that some listed ABI has.
    private static func names(of section: SyscallsSection) -> [String] {
        section.listedABIs.flatMap { SyscallTable.calls(of: $0).map(\.name) }.sorted().uniqued()
    }

    /// systemd's words for the ABIs (`seccomp_arch_from_string` of its seccomp-util.c).
    private static func architectures(of section: SyscallsSection) -> [String] {
        guard !section.architectures.isEmpty else { return ["native"] }
        return section.listedABIs.map { abi in
            switch abi {
            case .x86_64: "x86-64"
            case .i386: "x86"
            case .x32: "x32"
            case .aarch64: "arm64"
            }
        }
    }

    /// What `rules`, all those about the call `name`, come to where no condition can be tested; the rules that are left
    /// out for their conditions are noted.
    private static func outcome(
        of rules: [SyscallRule], isAllowed: Bool, name: String,
        leftOut: inout [RuleHeader: (denies: [String], allows: [String])]
    ) -> Outcome {
        let denies = rules.filter { $0.header.verdict == .deny }
        if let rule = denies.first(where: \.conditions.isEmpty) { return .denied(rule.action) }
        let allows = rules.filter { $0.header.verdict == .allow }
        if isAllowed || allows.contains(where: \.conditions.isEmpty) {
            for rule in denies { leftOut[rule.header, default: ([], [])].denies.append(name) }
            return .allowed
        }
        for rule in allows { leftOut[rule.header, default: ([], [])].allows.append(name) }
        return .denied(.permissionDenied)
    }

    private mutating func find(_ rule: SyscallRule, _ denies: [String], _ allows: [String]) {
        if !denies.isEmpty {
            find(
                .excess, rule,
                "has conditions, which a unit cannot test: \(Self.list(denies)) would be allowed")
        }
        if !allows.isEmpty {
            find(.narrowed, rule, "has conditions, which a unit cannot test: \(Self.list(allows)) is denied")
        }
    }

    private mutating func find(_ kind: Coverage.Finding.Kind, _ rule: SyscallRule, _ text: String) {
        findings.append(
            Coverage.Finding(
                kind, section: "syscalls", subject: rule.header.id, location: rule.header.location,
                text: "\(rule.header.id) \(text)"))
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    /// Lines of at most about 100 columns: systemd merges them. None for an empty list, which would mean a reset.
    private mutating func set(_ key: String, to words: [String], prefix: String = "") {
        var line = ""
        for word in words {
            if line.utf8.count + word.utf8.count > 100 {
                settings.append(line)
                line = ""
            }
            line += line.isEmpty ? "\(key)=\(prefix)\(word)" : " \(word)"
        }
        if !line.isEmpty { settings.append(line) }
    }
}

extension SyscallAction {
    /// What a rule without `action:` does.
    static let permissionDenied = Self.errno(ErrorNumber.notPermitted)

    /// As behind the colon of a systemd filter's entry: an error's number, or `kill` (since systemd 247).
    fileprivate var systemdText: String {
        switch self {
        case .errno(let code): "\(code)"
        case .kill: "kill"
        }
    }
}
