import CLinux
import Foundation

/// A shell that waits for a line before it becomes the given command, so that a policy can be put on it first.
final class HeldProcess {
    private let process = Process()
    private let input = Pipe()
    /// Of the shell, and of the command after it.
    let identifier: Int32

    /// Starts the shell; `command` is to be run later, by its absolute path.
    init(_ command: String...) throws {
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "read -r _; exec \"$@\"", "sh"] + command
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        identifier = process.processIdentifier
    }

    /// Runs `body` with a pidfd of the process.
    func withDescriptor<Result>(_ body: (CInt) throws -> Result) throws -> Result {
        let descriptor = swguard_pidfd_open(identifier)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: -descriptor) ?? .EINVAL) }
        defer { close(descriptor) }
        return try body(descriptor)
    }

    /// Lets the command run to its end, and returns its exit status.
    func finish() throws -> Int32 {
        try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// The exit status of a command on which nothing is put.
    static func status(_ path: String, _ argument: String) throws -> Int32 {
        try HeldProcess(path, argument).finish()
    }
}
