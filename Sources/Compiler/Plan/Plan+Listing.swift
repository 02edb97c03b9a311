internal import Landlock
public import Policy
internal import Seccomp

/// A plan as people and programs look at it. Whoever wrote the file may have put anything into its names.
extension Plan {
    /// The layers, what the command keeps, and the filter: lines that a terminal can be given.
    public var listing: [String] {
        var lines = layers.flatMap(\.listing)
        if let names = keptNames {
            lines.append("capabilities kept: \(names.isEmpty ? "none" : names.joined(separator: ", "))")
        }
        lines.append("seccomp: \(filter?.instructions.count ?? 0) instructions")
        return (lines + program.map { "  \($0)" }).map { DiagnosticFormatter.printable($0) }
    }

    public var listingJSON: JSON {
        [
            "layers": .array(
                layers.map {
                    [
                        "name": .string($0.name), "file": .string($0.file),
                        "digest": .string($0.digest), "mode": .string($0.mode.rawValue),
                        "grants": .int($0.recipe.grants.count),
                        "walks": .int($0.recipe.carvings.count),
                        "denies": .int($0.recipe.denies.count), "ports": .int($0.recipe.ports.count),
                    ]
                }),
            "capabilities": keptNames.map { .array($0.map { .string($0) }) } ?? .null,
            "seccomp": .array(program.map { .string($0) }),
        ]
    }

    /// The filter, an instruction a line.
    private var program: [String] {
        filter?.disassembled { SyscallTable.name(of: $0, abi: .native) } ?? []
    }

    /// The capabilities that the command keeps; nil where the plan does not limit them.
    private var keptNames: [String]? {
        keptCapabilities.map { kept in
            Capability.allCases.filter { kept & 1 << UInt64($0.rawValue) != 0 }.map(\.name)
        }
    }
}

extension Plan.Layer {
    fileprivate var listing: [String] {
        [
            "policy \(name) (\(file)), \(mode.rawValue), \(digest)",
            "landlock: \(recipe.grants.count) paths, \(recipe.processGrants.count) of /proc/self, "
                + "\(recipe.carvings.count) walks with \(recipe.denies.count) denies, \(recipe.ports.count) ports",
        ]
            + recipe.grants.map { grant in
                "  \(String(decoding: grant.path, as: UTF8.self))" + (grant.isSubtree ? "/** " : " ")
                    + grant.rights.names.joined(separator: ",")
            }
    }
}
