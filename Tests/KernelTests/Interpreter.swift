import Foundation

/// A Python interpreter under a name of its own, with which policies begin, that does what it is told line by line.
///
/// What it needs of a policy: to read, map and execute /usr, /etc/ld.so.cache and the file itself.
final class Interpreter {
    private static let loop = """
        import os, sys
        for line in sys.stdin:
            codes = []
            for statement in line.split(";;"):
                try:
                    exec(statement.strip())
                    codes.append(0)
                except OSError as error:
                    codes.append(error.errno)
            print(*codes, flush=True)
        """

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    var identifier: Int32 { process.processIdentifier }

    /// Copies the interpreter to `program`.
    static func install(at program: String) throws {
        let files = FileManager.default
        let original = URL(filePath: "/usr/bin/python3").resolvingSymlinksInPath().path
        try files.createDirectory(
            at: URL(filePath: program).deletingLastPathComponent(), withIntermediateDirectories: true)
        try? files.removeItem(atPath: program)
        try files.copyItem(atPath: original, toPath: program)
    }

    /// Starts `program`, which is such a copy, under the policies that are in force.
    init(_ program: String) throws {
        process.executableURL = URL(filePath: program)
        process.arguments = ["-I", "-S", "-u", "-c", Self.loop]
        process.environment = ["PYTHONHOME": "/usr", "LC_ALL": "C"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.standardError
        try process.run()
        guard try perform("pass") == 0 else { throw RunningAgent.Failure(text: "\(program) does not run") }
    }

    /// Has it run a statement, with `os` there; 0, or the errno of the error that it ends with.
    func perform(_ statement: String) throws -> Int32 { try perform([statement])[0] }

    /// Has it run statements, one after the other whatever comes of them.
    func perform(_ statements: [String]) throws -> [Int32] {
        let line = statements.joined(separator: " ;; ")
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
        var answer = Data()
        while answer.last != UInt8(ascii: "\n") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw RunningAgent.Failure(text: "the interpreter ended: \(line)") }
            answer += data
        }
        let codes = String(decoding: answer.dropLast(), as: UTF8.self).split(separator: " ").compactMap {
            Int32($0)
        }
        guard codes.count == statements.count else {
            throw RunningAgent.Failure(text: "\(line): \(String(decoding: answer, as: UTF8.self))")
        }
        return codes
    }

    /// Opens `path` with flags as Python writes them, and lets go of it.
    func open(_ path: String, _ flags: String) throws -> Int32 {
        try perform("os.close(os.open('\(path)', \(flags), 0o600))")
    }

    /// Ends it.
    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
