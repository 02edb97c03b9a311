internal import ArgumentParser

/// `--format`, on every command that prints a result.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// The option itself.
struct FormatOption: ParsableArguments {
    @Option(help: "How to print the result: text, or one JSON object.")
    var format: OutputFormat = .text
}
