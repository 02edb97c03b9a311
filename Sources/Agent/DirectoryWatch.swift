internal import CLinux
internal import Control
private import Glibc

/// Notices that policies in a directory have changed, and waits until they have not for a while: files are written in pieces.
///
/// Its end closes the descriptor. What policies of the directory include from elsewhere is not watched.
final class DirectoryWatch {
    /// How long nothing must have changed, in milliseconds.
    private static let quiet: UInt64 = 500
    /// How long a change waits at most while others follow.
    private static let patience: UInt64 = 5000

    let descriptor: CInt
    private var first: UInt64?
    /// When it will have been quiet for long enough, by the clock of `ControlServer.now`; nil: nothing has changed.
    private(set) var settles: UInt64?

    /// nil: it cannot be watched.
    init?(_ directory: String) {
        descriptor = unsafe swguard_watch_directory(directory)
        if descriptor < 0 { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether something has changed, and has settled.
    func isSettled(now: UInt64) -> Bool {
        if swguard_watch_changed(descriptor) != 0 {
            let first = first ?? now
            self.first = first
            settles = min(now + Self.quiet, first + Self.patience)
        }
        return settles.map { $0 <= now } ?? false
    }

    /// Whatever has changed is known.
    func forget() {
        _ = swguard_watch_changed(descriptor)
        first = nil
        settles = nil
    }
}
