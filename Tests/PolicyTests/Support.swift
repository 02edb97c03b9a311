import Foundation
import Policy

/// A small vocabulary: a few calls of each width, two groups.
let testVocabulary = SyscallVocabulary(
    names: [
        "read", "write", "openat", "close", "socket", "ioctl", "clone", "mmap", "mprotect", "mount",
        "umount2",
        "ptrace", "personality", "prctl", "execve", "exit_group", "unshare", "getppid", "kill", "lseek",
    ],
    groups: [
        "system-service": ["read", "write", "openat", "close", "socket", "ioctl", "mmap", "lseek"],
        "mount": ["mount", "umount2"],
        "default": ["execve", "exit_group"],
    ],
    alwaysAllowed: ["execve", "exit_group"],
    narrowArguments: ["socket": 0b111, "ioctl": 0b11, "personality": 0b1, "close": 0b1])

let testVariables = PolicyVariables(
    home: .set(Array("/home/ann".utf8)), cwd: .set(Array("/home/ann/pro[je]ct".utf8)),
    user: .set(Array("ann".utf8)), uid: .set(Array("1000".utf8)), tmpdir: .set(Array("/tmp".utf8)),
    runtime: .unset("XDG_RUNTIME_DIR is not set"))

/// Files in memory: the key is the path.
struct MemoryFiles: PolicyFiles {
    var files: [String: String] = [:]
    var errors: [String: String] = [:]
    var standardInput = ""

    func read(_ path: String) throws(PolicyFileError) -> PolicyFile {
        if let reason = errors[path] { throw PolicyFileError(reason) }
        guard let text = files[path] else { throw .missing }
        // `target` is the identity of a file that is there under two names.
        return PolicyFile(bytes: Array(text.utf8), identity: text.hasPrefix("# same") ? text : path)
    }

    func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile {
        try read(directory == "." ? name : "\(directory)/\(name)")
    }

    func readStandardInput() throws(PolicyFileError) -> [UInt8] { Array(standardInput.utf8) }
}

func loader(_ files: MemoryFiles = MemoryFiles(), variables: PolicyVariables = testVariables) -> PolicyLoader
{
    PolicyLoader(
        vocabulary: testVocabulary, variables: variables, files: files, searchPath: ["/etc/swguard/policies"])
}

/// Decodes text as the file `p.yaml`.
func decode(_ text: String, variables: PolicyVariables = testVariables) -> LoadedPolicy {
    loader(variables: variables).decode(Array(text.utf8), named: "p.yaml")
}

/// The head of a policy, three lines.
let head = """
    apiVersion: swguard/v1
    kind: Policy
    metadata: {name: p}

    """

/// A deterministic source of random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

extension Policy {
    /// The items of `tests` that do not pass.
    var failedTests: [PolicyTestResult] { runTests(vocabulary: testVocabulary).filter { !$0.isPassed } }
}

/// The seeds of a random test: `count` of them, times `SWGUARD_TEST_CASES`, from `SWGUARD_SEED`, or 0, on.
func caseSeeds(_ count: Int) -> Range<UInt64> {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["SWGUARD_SEED"].flatMap(UInt64.init) ?? 0
    return first..<first + UInt64(count * max(1, environment["SWGUARD_TEST_CASES"].flatMap(Int.init) ?? 1))
}
