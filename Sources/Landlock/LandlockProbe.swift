internal import CLinux
internal import Glibc

/// Whether there is Landlock here, and what it can do.
public enum LandlockAvailability: Hashable, Sendable {
    case available(LandlockFeatures)
    /// The kernel was built without it, or is older than Linux 5.13 (ENOSYS).
    case missing
    /// The kernel has it, and it was not enabled at boot (EOPNOTSUPP).
    case disabled
    /// Anything else: a filter or another confinement answers for the kernel.
    case refused(LandlockError)

    /// What can be done with it; nil where it cannot be used.
    public var features: LandlockFeatures? {
        guard case .available(let features) = self else { return nil }
        return features
    }

    /// Why it cannot be used, for a person; nil where it can.
    public var obstacle: String? {
        switch self {
        case .available: nil
        case .missing: "the kernel has no Landlock (CONFIG_SECURITY_LANDLOCK is off)"
        case .disabled: "Landlock is off (it is not among the 'lsm=' of the kernel's command line)"
        case .refused(let error): error.description
        }
    }
}

extension LandlockFeatures {
    /// Asks this kernel, by making rulesets.
    ///
    /// The reported version only chooses what is tried in one call; a right counts because a ruleset could be
    /// made with it. Where the one call fails, each right is tried apart.
    public static func probe() -> LandlockAvailability {
        let version = swguard_landlock_version()
        switch -version {
        case ENOSYS: return .missing
        case EOPNOTSUPP: return .disabled
        case 1...: return .refused(LandlockError("ask for the Landlock version", code: -version))
        default: break
        }
        let expected = Self.abi(Int(version))
        let all = Self.abi(newestABI)
        var found =
            isHandled(expected.fileRights, expected.networkRights, expected.scopes)
            ? expected : Self(abi: Int(version), fileRights: [], networkRights: [], scopes: [])
        for right in all.fileRights.subtracting(found.fileRights).members where isHandled(right, [], []) {
            found.fileRights.formUnion(right)
        }
        for right in all.networkRights.subtracting(found.networkRights).members
        where isHandled([], right, []) {
            found.networkRights.formUnion(right)
        }
        for scope in all.scopes.subtracting(found.scopes).members where isHandled([], [], scope) {
            found.scopes.formUnion(scope)
        }
        return .available(found)
    }

    /// Whether this kernel makes a ruleset that handles these.
    private static func isHandled(_ files: FileRights, _ network: NetworkRights, _ scopes: Scopes) -> Bool {
        let descriptor = swguard_landlock_create(files.rawValue, network.rawValue, scopes.rawValue)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }
}
