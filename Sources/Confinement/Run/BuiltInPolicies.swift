internal import CBasePolicies
public import Policy

/// The host's files, and behind them the policies that the executable carries, so that `base/runtime` is there before
/// anything is installed.
public struct BuiltInPolicies: PolicyFiles {
    /// What the directory of the built-in policies is called on the policy path.
    public static let directory = "<built-in>"

    private let host = HostPolicyFiles()

    public init() {}

    public func read(_ path: String) throws(PolicyFileError) -> PolicyFile { try host.read(path) }

    public func readStandardInput() throws(PolicyFileError) -> [UInt8] { try host.readStandardInput() }

    public func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile {
        guard directory == Self.directory else { return try host.read(name, beneath: directory) }
        guard let text = Self.text(of: name) else { throw .missing }
        return PolicyFile(bytes: text, identity: "\(directory)/\(name)")
    }

    /// The built-in policy in the file `name`; nil where there is none.
    private static func text(of name: String) -> [UInt8]? {
        for index in 0..<Int(swguard_base_policy_count) {
            // The index is below the count of the table, which is constant.
            let policy = unsafe swguard_base_policy_at(UInt32(index)).pointee
            if unsafe String(cString: policy.name) + ".yaml" == name {
                return unsafe Array(UnsafeBufferPointer(start: policy.text, count: policy.size))
            }
        }
        return nil
    }
}
