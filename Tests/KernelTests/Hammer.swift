import Foundation

/// A process of several threads that try over and over what is denied, and counts how often they could.
final class Hammer {
    static let program = "/tmp/confined-python"

    private let process = Process()
    private let directory: URL

    private static let script = """
        import os, sys, threading, time
        path, stop, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
        tries, opened, lock = [0], [0], threading.Lock()
        def work():
            own, won = 0, 0
            while not os.path.exists(stop):
                for _ in range(50):
                    own += 1
                    try:
                        os.close(os.open(path, os.O_RDONLY))
                        won += 1
                    except PermissionError:
                        pass
                # The machine has one processor, and an agent.
                time.sleep(0.05)
            with lock:
                tries[0] += own
                opened[0] += won
        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        open(stop + '.result', 'w').write(f'{tries[0]} {opened[0]}')
        """

    /// Makes the program that policies can name.
    static func install() throws {
        if FileManager.default.fileExists(atPath: program) { return }
        try FileManager.default.copyItem(
            at: URL(filePath: "/usr/bin/python3").resolvingSymlinksInPath(), to: URL(filePath: program))
    }

    /// Begins to read `path`.
    init(_ path: String, threads: Int = 8) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "hammer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        process.executableURL = URL(filePath: Self.program)
        process.arguments = [
            "-S", "-E", "-c", Self.script, path, directory.appending(path: "stop").path, "\(threads)",
        ]
        try process.run()
    }

    /// Ends it; how often it tried, and how often it could.
    func end() throws -> (tries: Int, successes: Int) {
        let stop = directory.appending(path: "stop")
        _ = FileManager.default.createFile(atPath: stop.path, contents: nil)
        process.waitUntilExit()
        let text = try String(contentsOf: directory.appending(path: "stop.result"), encoding: .utf8)
        let numbers = text.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2 else { throw RunningAgent.Failure(text: "no counts: \(text)") }
        return (numbers[0], numbers[1])
    }

    deinit {
        if process.isRunning { process.terminate() }
        try? FileManager.default.removeItem(at: directory)
    }
}
