import Agent
import BPF
import CSwguardBPF
import Foundation
import Testing

extension Trait where Self == ConditionTrait {
    /// Skips where the kernel loads no BPF LSM program; where `SWGUARD_REQUIRE_KERNEL` is set, the test must run.
    ///
    /// Found out by loading one: a kernel may list `bpf` among its security modules, and refuse nevertheless. One that
    /// does not list it loads and attaches, and never runs them.
    static var needsBPFLSM: Self {
        .enabled(if: isRequired || obstacle == nil, "\(obstacle ?? "")")
    }
}

/// Set in the virtual machines, where a skipped test would be a gap.
private let isRequired = getenv("SWGUARD_REQUIRE_KERNEL") != nil

/// Why this kernel runs no BPF LSM program; nil where it does.
private let obstacle: String? = {
    do throws(KernelError) {
        _ = try OpenObject.swguard().load()
        let modules = (try? String(contentsOfFile: "/sys/kernel/security/lsm", encoding: .utf8)) ?? ""
        return modules.split(whereSeparator: { ",\n".contains($0) }).contains("bpf")
            ? nil : "'bpf' is not among this kernel's security modules"
    } catch {
        return "this kernel runs no BPF LSM program: \(error)"
    }
}()

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
