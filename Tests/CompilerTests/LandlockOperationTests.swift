import Landlock
import Policy
import Testing

@testable import Compiler

/// The operations that Landlock enforces, and the domain that is made for them.
struct LandlockOperationTests {
    private static let abis = Array(1...LandlockFeatures.newestABI)

    @Test(arguments: abis)
    func `a policy without files still gets a domain, which denies nothing but tracing`(_ abi: Int) {
        let lowered = Policy().lowered(abi: abi)
        #expect(lowered.ptraceByLandlock)
        #expect(lowered.recipe.networkRights.isEmpty && lowered.recipe.scopes.isEmpty)
        // Handled and granted on the root: ABI 1 has no such right for renames.
        #expect(lowered.grants == ["//**": abi >= 2 ? .refer : .makeBlockDevice])
        #expect(lowered.recipe.fileRights == (abi >= 2 ? .refer : .makeBlockDevice))
        #expect(lowered.kinds("ptrace") == (abi >= 2 ? [] : [.narrowed]))
    }

    @Test
    func `a policy that allows tracing needs no domain`() {
        let lowered = Policy(operations: [(.allow, .ptrace), (.allow, .signal)]).lowered(abi: 7)
        #expect(!lowered.recipe.isNeeded)
        #expect(!lowered.ptraceByLandlock)
        let files = Policy(files: [], operations: [(.allow, .ptrace), (.allow, .signal)]).lowered(abi: 7)
        #expect(files.kinds("ptrace") == [.narrowed])
    }

    @Test
    func `no domain with file rights is made where another does`() {
        let lowered = Policy(operations: [(.allow, .mount)]).lowered(abi: 7)
        #expect(lowered.recipe.scopes == .signal)
        #expect(lowered.recipe.fileRights.isEmpty)
        #expect(lowered.kinds("mount") == [])
        let files = Policy(files: [], operations: [(.allow, .mount)]).lowered(abi: 7)
        #expect(files.kinds("mount") == [.narrowed])
    }

    @Test(arguments: abis)
    func `signals are scoped from ABI 6 where the operation is denied`(_ abi: Int) {
        #expect(!Policy().lowered(abi: abi).signalByLandlock)
        let byDefault = Policy(operations: []).lowered(abi: abi)
        #expect(byDefault.signalByLandlock == (abi >= 6))
        #expect(byDefault.recipe.scopes.contains(.signal) == (abi >= 6))
        #expect(byDefault.kinds("signal") == (abi >= 6 ? [] : [.gap]))
        let named = Policy(operations: [(.deny, .signal)]).lowered(abi: abi)
        #expect(named.kinds("operations.0") == (abi >= 6 ? [] : [.excess]))
    }

    @Test
    func `without Landlock the memory of others is reachable, and that is refused`() {
        let lowered = Policy().lowered(abi: 0)
        #expect(lowered.kinds("ptrace") == [.excess])
        #expect(!lowered.ptraceByLandlock)
        #expect(
            Policy(operations: [(.allow, .ptrace), (.allow, .signal)]).lowered(abi: 0).kinds("ptrace") == [])
    }

    @Test
    func `only root needs the kernel's files to be kept back`() {
        let plain = Policy().lowered(abi: 7)
        #expect(plain.recipe.denies.isEmpty)
        #expect(plain.extent("kernel-helper") == .full)
        let root = Policy().lowered(abi: 7, isPrivileged: true)
        #expect(root.recipe.carvings.map(\.root) == [[0x2f]])
        #expect(root.recipe.denies.contains { $0.pattern.description == "/proc/sys/kernel/core_pattern" })
        #expect(!root.recipe.fileRights.contains(.readDirectory))
        #expect(root.grants["//**"] == .refer)
        let allowed = Policy(operations: [
            (.allow, .kernelHelper), (.allow, .rawIO), (.allow, .signal),
        ]).lowered(abi: 7, isPrivileged: true)
        #expect(allowed.recipe.denies.isEmpty)
        #expect(Policy().lowered(abi: 0, isPrivileged: true).kinds("kernel-helper") == [.excess])
    }

    @Test
    func `the kernel's files are carved out of what files grants to root`() {
        let lowered = Policy(files: [Policy.allow("read", "write", on: ["/proc/**", "/p/**"])])
            .lowered(abi: 7, isPrivileged: true)
        #expect(lowered.grants["/p/**"]?.contains(.writeFile) == true)
        #expect(lowered.grants["/proc/**"] == [.readFile, .readDirectory, .deviceControl])
        #expect(lowered.recipe.carvings.map { String(decoding: $0.root, as: UTF8.self) } == ["/proc"])
    }
}
