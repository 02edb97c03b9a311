import CRunSupport
import Foundation
import Testing

/// A process that a test started, and what it wrote.
final class Started {
    let pid: pid_t
    private let output: Int32
    private let errors: Int32
    private(set) var hasEnded = false

    init(pid: pid_t, output: Int32, errors: Int32) {
        self.pid = pid
        self.output = output
        self.errors = errors
    }

    deinit {
        if !hasEnded {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        close(output)
        close(errors)
    }

    /// How a process changed.
    enum Change: Equatable, CustomStringConvertible {
        case exited(Int32)
        case killed(Int32)
        case stopped(Int32)
        case nothing

        var description: String {
            switch self {
            case .exited(let status): "exited with \(status)"
            case .killed(let signal): "killed by \(signal)"
            case .stopped(let signal): "stopped by \(signal)"
            case .nothing: "nothing happened"
            }
        }
    }

    /// Waits for the next change, at most `limit` seconds.
    func wait(limit: Double = 60) -> Change {
        let deadline = Date(timeIntervalSinceNow: limit)
        while Date() < deadline {
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG | WUNTRACED) == pid {
                if status & 0x7f == 0 {
                    hasEnded = true
                    return .exited(status >> 8 & 0xff)
                }
                if status & 0xff == 0x7f { return .stopped(status >> 8 & 0xff) }
                hasEnded = true
                return .killed(status & 0x7f)
            }
            usleep(1000)
        }
        return .nothing
    }

    func send(_ signal: Int32) { kill(pid, signal) }

    /// What was written to standard output so far.
    var written: String { Self.content(output) }
    var complaints: String { Self.content(errors) }

    private static func content(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(bytes.count))
            if count <= 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits until standard output has `text` in it.
    func expect(_ text: String, limit: Double = 60) -> Bool {
        let deadline = Date(timeIntervalSinceNow: limit)
        while Date() < deadline {
            if written.contains(text) { return true }
            usleep(1000)
        }
        return false
    }
}

/// How tests of `run` start things.
enum RunHarness {
    /// How a process is started beyond its arguments.
    struct Setting {
        var environment: [String: String] = [:]
        var directory: String?
        var input: Int32?
        /// nil: a file that the test can read.
        var output: Int32?
        var extra: (descriptor: Int32, number: Int32)?
        var closed: Set<Int> = []
        var ignored: [Int32] = []
        var blocked: [Int32] = []
        var newSession = false
        var newGroup = false
    }

    /// The directory of the built products, beside the test bundle.
    private static let products: String = {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
        if FileManager.default.isExecutableFile(atPath: bundle + "/run-probe") { return bundle }
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return repository.appending(path: ".build/debug").path
    }()

    static let probe = products + "/run-probe"

    /// `swguard run` with a policy that is in nobody's way. `$SWGUARD` names another binary.
    static let run: [String] = [
        ProcessInfo.processInfo.environment["SWGUARD"] ?? products + "/swguard", "run", "--exec", "/",
        // To write everywhere is to write the cache and the policy path too.
        "--write", "/", "--allow-partial",
    ]

    /// A command behind the wrapper, or bare for comparison.
    static func wrapped(_ command: [String], options: [String] = []) -> [String] {
        run + options + ["--"] + command
    }

    static func start(_ arguments: [String], _ setting: Setting = Setting()) throws -> Started {
        let output = try captureFile()
        let errors = try captureFile()
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        var environment = ProcessInfo.processInfo.environment.merging(setting.environment) { $1 }
        environment["LC_ALL"] = "C"
        var list = arguments
        if !list[0].contains("/") { list[0] = try #require(find(list[0])) }
        let names = list.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        let directory = setting.directory.map { strdup($0) } ?? nil
        defer { (names + variables + [directory]).forEach { free($0) } }
        var start = run_start()
        let standard = [setting.input ?? null, setting.output ?? output, setting.output ?? errors]
            .enumerated().map { setting.closed.contains($0.offset) ? -1 : $0.element }
        start.standard = (standard[0], standard[1], standard[2])
        start.extra = setting.extra?.descriptor ?? -1
        start.extra_number = setting.extra?.number ?? -1
        start.ignored = mask(setting.ignored)
        start.blocked = mask(setting.blocked)
        start.new_session = setting.newSession ? 1 : 0
        start.new_group = setting.newGroup ? 1 : 0
        start.directory = UnsafePointer(directory)
        let pid = names.map { UnsafePointer($0) }.withUnsafeBufferPointer { names in
            variables.map { UnsafePointer($0) }.withUnsafeBufferPointer { variables in
                start.arguments = names.baseAddress
                start.environment = variables.baseAddress
                return run_start_process(&start)
            }
        }
        try #require(pid > 0)
        return Started(pid: pid, output: output, errors: errors)
    }

    private static func mask(_ signals: [Int32]) -> UInt64 { signals.reduce(0) { $0 | 1 << UInt64($1 - 1) } }

    private static func find(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
            .map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// A pipe; the ends are the test's to close.
    static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func captureFile() throws -> Int32 {
        var template = Array("\(temporaryDirectory)/run-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return descriptor
    }

    static let temporaryDirectory = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"

    /// A directory of the test's own.
    static func scratch() throws -> String {
        var template = Array("\(temporaryDirectory)/run-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return try #require(realpath(path, nil).map { String(cString: $0) })
    }

    /// Waits until `condition` holds, at most `limit` seconds.
    static func eventually(limit: Double = 60, _ condition: () -> Bool) -> Bool {
        let deadline = Date(timeIntervalSinceNow: limit)
        while Date() < deadline {
            if condition() { return true }
            usleep(2000)
        }
        return condition()
    }

    /// Whether a process is there and not a zombie.
    static func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return false }
        return !stat[end...].hasPrefix(") Z") && !stat[end...].hasPrefix(") X")
    }
}
