import Foundation

/// A child process without input; its output goes to files, or nowhere.
struct Child: Sendable {
    let identifier: pid_t

    /// Starts a program by its absolute path.
    init(_ command: String...) throws { try self.init(command) }

    init(_ command: [String], output: String = "/dev/null", errors: String = "/dev/null") throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, path) in ["/dev/null", output, errors].enumerated() {
            let flags = descriptor == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND
            posix_spawn_file_actions_addopen(&actions, CInt(descriptor), path, flags, 0o644)
        }
        // The threads that tests run on block signals; a child would go on doing so.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let arguments = command.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        let failure = posix_spawn(&child, command[0], &actions, &attributes, arguments + [nil], environ)
        guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EINVAL) }
        identifier = child
    }

    /// Its exit status; less than 0: the signal that ended it.
    func wait() throws -> Int32 {
        var status: CInt = 0
        while waitpid(identifier, &status, 0) < 0 {
            guard errno == EINTR else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
        }
        return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
    }

    /// Asks it to end, and waits; its exit status.
    @discardableResult
    func end() -> Int32? {
        kill(identifier, SIGTERM)
        return try? wait()
    }

    /// Whether it has not ended yet.
    var isRunning: Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT) == 0
            && information.si_signo == 0
    }
}
