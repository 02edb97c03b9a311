import Compiler
import Policy
import Seccomp
import Testing

/// Ways around a condition on an argument: what the kernel reads of it, and what the filter must.
@Suite struct FilterArgumentTests {
    @Test(arguments: [0x5412, 0x541c] as [UInt64])
    func `a terminal injection with a high bit set is refused`(request: UInt64) throws {
        let filter = try TestFilter(plainPolicy)
        for high in [0, 1 << 32, 1 << 63, 0xffff_ffff_0000_0000] as [UInt64] {
            #expect(filter.answer(nativeCall("ioctl", 0, request | high, 0)) == .permissionDenied)
        }
        #expect(filter.answer(nativeCall("ioctl", 0, 0x5401)) == .allow)
        #expect(filter.answer(nativeCall("ioctl", 0, request << 32)) == .allow)
    }

    @Test func `ioctls that make names are refused`() throws {
        let filter = try TestFilter(plainPolicy)
        for request: UInt64 in [0x5000_940e, 0x5000_9401, 0x5000_940f, 0x5000_9417, 0x5000_9418, 0x5000_943f]
        {
            #expect(filter.answer(nativeCall("ioctl", 3, request)) == .permissionDenied)
            #expect(filter.answer(nativeCall("ioctl", 3, request | 1 << 32)) == .permissionDenied)
        }
        let granted = try TestFilter(.allowingOperations(.subvolume, .terminalInjection))
        #expect(granted.answer(nativeCall("ioctl", 3, 0x5000_940e)) == .allow)
        #expect(granted.answer(nativeCall("ioctl", 3, 0x5412)) == .allow)
    }

    @Test func `an equality on a 32-bit argument does not see the other half`() throws {
        let filter = try TestFilter(
            .syscalls(
                [.deny(.name("prctl"), when: ArgumentCondition(argument: 0, comparison: .equal, value: 38))],
                default: .allow))
        #expect(filter.answer(nativeCall("prctl", 38)) == .permissionDenied)
        #expect(filter.answer(nativeCall("prctl", 38 | 1 << 32)) == .permissionDenied)
        #expect(filter.answer(nativeCall("prctl", 39)) == .allow)
    }

    @Test func `a negative value is compared on the argument's own width`() throws {
        let minusOne = ArgumentCondition(argument: 0, comparison: .equal, value: UInt64(bitPattern: -1))
        let filter = try TestFilter(
            .syscalls([.deny(.name("kill"), .name("munmap"), when: minusOne)], default: .allow))
        #expect(filter.answer(nativeCall("kill", 0xffff_ffff)) == .permissionDenied)
        #expect(filter.answer(nativeCall("kill", .max)) == .permissionDenied)
        #expect(filter.answer(nativeCall("munmap", 0xffff_ffff)) == .allow)
        #expect(filter.answer(nativeCall("munmap", .max)) == .permissionDenied)
    }
}
