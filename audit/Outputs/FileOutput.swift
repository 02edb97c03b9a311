internal import CLinux
internal import Synchronization

/// The file of the log, as an output.
struct FileOutput: LogOutput, ~Copyable {
    private var file: LogFile
    private let sweeper: Sweeper
    private let queue: StepQueue
    /// When it is looked next whether the file is at its path still.
    private var nextLook: UInt64 = 0

    private static let lookInterval: UInt64 = 1000

    init(_ place: LogPlace, whole: UInt64?, keep: Int?, queue: StepQueue) {
        file = LogFile(place, keeping: whole)
        self.queue = queue
        sweeper = Sweeper(LogSweep(place: place, keep: keep), queue)
        // What was rotated last before a crash is not compressed.
        sweeper.start()
    }

    /// Lines that come together are written together.
    mutating func perform(_ steps: [LogStep]) throws(LogError) -> Int {
        var lines: [[UInt8]] = []
        for step in steps {
            guard case .line(let line) = step else { break }
            lines.append(line)
        }
        if let step = steps.first, lines.isEmpty {
            try perform(step)
            return 1
        }
        let written = try file.write(lines)
        look()
        return written
    }

    private mutating func look() {
        let now = swguard_monotonic_milliseconds()
        guard now >= nextLook else { return }
        nextLook = now + Self.lookInterval
        if file.isMoved() { queue.noteMoved() }
    }

    mutating func perform(_ step: LogStep) throws(LogError) {
        switch step {
        case .line(let line):
            _ = try file.write([line])
            look()
        case .sync: try file.sync()
        case .rotate(let first):
            try file.rotate(first: first)
            sweeper.start()
        case .reopen: try file.reopen()
        }
    }
}

/// Runs sweeps in a thread of their own, one at a time.
final class Sweeper: Sendable {
    private enum State {
        case resting, running
        /// Once more when this one has ended.
        case runningAndAwaited
    }

    private let state = Mutex(State.resting)
    private let sweep: LogSweep
    private let queue: StepQueue

    init(_ sweep: LogSweep, _ queue: StepQueue) {
        self.sweep = sweep
        self.queue = queue
    }

    func start() {
        let isFirst = state.withLock { state in
            defer { state = state == .resting ? .running : .runningAndAwaited }
            return state == .resting
        }
        guard isFirst else { return }
        let task = unsafe Unmanaged.passRetained(self)
        let result = unsafe swguard_thread_start(
            { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<Sweeper>.fromOpaque(context).takeRetainedValue().run()
            }, task.toOpaque())
        if result != 0 {
            unsafe task.release()
            state.withLock { $0 = .resting }
            queue.notice("\(LogError("compress the audit log", code: -result))")
        }
    }

    private func run() {
        repeat {
            for error in sweep.run() { queue.notice(error.description) }
        } while state.withLock { state in
            defer { state = state == .runningAndAwaited ? .running : .resting }
            return state == .runningAndAwaited
        }
    }
}
