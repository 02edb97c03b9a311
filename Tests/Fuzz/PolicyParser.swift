import Policy

/// The first byte picks the reader; the rest is its text. What must hold: no crash, no hang, and what is
/// accepted is printed and read back.
@c(LLVMFuzzerTestOneInput)
public func fuzzPolicyParser(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let data, count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let text = Array(bytes.dropFirst())
    switch bytes[0] {
    case UInt8(ascii: "P"): _ = try? PathPattern.parse(text, variables: variables)
    case UInt8(ascii: "E"):
        _ = try? Endpoint.parse(String(decoding: text, as: UTF8.self), variables: variables)
    case UInt8(ascii: "C"): _ = try? ArgumentCondition.parse(String(decoding: text, as: UTF8.self))
    default: readPolicy(bytes)
    }
    return 0
}

private func readPolicy(_ bytes: [UInt8]) {
    let loaded = loader.decode(bytes, named: "fuzz.yaml")
    _ = DiagnosticFormatter(usesColour: true).text(loaded.diagnostics)
    guard let policy = loaded.policy else {
        precondition(loaded.diagnostics.contains { $0.severity == .error }, "refused without a reason")
        return
    }
    _ = policy.runTests(vocabulary: vocabulary)
    guard let printed = try? policy.yaml() else { preconditionFailure("what was read cannot be printed") }
    // Braces and variables make the printed form longer than what was read: a limit may refuse it, nothing else.
    let again = loader.decode(Array(printed.utf8), named: "fuzz.yaml")
    let isTooLarge = again.diagnostics.contains {
        $0.text.hasPrefix("the file is larger") || $0.text.hasPrefix("more than")
    }
    precondition(again.policy != nil || isTooLarge, "what was printed cannot be read")
}

private let vocabulary = SyscallVocabulary(
    names: ["read", "write", "socket", "ioctl", "mount", "ptrace", "execve"],
    groups: ["system-service": ["read", "write"], "mount": ["mount"]], alwaysAllowed: ["execve"],
    narrowArguments: ["socket": 0b111, "ioctl": 0b10])

private let variables = PolicyVariables(
    home: .set(Array("/home/a{b,c}".utf8)), cwd: .set(Array("/w".utf8)), user: .set(Array("ann".utf8)),
    uid: .set(Array("1000".utf8)), tmpdir: .set(Array("/tmp".utf8)), runtime: .unset("not set"))

private let loader = PolicyLoader(vocabulary: vocabulary, variables: variables, files: NoFiles())

/// There is nothing to include.
private struct NoFiles: PolicyFiles {
    func read(_ path: String) throws(PolicyFileError) -> PolicyFile { throw .missing }
    func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile {
        throw .missing
    }
    func readStandardInput() throws(PolicyFileError) -> [UInt8] { throw .missing }
}
