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
    public let short: Character?
    public let arity: Arity
    /// One line for the help.
    public let help: String
    /// Puts the value into the options; false if the value is not one of this option's. Flags get an empty value.
    let apply: @Sendable (RunOptions.Value, inout RunOptions) -> Bool

    /// Every option, in the order of the help.
    ///
    /// This table is all that the scanner knows; the argument parser's declaration, which serves help, manual and
    /// completions, is checked against it.
    public static let all: [RunOption] = [
        .repeated("policy", "P", "a policy: a file, '-', or a name on the policy path; each is a layer") {
            $1.policies.append($0)
            return true
        },
        .rule(.read, "P", "let the command read P and everything beneath it"),
        .rule(.exec, "P", "let it read, execute and map P and everything beneath it"),
        .rule(.write, "P", "let it read, write, create, remove and link beneath P, and change attributes"),
        .rule(.denyRead, "P", "deny reading P and everything beneath it"),
        .rule(.deny, "P", "deny every access to P and everything beneath it"),
        .rule(.connect, "E", "let it connect to endpoint E, such as tcp:*:443"),
        .rule(.bind, "E", "let it bind to and listen on endpoint E"),
        .flag("no-network", "no sockets but unix ones, and these to nowhere") {
            $1.rules.append(.init(.noNetwork, $0))
        },
        .rule(.allowSyscall, "S", "let it make the system call or @group S"),
        .rule(.denySyscall, "S", "deny the system call or @group S"),
        .flag("bare", "leave out base/runtime, base/terminal and base/temp") { $1.isBare = true },
        .flag("print-policy", "print the policy that the options stand for, and run nothing") {
            $1.printsPolicy = true
        },
        .value("backend", "B", "auto, landlock or lsm: what enforces") { value, options in
            guard let backend = RunOptions.Backend(rawValue: value.text) else { return false }
            options.backend = backend
            return true
        },
        .flag("strict", "refuse to run where anything is enforced less or otherwise than written") {
            $1.isStrict = true
        },
        .flag("allow-partial", "run even where more is granted than written") { $1.allowsPartial = true },
        .repeated("keep-fd", "N", "leave descriptor N open in the command") { value, options in
            guard let number = Self.descriptor(value.text) else { return false }
            options.keptDescriptors.append(number)
            return true
        },
        .value("audit", "WHERE", "write events as JSON lines to a file, '-' or fd:N") { value, options in
            guard let target = Self.auditTarget(value) else { return false }
            options.audit = target
            return true
        },
        .flag("explain", "report what Landlock denies, too (slower)") { $1.explains = true },
        .flag("complain", "observe and report, deny nothing") { $1.complains = true },
        .flag("exec-only", "become the command: no supervisor, no reports") { $1.isExecOnly = true },
        .flag("verbose", short: "v", "say what is enforced") { $1.isVerbose = true },
    ]

    private static func flag(
        _ name: String, short: Character? = nil, _ help: String,
        apply: @escaping @Sendable (RunOptions.Value, inout RunOptions) -> Void
    ) -> Self {
        Self(name: name, short: short, arity: .flag, help: help) {
            apply($0, &$1)
            return true
        }
    }

    private static func value(
        _ name: String, _ placeholder: String, _ help: String,
        apply: @escaping @Sendable (RunOptions.Value, inout RunOptions) -> Bool
    ) -> Self {
        Self(name: name, short: nil, arity: .value(placeholder), help: help, apply: apply)
    }

    private static func repeated(
        _ name: String, _ placeholder: String, _ help: String,
        apply: @escaping @Sendable (RunOptions.Value, inout RunOptions) -> Bool
    ) -> Self {
        Self(name: name, short: nil, arity: .repeated(placeholder), help: help, apply: apply)
    }

    private static func rule(_ kind: RunOptions.CommandLineRule.Kind, _ placeholder: String, _ help: String)
        -> Self
    {
        .repeated(kind.rawValue, placeholder, help) {
            $1.rules.append(.init(kind, $0))
            return true
        }
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
