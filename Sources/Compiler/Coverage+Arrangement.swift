internal import Policy

// What the parts of the compiler say of one policy, put in order for people.
extension Coverage {
    /// The sections in the order of the language page, with one row for each operation and for each default.
    ///
    /// An operation can be enforced by two layers at once, a call by the filter and a device by Landlock; and both
    /// know of the families of sockets.
    public mutating func arrange() {
        var arranged: [Row] = []
        for section in Self.sections {
            let own = rows.filter { $0.section == section }
            if section == "operations" {
                arranged += Operation.allCases.compactMap { operation in
                    Self.joined(own.filter { $0.subject == operation.name })
                }
            } else {
                for row in own where !arranged.contains(where: { $0.isSameSubject(as: row) }) {
                    arranged.append(row)
                }
            }
        }
        rows = arranged
    }

    private static let sections = ["files", "network", "capabilities", "operations", "syscalls"]

    /// What each layer does of one operation, as one row; nil where there is none.
    private static func joined(_ rows: [Row]) -> Row? {
        // One that does nothing has nothing to say beside another.
        var rest = rows.filter { $0.extent != .none }[...]
        guard var result = rest.popFirst() else { return rows.first }
        for row in rest {
            for layer in row.layers where !result.layers.contains(layer) { result.layers.append(layer) }
            // The parts of an operation complement each other: each says what it leaves to the other.
            if row.extent == .full { result.extent = .full }
            result.mechanism = [row, result]
                .sorted { $0.layers.contains(.seccomp) && !$1.layers.contains(.seccomp) }
                .map(\.mechanism).joined(separator: "; ")
        }
        return result
    }
}

extension Coverage.Row {
    fileprivate func isSameSubject(as other: Self) -> Bool {
        section == other.section && subject == other.subject && location == other.location
    }
}
