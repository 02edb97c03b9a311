internal import CLinux
private import Glibc

/// Starts commands.
public enum Launcher {
    /// Confines this process as the request says and executes the command in its place (`--exec-only`).
    ///
    /// Nobody is left to answer a listener: the filters must not make one. Returns only on failure.
    public static func execute(_ request: LaunchRequest) -> LaunchFailure {
        let block = LaunchBlock(request, signals: nil)
        unsafe swguard_start_in_place(block.launch)
        return block.failure ?? LaunchFailure(.process, code: EINVAL)
    }

    /// Starts the command in a new process.
    static func start(_ block: borrowing LaunchBlock) throws(LaunchFailure) -> StartedCommand {
        let process = unsafe swguard_start(block.launch)
        if process < 0 { throw block.failure ?? LaunchFailure(.process, code: EAGAIN) }
        let listener = unsafe block.launch.pointee.listener
        return StartedCommand(
            process: process, listener: listener < 0 ? nil : listener,
            listenerWasTaken: unsafe block.launch.pointee.listener_was_taken != 0)
    }
}

/// A command that has been started, or is about to be executed.
struct StartedCommand {
    let process: pid_t
    /// The listener's descriptor, now the supervisor's.
    let listener: CInt?
    /// An ancestor listens already: denied calls fail plainly and are not reported.
    let listenerWasTaken: Bool
}
