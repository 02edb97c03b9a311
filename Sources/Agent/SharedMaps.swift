internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Control
private import Glibc

/// The maps that belong to no set of programs: they live as long as anything is enforced.
struct SharedMaps: ~Copyable {
    let slots: Map
    private let accounts: Map
    /// The accounts were another version's, which this one cannot read: it counts from nothing.
    let areNew: Bool

    /// Opens them, and makes what is missing.
    init(_ pins: PinDirectory) throws(KernelError) {
        let slots = try Self.open(pins.slots) { () throws(KernelError) in
            try Map(
                makingHash: "slots", keySize: Slots.nameSize, valueSize: 4,
                capacity: Int(SWGUARD_POLICIES_MAX))
        }
        guard slots.keySize == Slots.nameSize, slots.valueSize == 4 else {
            throw KernelError(operation: "use '\(pins.slots)'", code: EINVAL)
        }
        let areNew = try Self.removeUnreadableAccounts(pins)
        accounts = try Self.openAccounts(pins)
        self.slots = slots
        self.areNew = areNew
    }

    /// True: they were another version's, and are there no more.
    private static func removeUnreadableAccounts(_ pins: PinDirectory) throws(KernelError) -> Bool {
        let accounts = try openAccounts(pins)
        if accounts.valueSize == Accounts.size, accounts.capacity == Accounts.capacity { return false }
        _ = unsafe unlink(pins.accounts)
        return true
    }

    private static func openAccounts(_ pins: PinDirectory) throws(KernelError) -> Map {
        try open(pins.accounts) { () throws(KernelError) in
            try Map(makingArray: "accounts", valueSize: Accounts.size, capacity: Accounts.capacity)
        }
    }

    func makeAccounts() throws(KernelError) -> Accounts { Accounts(try MappedMap(mapping: accounts)) }

    private static func open(
        _ path: String, _ make: () throws(KernelError) -> Map
    ) throws(KernelError) -> Map {
        do throws(KernelError) {
            return try Map(pinnedAt: path, named: String(path.split(separator: "/").last ?? ""))
        } catch {
            guard error.code == ENOENT else { throw error }
        }
        let map = try make()
        try map.pin(at: path)
        return map
    }
}
