internal import AuditLog
private import Glibc
internal import Policy

/// The rules that were given as options, as a policy.
enum CommandLinePolicy {
    static let name = "command-line"
    /// What every dynamic program needs, where file rules are given and no policy.
    static let baseIncludes = ["base/runtime", "base/terminal", "base/temp"]

    /// Why a rule makes no policy: to follow `swguard: `.
    struct Failure: Error {
        var text: String
    }

    /// `policy` with the rules behind its own; its denies still win.
    ///
    /// - Parameter resolve: the path without links; nil: it does not exist, and errno says why.
    static func append(
        _ rules: [RunOptions.CommandLineRule], to policy: Policy, vocabulary: SyscallVocabulary,
        resolve: ([UInt8]) -> [UInt8]? = HostEnvironment.realPath
    ) throws(Failure) -> Policy {
        var policy = policy
        for (index, rule) in rules.enumerated() {
            let location = SourceLocation(file: name, line: rule.value.argument)
            func header(_ verdict: Verdict) -> RuleHeader {
                RuleHeader(id: "arg[\(index)]", verdict: verdict, location: location)
            }
            switch rule.kind {
            case .read, .exec, .write, .deny, .denyRead:
                let (verdict, accesses) = meaning(of: rule.kind)
                let pattern = try pattern(of: rule, resolve)
                open(&policy.files, rules, at: location)
                policy.files?.rules.append(
                    FileRule(
                        header: header(verdict), accesses: accesses,
                        patterns: [Located(pattern, at: location)]))
            case .connect, .bind:
                let endpoints = try endpoints(of: rule)
                open(&policy.network, at: location)
                policy.network?.rules.append(
                    NetworkRule(
                        header: header(.allow),
                        accesses: rule.kind == .connect ? .connect : [.bind, .listen],
                        endpoints: endpoints.map { Located($0, at: location) }))
            case .noNetwork:
                open(&policy.network, at: location)
                let unix = SocketFamily(name: "unix", number: 1)
                let hadUnix = policy.network?.families.contains { $0.value.name == "unix" } ?? true
                policy.network?.families = hadUnix ? [Located(unix, at: location)] : []
            case .allowSyscall, .denySyscall:
                let selector = try selector(of: rule, vocabulary: vocabulary)
                open(&policy.syscalls, rules, at: location)
                policy.syscalls?.rules.append(
                    SyscallRule(
                        header: header(rule.kind == .allowSyscall ? .allow : .deny),
                        selectors: [Located(selector, at: location)], conditions: [],
                        action: .errno(vocabulary.permissionError)))
            }
        }
        return policy
    }

    private static func meaning(of kind: RunOptions.CommandLineRule.Kind) -> (Verdict, FileAccessSet) {
        switch kind {
        case .read: (.allow, .read)
        case .exec: (.allow, [.read, .execute, .map])
        case .write: (.allow, [.read, .write, .create, .remove, .link, .metadata])
        case .denyRead: (.deny, .read)
        default: (.deny, .all)
        }
    }

    // MARK: sections

    /// A section that the options bring: it denies what no rule allows, but where they only deny, it allows the
    /// rest: else nothing could be started at all.
    private static func open(
        _ section: inout FilesSection?, _ rules: [RunOptions.CommandLineRule], at location: SourceLocation
    ) {
        guard section == nil else { return }
        let allows = rules.contains { [.read, .exec, .write].contains($0.kind) }
        section = FilesSection(defaultVerdict: allows ? .deny : .allow, location: location)
    }

    private static func open(
        _ section: inout SyscallsSection?, _ rules: [RunOptions.CommandLineRule], at location: SourceLocation
    ) {
        guard section == nil else { return }
        let allows = rules.contains { $0.kind == .allowSyscall }
        section = SyscallsSection(defaultVerdict: allows ? .deny : .allow, location: location)
    }

    private static func open(_ section: inout NetworkSection?, at location: SourceLocation) {
        guard section == nil else { return }
        section = NetworkSection(
            families: SocketFamily.defaults.map { Located($0, at: location) }, location: location)
    }

    // MARK: values

    /// A path that exists: absolute, links resolved, and no byte of it means anything but itself.
    private static func pattern(
        of rule: RunOptions.CommandLineRule, _ resolve: ([UInt8]) -> [UInt8]?
    ) throws(Failure) -> PathPattern {
        guard let path = resolve(rule.value.bytes) else {
            throw Failure(
                text: "cannot use '--\(rule.kind.rawValue) \(printable(rule))': \(SystemError.text(errno))")
        }
        return PathPattern(subtree: path)
    }

    private static func endpoints(of rule: RunOptions.CommandLineRule) throws(Failure) -> [Endpoint] {
        do throws(PolicyTextError) {
            return try Endpoint.parse(String(decoding: rule.value.bytes, as: UTF8.self))
        } catch {
            let hint = error.hint.map { " (\($0))" } ?? ""
            throw Failure(
                text: "cannot use '--\(rule.kind.rawValue) \(printable(rule))': \(error.text)\(hint)")
        }
    }

    private static func selector(
        of rule: RunOptions.CommandLineRule, vocabulary: SyscallVocabulary
    ) throws(Failure) -> SyscallSelector {
        let text = String(decoding: rule.value.bytes, as: UTF8.self)
        if text.hasPrefix("@"), vocabulary.isGroup(String(text.dropFirst())) {
            return .group(String(text.dropFirst()))
        }
        if vocabulary.isKnown(text) { return .name(text) }
        throw Failure(
            text: "cannot use '--\(rule.kind.rawValue) \(printable(rule))': there is no such system call")
    }

    private static func printable(_ rule: RunOptions.CommandLineRule) -> String {
        AuditText(rule.value.bytes).string
    }
}
