internal import ArgumentParser
internal import AuditLog
internal import Policy

/// `swguard audit verify`: whether the log is as it was written.
struct AuditVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check the seals of the audit log.",
        discussion: """
            Recomputes the chain of seals over all files, and looks for numbers that are missing. Says that the log is \
            whole, that it is up to a line behind which no seal has come yet, or at which line it is broken. Whoever can write as root \
            can forge a chain: ship the seals elsewhere, and compare. Exit status 0: whole; 1: broken; 2: it cannot be read.
            """)

    @OptionGroup var files: AuditFiles
    @OptionGroup var format: FormatOption

    func run() throws {
        let paths = try files.paths("audit verify", format.format)
        let finding: LogVerifier.Finding
        do throws(LogError) {
            finding = try LogVerifier.verify(paths)
        } catch {
            AuditFiles.refuse("audit verify", error, format.format)
            throw ExitStatus.usage
        }
        switch format.format {
        case .text: for line in Self.lines(finding) { Output.line(DiagnosticFormatter.printable(line)) }
        case .json: Output.result(of: "audit verify", Self.json(finding))
        }
        if finding.damage != nil { throw ExitStatus.no }
    }

    private static func lines(_ finding: LogVerifier.Finding) -> [String] {
        var lines: [String] = []
        if let damage = finding.damage {
            let range =
                damage.first < damage.line
                ? " (what was changed is in lines \(damage.first) to \(damage.line))" : ""
            lines.append("\(damage.file): broken at line \(damage.line): \(damage.reason)\(range)")
            if let seal = finding.lastSeal { lines.append("whole up to line \(seal.line) of \(seal.file)") }
            return lines
        }
        let files = finding.files == 1 ? "1 file" : "\(finding.files) files"
        switch (finding.lastSeal, finding.unsealed) {
        case (let seal?, 0):
            lines.append(
                "whole: \(finding.sealed) lines in \(files), up to line \(seal.line) of \(seal.file)")
        case (let seal?, let unsealed):
            lines.append("whole up to line \(seal.line) of \(seal.file): \(finding.sealed) lines in \(files)")
            lines.append("not sealed yet: \(unsealed == 1 ? "1 line" : "\(unsealed) lines")")
        case (nil, 0): lines.append("whole: no lines in \(files)")
        case (nil, let unsealed):
            lines.append("whole up to line 0: no seal in \(files)")
            lines.append("not sealed yet: \(unsealed == 1 ? "1 line" : "\(unsealed) lines")")
        }
        if let torn = finding.torn {
            lines.append("line \(torn.line) of \(torn.file) is not whole: being written, or torn")
        }
        if let numbers = finding.numbers {
            lines.append("numbers \(numbers.lowerBound) to \(numbers.upperBound)")
        }
        if let hash = finding.lastHash { lines.append("last seal: \(hash)") }
        return lines
    }

    private static func json(_ finding: LogVerifier.Finding) -> JSON {
        func place(_ place: LogVerifier.Place?) -> JSON {
            guard let place else { return .null }
            return ["file": .string(place.file), "line": .int(place.line)]
        }
        let state =
            finding.damage != nil
            ? "broken" : finding.unsealed > 0 || finding.torn != nil ? "unsealed" : "whole"
        return [
            "state": .string(state), "files": .int(finding.files),
            "sealed": .int(Int(clamping: finding.sealed)),
            "unsealed": .int(finding.unsealed),
            "first": finding.numbers.map { .int(Int(clamping: $0.lowerBound)) } ?? .null,
            "last": finding.numbers.map { .int(Int(clamping: $0.upperBound)) } ?? .null,
            "seal": place(finding.lastSeal), "sha256": JSON(finding.lastHash), "torn": place(finding.torn),
            "broken": finding.damage.map { damage in
                [
                    "file": .string(damage.file), "line": .int(damage.line), "first": .int(damage.first),
                    "reason": .string(damage.reason),
                ]
            } ?? .null,
        ]
    }
}
