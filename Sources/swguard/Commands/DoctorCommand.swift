internal import ArgumentParser
internal import Compiler
internal import Confinement
internal import Policy

/// `swguard doctor`: what this kernel and these privileges allow, each found by trying it.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Try what this kernel and these privileges allow; say what to do where they fall short.",
        discussion: """
            What 'swguard run' needs is tried as the caller. What the host-wide agent needs, the agent that runs has tried: it \
            is asked at $SWGUARD_SOCKET or /run/swguard/control.
            """)

    @OptionGroup var format: FormatOption

    func run() throws {
        let checks = HostChecks.all() + AgentChecks.all()
        switch format.format {
        case .text:
            for check in checks {
                Output.line("\(Self.word(check.state))  \(check.subject): \(check.found)")
                if let advice = check.advice { Output.line("         \(advice)") }
            }
        case .json:
            Output.result(
                of: "doctor",
                [
                    "checks": .array(
                        checks.map { check in
                            [
                                "subject": .string(check.subject), "state": .string(check.state.rawValue),
                                "found": .string(check.found), "advice": JSON(check.advice),
                            ]
                        })
                ])
        }
        if checks.contains(where: { $0.state == .missing }) { throw ExitStatus.no }
    }

    /// The words in a column.
    private static func word(_ state: HostCheck.State) -> String {
        state.rawValue + String(repeating: " ", count: "partial".count - state.rawValue.count)
    }
}
