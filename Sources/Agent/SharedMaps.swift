internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Control
private import Glibc

/// The maps that belong to no set of programs: they live as long as anything is enforced. The programs know them as the
/// agent's own by their names.
struct SharedMaps: ~Copyable {
    let slots: Map
    private let accounts: Map
    /// The accounts were another version's, which this one cannot read: it counts from nothing.
    let areNew: Bool

    /// Opens them, and makes what is missing.
    init(_ pins: PinDirectory) throws(KernelError) {
        let slots = try Self.open(pins.slots) { () throws(KernelError) in
            try Map(
                makingHash: "swguard_slots", keySize: Slots.nameSize, valueSize: 4,
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
            try Map(makingArray: "swguard_account", valueSize: Accounts.size, capacity: Accounts.capacity)
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

/// The slots of policies, by name. A slot is never another policy's: tasks may still carry it.
struct Slots: Equatable {
    /// Bytes of a name, its end included.
    static let nameSize = 64

    private var known: [String: Int] = [:]
    private var byNumber: [Int: String] = [:]
    private var next = 0
    /// Those of policies that `swguard run` brought, which have no name here.
    var taken: Set<Int> = []

    init() {}

    /// Those that agents before this one gave.
    init(of map: borrowing Map) throws(KernelError) {
        for key in try map.keys(as: InlineArray<64, UInt8>.self) {
            guard let slot = try map.lookup(key, as: UInt32.self) else { continue }
            let bytes = key.indices.map { key[$0] }.prefix { $0 != 0 }
            note(String(decoding: bytes, as: UTF8.self), Int(slot))
        }
    }

    /// Keeps them for agents that come after this one.
    func save(to map: borrowing Map) throws(KernelError) {
        for (name, slot) in known {
            guard name.utf8.count < Self.nameSize else {
                throw KernelError(operation: "keep the slot of policy '\(name)'", code: ENAMETOOLONG)
            }
            var key = InlineArray<64, UInt8>(repeating: 0)
            for (index, byte) in name.utf8.enumerated() { key[index] = byte }
            try map.update(key, UInt32(slot))
        }
    }

    mutating func slot(of name: String) -> Int {
        if let slot = known[name] { return slot }
        while taken.contains(next) { next += 1 }
        let slot = next
        note(name, slot)
        return slot
    }

    private mutating func note(_ name: String, _ slot: Int) {
        known[name] = slot
        byNumber[slot] = name
        next = max(next, slot + 1)
    }

    /// The slot of a policy that has one.
    func known(_ name: String) -> Int? { known[name] }

    /// The policy that has a slot.
    func name(of slot: Int) -> String? { byNumber[slot] }

    /// All policies that have one, and their slots.
    var all: [(slot: Int, name: String)] {
        byNumber.map { (slot: $0.key, name: $0.value) }.sorted { $0.slot < $1.slot }
    }

    var names: [String] { all.map(\.name) }
}
