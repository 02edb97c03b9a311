internal import CLinux
internal import Glibc

/// The owner of a Landlock ruleset: what is handled, and what of that is granted where.
///
/// Its end closes the descriptor; a domain that was entered with it stays. Rules are added here, the domain is
/// entered by the process that is to be confined (landlock_restrict_self(2)).
///
/// # Minimum kernel version
/// Linux 5.13.
public struct Ruleset: ~Copyable {
    private let descriptor: CInt
    /// What it handles: what no rule grants of these is denied.
    public let fileRights: FileRights
    public let networkRights: NetworkRights
    public let scopes: Scopes
    /// What has been granted; nil: nobody wants to know, and a start is faster by as many calls as there are rules.
    public let ledger: GrantLedger?

    /// A ruleset that handles these and grants nothing yet.
    public init(
        handling fileRights: FileRights, network networkRights: NetworkRights = [], scopes: Scopes = [],
        keepsLedger: Bool = false
    ) throws(LandlockError) {
        let descriptor = swguard_landlock_create(
            fileRights.rawValue, networkRights.rawValue, scopes.rawValue)
        guard descriptor >= 0 else { throw LandlockError("create a Landlock ruleset", code: -descriptor) }
        self.descriptor = descriptor
        self.fileRights = fileRights
        self.networkRights = networkRights
        self.scopes = scopes
        ledger = keepsLedger ? GrantLedger() : nil
    }

    deinit { close(descriptor) }

    /// Grants `rights` on what `object` is open on and, where that is a directory, on everything beneath.
    ///
    /// Rights that the ruleset does not handle are left out: they are not denied either. Returns false where
    /// nothing is left to grant. On anything but a directory only `FileRights.ofFiles` may be granted (EINVAL).
    @discardableResult
    public func grant(_ rights: FileRights, on object: borrowing PathDescriptor) throws(LandlockError) -> Bool
    {
        let handled = rights.intersection(fileRights)
        if handled.isEmpty { return false }
        let answer = swguard_landlock_add_path(descriptor, object.descriptor, handled.rawValue)
        guard answer == 0 else { throw LandlockError("add a path to a Landlock ruleset", code: -answer) }
        if let ledger { ledger.add(handled, on: try object.identity()) }
        return true
    }

    /// Grants `rights` on the TCP port `port`.
    @discardableResult
    public func grant(_ rights: NetworkRights, onPort port: UInt16) throws(LandlockError) -> Bool {
        let handled = rights.intersection(networkRights)
        if handled.isEmpty { return false }
        let answer = swguard_landlock_add_port(descriptor, port, handled.rawValue)
        guard answer == 0 else { throw LandlockError("add a port to a Landlock ruleset", code: -answer) }
        ledger?.add(handled, onPort: port)
        return true
    }

    /// Hands the descriptor to `body`, for the C code of the process that enters the domain.
    public func withDescriptor<Result: ~Copyable>(_ body: (CInt) throws -> Result) rethrows -> Result {
        try body(descriptor)
    }
}
