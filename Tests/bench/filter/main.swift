import CLinux
import Clibseccomp
import Compiler
import Glibc
import Policy
import Seccomp

// What a filter of system calls costs, swguard's and libseccomp's of the same `syscalls` section:
// `bench-filter KIND POLICY`, KIND `none`, `swguard`, `libseccomp`, or `tree` (libseccomp's with its binary tree). Prints one
// line, tab separated: instructions of the filter, microseconds to make it, microseconds to load it, and nanoseconds of each
// of `calls`: the least of many rounds, which is what a quiet processor takes.

func fail(_ message: String) -> Never {
    print("bench-filter: \(message)")
    exit(1)
}

/// Nanoseconds.
func time(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    let time = clock.measure(body).components
    return Double(time.seconds) * 1e9 + Double(time.attoseconds) / 1e9
}

func section(of path: String) -> SyscallsSection {
    let loader = PolicyLoader(
        vocabulary: SyscallTable.vocabulary, variables: .none("there are no variables here"),
        files: HostPolicyFiles())
    let loaded = loader.load(path)
    guard let section = loaded.policy?.syscalls else { fail(DiagnosticFormatter().text(loaded.diagnostics)) }
    return section
}

/// As the policy has it, and nothing besides: libseccomp knows no operations.
func ours(_ section: SyscallsSection) -> FilterProgram {
    var policy = Policy(name: "bench", file: "bench.yaml")
    policy.syscalls = section
    let decisions = SyscallDecisions.lower(SyscallLayerInputs(policy: policy)).decisions
    guard let program = try? FilterCompiler.compile([decisions], flavor: .errno) else { fail("no filter") }
    return program
}

/// A section of names and groups that are allowed always.
func theirs(_ section: SyscallsSection, isTree: Bool) -> FilterProgram {
    guard let context = seccomp_init(FilterAction.errno(1).returnValue) else { fail("no context") }
    defer { seccomp_release(context) }
    if isTree, seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0 { fail("no binary tree") }
    let vocabulary = SyscallTable.vocabulary
    for call in SyscallTable.calls(of: .native)
    where vocabulary.alwaysAllowed.contains(call.name)
        || section.rules.contains(where: { rule in
            rule.selectors.contains { vocabulary.selector($0.value, covers: call.name) }
        })
    {
        let code = seccomp_rule_add_array(
            context, FilterAction.allow.returnValue, CInt(bitPattern: call.number), 0, nil)
        if code != 0 { fail("\(call.name): \(code)") }
    }
    guard let stream = tmpfile() else { fail("no file") }
    defer { fclose(stream) }
    guard seccomp_export_bpf(context, fileno(stream)) == 0 else { fail("no export") }
    var bytes = [UInt8](repeating: 0, count: FilterProgram.maximumLength * FilterProgram.bytesPerInstruction)
    let count = pread(fileno(stream), &bytes, bytes.count, 0)
    guard count > 0, let program = FilterProgram(bytes: bytes[..<count]) else { fail("no filter") }
    return program
}

/// Of low numbers and high ones.
let calls: [(String, () -> Void)] = [
    ("read", { _ = read(-1, nil, 0) }),
    ("getppid", { _ = getppid() }),
    ("faccessat", { _ = faccessat(-1, "x", 0, 0) }),
]

if CommandLine.arguments.count == 2, CommandLine.arguments[1] == "calls" {
    print(calls.map(\.0).joined(separator: "\t"))
    exit(0)
}
guard CommandLine.arguments.count == 3 else { fail("usage: bench-filter KIND POLICY | calls") }
let kind = CommandLine.arguments[1]
let policy = section(of: CommandLine.arguments[2])

var program: FilterProgram?
// The second time: the first reads the library in.
var making = 0.0
for _ in 0..<2 {
    making = time {
        switch kind {
        case "none": program = nil
        case "swguard": program = ours(policy)
        case "libseccomp", "tree": program = theirs(policy, isTree: kind == "tree")
        default: fail("no such kind: \(kind)")
        }
    }
}
var loading = 0.0
if let program {
    do {
        try FilterProgram.setNoNewPrivileges()
        loading = time {
            do { try program.install() } catch { fail("\(error)") }
        }
    } catch { fail("\(error)") }
}
let rounds = 40, count = 20_000
let costs = calls.map { call in
    (0..<rounds).map { _ in time { for _ in 0..<count { call.1() } } / Double(count) }.min() ?? 0
}
print(
    ([program?.instructions.count ?? 0, Int(making / 1000), Int(loading / 1000)].map(String.init)
        + costs.map { String(Int($0 * 10)) }).joined(separator: "\t"))
