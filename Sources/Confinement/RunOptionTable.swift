/// One option of `swguard run`.
public struct RunOption: Sendable {
    /// What a value stands for, or that there is none.
    public enum Arity: Hashable, Sendable {
        case flag
        /// Takes a value, which help calls by this name. Given twice, the last counts.
        case value(String)
        /// Takes a value and may be given again.
        case repeated(String)
    }

    /// `--keep-fd`.
    public let name: String
    /// `-v`.
    public let short: Unicode.Scalar?
    public let arity: Arity
    /// One line for the help.
    public let help: String
    private let effect: Effect

    /// What an option does. Values, not closures: the compiler lays the table out, and no start builds it.
    private enum Effect {
        case policy, rule(RunOptions.CommandLineRule.Kind), keepDescriptor, audit, backend
        case bare, printPolicy, strict, allowPartial, explain, complain, execOnly, verbose
    }

    /// Every option, in the order of the help.
    ///
    /// This table is all that the scanner knows; the argument parser's declaration, which serves help, manual and
    /// completions, is checked against it.
    public static let all: [RunOption] = [
        .init(
            "policy", .repeated("P"), .policy,
            "a policy: a file, '-', or a name on the policy path; each is a layer"),
        .init("read", .repeated("P"), .rule(.read), "let the command read P and everything beneath it"),
        .init(
            "exec", .repeated("P"), .rule(.exec), "let it read, execute and map P and everything beneath it"),
        .init(
            "write", .repeated("P"), .rule(.write),
            "let it read, write, create, remove and link beneath P, and change attributes"),
        .init("deny-read", .repeated("P"), .rule(.denyRead), "deny reading P and everything beneath it"),
        .init("deny", .repeated("P"), .rule(.deny), "deny every access to P and everything beneath it"),
        .init("connect", .repeated("E"), .rule(.connect), "let it connect to endpoint E, such as tcp:*:443"),
        .init("bind", .repeated("E"), .rule(.bind), "let it bind to and listen on endpoint E"),
        .init("no-network", .flag, .rule(.noNetwork), "no sockets but unix ones, and these to nowhere"),
        .init(
            "allow-syscall", .repeated("S"), .rule(.allowSyscall), "let it make the system call or @group S"),
        .init("deny-syscall", .repeated("S"), .rule(.denySyscall), "deny the system call or @group S"),
        .init("bare", .flag, .bare, "leave out base/runtime, base/terminal and base/temp"),
        .init(
            "print-policy", .flag, .printPolicy,
            "print the policy that the options stand for, and run nothing"),
        .init("backend", .value("B"), .backend, "auto, landlock or lsm: what enforces"),
        .init(
            "strict", .flag, .strict,
            "refuse to run where anything is enforced less or otherwise than written"),
        .init("allow-partial", .flag, .allowPartial, "run even where more is granted than written"),
        .init("keep-fd", .repeated("N"), .keepDescriptor, "leave descriptor N open in the command"),
        .init("audit", .value("WHERE"), .audit, "write events as JSON lines to a file, '-' or fd:N"),
        .init("explain", .flag, .explain, "report what Landlock denies, too (slower)"),
        .init("complain", .flag, .complain, "observe and report, deny nothing"),
        .init("exec-only", .flag, .execOnly, "become the command: no supervisor, no reports"),
        .init("verbose", short: "v", .flag, .verbose, "say what is enforced"),
    ]

    private init(
        _ name: String, short: Unicode.Scalar? = nil, _ arity: Arity, _ effect: Effect, _ help: String
    ) {
        self.name = name
        self.short = short
        self.arity = arity
        self.effect = effect
        self.help = help
    }

    /// Puts the value into the options; false if the value is not one of this option's. Flags get an empty value.
    func apply(_ value: RunOptions.Value, _ options: inout RunOptions) -> Bool {
        switch effect {
        case .policy: options.policies.append(value)
        case .rule(let kind): options.rules.append(.init(kind, value))
        case .keepDescriptor:
            guard let number = Self.descriptor(value.text) else { return false }
            options.keptDescriptors.append(number)
        case .audit:
            guard let target = Self.auditTarget(value) else { return false }
            options.audit = target
        case .backend:
            guard let backend = RunOptions.Backend(rawValue: value.text) else { return false }
            options.backend = backend
        case .bare: options.isBare = true
        case .printPolicy: options.printsPolicy = true
        case .strict: options.isStrict = true
        case .allowPartial: options.allowsPartial = true
        case .explain: options.explains = true
        case .complain: options.complains = true
        case .execOnly: options.isExecOnly = true
        case .verbose: options.isVerbose = true
        }
        return true
    }

    /// A descriptor that can be kept or written to: 0 and up. 0 to 2 are kept anyway.
    public static func descriptor(_ text: String) -> Int32? {
        guard let number = Int32(text), number >= 0 else { return nil }
        return number
    }

    /// `-`, `fd:N` or a path.
    public static func auditTarget(_ value: RunOptions.Value) -> RunOptions.AuditTarget? {
        if value.bytes.isEmpty { return nil }
        if value.bytes == Array("-".utf8) { return .standardOutput }
        let prefix = Array("fd:".utf8)
        guard value.bytes.starts(with: prefix) else { return .file(value.bytes) }
        return descriptor(String(decoding: value.bytes.dropFirst(prefix.count), as: UTF8.self))
            .map { .descriptor($0) }
    }
}

extension RunOptions.Value {
    /// The value as text; bytes that are not UTF-8 are replaced.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
