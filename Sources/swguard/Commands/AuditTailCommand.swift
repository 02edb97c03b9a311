internal import ArgumentParser
internal import AuditLog
private import Glibc
internal import Policy

/// `swguard audit tail`: events as they come.
struct AuditTailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follow the audit log, through its rotations, until interrupted.",
        discussion: """
            One event a line: readable, or with --format json as it is in the log. Seals are shown where --kind asks for them.
            """)

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Begin with so many lines that are there.", valueName: "count"))
    var lines = 10
    @OptionGroup var filter: AuditFilter
    @Argument(help: ArgumentHelp("The log's file; \(LogPlace.standard), unless named.", valueName: "file"))
    var file = LogPlace.standard
    @OptionGroup var format: FormatOption

    /// How often it is looked, in microseconds.
    private static let interval: UInt32 = 200_000

    func validate() throws {
        if lines < 0 { throw ValidationError("--lines is less than nothing") }
    }

    func run() throws {
        let query = try filter.query()
        do throws(LogError) {
            var follower = try LogFollower(file, lines: lines)
            while true {
                for line in try follower.takeLines() { show(line, query) }
                for notice in follower.takeNotices() {
                    Output.diagnose("swguard: \(DiagnosticFormatter.printable(notice))")
                }
                usleep(Self.interval)
            }
        } catch {
            AuditFiles.refuse("audit tail", error, .text)
            throw ExitStatus.usage
        }
    }

    private func show(_ line: [UInt8], _ query: LogQuery) {
        guard let record = LogRecord(line) else {
            return Output.diagnose(
                "swguard: a line is no event: \(TerminalText.of(String(decoding: line, as: UTF8.self), limit: 80))"
            )
        }
        guard query.accepts(record) else { return }
        switch format.format {
        case .json: Output.line(record.json.text)
        case .text: Output.line(RecordLine.text(record, usesColour: Output.usesColour(STDOUT_FILENO)))
        }
    }
}

/// An event on a line for people.
enum RecordLine {
    /// `2026-11-22 10:15:30.123 denied nginx[812]: write /etc/passwd by files.default (web.yaml:12), policy web-server`.
    static func text(_ record: LogRecord, usesColour: Bool) -> String {
        let time = TerminalText.of(time(record), limit: 40)
        let text = TerminalText.of(record.text)
        guard usesColour else { return "\(time) \(text)" }
        return "\u{1b}[2m\(time)\u{1b}[0m \u{1b}[\(colour(record))m\(text)\u{1b}[0m"
    }

    /// The time to the millisecond, where it is one.
    static func time(_ record: LogRecord) -> String {
        guard let text = record.time?.text else { return record.timeText }
        return text.prefix(10) + " " + text.dropFirst(11).prefix(12)
    }

    /// Red for what was denied, yellow for what would be, green for what was granted.
    private static func colour(_ record: LogRecord) -> String {
        switch (record.kind, record.verdict) {
        case ("tamper", _), ("gap", _): "1;31"
        case (_, "deny"): "31"
        case (_, "would-deny"): "33"
        case (_, "allow"): "32"
        default: "0"
        }
    }
}
