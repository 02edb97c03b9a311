private import Glibc
internal import Policy

/// The launchers of the configuration, as the kernel will see them.
enum Launchers {
    /// The paths without symbolic links; `say` hears of each that is not used.
    ///
    /// One that is left out is confined from its own exec on: that is more, not less.
    static func paths(_ configured: [Located<String>], say: (String) -> Void) -> [[UInt8]] {
        var paths: [[UInt8]] = []
        for launcher in configured {
            switch resolve(launcher.value) {
            case .success(let path): if !paths.contains(path) { paths.append(path) }
            case .failure(let refusal):
                // What is not installed is only worth a word where somebody wrote it.
                let isStandard =
                    refusal.isMissing && AgentConfiguration.standard.launchers.contains(launcher)
                if !isStandard { say("launcher '\(launcher.value)' is not one: \(refusal.reason)") }
            }
        }
        return paths
    }

    private struct Refusal: Error {
        var reason: String
        var isMissing = false
    }

    private static func resolve(_ path: String) -> Result<[UInt8], Refusal> {
        guard let resolved = unsafe realpath(path, nil) else {
            return .failure(
                Refusal(reason: unsafe String(cString: strerror(errno)), isMissing: errno == ENOENT))
        }
        defer { unsafe free(resolved) }
        var status = stat()
        guard unsafe stat(resolved, &status) == 0 else {
            return .failure(Refusal(reason: unsafe String(cString: strerror(errno))))
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o111 != 0 else {
            return .failure(Refusal(reason: "it is no program"))
        }
        // Whoever may write it would not begin the policies of any cgroup.
        guard status.st_uid == 0, status.st_mode & 0o022 == 0 else {
            return .failure(Refusal(reason: "others than root may write it"))
        }
        return .success(unsafe Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved))))
    }
}
