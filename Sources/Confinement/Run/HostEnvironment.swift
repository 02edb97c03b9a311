private import Glibc
public import Policy

/// What the environment of a run says: the variables of the language, and where swguard keeps things.
public struct HostEnvironment: Sendable {
    public var variables: PolicyVariables
    /// The directories that policies are looked for in; the built-in ones last.
    public var policyPath: [String]
    /// Where compiled policies are kept.
    public var cacheDirectory: String?

    /// Reads the environment of this process.
    public static func read() -> Self {
        let home = variable("HOME")
        let user = geteuid()
        var path = PolicyLoader.searchPath(policyPath: variable("SWGUARD_POLICY_PATH"), home: home)
        path.append(BuiltInPolicies.directory)
        return Self(
            variables: PolicyVariables(
                home: directory(home, named: "HOME"), cwd: workingDirectory(),
                user: userName(user).map { .set($0) } ?? .unset("user \(user) has no name in /etc/passwd"),
                uid: .set(Array(String(user).utf8)),
                // POSIX's own default: most systems leave TMPDIR unset.
                tmpdir: directory(variable("TMPDIR") ?? "/tmp", named: "TMPDIR"),
                runtime: directory(variable("XDG_RUNTIME_DIR"), named: "XDG_RUNTIME_DIR")),
            policyPath: path, cacheDirectory: cacheDirectory(home: home, user: user))
    }

    private static func cacheDirectory(home: String?, user: uid_t) -> String? {
        if let cache = variable("XDG_CACHE_HOME"), cache.hasPrefix("/") { return "\(cache)/swguard/1" }
        if user == 0 { return "/var/cache/swguard/1" }
        guard let home, home.hasPrefix("/") else { return nil }
        return "\(home)/.cache/swguard/1"
    }

    /// An environment variable's value; nil where it is unset.
    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    private static func directory(_ path: String?, named name: String) -> PolicyVariables.Value {
        guard let path else { return .unset("\(name) is not set") }
        if path.isEmpty || !path.hasPrefix("/") { return .set(Array(path.utf8)) }
        guard let real = realPath(Array(path.utf8)) else { return .unset("\(path) does not exist") }
        return .set(real)
    }

    private static func workingDirectory() -> PolicyVariables.Value {
        guard let path = realPath([UInt8(ascii: ".")]) else { return .unset("the working directory is gone") }
        return .set(path)
    }

    /// `path` with every link resolved; nil where it leads nowhere.
    static func realPath(_ path: [UInt8]) -> [UInt8]? {
        var resolved = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
        let isFound = unsafe (path + [0]).withUnsafeBytes { from in
            unsafe resolved.withUnsafeMutableBytes { into in
                // Both end in NUL, and `resolved` is as long as realpath(3) asks for.
                unsafe realpath(
                    from.baseAddress!.assumingMemoryBound(to: CChar.self),
                    into.baseAddress!.assumingMemoryBound(to: CChar.self)) != nil
            }
        }
        return isFound ? Array(resolved.prefix { $0 != 0 }) : nil
    }

    /// The name of a user, from /etc/passwd alone: a static program has no other sources of names.
    private static func userName(_ user: uid_t) -> [UInt8]? {
        guard let file = unsafe fopen("/etc/passwd", "re") else { return nil }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        while unsafe fgets(&line, CInt(line.count), file) != nil {
            let text = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let fields = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            if fields.count > 2, Array(fields[2]) == Array(String(user).utf8) { return Array(fields[0]) }
        }
        return nil
    }
}
