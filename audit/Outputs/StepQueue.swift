internal import CLinux
internal import Synchronization

/// Steps on their way from the loop to one output, which may take its time over them: at most as many as have room.
final class StepQueue: Sendable {
    private struct State {
        /// What is behind `position` is to be done.
        var steps: [LogStep] = []
        var position = 0
        /// Of these steps, in bytes.
        var used = 0
        /// What the output is refused now.
        var failure: LogError?
        var notices: [String] = []
        var isMoved = false
        var hasEnded = false
        /// How many steps have been taken, and how many of them are done, since it began.
        var taken: UInt64 = 0
        var done: UInt64 = 0
        /// Whether the output sleeps, or will, though there is something to do.
        var isToBeWoken = false
    }

    /// Hears of steps that are done, in the output's thread: how many are by then.
    private let whenDone: (@Sendable (UInt64) -> Void)?

    private let state = Mutex(State())
    /// Wakes the output.
    private let work: LogDescriptor
    /// Wakes who waits for the output to be done.
    private let rest: LogDescriptor
    /// In bytes.
    let limit: Int

    /// What a step takes besides the bytes of its line.
    private static let stepCost = 64
    private static let noticeLimit = 16

    init(limit: Int, done: (@Sendable (UInt64) -> Void)? = nil) throws(LogError) {
        self.limit = limit
        whenDone = done
        work = try Self.bell()
        rest = try Self.bell()
    }

    private static func bell() throws(LogError) -> LogDescriptor {
        let bell = swguard_bell_create()
        guard bell >= 0 else { throw LogError("wake the writer of the audit log", code: -bell) }
        return LogDescriptor(taking: bell)
    }

    /// Takes all of `steps`, or none where they have no room; the output hears of it from `wake` at the latest.
    func offer(_ steps: [LogStep]) -> Bool {
        let cost = steps.reduce(0) { $0 + Self.cost(of: $1) }
        return state.withLock { state in
            guard state.used + cost <= limit else { return false }
            // Whoever has something to do looks for more when that is done.
            if state.position == state.steps.count || state.failure != nil { state.isToBeWoken = true }
            state.steps += steps
            state.used += cost
            state.taken += UInt64(steps.count)
            return true
        }
    }

    /// Wakes the output where it sleeps and there is something to do.
    func wake() {
        let isToBeWoken = state.withLock { state in
            defer { state.isToBeWoken = false }
            return state.isToBeWoken
        }
        if isToBeWoken { swguard_bell_ring(work.number) }
    }

    /// How many steps have been taken since it began.
    var taken: UInt64 { state.withLock { $0.taken } }

    /// How much of the room is taken, in bytes.
    var used: Int { state.withLock { $0.used } }

    /// What is to be done first, so many steps at most; none: nothing now.
    func first(_ most: Int) -> [LogStep] { state.withLock { Array($0.steps[$0.position...].prefix(most)) } }

    /// What was first is done, so many steps.
    func removeFirst(_ count: Int) {
        let (recovered, isEmpty, done) = state.withLock { state in
            state.done += UInt64(count)
            for _ in 0..<count {
                state.used -= Self.cost(of: state.steps[state.position])
                // The bytes go at once, their place in the array when it is worth it.
                state.steps[state.position] = .sync
                state.position += 1
            }
            if state.position == state.steps.count || state.position > 1024 {
                state.steps.removeFirst(state.position)
                state.position = 0
            }
            let recovered = state.failure != nil
            state.failure = nil
            return (recovered, state.steps.isEmpty, state.done)
        }
        whenDone?(done)
        if recovered { notice("the audit log is written again") }
        if isEmpty { swguard_bell_ring(rest.number) }
    }

    /// What is first cannot be done now.
    func fail(_ error: LogError) {
        let isNews = state.withLock { state in
            defer { state.failure = error }
            return state.failure?.code != error.code || state.failure?.reason != error.reason
        }
        if isNews {
            notice("\(error); events are kept while they have room, and counted then")
        }
    }

    /// What the output is refused now; nil: nothing.
    var failure: LogError? { state.withLock { $0.failure } }

    /// Something that is to be said.
    func notice(_ text: String) {
        state.withLock { if $0.notices.count < Self.noticeLimit { $0.notices.append(text) } }
    }

    /// What is to be said, once.
    func takeNotices() -> [String] {
        state.withLock { state in
            defer { state.notices = [] }
            return state.notices
        }
    }

    /// The file is not at its path any more.
    func noteMoved() { state.withLock { $0.isMoved = true } }

    /// Whether it was moved, once.
    func takeMoved() -> Bool {
        state.withLock { state in
            defer { state.isMoved = false }
            return state.isMoved
        }
    }

    /// Nothing more comes.
    func end() {
        state.withLock { $0.hasEnded = true }
        swguard_bell_ring(work.number)
    }

    /// Whether nothing more comes, and nothing is left to be done.
    var isOver: Bool { state.withLock { $0.hasEnded && $0.steps.isEmpty } }

    /// Waits for something to do, in the output's thread.
    func waitForWork(milliseconds: CInt) { swguard_bell_wait(work.number, milliseconds) }

    /// Waits until everything is done, for so long at most.
    /// - Returns: How many lines are left.
    func waitForRest(milliseconds: UInt64) -> Int {
        let deadline = swguard_monotonic_milliseconds() + milliseconds
        while true {
            let left = state.withLock { state in state.steps[state.position...].count { $0.isLine } }
            let isEmpty = state.withLock { $0.steps.isEmpty }
            let now = swguard_monotonic_milliseconds()
            if isEmpty || now >= deadline { return left }
            swguard_bell_wait(rest.number, CInt(clamping: deadline - now))
        }
    }

    private static func cost(of step: LogStep) -> Int {
        if case .line(let line) = step { line.count + stepCost } else { stepCost }
    }
}

extension LogStep {
    var isLine: Bool { if case .line = self { true } else { false } }
}
