internal import ArgumentParser
internal import Policy

/// `swguard schema`: the JSON Schema of the policy language, for editors.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of policies, for editors that complete and check YAML.")

    func run() throws { Output.write(PolicySchema.json(), to: 1) }
}
