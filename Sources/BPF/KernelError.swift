internal import Glibc

/// A refusal by the kernel, or by libbpf in its place.
public struct KernelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted: `load the BPF programs`.
    public var operation: String
    /// The answer, an `errno`.
    public var code: CInt
    /// What libbpf and the verifier said about it, whole; empty where they said nothing.
    public var log: String

    /// `code` in answer to `operation`.
    public init(operation: String, code: CInt, log: String = "") {
        self.operation = operation
        self.code = code
        self.log = log
    }

    /// `cannot load the BPF programs: Permission denied (R1 invalid mem access 'scalar')`.
    public var description: String {
        let reason = unsafe String(cString: strerror(code))
        let detail = decisiveLine.map { " (\($0))" } ?? ""
        return "cannot \(operation): \(reason)\(detail)"
    }

    /// The last line of the verifier's log that says why; without such a log, libbpf's first message about a failure
    /// that it did not try to get around.
    private var decisiveLine: Substring? {
        let lines = log.split(separator: "\n")
        guard let begin = lines.lastIndex(where: { $0.contains("BEGIN PROG LOAD LOG") }) else {
            return lines.first { !$0.contains("Retrying") }
        }
        let verifier = lines[(begin + 1)...].prefix { !$0.contains("END PROG LOAD LOG") }
        return verifier.last { !$0.hasPrefix("processed ") && !$0.hasPrefix("verification time") }
    }
}
