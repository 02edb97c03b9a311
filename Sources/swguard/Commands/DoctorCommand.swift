internal import ArgumentParser
internal import Compiler
internal import Confinement

/// `swguard doctor`: what this kernel and these privileges allow, each found by trying it.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Try what this kernel and these privileges allow; say what to do where they fall short.")

    @OptionGroup var format: FormatOption

    func run() throws {
        let checks = HostChecks.all()
        switch format.format {
        case .text:
            for check in checks {
                Output.line("\(check.state.rawValue)  \(check.subject): \(check.found)")
                if let advice = check.advice { Output.line("         \(advice)") }
            }
        case .json:
            Output.result(
                of: "doctor",
                .array(
                    checks.map { check in
                        [
                            "subject": .string(check.subject), "state": .string(check.state.rawValue),
                            "found": .string(check.found),
                            "advice": check.advice.map { .string($0) } ?? .null,
                        ]
                    }))
        }
        if checks.contains(where: { $0.state == .missing }) { throw ExitStatus.no }
    }
}
