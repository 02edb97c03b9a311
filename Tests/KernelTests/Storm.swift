import Foundation

/// Processes that each try to read many files that they may not, one after the other.
final class Storm {
    /// Two programs, for two policies.
    static let programs = [Hammer.program, Hammer.program + "-two"]
    static let directory = "/tmp/storm"

    private var processes: [(process: Process, output: Pipe)] = []

    private static let script = """
        import os, sys
        directory, files, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        tries, opened = 0, 0
        for _ in range(rounds):
            for number in range(files):
                tries += 1
                try:
                    os.close(os.open(f'{directory}/{number}', os.O_RDONLY))
                    opened += 1
                except PermissionError:
                    pass
        print(tries, opened)
        """

    /// A policy on one of the programs, which denies it to read the files.
    static func policy(on program: String) -> String {
        """
        subjects: [{exec: \(program)}]
        files:
          default: allow
          rules:
            - id: storm
              deny: [read]
              paths: [\(directory)/**]
        """
    }

    /// Makes the programs and the files.
    static func install(files: Int) throws {
        try Hammer.install()
        let all = FileManager.default
        if !all.fileExists(atPath: programs[1]) {
            try all.copyItem(atPath: programs[0], toPath: programs[1])
        }
        try all.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for number in 0..<files where !all.fileExists(atPath: "\(directory)/\(number)") {
            try Data().write(to: URL(filePath: "\(directory)/\(number)"))
        }
    }

    /// Begins; `count` processes of `program`.
    init(_ program: String, processes count: Int, files: Int, rounds: Int = 1) throws {
        for _ in 0..<count {
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(filePath: program)
            process.arguments = ["-S", "-E", "-c", Self.script, Self.directory, "\(files)", "\(rounds)"]
            process.standardOutput = output
            try process.run()
            processes.append((process, output))
        }
    }

    /// Waits for its end; how often it tried, and how often it could.
    func end() throws -> (tries: Int, successes: Int) {
        var sum = (tries: 0, successes: 0)
        for (process, output) in processes {
            let text = String(
                decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            guard numbers.count == 2 else { throw RunningAgent.Failure(text: "no counts: \(text)") }
            sum.tries += numbers[0]
            sum.successes += numbers[1]
        }
        return sum
    }
}

/// What a log says of each policy's decisions.
struct Told: CustomStringConvertible {
    /// Lines about decisions, and how many decisions they stand for.
    var lines: [String: Int] = [:]
    var counted: [String: Int] = [:]
    /// How many decisions gaps tell of, by policy and reason.
    var gaps: [String: [String: Int]] = [:]
    /// The numbers of the lines, in their order.
    var numbers: [Int] = []

    init(_ events: [Event]) {
        for event in events {
            numbers.append(event["seq"].flatMap { Int($0) } ?? 0)
            let policy = event["policy", "name"] ?? ""
            let count = event["count"].flatMap { Int($0) } ?? 1
            switch event["kind"] {
            case "denial":
                lines[policy, default: 0] += 1
                counted[policy, default: 0] += count
            case "gap": gaps[policy, default: [:]][event["reason"] ?? "", default: 0] += count
            default: break
            }
        }
    }

    var hasNoHoles: Bool { numbers == Array(1...max(1, numbers.count)) }

    /// Everything that is told of a policy's decisions.
    func all(_ policy: String) -> Int {
        (counted[policy] ?? 0) + (gaps[policy] ?? [:]).values.reduce(0, +)
    }

    func gap(_ policy: String, _ reason: String) -> Int { gaps[policy]?[reason] ?? 0 }

    var description: String { "\(numbers.count) lines, \(lines) for \(counted), gaps \(gaps)" }
}
