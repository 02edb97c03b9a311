import Compiler
import Policy
import Seccomp
import Testing

/// Ways around a filter by another ABI's or a later kernel's numbers, each tried in the emulator.
@Suite struct FilterABITests {
    // MARK: - Other ways of making the same call

    @Test func `a call by int 0x80 is killed`() throws {
        let filter = try TestFilter(.syscalls([.deny(.name("mkdir"))], default: .allow))
        #expect(filter.answer(nativeCall("mkdir")) == .permissionDenied)
        #expect(filter.answer(nativeCall("getppid")) == .allow)
        for name in ["mkdir", "getppid", "exit"] {
            #expect(filter.answer(syscall(name, .i386)) == .killProcess)
        }
        // The native number under the other architecture, too.
        #expect(filter.answer(FilterInput(number: 39, architecture: 0x4000_0003)) == .killProcess)
    }

    @Test func `a call with x32's bit is killed, whatever its number`() throws {
        let filter = try TestFilter(plainPolicy)
        for number: UInt32 in [0, 39, 110, 512, 547, 0x3fff_fffe, 0x8000_0000, 0xbfff_fffe] {
            let input = FilterInput(number: number | 0x4000_0000, architecture: 0xc000_003e)
            #expect(filter.answer(input) == .killProcess)
        }
    }

    @Test func `x32's own numbers without its bit answer ENOSYS`() throws {
        let filter = try TestFilter(plainPolicy)
        for number: UInt32 in 512...547 {
            #expect(
                filter.answer(FilterInput(number: number, architecture: 0xc000_003e)) == .noSystemCall)
        }
    }

    @Test func `the number that a tracer leaves for no call answers ENOSYS`() throws {
        let filter = try TestFilter(plainPolicy)
        #expect(filter.answer(FilterInput(number: 0xffff_ffff, architecture: 0xc000_003e)) == .noSystemCall)
    }

    @Test func `a listed ABI has decisions of its own`() throws {
        let filter = try TestFilter(
            .syscalls(
                [.allow(.name("umask")), .deny(.name("socketcall"), .name("mount"))],
                architectures: ["x86_64", "i386", "x32"]))
        for abi in [SyscallABI.x86_64, .i386, .x32] {
            #expect(filter.answer(syscall("umask", abi)) == .allow)
            #expect(filter.answer(syscall("exit_group", abi)) == .allow)
            #expect(filter.answer(syscall("mount", abi)) == .permissionDenied)
        }
        // i386's umask is x86_64's lstat… by number.
        #expect(filter.answer(FilterInput(number: 60, architecture: 0x4000_0003)) == .allow)
        #expect(filter.answer(syscall("socketcall", .i386)) == .permissionDenied)
        #expect(filter.answer(FilterInput(number: 9999, architecture: 0x4000_0003)) == .noSystemCall)
        #expect(
            filter.answer(FilterInput(number: 0x4000_0000 + 9999, architecture: 0xc000_003e)) == .noSystemCall
        )
    }

    @Test func `an ABI that one of two policies does not list is killed`() throws {
        let wide = Policy.syscalls([], default: .allow, architectures: ["x86_64", "i386"])
        let filter = try TestFilter([
            SyscallLayerInputs(policy: wide), SyscallLayerInputs(policy: plainPolicy),
        ])
        #expect(filter.answer(syscall("umask", .i386)) == .killProcess)
        #expect(filter.answer(syscall("umask", .x86_64)) == .allow)
    }

    @Test func `architectures without the native one cannot be run`() throws {
        let (decisions, coverage) = SyscallDecisions.lower(
            SyscallLayerInputs(policy: .syscalls([], default: .allow, architectures: ["i386"])))
        #expect(coverage.findings.contains { $0.kind == .impossible })
        #expect(throws: FilterError.noABI) { try FilterCompiler.compile([decisions], flavor: .errno) }
    }

    // MARK: - New calls

    @Test func `a call newer than the table answers ENOSYS, a known one that is not allowed EPERM`() throws {
        for policy in [plainPolicy, .syscalls([]), .syscalls([], default: .allow)] {
            let filter = try TestFilter(policy)
            for number: UInt32 in [337, 400, 423, 470, 500, 548, 1000, 0x3fff_ffff] {
                #expect(
                    filter.answer(FilterInput(number: number, architecture: 0xc000_003e)) == .noSystemCall)
            }
        }
        let filter = try TestFilter(.syscalls([]))
        for name in ["mkdir", "file_setattr", "cachestat", "open"] {
            #expect(filter.answer(nativeCall(name)) == .permissionDenied)
        }
    }

    @Test func `what starting a command needs is always allowed`() throws {
        let filter = try TestFilter(.syscalls([], operations: nil))
        for name in SyscallTable.alwaysAllowed where SyscallTable.number(of: name, abi: .native) != nil {
            #expect(filter.answer(nativeCall(name)) == .allow)
        }
        for name in ["execve", "exit_group", "rt_sigreturn", "uretprobe", "seccomp"] {
            #expect(filter.answer(nativeCall(name)) == .allow)
        }
        let denied = try TestFilter(.syscalls([.deny(.name("execve"))]))
        #expect(denied.coverage.findings.contains { $0.kind == .impossible })
    }
}
