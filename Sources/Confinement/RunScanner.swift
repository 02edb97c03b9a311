private import AuditLog
private import Policy

/// Reads the arguments of `swguard run`.
///
/// It accepts exactly what the argument parser accepts with the declarations of `RunOption.all` and the command behind
/// `--`: `--name value`, `--name=value`, flags; a value that begins with `-` only behind `=`, but for `-` itself.
public enum RunScanner {
    /// Why the arguments are not accepted.
    public struct UsageError: Error, Hashable, Sendable {
        /// Lower case, no full stop; to follow `swguard: `. Fit for a terminal.
        public var text: String
    }

    /// The options that `arguments`, everything behind `run`, ask for; nil: the help is asked for, or the version.
    public static func scan(_ arguments: [[UInt8]]) throws(UsageError) -> RunOptions? {
        do throws(UsageError) {
            return try options(in: arguments)
        } catch {
            // Whoever asks for help gets it, whatever else is wrong.
            if asksForHelp(arguments) { return nil }
            throw error
        }
    }

    private static func options(in arguments: [[UInt8]]) throws(UsageError) -> RunOptions? {
        var options = RunOptions()
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            let number = index + 1
            index += 1
            if isTerminator(argument) {
                options.command = Array(arguments[index...])
                break
            }
            if isHelp(argument) { return nil }
            if let letters = shortFlags(argument) {
                for letter in letters {
                    guard let option = letter else { return nil }
                    _ = RunOption.all[option].apply(.init([], argument: number), &options)
                }
                continue
            }
            let (name, attached) = split(argument)
            guard let place = option(named: name) else { throw unknown(argument) }
            let option = RunOption.all[place]
            switch (option.arity, attached) {
            case (.flag, nil): _ = option.apply(.init([], argument: number), &options)
            case (.flag, .some): throw UsageError(text: "--\(option.name) takes no value")
            case (_, let attached?):
                try apply(option, .init(attached, argument: number), to: &options)
            case (_, nil):
                guard index < arguments.count, isValue(arguments[index]) else {
                    throw UsageError(text: "--\(option.name) needs a value")
                }
                try apply(option, .init(arguments[index], argument: number), to: &options)
                index += 1
            }
        }
        if options.command.isEmpty, !options.printsPolicy {
            throw UsageError(text: "no command to run: write '-- COMMAND [ARG…]' at the end")
        }
        return options
    }

    private static func asksForHelp(_ arguments: [[UInt8]]) -> Bool {
        arguments.prefix { !isTerminator($0) }.contains { argument in
            isHelp(argument) || (shortFlags(argument) ?? []).contains { $0 == nil }
        }
    }

    private static func isTerminator(_ argument: [UInt8]) -> Bool { argument.elementsEqual("--".utf8) }
    private static func isHelp(_ argument: [UInt8]) -> Bool {
        argument.elementsEqual("--help".utf8) || argument.elementsEqual("--help-hidden".utf8)
            || argument.elementsEqual("--version".utf8)
    }
    private static var dash: UInt8 { UInt8(ascii: "-") }

    private static func apply(
        _ option: RunOption, _ value: RunOptions.Value, to options: inout RunOptions
    ) throws(UsageError) {
        if option.apply(value, &options) { return }
        throw UsageError(text: "--\(option.name) cannot be '\(AuditText(value.bytes).string)'")
    }

    /// Whether an argument can be the value of the option before it.
    private static func isValue(_ argument: [UInt8]) -> Bool { argument.first != dash || argument.count == 1 }

    /// `--name=value` as its parts; `--name=` is `--name`, as the argument parser has it.
    private static func split(_ argument: [UInt8]) -> (name: [UInt8], value: [UInt8]?) {
        guard let equals = argument.firstIndex(of: UInt8(ascii: "=")) else { return (argument, nil) }
        let value = Array(argument[(equals + 1)...])
        return (Array(argument[..<equals]), value.isEmpty ? nil : value)
    }

    /// The option's place in the table.
    private static func option(named name: [UInt8]) -> Int? {
        guard name.count > 2, name[0] == dash, name[1] == dash else { return nil }
        return RunOption.all.firstIndex { name.dropFirst(2).elementsEqual($0.name.utf8) }
    }

    /// The places of the flags of `-v` or `-vv`, in order; a nil stands for `-h`. Nil as a whole: it is no such argument.
    private static func shortFlags(_ argument: [UInt8]) -> [Int?]? {
        guard argument.count > 1, argument[0] == dash, argument[1] != dash else { return nil }
        var flags: [Int?] = []
        for letter in argument.dropFirst() {
            if letter == UInt8(ascii: "h") {
                flags.append(nil)
            } else if let option = RunOption.all.firstIndex(where: { $0.short?.value == UInt32(letter) }) {
                flags.append(option)
            } else {
                return nil
            }
        }
        return flags
    }

    private static func unknown(_ argument: [UInt8]) -> UsageError {
        let text = AuditText(argument).string
        if argument.first != dash {
            return UsageError(text: "unexpected argument '\(text)': the command is written behind '--'")
        }
        let name = AuditText(split(argument).name).string
        let names = RunOption.all.map { "--\($0.name)" }
        let hint = nearest(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
        return UsageError(text: "unknown option '\(name)'\(hint)")
    }
}
