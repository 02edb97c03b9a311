internal import CLinux

/// Where steps are done, in a thread of its own.
protocol LogOutput: ~Copyable {
    /// Does a step, or throws where it is to be tried again.
    mutating func perform(_ step: LogStep) throws(LogError)
    /// Does as many of the steps, in order, as go at once, and returns how many; throws where not even the first did.
    mutating func perform(_ steps: [LogStep]) throws(LogError) -> Int
}

extension LogOutput where Self: ~Copyable {
    mutating func perform(_ steps: [LogStep]) throws(LogError) -> Int {
        guard let step = steps.first else { return 0 }
        try perform(step)
        return 1
    }
}

/// What an output writes to.
enum OutputTarget: Sendable {
    /// The log's file; what is behind `whole` bytes is cut off first, and so many rotated files are kept.
    case file(LogPlace, whole: UInt64?, keep: Int?)
    /// A descriptor that stays open: standard output.
    case stream(CInt)
    case syslog(SyslogAddress)
    /// The journal's socket.
    case journal(String)

    /// Starts a thread that does what comes through `queue`, in order, until it ends.
    func start(_ queue: StepQueue) throws(LogError) {
        let task = unsafe Unmanaged.passRetained(OutputTask(target: self, queue: queue))
        let result = unsafe swguard_thread_start(
            { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<OutputTask>.fromOpaque(context).takeRetainedValue().run()
            }, task.toOpaque())
        guard result == 0 else {
            unsafe task.release()
            throw LogError("start the writer of the audit log", code: -result)
        }
    }
}

private final class OutputTask: Sendable {
    let target: OutputTarget
    let queue: StepQueue

    /// How long it waits before it tries again, in milliseconds.
    private static let patience: CInt = 500
    /// How many steps an output is given at once.
    private static let atOnce = 64

    init(target: OutputTarget, queue: StepQueue) {
        self.target = target
        self.queue = queue
    }

    func run() {
        switch target {
        case .file(let place, let whole, let keep):
            run(FileOutput(place, whole: whole, keep: keep, queue: queue))
        case .stream(let descriptor): run(StreamOutput(descriptor: descriptor))
        case .syslog(let address): run(SyslogOutput(address))
        case .journal(let path): run(JournalOutput(path))
        }
    }

    private func run(_ output: consuming some LogOutput & ~Copyable) {
        var output = output
        while !queue.isOver {
            let steps = queue.first(Self.atOnce)
            if steps.isEmpty {
                queue.waitForWork(milliseconds: -1)
                continue
            }
            do throws(LogError) {
                queue.removeFirst(try output.perform(steps))
            } catch {
                queue.fail(error)
                queue.waitForWork(milliseconds: Self.patience)
            }
        }
    }
}
