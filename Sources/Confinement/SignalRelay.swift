internal import CLinux
private import Glibc

/// The signals as they were before the supervisor took them, for the command.
struct TakenSignals {
    /// The blocked signals; bit N−1 is signal N.
    let mask: UInt64
    /// Ignored signals whose disposition had to change.
    let ignored: UInt64

    /// Blocks the supervisor's signals, to be read from a descriptor.
    static func take() throws(LaunchFailure) -> Self {
        var mask: UInt64 = 0
        var ignored: UInt64 = 0
        if unsafe swguard_take_signals(&mask, &ignored) < 0 { throw LaunchFailure(.signals, code: errno) }
        return Self(mask: mask, ignored: ignored)
    }

    /// Undoes `take`.
    func giveBack() { _ = swguard_give_back_signals(mask, ignored) }
}

/// Which signals that reach the supervisor are sent on to the command.
///
/// The command is in the supervisor's process group: what the terminal sends to the group (^C, ^Z, a new size)
/// reaches it without help, and sent on it would come twice. What a process sends to the supervisor is sent on.
/// What a process sends to the whole group cannot be told apart from that, and reaches the command twice.
struct SignalRelay {
    /// Whether the supervisor leads its session: then it alone is told when the terminal hangs up
    /// (tty_signal_session_leader in drivers/tty/tty_jobctrl.c), and the command, which would have led, is not.
    var leadsSession: Bool

    /// Where a signal came from.
    enum Origin: Hashable {
        /// The terminal, a timer.
        case kernel
        /// A process that is not the command's.
        case process
        /// The command or a descendant of it, which had its reasons, and reached itself where it meant the group.
        case command
    }

    /// Whether `signal` is to be sent on.
    func relays(_ signal: CInt, from origin: Origin) -> Bool {
        if signal == SIGCHLD { return false }
        return switch origin {
        case .process: true
        case .command: false
        // A timer can have been set before swguard was executed (alarm(2): kept across execve).
        case .kernel: signal == SIGALRM || (leadsSession && (signal == SIGHUP || signal == SIGCONT))
        }
    }
}
