import AppArmor
import Policy

/// A file of profiles. What must hold: no crash, no hang, and what is translated without an error is a policy that can be
/// read, unless a path of it is no text.
@c(LLVMFuzzerTestOneInput)
public func fuzzAppArmorProfile(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let data, count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    for isPartialAllowed in [false, true] {
        let translation = ProfileTranslation(
            bytes, file: "fuzz", files: IncludedFiles(), base: "/base", allowingPartial: isPartialAllowed)
        guard let policy = translation.policy else {
            precondition(
                translation.diagnostics.contains { $0.severity == .error }, "refused without a reason")
            continue
        }
        guard let text = try? policy.yaml() else { continue }
        let again = loader.decode(Array(text.utf8), named: "fuzz.yaml")
        let isTooLarge = again.diagnostics.contains {
            $0.text.hasPrefix("the file is larger") || $0.text.hasPrefix("more than")
                || $0.text.contains("longer than")
        }
        precondition(again.policy != nil || isTooLarge, "what was printed cannot be read")
    }
    return 0
}

/// What every profile includes.
private struct IncludedFiles: ProfileFiles {
    func read(_ path: String) -> [UInt8]? {
        switch path {
        case "/base/tunables/global": Array("@{HOME}=/home/*/ /root/\n@{PROC}=/proc/\n".utf8)
        case "/base/abstractions/base", "/base/base.d/a": Array("/etc/* r,\ncapability kill,\n".utf8)
        default: nil
        }
    }
    func names(in directory: String) -> [String]? { directory == "/base/base.d" ? ["a"] : nil }
}

private let loader = PolicyLoader(
    vocabulary: SyscallVocabulary(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:]),
    variables: PolicyVariables(
        home: .unset("-"), cwd: .unset("-"), user: .unset("-"), uid: .unset("-"), tmpdir: .unset("-"),
        runtime: .unset("-")), files: NoFiles())

/// There is nothing to include.
private struct NoFiles: PolicyFiles {
    func read(_ path: String) throws(PolicyFileError) -> PolicyFile { throw .missing }
    func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile {
        throw .missing
    }
    func readStandardInput() throws(PolicyFileError) -> [UInt8] { throw .missing }
}
