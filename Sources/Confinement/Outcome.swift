internal import AuditLog

/// How a confined command ended.
public enum Outcome: Hashable, Sendable {
    case exited(status: Int32)
    case killed(signal: Int32)
    /// It never ran.
    case notStarted(LaunchFailure)

    /// The exit status of `swguard run`.
    ///
    /// The command's own; 128 + N if signal N ended it; 127 if it was not found; 126 if it cannot be executed; 125 if
    /// swguard itself failed.
    public var status: Int32 {
        switch self {
        case .exited(let status): status
        case .killed(let signal): 128 + signal
        case .notStarted(let failure): failure.status
        }
    }
}

extension LaunchFailure {
    /// The exit status that says so.
    public var status: Int32 {
        guard case .execute = step else { return 125 }
        // As env(1): any other error than "there is none" is one of a file that was found.
        return code == Self.notFound && !lacksInterpreter ? 127 : 126
    }

    private static let notFound: CInt = 2  // ENOENT
    /// LANDLOCK_MAX_NUM_LAYERS is reached (security/landlock/limits.h).
    private static let tooMany: CInt = 7  // E2BIG

    /// What the agent's programs mean by an errno: EINVAL is the kernel's own answer, where nobody knows the call.
    private static func refusal(_ code: CInt) -> String? {
        switch SystemError.name(code) {
        case "EINVAL": "its programs are not in the kernel any more"
        case "ENOENT": "the policy is not in force any more"
        case "EPERM": "the process has other threads, or other ids than the agent was asked with"
        case "E2BIG": "the process carries as many policies as it may"
        case "EAGAIN": "the process cannot be looked at"
        default: nil
        }
    }

    /// What failed and why: lower case, no full stop; to follow `swguard: `.
    ///
    /// - Parameter command: What the user called the command.
    public func message(command: String) -> String {
        let reason = SystemError.text(code)
        return switch step {
        case .process: "cannot start '\(command)': \(reason)"
        case .deathSignal: "cannot tie '\(command)' to swguard: \(reason)"
        case .signals: "cannot set the signals of '\(command)': \(reason)"
        case .capabilities: "cannot drop the capabilities of '\(command)': \(reason)"
        case .noNewPrivileges: "cannot set no_new_privs for '\(command)': \(reason)"
        case .grant(let path): "cannot grant '\(AuditText(path).string)' to '\(command)': \(reason)"
        case .landlock(let layer) where code == Self.tooMany:
            "cannot confine '\(command)' with Landlock (layer \(layer + 1)): the kernel lets a process carry 16 layers, "
                + "those around this run included"
        case .landlock(let layer): "cannot confine '\(command)' with Landlock (layer \(layer + 1)): \(reason)"
        case .descriptors: "cannot close the descriptors of '\(command)': \(reason)"
        case .seccomp: "cannot confine '\(command)' with seccomp: \(reason)"
        case .agentLayer: "cannot confine '\(command)' by the agent: \(Self.refusal(code) ?? reason)"
        case .execute where lacksInterpreter:
            "cannot execute '\(command)': its interpreter does not exist"
        case .execute: "cannot execute '\(command)': \(reason)"
        }
    }
}
