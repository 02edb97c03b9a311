public import ArgumentParser
internal import Confinement

/// `swguard run` as help, man pages and completions show it.
///
/// Arguments are read by `RunScanner`, without a start of the argument parser; both must accept the same. Names,
/// placeholders and help come from the scanner's table.
public struct RunCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run one command confined, without privilege.",
        usage: "swguard run [--policy P]... [rules] [options] -- COMMAND [ARG...]",
        discussion: """
            Each --policy is a layer; all must grant. Rules on the command line are one policy named \
            'command-line'; with one --policy they are appended to it, and its denies still win. Without --policy, \
            file rules bring what every program needs (base/runtime, base/terminal, base/temp), unless --bare.

            One line is a whole policy:
            swguard run --exec /usr --read /etc --write . --no-network -- make

            Exit status: the command's own; 128+N if signal N ended it; 127 not found; 126 found but not \
            executable; 125 swguard itself failed, usage included, and then the command was never started.
            """)

    @Option(help: help("policy"), completion: .file())
    var policy: [String] = []

    @OptionGroup(title: "Rules")
    var rules: RunRules

    @Flag(help: help("bare"))
    var bare = false
    @Flag(help: help("print-policy"))
    var printPolicy = false
    @Option(
        help: help("backend"), completion: .list(RunOptions.Backend.allCases.map(\.rawValue)),
        transform: { try Self.value(RunOptions.Backend(rawValue: $0), $0) })
    var backend: RunOptions.Backend = .auto
    @Flag(help: help("strict"))
    var strict = false
    @Flag(help: help("allow-partial"))
    var allowPartial = false
    @Option(help: help("keep-fd"), transform: { try Self.value(RunOption.descriptor($0), $0) })
    var keepFd: [Int32] = []
    @Option(
        help: help("audit"), completion: .file(),
        transform: { try Self.value(RunOption.auditTarget(.init(Array($0.utf8), argument: 0)), $0) })
    var audit: RunOptions.AuditTarget?
    @Flag(help: help("explain"))
    var explain = false
    @Flag(help: help("complain"))
    var complain = false
    @Flag(help: help("exec-only"))
    var execOnly = false
    @Flag(name: .shortAndLong, help: help("verbose"))
    var verbose = false

    @Argument(parsing: .postTerminator, help: "The command and its arguments.", completion: .default)
    var command: [String] = []

    public init() {}

    public mutating func validate() throws {
        if command.isEmpty, !printPolicy {
            throw ValidationError("no command to run: write '-- COMMAND [ARG…]' at the end")
        }
    }

    /// Never called with arguments that the scanner accepts: those are run before the argument parser starts.
    public func run() throws { throw ValidationError("these arguments cannot be read") }

    /// What an option's help says, from the scanner's table.
    static func help(_ name: String) -> ArgumentHelp {
        guard let option = RunOption.all.first(where: { $0.name == name }) else { return "" }
        switch option.arity {
        case .flag: return ArgumentHelp(option.help)
        case .value(let placeholder), .repeated(let placeholder):
            return ArgumentHelp(option.help, valueName: placeholder)
        }
    }

    private static func value<Value>(_ value: Value?, _ text: String) throws -> Value {
        guard let value else { throw ValidationError("it cannot be '\(text)'") }
        return value
    }
}

/// The rules that can be given as options.
struct RunRules: ParsableArguments {
    @Option(help: RunCommand.help("read"), completion: .file())
    var read: [String] = []
    @Option(help: RunCommand.help("exec"), completion: .file())
    var exec: [String] = []
    @Option(help: RunCommand.help("write"), completion: .file())
    var write: [String] = []
    @Option(help: RunCommand.help("deny-read"), completion: .file())
    var denyRead: [String] = []
    @Option(help: RunCommand.help("deny"), completion: .file())
    var deny: [String] = []
    @Option(help: RunCommand.help("connect"))
    var connect: [String] = []
    @Option(help: RunCommand.help("bind"))
    var bind: [String] = []
    @Flag(help: RunCommand.help("no-network"))
    var noNetwork = false
    @Option(help: RunCommand.help("allow-syscall"))
    var allowSyscall: [String] = []
    @Option(help: RunCommand.help("deny-syscall"))
    var denySyscall: [String] = []
}

extension RunCommand {
    /// What was asked for, as the scanner says it. The argument parser does not tell in which order different options
    /// stood: rules come by kind, and no value has its place.
    var options: RunOptions {
        func values(_ texts: [String]) -> [RunOptions.Value] {
            texts.map { RunOptions.Value(Array($0.utf8), argument: 0) }
        }
        var options = RunOptions()
        options.policies = values(policy)
        let given: [(RunOptions.CommandLineRule.Kind, [String])] = [
            (.read, rules.read), (.exec, rules.exec), (.write, rules.write), (.denyRead, rules.denyRead),
            (.deny, rules.deny), (.connect, rules.connect), (.bind, rules.bind),
            (.noNetwork, rules.noNetwork ? [""] : []), (.allowSyscall, rules.allowSyscall),
            (.denySyscall, rules.denySyscall),
        ]
        options.rules = given.flatMap { kind, texts in
            values(texts).map { RunOptions.CommandLineRule(kind, $0) }
        }
        options.backend = backend
        options.isStrict = strict
        options.allowsPartial = allowPartial
        options.keptDescriptors = keepFd
        options.audit = audit
        options.explains = explain
        options.complains = complain
        options.isExecOnly = execOnly
        options.isBare = bare
        options.printsPolicy = printPolicy
        options.isVerbose = verbose
        options.command = command.map { Array($0.utf8) }
        return options
    }
}
