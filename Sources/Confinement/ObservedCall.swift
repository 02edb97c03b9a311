internal import Policy

/// A system call whose request is read from the caller's memory.
struct ObservedCall {
    let call: SystemCall
    let name: String

    init(_ call: SystemCall, name: String) {
        self.call = call
        self.name = name
    }

    func requests() -> [Request] { [] }
}

extension Request {
    /// The error that a denial of it gives: the language page, "Errno".
    var usualError: CInt {
        switch self {
        case .file, .network, .socket: 13  // EACCES
        case .capability, .operation, .syscall: 1  // EPERM
        }
    }
}
