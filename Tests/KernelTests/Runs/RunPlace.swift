import Foundation

/// Files that commands are run on, and what they are run by.
final class RunPlace {
    static let root = "/runs"
    private static let build = """
        rm -rf \(root); mkdir -p \(root)/in/deep \(root)/work \(root)/out; chmod 1777 \(root)/work; chmod 777 \(root)/out
        echo text >\(root)/in/a.txt; echo text >\(root)/in/deep/b.txt; echo key >\(root)/in/deep/b.key
        echo text >\(root)/in/no.txt; echo text >\(root)/out/x; cp /usr/bin/true \(root)/out/tool
        cp /usr/bin/python3 \(root)/out/set-id; chown root:root \(root)/out/set-id; chmod 4755 \(root)/out/set-id
        cp /usr/bin/python3 \(root)/out/tight
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
///
/// Not by Foundation's `Process`: that takes a child for ended that closes what it inherited, as `run` does, and waits for
/// it where it would see others end.
final class RunningCommand {
    private let child: Child
    /// Where it is told, and where it says: FIFOs, open on both sides from the beginning.
    private let told: FileHandle
    private let said: FileHandle
    private var rest = ""
    var identifier: Int32 { child.identifier }

    /// Runs `swguard` with arguments of `run` before the command.
    init(
        _ options: [String], environment: [String: String], as user: Int? = nil,
        errors: String = "/dev/null"
    ) throws {
        let reader =
            "echo ready; while read -r file && [ \"$file\" != end ]; do if read -r line <\"$file\"; then echo yes; else echo no; fi; done"
        let place = "\(RunPlace.root)/command-\(UUID().uuidString)"
        for name in [".in", ".out"] where mkfifo(place + name, 0o600) != 0 {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL)
        }
        func open(_ name: String) throws -> FileHandle {
            let descriptor = Foundation.open(place + name, O_RDWR | O_CLOEXEC)
            guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
            return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        }
        told = try open(".in")
        said = try open(".out")
        var command = ["/usr/bin/env"] + environment.map { "\($0)=\($1)" }
        if let user {
            command += ["/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"]
        }
        command += [RunningAgent.program, "run"] + options + ["--", "/usr/bin/bash", "-c", reader]
        child = try Child(
            ["/bin/sh", "-c", "exec \"$@\" <\(place).in >\(place).out 2>\(errors)", "sh"] + command)
        let first = line()
        guard first == "ready" else { throw RunningAgent.Failure(text: "the command says '\(first)'") }
    }

    /// Whether the command reads a file.
    func reads(_ path: String) throws -> Bool {
        try told.write(contentsOf: Data("\(path)\n".utf8))
        return line() == "yes"
    }

    private func line() -> String {
        while !rest.contains("\n") {
            // With both sides open there is no end: what has ended says no more.
            var wait = pollfd(fd: said.fileDescriptor, events: Int16(POLLIN), revents: 0)
            if poll(&wait, 1, 100) <= 0 {
                if child.isRunning { continue }
                return rest
            }
            rest += String(decoding: said.availableData, as: UTF8.self)
        }
        let line = rest.prefix { $0 != "\n" }
        rest.removeFirst(line.count + 1)
        return String(line)
    }

    /// Has it end; its exit status.
    @discardableResult
    func end() throws -> Int32 {
        try told.write(contentsOf: Data("end\n".utf8))
        return try child.wait()
    }
}
