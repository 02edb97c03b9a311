internal import BPF
internal import CLinux
internal import CSwguardBPF
internal import Compiler
private import Glibc
internal import Policy

/// A set of programs in the kernel, by their pinned maps. Its end changes nothing: they go on without it.
struct Enforcement: ~Copyable {
    static let iterators = ["swguard_running_tasks", "swguard_list_tasks"]

    /// Who the agent is, to the programs.
    let own: AgentMaps
    private let running: KernelIterator
    private let listing: KernelIterator
    private var events: RingBuffer
    private(set) var arena: Arena
    private let layers: Map
    private let scratches: Map
    private var set: PinnedSet
    /// nil: it is not finished.
    private(set) var name: PinDirectory.SetName?

    /// How much the kernel is given.
    struct Sizes {
        /// Words of an element of the tables: on 6.1 a value of an array ends at KMALLOC_MAX_SIZE, 4 MiB
        /// (kernel/bpf/arraymap.c, array_map_alloc_check).
        static let element = 1 << 20
        /// The largest generation, in words: 256 MiB.
        static let limit = 1 << 26

        var elements: Int
        var counters: Int
        var guards: GuardMaps.Sizes
        /// Bytes, a power of two.
        var events = 1 << 20

        /// Room for `tables` and for twice as much beside them.
        init(for tables: KernelTables) {
            elements = max(1, (3 * tables.wordCount + Self.element - 1) / Self.element)
            counters = max(1 << 15, 3 * tables.counterCount)
            guards = GuardMaps.Sizes(for: tables)
        }
    }

    /// The programs of a set that run.
    init(
        of name: PinDirectory.SetName, in pins: PinDirectory, state: StateDirectory, _ places: OwnPlaces
    ) throws(PinError) {
        try self.init(of: pins.set(name), in: pins, state: state, places, isNew: false)
        self.name = name
    }

    /// The programs of a set of which none runs yet.
    init(
        new set: PinnedSet, in pins: PinDirectory, state: StateDirectory, _ places: OwnPlaces
    ) throws(PinError) {
        try self.init(of: set, in: pins, state: state, places, isNew: true)
    }

    private init(
        of set: PinnedSet, in pins: PinDirectory, state: StateDirectory, _ places: OwnPlaces, isNew: Bool
    ) throws(PinError) {
        do throws(KernelError) {
            // First: nobody else may look at what is sealed.
            let own = try AgentMaps(of: set, places)
            let map = try set.open("tables")
            let tables = try MappedMap(mapping: map)
            let counters = try MappedMap(mapping: try set.open("counters"))
            let guards = try GuardMaps(of: set)
            let events = try RingBuffer(reading: try set.open("events"))
            let layers = try Map(pinnedAt: pins.layers, named: "layers")
            let scratches = try set.open("scratches")
            let running = try KernelIterator(
                Self.iterators[0], pinnedAt: set.link(Self.iterators[0]))
            let listing = try KernelIterator(
                Self.iterators[1], pinnedAt: set.link(Self.iterators[1]))
            let number = try map.identifier()
            if isNew {
                do throws(ArenaError) {
                    arena = try Arena(
                        making: tables, map: number, counters: counters, guards: guards, state: state)
                } catch {
                    throw KernelError(operation: error.text, code: ENOSPC)
                }
            } else {
                arena = Arena(
                    adopting: tables, map: number, counters: counters, guards: guards, state: state)
            }
            self.own = own
            self.running = running
            self.listing = listing
            self.events = events
            self.layers = layers
            self.scratches = scratches
        } catch {
            throw PinError(error)
        }
        self.set = set
    }

    /// From here on its programs are those in force.
    mutating func finish(as name: PinDirectory.SetName, in pins: PinDirectory) throws(PinError) {
        set = try pins.finish(as: name)
        self.name = name
    }

    /// The programs that were attached when the set was made and are not now.
    func missingPrograms() -> [String] {
        guard let attached = try? own.attached(), let pinned = try? set.links() else { return [] }
        return attached.subtracting(pinned).sorted()
    }

    /// When the directories of the links were changed last, as far as they were looked at.
    private var changed: [Int64] = []

    /// The same, if a link has gone since this was asked last; nil: nothing has changed.
    mutating func newlyMissing() -> [String]? {
        let now = ["links", "parts"].map { unsafe swguard_modification_time("\(set.path)/\($0)") }
        defer { changed = now }
        return now == changed ? nil : missingPrograms()
    }

    /// The hooks that this kernel does not have, of those that may be missing.
    var missing: [String] {
        OptionalPrograms.names.sorted().filter { !set.has(link: $0) }.map {
            "lsm/" + $0.dropFirst("swguard_".count)
        }
    }

    /// Puts `tables` into force.
    mutating func enforce(
        _ tables: KernelTables, _ held: HeldObjects, number: UInt32, loaded: [GenerationRecord.Loaded]
    ) throws(ArenaError) {
        try arena.place(tables, number: number, held: held, loaded: loaded)
    }

    /// The number of the generation in force.
    var generation: UInt32 { arena.numberInForce }

    /// Puts the generation before into force again. False: there is none.
    mutating func rollBack() -> Bool { arena.rollBack() }

    /// Puts nothing into force: at once for every task.
    func release() { arena.release() }

    /// How many tasks that ran already came under policies, how many had no room for one, and how many could not be looked
    /// at to the end.
    struct Found {
        var entered = 0
        var refused = 0
        var unknown = 0
    }

    /// How often, and how many microseconds apart, tasks are looked at that are in the middle of an exec: a second. One that
    /// takes longer is under the policies of what it was before.
    private static let execPasses = 100
    private static let execPause: UInt32 = 10_000

    /// Puts tasks that run already under the policies in force, in passes until one finds nothing new.
    func takeRunning() throws(KernelError) -> Found {
        var found = Found()
        var pauses = 0
        while true {
            let pass = try running.read()
            found.refused = pass.count { $0 == UInt8(ascii: "!") }
            found.unknown = pass.count { $0 == UInt8(ascii: "~") }
            let entered = pass.count { $0 == UInt8(ascii: ".") }
            found.entered += entered
            if entered > 0 { continue }
            if found.unknown == 0 || pauses == Self.execPasses { break }
            pauses += 1
            usleep(Self.execPause)
        }
        try forgetScratch()
        return found
    }

    /// How often tasks are listed where the storage of some can be busy, and they would be missing.
    private static let passes = 3

    /// The tasks that are under policies, threads apart. With `hasBusyStorage` they are looked for several times.
    func confinedTasks(hasBusyStorage: Bool) throws(KernelError) -> [ConfinedTask] {
        var tasks: [ConfinedTask.Number: ConfinedTask] = [:]
        for _ in 0..<(hasBusyStorage ? Self.passes : 1) {
            for task in ConfinedTask.all(in: try listing.read()) { tasks[task.number] = task }
        }
        try forgetScratch()
        return tasks.values.sorted { ($0.process, $0.thread) < ($1.process, $1.thread) }
    }

    /// What programs keep with this process, so that they leave it early again.
    private func forgetScratch() throws(KernelError) {
        let own = swguard_pidfd_open(getpid())
        guard own >= 0 else { throw KernelError(operation: "open the agent's own process", code: -own) }
        defer { close(own) }
        try scratches.remove(own)
    }

    /// Becomes readable when there are events.
    var eventDescriptor: CInt { events.pollDescriptor }

    /// How many events are taken at once: in a storm there would be no end, memory has one, and clients wait meanwhile.
    static let drainedAtOnce = 512

    /// Hands events that are there to `body`. True: there may be more.
    @discardableResult
    mutating func drain(_ body: (KernelEvent) -> Void) throws(KernelError) -> Bool {
        let count = try events.consume(atMost: Self.drainedAtOnce) { record in
            if let event = KernelEvent(record) { body(event) }
        }
        return count == Self.drainedAtOnce
    }

    /// The number of the generation that only tries whether programs run.
    static let probe = UInt32.max

    /// Whether the programs run: the kernel loads and attaches them also where `bpf` is not among its security modules.
    ///
    /// A policy that denies every file and only complains is put on this process, which opens a file; then there is
    /// an event.
    mutating func probe() throws(KernelError) -> Bool {
        var policy = Policy(name: "probe", file: "probe")
        policy.mode = .complain
        policy.files = FilesSection(location: SourceLocation(file: "probe", line: 1))
        guard let tables = try? KernelTables.compile([policy]) else { return false }
        do throws(ArenaError) {
            try arena.place(tables, number: Self.probe, isKept: false)
        } catch { return false }
        let own = swguard_pidfd_open(getpid())
        guard own >= 0 else { throw KernelError(operation: "open the agent's own process", code: -own) }
        defer { close(own) }
        var record = LayersRecord()
        record.count = 1
        try layers.update(own, record)
        let opened = unsafe open("/", O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        if opened >= 0 { close(opened) }
        try layers.remove(own)
        try scratches.remove(own)
        var isSeen = false
        try drain { _ in isSeen = true }
        arena.release()
        arena.forget(Self.probe)
        return isSeen
    }
}
