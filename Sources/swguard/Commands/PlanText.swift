internal import Compiler
internal import Confinement
internal import Policy

/// One policy's plan as people read it:
///
/// ```
/// policy web (policies/web.yaml)
///   files: partial
///     full     configuration  landlock: path_beneath read on 2 trees (policies/web.yaml:27)
///   gap       files.default (policies/web.yaml:25): Landlock does not see map: granted on every path
///   link      /var/run/app also means /run/app (policies/web.yaml:30)
/// ```
struct PlanText {
    private static let width = 110
    /// Longer names push what follows to the right instead of moving every row.
    private static let widestSubject = 32

    private let part: PlanReport.Part

    init(_ part: PlanReport.Part) { self.part = part }

    var text: String {
        var lines = ["policy \(part.name) (\(part.file)), \(part.mode.rawValue)"]
        var sections: [String] = []
        for row in part.coverage.rows where !sections.contains(row.section) { sections.append(row.section) }
        for section in sections { lines += text(of: section) }
        for kind in Coverage.Finding.Kind.allCases {
            for finding in part.coverage.findings where finding.kind == kind {
                lines += Self.wrapped(finding.line, behind: "  \(Self.padded(Self.word(kind), 9)) ")
            }
        }
        var links: [String] = []
        for note in part.notes {
            let text = "\(note.text): \(note.hint ?? "")"
            if links.contains(text) { continue }
            links.append(text)
            lines += Self.wrapped(
                "\(text) (\(note.location.fileAndLine))", behind: "  \(Self.padded("link", 9)) ")
        }
        return lines.map { DiagnosticFormatter.printable($0) + "\n" }.joined()
    }

    private func text(of section: String) -> [String] {
        let rows = part.coverage.rows.filter { $0.section == section }
        let subjectWidth = min(Self.widestSubject, rows.map(\.subject.count).max() ?? 0)
        return ["  \(section): \(extent(of: section, rows).rawValue)"]
            + rows.flatMap { row in
                let layers = row.layers.map(\.rawValue).joined(separator: "+")
                let place = row.location.map { " (\($0.fileAndLine))" } ?? ""
                return Self.wrapped(
                    (layers.isEmpty ? "" : "\(layers): ") + row.mechanism + place,
                    behind: "    \(Self.padded(row.extent.rawValue, 8)) "
                        + "\(Self.padded(row.subject, subjectWidth))  ")
            }
    }

    private func extent(of section: String, _ rows: [Coverage.Row]) -> Coverage.Extent {
        if rows.allSatisfy({ $0.extent == .none }) { return .none }
        let isExact = part.coverage.findings.allSatisfy { $0.section != section || $0.kind == .widened }
        return isExact && rows.allSatisfy { $0.extent == .full } ? .full : .partial
    }

    private static func word(_ kind: Coverage.Finding.Kind) -> String {
        switch kind {
        case .impossible: "impossible"
        case .excess: "refused"
        case .gap: "gap"
        case .narrowed: "narrowed"
        case .widened: "widened"
        }
    }

    /// `text` in lines of at most `width`, the first behind `head`, the others beneath it.
    private static func wrapped(_ text: String, behind head: String) -> [String] {
        let indentation = String(repeating: " ", count: min(head.count, 4 + 9 + widestSubject + 2))
        var lines: [String] = []
        var line = head
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = indentation
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return lines + [line]
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
