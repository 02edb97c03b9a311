private import Glibc
public import Policy

/// What the environment of a run says: the variables of the language, and where swguard keeps things.
public struct HostEnvironment: Sendable {
    private let home, cwd, tmpdir, runtime: PolicyVariables.Value
    private let user: uid_t
    private let homeVariable, policyPathVariable: String?
    /// Where compiled policies are kept.
    public var cacheDirectory: String?

    /// Reads the environment of this process.
    public static func read() -> Self {
        let home = variable("HOME")
        let user = geteuid()
        return Self(
            home: directory(home, named: "HOME"), cwd: workingDirectory(),
            // POSIX's own default: most systems leave TMPDIR unset.
            tmpdir: directory(variable("TMPDIR") ?? "/tmp", named: "TMPDIR"),
            runtime: directory(variable("XDG_RUNTIME_DIR"), named: "XDG_RUNTIME_DIR"), user: user,
            homeVariable: home, policyPathVariable: variable("SWGUARD_POLICY_PATH"),
            cacheDirectory: cacheDirectory(home: home, user: user))
    }

    /// The directories that policies are looked for in; the built-in ones last.
    public var policyPath: [String] {
        PolicyLoader.searchPath(policyPath: policyPathVariable, home: homeVariable) + [
            BuiltInPolicies.directory
        ]
    }

    /// The variables of the language. Reads /etc/passwd.
    public var variables: PolicyVariables {
        PolicyVariables(
            home: home, cwd: cwd,
            user: Self.userName(user).map { .set($0) } ?? .unset("user \(user) has no name in /etc/passwd"),
            uid: .set(Array(String(user).utf8)), tmpdir: tmpdir, runtime: runtime)
    }

    /// Adds everything that `variables` and `policyPath` are made from: where this is the same, they are.
    ///
    /// For the user's name that is the state of /etc/passwd, which a warm start then need not read.
    func add(to identity: inout PlanIdentity) {
        identity.add(home)
        identity.add(cwd)
        identity.add(tmpdir)
        identity.add(runtime)
        identity.add(homeVariable)
        identity.add(policyPathVariable)
        identity.add(cacheDirectory)
        identity.add(UInt64(user))
        var status = stat()
        _ = unsafe stat("/etc/passwd", &status)
        identity.add(UInt64(status.st_dev))
        identity.add(UInt64(status.st_ino))
        identity.add(UInt64(bitPattern: Int64(status.st_size)))
        for time in [status.st_mtim, status.st_ctim] {
            identity.add(UInt64(bitPattern: Int64(time.tv_sec)))
            identity.add(UInt64(bitPattern: Int64(time.tv_nsec)))
        }
    }

    private static func cacheDirectory(home: String?, user: uid_t) -> String? {
        if let cache = variable("XDG_CACHE_HOME"), isAbsolute(cache) { return cache + "/swguard/1" }
        if user == 0 { return "/var/cache/swguard/1" }
        guard let home, isAbsolute(home) else { return nil }
        return home + "/.cache/swguard/1"
    }

    /// An environment variable's value; nil where it is unset.
    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    private static func directory(_ path: String?, named name: String) -> PolicyVariables.Value {
        guard let path else { return .unset("\(name) is not set") }
        if !isAbsolute(path) { return .set(Array(path.utf8)) }
        guard let real = realPath(Array(path.utf8)) else { return .unset("\(path) does not exist") }
        return .set(real)
    }

    private static func isAbsolute(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

    private static func workingDirectory() -> PolicyVariables.Value {
        guard let path = realPath([UInt8(ascii: ".")]) else { return .unset("the working directory is gone") }
        return .set(path)
    }

    /// `path` with every link resolved; nil where it leads nowhere.
    static func realPath(_ path: [UInt8]) -> [UInt8]? {
        var resolved = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
        var terminated = path
        terminated.append(0)
        let isFound = unsafe terminated.withUnsafeBytes { from in
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
