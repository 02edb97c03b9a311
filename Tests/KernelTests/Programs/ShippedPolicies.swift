import Foundation

/// The policies of `/policies`, as an operator would make them the agent's: with places instead of variables, and with
/// subjects.
enum ShippedPolicies {
    /// Writes the policies that `subjects` names, what they include, and those that have subjects of their own.
    static func place(
        in directory: String, subjects: [String: String], variables: [String: String]
    ) throws {
        try FileManager.default.createDirectory(
            atPath: directory + "/base", withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: "/policies/base") {
            try text(of: "base/\(name)", variables).write(
                toFile: "\(directory)/base/\(name)", atomically: false, encoding: .utf8)
        }
        for (name, list) in subjects {
            try text(of: "\(name).yaml", variables)
                .replacingOccurrences(of: "\nfiles:\n", with: "\nsubjects: \(list)\nfiles:\n")
                .write(toFile: "\(directory)/\(name).yaml", atomically: false, encoding: .utf8)
        }
        try FileManager.default.copyItem(
            atPath: "/policies/nginx.yaml", toPath: "\(directory)/nginx.yaml")
    }

    private static func text(of name: String, _ variables: [String: String]) throws -> String {
        var text = try String(contentsOfFile: "/policies/\(name)", encoding: .utf8)
        for (variable, value) in variables {
            text = text.replacingOccurrences(of: "${\(variable)}", with: value)
        }
        return text
    }
}
