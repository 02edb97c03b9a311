import Agent
import BPF
import CSwguardBPF
import Foundation
import Testing

extension Trait where Self == ConditionTrait {
    /// Runs in the virtual machines of `Tests/vm/kernel-tests` only, where a skipped test is a failure: what these load
    /// and attach is host-wide, and no test of a checkout does that to the host that it is built on.
    static var needsBPFLSM: Self {
        .enabled(
            if: getenv("SWGUARD_REQUIRE_KERNEL") != nil, "runs in virtual machines: Tests/vm/kernel-tests")
    }
}

extension OpenObject {
    /// The programs that swguard ships, but for those that this kernel has no hook for.
    static func swguard() throws(KernelError) -> OpenObject {
        var object = try OpenObject(
            reading: UnsafeRawBufferPointer(
                start: swguard_bpf_object_address(), count: swguard_bpf_object_size), named: "swguard")
        if access("/sys/kernel/btf/vmlinux", R_OK) == 0 {
            _ = try object.leaveOutMissing(of: OptionalPrograms.names)
        }
        return object
    }
}
