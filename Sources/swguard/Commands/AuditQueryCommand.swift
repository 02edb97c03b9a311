internal import ArgumentParser
internal import AuditLog
private import Glibc
internal import Policy

/// `swguard audit query`: the events that meet all conditions, or what occurs in them most.
struct AuditQueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Filter the audit log, or count what occurs in it most.",
        discussion: """
            Of an option that is given several times, one is to match; of different options, each. Reads compressed files as they are. \
            Seals are shown where --kind asks for them.
            """)

    @OptionGroup var filter: AuditFilter
    @Option(
        help: ArgumentHelp(
            "Count by \(LogSummary.Key.allCases.map(\.rawValue).joined(separator: ", ")), most frequent first.",
            valueName: "key"),
        transform: { text in
            guard let key = LogSummary.Key(rawValue: text) else {
                throw ValidationError(
                    "one of \(LogSummary.Key.allCases.map(\.rawValue).joined(separator: ", ")) is to follow --top"
                )
            }
            return key
        })
    var top: LogSummary.Key?
    @Option(
        help: ArgumentHelp(
            "How many are counted at most with --top, or the last so many events.", valueName: "count"))
    var limit: Int?
    @OptionGroup var files: AuditFiles
    @OptionGroup var format: FormatOption

    private static let topLimit = 10
    /// Events that are kept until the last is known.
    private static let keptLimit = 100_000

    func validate() throws {
        if let limit, !(1...Self.keptLimit).contains(limit) {
            throw ValidationError("--limit is none of 1 to \(Self.keptLimit)")
        }
    }

    func run() throws {
        let query = try filter.query()
        let paths = try files.paths("audit query", format.format)
        var records = LogRecords(paths)
        do throws(LogError) {
            if let top {
                var summary = LogSummary(by: top)
                while let record = try records.next() {
                    if query.accepts(record) { summary.add(record) }
                }
                print(summary)
            } else {
                try print(&records, query)
            }
        } catch {
            AuditFiles.refuse("audit query", error, .text)
            throw ExitStatus.usage
        }
        if records.strangeCount > 0 {
            let places = records.strange.map { "line \($0.line) of \($0.file)" }.joined(separator: ", ")
            Output.diagnose(
                "swguard: \(records.strangeCount) lines are no events: \(DiagnosticFormatter.printable(places)); see 'swguard audit verify'"
            )
        }
    }

    /// Events as they are read; with a limit, when the last is known.
    private func print(_ records: inout LogRecords, _ query: LogQuery) throws(LogError) {
        var printer = RecordPrinter(format: format.format)
        var kept: [LogRecord] = []
        while let record = try records.next() {
            guard query.accepts(record) else { continue }
            guard let limit else {
                printer.print(record)
                continue
            }
            kept.append(record)
            if kept.count >= 2 * limit { kept.removeFirst(kept.count - limit) }
        }
        for record in kept.suffix(limit ?? 0) { printer.print(record) }
        printer.end()
    }

    private func print(_ summary: LogSummary) {
        let entries = summary.top(limit ?? Self.topLimit)
        switch format.format {
        case .json:
            Output.result(
                of: "audit query",
                [
                    "top": .string(summary.key.rawValue),
                    "entries": .array(
                        entries.map {
                            ["text": .string($0.text), "count": .int($0.count), "records": .int($0.records)]
                        }),
                ])
        case .text:
            let rows = entries.map { [String($0.count), String($0.records), TerminalText.of($0.text)] }
            for line in TextTable.lines([["COUNT", "RECORDS", summary.key.rawValue.uppercased()]] + rows) {
                Output.line(line)
            }
        }
        if summary.uncounted > 0 {
            Output.diagnose(
                "swguard: \(summary.uncounted) records were not counted: too many different texts")
        }
    }
}

/// Prints events as a table whose columns are fixed, or as the one object of `--format json`, without keeping them.
private struct RecordPrinter {
    let format: OutputFormat
    private var count = 0

    init(format: OutputFormat) { self.format = format }

    private static let columns: [(name: String, width: Int)] = [
        ("TIME", 23), ("KIND", 11), ("VERDICT", 10), ("POLICY", 16), ("RULE", 20), ("ACTION", 14),
        ("PROCESS", 18),
        ("COUNT", 5), ("OBJECT", 0),
    ]

    mutating func print(_ record: LogRecord) {
        switch format {
        case .json:
            Output.write((count == 0 ? Self.jsonBeginning : ",") + record.json.text, to: STDOUT_FILENO)
        case .text:
            if count == 0 { Output.line(Self.row(Self.columns.map(\.name))) }
            Output.line(Self.row(Self.texts(record)))
        }
        count += 1
    }

    func end() {
        guard format == .json else { return }
        Output.line((count == 0 ? Self.jsonBeginning : "") + #"]},"diagnostics":[]}"#)
    }

    private static let jsonBeginning = #"{"v":1,"command":"audit query","result":{"records":["#

    private static func texts(_ record: LogRecord) -> [String] {
        let isAccess = record.action != nil
        let process = record.command.map { "\($0)[\(record.pid ?? "?")]" } ?? record.pid.map { "[\($0)]" }
        return [
            RecordLine.time(record), record.kind, record.verdict ?? "-",
            record.policies.isEmpty ? "-" : record.policies.joined(separator: ","), record.rule ?? "-",
            record.action ?? "-", process ?? "-", isAccess ? String(record.count) : "-",
            isAccess ? record.object ?? "-" : record.text,
        ].map { TerminalText.of($0) }
    }

    /// A text that is too long shifts those behind it: nothing is cut off.
    private static func row(_ texts: [String]) -> String {
        zip(texts, columns).map { text, column in
            text + String(repeating: " ", count: max(0, column.width - text.count))
        }.joined(separator: "  ")
    }
}
