internal import Automata
internal import CSwguardBPF
internal import Compiler
internal import Control
internal import Policy

/// The policies that `swguard run` brought, and who uses them.
///
/// One stays for a while when nobody uses it, for the next run; then its slot is another's, under another word.
struct RunLayers {
    /// How many there are at most, of one user who is not root, and of all.
    static let limit = (ofUser: 32, all: 1024)
    /// How many clients of one user, and of all, at most.
    static let sessionLimit = (ofUser: 128, all: 1024)
    /// How long one stays that nobody uses, in milliseconds.
    static let idleTime: UInt64 = 60_000
    /// How many new ones a user may bring at once, and how many milliseconds another one takes: each is a generation.
    static let burst = 16
    static let interval: UInt64 = 2_000
    /// How large an unprivileged user's automaton may become: while it is made, nobody else is answered.
    static let limits = AutomatonLimits(states: 8000, transitions: 1 << 18)
    /// No slot, behind all of them: for which those that are gone are accounted.
    static let goneSlot = KernelTables.policyLimit
    static let goneName = "run-layers-gone"
    /// They have the highest slots; one that is free again is used when the others have been.
    private static let window = 2048

    /// What makes two the same: who brought it, and all that it was made from.
    struct Key: Hashable {
        var owner: UInt32
        /// Of what the client sent.
        var digest: String
        /// Which of its policies.
        var place: Int
    }

    struct Layer {
        var key: Key
        var run: KernelRun
        /// When the last client went, by the clock of `ControlServer.now`.
        var idleSince: UInt64
    }

    private struct Former {
        /// Its word; 0: it is not known any more.
        var layer: UInt32
        var name: String
    }

    /// A client that has been told which layers are its command's, and is told their events.
    struct Session {
        /// Its connection.
        var client: UInt64
        var owner: UInt32
        var layers: [UInt32]
        /// Events that it was too slow for, not told yet; and when the first and last were.
        var missed = 0
    }

    private(set) var layers: [UInt32: Layer] = [:]
    /// Slots of those that are gone, with what is accounted for them: until they are another's.
    private var former: [Int: Former] = [:]
    /// By the number that events carry.
    private(set) var sessions: [UInt32: Session] = [:]
    private var words: [Key: UInt32] = [:]
    /// Of each user, when how many more may be brought.
    private var allowances: [UInt32: (count: Int, since: UInt64)] = [:]
    private var serial: UInt32 = 0
    private var next = 0
    private var session: UInt32

    /// - Parameter session: any number; those of another agent's clients are others.
    init(session: UInt32 = .random(in: 1 ... .max)) { self.session = session }

    /// In the order of their slots.
    var runs: [KernelRun] { layers.values.map(\.run).sorted { $0.slot < $1.slot } }
    var slots: Set<Int> { Set(layers.values.map(\.run.slot)) }

    /// The layers of what a user has brought already; nil: there are none.
    func known(_ digest: String, of owner: UInt32) -> [UInt32]? {
        var found: [UInt32] = []
        while let word = words[Key(owner: owner, digest: digest, place: found.count)] { found.append(word) }
        return found.isEmpty ? nil : found
    }

    /// Why a user may bring no more policies now; nil: he may.
    mutating func refusal(of owner: UInt32, _ count: Int, now: UInt64) -> String? {
        if layers.count + count > Self.limit.all {
            return "\(Self.limit.all) policies of commands are in force"
        }
        if owner == 0 { return nil }
        if layers.values.count(where: { $0.key.owner == owner }) + count > Self.limit.ofUser {
            return
                "user \(owner) has \(Self.limit.ofUser) policies of commands in force; wait until some have ended"
        }
        var allowance = allowances[owner] ?? (Self.burst, now)
        let earned = Int((now - min(now, allowance.since)) / Self.interval)
        if earned > 0 {
            allowance = (min(Self.burst, allowance.count + earned), now)
        }
        guard allowance.count > 0 else {
            return "user \(owner) brings new policies faster than one in \(Self.interval / 1000) s; try again"
        }
        allowance.count -= 1
        allowances[owner] = allowance
        // Nobody is remembered for longer than it matters.
        allowances = allowances.filter { now - min(now, $0.value.since) < UInt64(Self.burst) * Self.interval }
        return nil
    }

    /// A word that no layer has; nil: there is no slot.
    private mutating func word(besides taken: Set<Int>, _ owner: UInt32, _ part: KernelPart) -> KernelRun? {
        let used = slots
        for _ in 0..<Self.window {
            let slot = Self.goneSlot - 1 - next
            next = (next + 1) % Self.window
            if used.contains(slot) || taken.contains(slot) { continue }
            serial = (serial + 1) % KernelRun.serialCount
            return KernelRun(slot: slot, serial: serial, owner: owner, part: part)
        }
        return nil
    }

    /// Adds what a user brought. False: there are no slots left, and nothing was added.
    mutating func add(
        _ parts: [KernelPart], _ digest: String, of owner: UInt32, besides taken: Set<Int>, now: UInt64
    ) -> [UInt32]? {
        var added: [UInt32] = []
        for (place, part) in parts.enumerated() {
            guard let run = word(besides: taken, owner, part) else {
                remove(added)
                return nil
            }
            add(run, Key(owner: owner, digest: digest, place: place), now: now)
            added.append(run.layer)
        }
        return added
    }

    /// Adds one that has its word already.
    mutating func add(_ run: KernelRun, _ key: Key, now: UInt64) {
        former[run.slot] = nil
        layers[run.layer] = Layer(key: key, run: run, idleSince: now)
        words[key] = run.layer
    }

    mutating func touch(_ word: UInt32, now: UInt64) { layers[word]?.idleSince = now }

    /// Words that tasks carry, or that were given: none that follows is one of them.
    mutating func avoid(_ words: some Sequence<UInt32>) {
        for word in words where KernelRun.isRun(word) {
            serial = max(serial, KernelRun.serial(of: word))
        }
    }

    mutating func remove(_ words: some Sequence<UInt32>) {
        for word in words {
            guard let layer = layers.removeValue(forKey: word) else { continue }
            self.words[layer.key] = nil
            former[layer.run.slot] = Former(layer: word, name: layer.legend.listedName)
        }
    }

    /// Notes a slot that one had which an agent before this one brought; no layer has it.
    mutating func noteFormer(_ slot: Int, _ legend: PolicyLegend?) {
        former[slot] = Former(layer: legend?.run?.layer ?? 0, name: legend?.listedName ?? Self.goneName)
    }

    /// The slots that any can have.
    static var slots: Range<Int> { (goneSlot - window)..<goneSlot }

    /// Gives up slots that policies of the host's have now.
    mutating func yield(to slots: Slots) -> [Int] {
        let yielded = former.keys.filter { slots.name(of: $0) != nil }
        for slot in yielded { former[slot] = nil }
        return yielded
    }

    /// For which slot a layer's records are accounted.
    func account(of layer: UInt32) -> Int {
        let slot = KernelRun.slot(of: layer)
        return layers[layer] != nil || former[slot]?.layer == layer ? slot : Self.goneSlot
    }

    /// All slots that something is accounted for, and what gaps call them.
    var accounts: [(slot: Int, name: String)] {
        layers.values.map { ($0.run.slot, $0.legend.listedName) } + former.map { ($0.key, $0.value.name) }
            + [(Self.goneSlot, Self.goneName)]
    }

    /// Why a user may have no more clients; nil: he may.
    func sessionRefusal(of owner: UInt32) -> String? {
        if sessions.count >= Self.sessionLimit.all {
            return "\(Self.sessionLimit.all) commands run already"
        }
        if owner != 0, sessions.values.count(where: { $0.owner == owner }) >= Self.sessionLimit.ofUser {
            return "\(Self.sessionLimit.ofUser) commands of user \(owner) run already"
        }
        return nil
    }

    /// A new session's number, for a client or for none.
    mutating func begin(_ client: UInt64?, of owner: UInt32, _ layers: [UInt32]) -> UInt32 {
        repeat { session = session &+ 1 } while session == 0 || sessions[session] != nil
        if let client { sessions[session] = Session(client: client, owner: owner, layers: layers) }
        return session
    }

    mutating func end(_ session: UInt32, now: UInt64) {
        guard let ended = sessions.removeValue(forKey: session) else { return }
        for word in ended.layers { layers[word]?.idleSince = now }
    }

    /// Notes that a session could not be told of events, or has been told how many.
    mutating func miss(_ session: UInt32, _ count: Int) { sessions[session]?.missed = count }

    /// Layers that nobody has asked for in a while: those that no task carries may go.
    func idle(now: UInt64) -> [UInt32] {
        let used = Set(sessions.values.flatMap(\.layers))
        return layers.values.filter { !used.contains($0.run.layer) && $0.idleSince + Self.idleTime <= now }
            .map(\.run.layer)
    }

    /// The session that an event is told to: the task's own, if the layer is one of it, else any of the owner's that has
    /// the layer: the command runs inside it.
    func session(for layer: UInt32, _ number: UInt32) -> UInt32? {
        guard let owner = layers[layer]?.key.owner else { return nil }
        if let own = sessions[number], own.owner == owner, own.layers.contains(layer) { return number }
        return sessions.first { $0.value.owner == owner && $0.value.layers.contains(layer) }?.key
    }
}
