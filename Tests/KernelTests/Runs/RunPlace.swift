import Foundation

/// Files that commands are run on, and what they are run by.
final class RunPlace {
    static let root = "/runs"
    private static let build = """
        rm -rf \(root); mkdir -p \(root)/in/deep \(root)/work \(root)/out; chmod 1777 \(root)/work; chmod 777 \(root)/out
        echo text >\(root)/in/a.txt; echo text >\(root)/in/deep/b.txt; echo key >\(root)/in/deep/b.key
        echo text >\(root)/in/no.txt; echo text >\(root)/out/x; cp /usr/bin/true \(root)/out/tool
        cp /usr/bin/python3 \(root)/out/set-id; chown root:root \(root)/out/set-id; chmod 4755 \(root)/out/set-id
        """

    /// What Landlock cannot express: names by patterns, a deny beneath what is granted, addresses, attributes, mappings.
    static let globs = """
        include: [base/runtime]
        files:
          rules:
            - {allow: [read, execute, map], paths: [/usr/**]}
            - {id: texts, allow: [read], paths: ["\(root)/in/**/*.txt", "\(root)/in/*.txt"]}
            - {id: no-text, deny: [read], paths: [\(root)/in/no.txt], reason: it is not to be read}
            - {id: work, allow: [read, write, create, remove], paths: ["\(root)/work/**"]}
        network:
          families: [inet, unix]
          rules:
            - {id: near, allow: [connect], endpoints: ["udp:127.0.0.0/8:53"]}
        """

    /// What both can.
    static let both = """
        include: [base/runtime]
        files:
          rules:
            - {allow: [read, execute, map], paths: [/usr/**]}
            - {id: texts, allow: [read], paths: ["\(root)/in/**"]}
            - {id: work, allow: [read, write, create, remove], paths: ["\(root)/work/**"]}
        network: {families: [unix]}
        """

    init() throws {
        guard try Ended("/bin/sh", ["-e", "-c", Self.build]).status == 0 else {
            throw RunningAgent.Failure(text: "the files cannot be made")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: Self.root) }

    /// Puts a policy where commands find it.
    func policy(_ name: String, _ yaml: String) throws -> String {
        let path = "\(Self.root)/\(name).yaml"
        try RunningAgent.document(name, yaml).write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, 0o644)
        return path
    }

    /// Python, as the policies let it run.
    static func python(_ script: String) -> [String] { ["/usr/bin/python3", "-I", "-S", "-c", script] }

    /// Prints what comes of each attempt: its name, and `ok` or an error.
    static func attempts(_ attempts: KeyValuePairs<String, String>) -> String {
        "import ctypes, errno, os, socket, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            + attempts.map { name, code in
                """
                try:
                    \(code)
                    print('\(name): ok', flush=True)
                except OSError as error: print('\(name):', errno.errorcode.get(error.errno, error.errno), flush=True)
                """
            }.joined(separator: "\n")
    }
}

/// A command that goes on: it reads the files that it is told, and says what comes of it.
final class RunningCommand {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var rest = ""
    var identifier: Int32 { process.processIdentifier }

    /// Runs `swguard` with arguments of `run` before the command.
    init(
        _ options: [String], environment: [String: String], as user: Int? = nil, errors: String = "/dev/null"
    ) throws {
        let reader =
            "echo ready; while read -r file; do if read -r line <\"$file\"; then echo yes; else echo no; fi; done"
        let command = [RunningAgent.program, "run"] + options + ["--", "/usr/bin/bash", "-c", reader]
        let prefix =
            user.map { ["/usr/bin/setpriv", "--reuid", "\($0)", "--regid", "\($0)", "--clear-groups"] } ?? [
                "/usr/bin/env"
            ]
        _ = FileManager.default.createFile(atPath: errors, contents: nil)
        process.executableURL = URL(filePath: prefix[0])
        process.arguments = prefix.dropFirst() + command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
        try process.run()
        let first = line()
        guard first == "ready" else { throw RunningAgent.Failure(text: "the command says '\(first)'") }
    }

    /// Whether the command reads a file.
    func reads(_ path: String) throws -> Bool {
        try input.fileHandleForWriting.write(contentsOf: Data("\(path)\n".utf8))
        return line() == "yes"
    }

    private func line() -> String {
        while !rest.contains("\n") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { return rest }
            rest += String(decoding: data, as: UTF8.self)
        }
        let line = rest.prefix { $0 != "\n" }
        rest.removeFirst(line.count + 1)
        return String(line)
    }

    /// Has it end; its exit status.
    @discardableResult
    func end() throws -> Int32 {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit { if process.isRunning { kill(identifier, SIGKILL) } }
}
