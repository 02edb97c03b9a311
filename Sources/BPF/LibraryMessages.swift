internal import Clibbpf
internal import Glibc
internal import Synchronization

/// What libbpf says, which it would otherwise write to standard error.
///
/// It has one callback in a process. Messages are kept while `collecting` runs, one caller at a time, and dropped
/// else.
enum LibraryMessages {
    /// Held while messages are collected for one caller.
    private static let turn = Mutex(())
    /// What was said in this turn; nil between turns.
    private static let text = Mutex<String?>(nil)
    /// Bytes; a longer text ends with the message that reached it.
    private static let limit = 64 << 20

    private static let installed: Void = {
        unsafe libbpf_set_print { level, format, arguments in
            guard level == LIBBPF_WARN, let arguments = unsafe arguments else { return 0 }
            var line: UnsafeMutablePointer<CChar>?
            let length = unsafe vasprintf(&line, format, arguments)
            guard length >= 0, let line = unsafe line else { return 0 }
            defer { unsafe free(line) }
            let message = unsafe String(cString: line)
            text.withLock { text in
                guard let collected = text, collected.utf8.count < limit else { return }
                text = collected + message
            }
            return 0
        }
    }()

    /// The handle that `body` makes; where it makes none, `errno` and what libbpf said are the error.
    static func create(
        _ operation: @autoclosure () -> String, _ body: () -> OpaquePointer?
    ) throws(KernelError) -> OpaquePointer {
        var handle: OpaquePointer?
        try perform(operation()) {
            unsafe handle = body()
            return unsafe handle == nil ? -errno : 0
        }
        guard let handle = unsafe handle else {
            // libbpf's constructors set errno (libbpf 1.0); without it there is still no handle.
            throw KernelError(operation: operation(), code: EINVAL)
        }
        return unsafe handle
    }

    /// Runs `body`, whose result is negative where it fails: then that and what libbpf said are the error.
    static func perform(_ operation: @autoclosure () -> String, _ body: () -> CInt) throws(KernelError) {
        let (result, log) = collecting(body)
        guard result >= 0 else { throw KernelError(operation: operation(), code: -result, log: log) }
    }

    private static func collecting(_ body: () -> CInt) -> (result: CInt, log: String) {
        _ = installed
        return turn.withLock { _ in
            text.withLock { $0 = "" }
            let result = body()
            let log = text.withLock { text in
                defer { text = nil }
                return text ?? ""
            }
            return (result, log)
        }
    }
}
