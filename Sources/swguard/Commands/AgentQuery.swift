internal import Control
internal import Policy

/// A question to the agent that runs, and what to say where none answers.
enum AgentQuery {
    /// What `ask` gets of the agent; it is said why there is none.
    static func result<Result>(
        of command: String, _ format: OutputFormat,
        _ ask: (inout ControlClient) throws(ControlClientError) -> Result
    ) throws -> Result {
        do throws(ControlClientError) {
            var client = try ControlClient(path: ControlAddress.ofEnvironment())
            return try ask(&client)
        } catch {
            if format == .json { Output.result(of: command, .null) }
            Output.diagnose("swguard: cannot ask the agent: \(DiagnosticFormatter.printable(error.text))")
            throw ExitStatus.cannot
        }
    }
}

/// Rows of text in columns.
enum TextTable {
    /// The rows, each column as wide as its widest text, the last without end.
    static func lines(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, text in
                column == row.count - 1
                    ? text : text + String(repeating: " ", count: widths[column] - text.count)
            }.joined(separator: "  ")
        }
    }
}
