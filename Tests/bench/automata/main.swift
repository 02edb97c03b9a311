import Automata
import Compiler
import Glibc
import Policy

// What compiling a list of paths to an automaton costs: `bench-automata POLICY`. Prints one line for each
// part, tab separated: name, milliseconds, resident memory in KiB at its end, remarks. A part's peak is
// beneath the process's, which the caller measures.

/// The resident memory of this process, in KiB, from /proc/self/statm.
func residentMemory() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = fread(&text, 1, text.count, file)
    let fields = String(decoding: text.prefix(count), as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) / 1024 : 0
}

func measured<Value>(_ name: String, _ remarks: (Value) -> String, _ body: () throws -> Value)
    rethrows
    -> Value
{
    let clock = ContinuousClock()
    let begin = clock.now
    let value = try body()
    let time = (clock.now - begin).components
    let microseconds = time.seconds * 1_000_000 + time.attoseconds / 1_000_000_000_000
    print(
        name, "\(microseconds / 1000).\(microseconds / 100 % 10)", residentMemory(), remarks(value),
        separator: "\t")
    return value
}

func fail(_ message: String) -> Never {
    print("bench-automata: \(message)")
    exit(1)
}

guard CommandLine.arguments.count == 2 else {
    fail("usage: bench-automata POLICY | literals:COUNT | subtrees:COUNT")
}
let argument = CommandLine.arguments[1]

/// A rule for each path that `.ci/bench-automata` would write into a policy, without the text.
func section(_ argument: String) -> FilesSection? {
    let parts = argument.split(separator: ":")
    guard parts.count == 2, let count = Int(parts[1]), ["literals", "subtrees"].contains(parts[0]) else {
        return nil
    }
    let place = SourceLocation(file: "bench.yaml", line: 1)
    let rules = (0..<count).map { index in
        let path = Array("/srv/data/site\(index % 97)/section\(index % 13)/item-\(index)/content.bin".utf8)
        let pattern = parts[0] == "literals" ? PathPattern(literal: path) : PathPattern(subtree: path)
        return FileRule(
            header: RuleHeader(id: "files.rules[\(index)]", verdict: .allow, location: place),
            accesses: [.read],
            patterns: [Located(pattern, at: place)])
    }
    return FilesSection(rules: rules, location: place)
}

let files: FilesSection? =
    if let section = section(argument) {
        section
    } else {
        measured("load", { (section: FilesSection?) in "\(section?.rules.count ?? 0) rules" }) {
            let loader = PolicyLoader(
                vocabulary: SyscallTable.vocabulary, variables: .none("there are no variables here"),
                files: HostPolicyFiles())
            let loaded = loader.load(argument)
            guard let policy = loaded.policy else {
                fail(DiagnosticFormatter().text(loaded.diagnostics))
            }
            return policy.files
        }
    }

do {
    print("before", "-", residentMemory(), "", separator: "\t")
    let automaton = try measured("automaton", { (made: FileAutomaton) in made.automaton.description }) {

        try FileAutomaton(files)
    }
    let tables = measured("tables", { (made: FileTables) in "\(made.table.cellCount) cells" }) {
        FileTables(automaton)
    }
    _ = measured("bytes", { (counts: (Int, Int)) in "\(counts.0) of cells, \(counts.1) of verdicts" }) {
        (tables.bytesOfCells.count, tables.bytesOfVerdicts.count)
    }
} catch {
    fail("\(error)")
}
