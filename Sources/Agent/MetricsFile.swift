private import Glibc

/// The file that the node exporter reads (`--collector.textfile.directory`): whole at any time, anew every 15 s.
struct MetricsFile {
    /// Milliseconds.
    private static let interval: UInt64 = 15_000

    private let path: String
    /// By the clock of `ControlServer.now`.
    private var next: UInt64 = 0
    private var isFailing = false

    init?(_ path: String?) {
        guard let path else { return nil }
        self.path = path
    }

    func isDue(now: UInt64) -> Bool { now >= next }

    /// Gives what there is to be said: that it cannot be written, once.
    mutating func write(_ text: String, now: UInt64) -> String? {
        next = now + Self.interval
        let wasFailing = isFailing
        isFailing = !WholeFile.replace(path, with: Array(text.utf8), mode: 0o644, isDurable: false)
        guard isFailing, !wasFailing else { return nil }
        return "cannot write metrics '\(path)': \(unsafe String(cString: strerror(errno)))"
    }
}
