public import CLinux
internal import Glibc

extension FilterProgram {
    /// Calls `body` with the program in the form that `swguard_seccomp_install` takes; the pointer holds for
    /// the call only. For a launcher that loads the filter in a child of its own making.
    public func withKernelForm<Result>(_ body: (UnsafePointer<sock_fprog>) -> Result) -> Result {
        var copy = instructions.map {
            sock_filter(code: $0.code, jt: $0.whenTrue, jf: $0.whenFalse, k: $0.constant)
        }
        return unsafe copy.withUnsafeMutableBufferPointer { buffer in
            var program = unsafe sock_fprog(
                len: UInt16(clamping: buffer.count), filter: buffer.baseAddress)
            return unsafe body(&program)
        }
    }

    /// Sets no_new_privs for the calling thread, for good: what loading without CAP_SYS_ADMIN asks for.
    public static func setNoNewPrivileges() throws(SeccompError) {
        let result = swguard_seccomp_set_no_new_privs()
        if result < 0 { throw SeccompError(operation: "set no_new_privs", code: -result) }
    }

    /// Loads the program for the calling thread, which must have no_new_privs. It stays for good.
    ///
    /// - Throws: EINVAL for a program with a defect, EACCES without no_new_privs, EBUSY for a second listener
    ///   in one tree of filters.
    public func install(flags: FilterInstallFlags = []) throws(SeccompError) {
        precondition(!flags.contains(.newListener), "a listener has an owner: installWithListener")
        let result = unsafe withKernelForm { unsafe swguard_seccomp_install($0, flags.rawValue) }
        if result < 0 { throw SeccompError(operation: "load the filter", code: -result) }
    }

    /// Loads the program for the calling thread and returns where its notifications arrive.
    public func installWithListener(flags: FilterInstallFlags) throws(SeccompError) -> NotificationListener {
        let result = unsafe withKernelForm {
            unsafe swguard_seccomp_install($0, flags.union(.newListener).rawValue)
        }
        if result < 0 { throw SeccompError(operation: "load the filter with a listener", code: -result) }
        do {
            return try NotificationListener(owning: result)
        } catch {
            _ = close(result)
            throw error
        }
    }
}
