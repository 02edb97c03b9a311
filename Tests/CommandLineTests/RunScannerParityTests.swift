import ArgumentParser
import Foundation
import Testing

@testable import Confinement
@testable import RunDeclaration

/// The scanner of `run` and the argument parser's declaration of it accept the same.
@Suite struct RunScannerParityTests {
    /// What the scanner makes of arguments; nil: nothing to run. Asked for help it hands over to the argument
    /// parser, which may complain of something else first.
    private func scanned(_ arguments: [String]) -> RunOptions? {
        (try? RunScanner.scan(arguments.map { Array($0.utf8) })).map(Self.comparable)
    }

    private func parsed(_ arguments: [String]) -> RunOptions? { try? RunCommand.parse(arguments).options }

    /// Without what the argument parser does not tell: places, and the order of different options. A flag given
    /// again says nothing new.
    private static func comparable(_ options: RunOptions) -> RunOptions {
        func plain(_ value: RunOptions.Value) -> RunOptions.Value { .init(value.bytes, argument: 0) }
        var options = options
        options.policies = options.policies.map(plain)
        options.rules = RunOptions.CommandLineRule.Kind.allCases.flatMap { kind in
            let rules = options.rules.filter { $0.kind == kind }.map {
                RunOptions.CommandLineRule(kind, plain($0.value))
            }
            return kind == .noNetwork ? Array(rules.prefix(1)) : rules
        }
        return options
    }

    /// `$SWGUARD_SEED` alone, or a fixed list.
    private static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["SWGUARD_SEED"].flatMap { UInt64($0) }.map { [$0] } ?? [
            1, 2, 3, 4,
        ]
    /// In all: each costs the argument parser 5 ms in a debug build.
    private static let cases =
        ProcessInfo.processInfo.environment["SWGUARD_CASES"].flatMap { Int($0) } ?? 10_000

    @Test(arguments: seeds)
    func `random arguments are accepted by both or by neither, and mean the same`(seed: UInt64) throws {
        let count = Self.cases / Self.seeds.count
        var random = RandomArguments(seed: seed)
        var accepted = 0
        for number in 0..<count {
            let arguments = random.next()
            let (ours, theirs) = (scanned(arguments), parsed(arguments))
            if ours != nil { accepted += 1 }
            guard ours == theirs else {
                Issue.record(
                    "seed \(seed), case \(number): \(arguments)\nscanner: \(String(describing: ours))\nparser: \(String(describing: theirs))"
                )
                return
            }
        }
        // Enough of each kind, or the comparison says nothing.
        #expect(accepted > count / 10 && accepted < count * 9 / 10)
    }

    @Test func `the declaration has the names, placeholders and help of the table`() throws {
        struct Dump: Decodable {
            struct Command: Decodable { var arguments: [Argument] }
            struct Argument: Decodable {
                struct Name: Decodable {
                    var kind: String
                    var name: String
                }
                var kind: String
                var names: [Name]?
                var valueName: String?
                var abstract: String?
                var isRepeating: Bool
            }
            var command: Command
        }
        let text = RunCommand._dumpHelp()
        let dump = try JSONDecoder().decode(Dump.self, from: Data(text.utf8))
        let declared = dump.command.arguments.filter { $0.kind != "positional" }
        for option in RunOption.all {
            let argument = try #require(
                declared.first { $0.names?.contains { $0.name == option.name } == true }, "\(option.name)")
            #expect(argument.abstract == option.help)
            #expect(
                argument.names?.first { $0.kind == "short" }?.name == option.short.map { String($0) })
            switch option.arity {
            case .flag: #expect(argument.kind == "flag")
            case .value(let placeholder):
                #expect(argument.kind == "option" && !argument.isRepeating)
                #expect(argument.valueName == placeholder)
            case .repeated(let placeholder):
                #expect(argument.kind == "option" && argument.isRepeating)
                #expect(argument.valueName == placeholder)
            }
        }
        #expect(declared.count == RunOption.all.count + 1, "help, and nothing else beside the table")
    }
}

/// Arguments of `run`, some right, some wrong in one place or in several.
private struct RandomArguments {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    private mutating func bits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    private mutating func below(_ count: Int) -> Int { Int(bits() % UInt64(count)) }
    private mutating func pick(_ items: [String]) -> String { items[below(items.count)] }

    private static let values = [
        "/etc", ".", "a.yaml", "tcp:*:443", "@mount", "mkdir", "0", "5", "+5", "2147483647", "2147483648",
        "auto",
        "landlock", "lsm", "bpf", "fd:3", "fd:x", "fd:", "", "-", "a=b", "=", "ä", "\u{0}", "a b", "run",
        "x\n",
    ]
    private static let odd = [
        "-x", "-vx", "-vv", "-h", "-vh", "-hv", "-v=1", "-verbose", "--verbos", "--help", "--help=1", "--",
        "---",
        "---x", "--=", "--=x", "-", "", "make", "-=", "-é", "--read=", "--Read", "--read ", "--no-strict",
        "--help-hidden", "-1", "--strict=", "-xh", "-h=1",
    ]

    mutating func next() -> [String] {
        var arguments: [String] = []
        for _ in 0..<below(6) {
            // Most parts are right, so that whole lines are.
            if below(14) == 0 {
                arguments.append(pick(Self.odd))
                continue
            }
            let option = RunOption.all[below(RunOption.all.count)]
            let name = option.short != nil && below(2) == 0 ? "-v" : "--\(option.name)"
            switch option.arity {
            case .flag: arguments.append(below(30) == 0 ? name + "=" + pick(Self.values) : name)
            case .value, .repeated:
                let value = self.value(of: option)
                switch below(12) {
                case 0: arguments.append(name)
                case 1...5: arguments.append("\(name)=\(value)")
                default: arguments += [name, value]
                }
            }
        }
        if below(10) > 0 {
            arguments.append("--")
            for _ in 0..<below(4) {
                arguments.append(below(2) == 0 ? pick(Self.values) : pick(Self.odd))
            }
        }
        return arguments
    }

    private mutating func value(of option: RunOption) -> String {
        if below(8) == 0 { return pick(Self.odd) }
        if below(4) == 0 { return pick(Self.values) }
        return switch option.name {
        case "backend": pick(["auto", "landlock", "lsm"])
        case "keep-fd": String(below(64))
        case "audit": pick(["-", "fd:4", "/tmp/log"])
        default: pick(["/etc", "/usr", "a.yaml", "tcp:*:443", "mkdir"])
        }
    }
}
