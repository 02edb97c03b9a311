internal import BPF
internal import CLinux
internal import CSwguardBPF
internal import Compiler
private import Glibc
internal import Policy

/// The programs in the kernel, attached, with their maps. Its end detaches them.
struct Enforcement: ~Copyable {
    // In the order in which they end: nothing runs when the maps go.
    private var links: LinkSet
    private let running: KernelIterator
    private let listing: KernelIterator
    private var events: RingBuffer
    private(set) var arena: Arena
    private let layers: Map
    private let scratches: Map
    private let object: Object
    private var number: UInt32
    /// The hooks that this kernel does not have, of those that may be missing.
    let missing: [String]
    /// Whether tasks' storage can be busy here, so that some requests are denied without need.
    let hasBusyStorage: Bool
    /// Whether the programs keep what they found of directories.
    private let isCaching: Bool

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

    /// Programs by which tasks come under policies: attached when all the others are.
    private static let entries: Set<String> = [
        "swguard_bprm_creds_for_exec", "swguard_bprm_creds_from_file", "swguard_bprm_committed_creds",
        "swguard_task_fix_setuid",
    ]

    /// Loads and attaches everything. Nothing is confined until a generation with policies is placed.
    init(_ sizes: Sizes, isCaching: Bool) throws(KernelError) {
        try self.init(
            sizes, isCaching: isCaching, number: 0, prepare: { _ throws(KernelError) in },
            begin: { _ throws(KernelError) in })
    }

    /// The same with room for `tables`, which are in force then, beside this one, which enforces what it did until it is
    /// detached: at no time is nothing enforced, and tasks keep their layers.
    func enlarged(for tables: KernelTables, _ held: HeldObjects) throws(KernelError) -> Self {
        let number = number + 1
        return try Self(
            Sizes(for: tables), isCaching: isCaching, number: number,
            prepare: { open throws(KernelError) in
                try open.reuse(layers)
                try open.reuse(scratches)
            },
            // Before programs are attached by which tasks come under policies: each of them begins anew with what an exec
            // enters, so that the last one's tables count.
            begin: { arena throws(KernelError) in
                do throws(ArenaError) {
                    try arena.place(tables, number: number, held: held)
                } catch {
                    throw KernelError(operation: "take the policies' tables (\(error.text))", code: ENOSPC)
                }
            })
    }

    /// Ends the programs; what they reported and counted is there.
    mutating func detach() { links.detach() }

    private init(
        _ sizes: Sizes, isCaching: Bool, number: UInt32,
        prepare: (inout OpenObject) throws(KernelError) -> Void,
        begin: (inout Arena) throws(KernelError) -> Void
    ) throws(KernelError) {
        // The object is linked into the program.
        let bytes = unsafe UnsafeRawBufferPointer(
            start: swguard_bpf_object_address(), count: swguard_bpf_object_size)
        var open = unsafe try OpenObject(reading: bytes, named: "swguard")
        try open.setCapacity(UInt32(sizes.elements), map: "tables")
        try open.setCapacity(UInt32(sizes.counters), map: "counters")
        try open.setCapacity(UInt32(sizes.events), map: "events")
        try sizes.guards.apply(to: &open)
        try prepare(&open)
        let hasBusyStorage = try Preemption.makesStorageBusy()
        if hasBusyStorage { try open.setConstant(UInt32(1), "has_busy_storage") }
        try open.setConstant(Self.hostMounts, "host_mounts")
        if !isCaching { try open.setConstant(UInt32(0), "has_cache") }
        let missing = try open.leaveOutMissing(of: OptionalPrograms.names)
        let sections = Dictionary(
            uniqueKeysWithValues: open.programs.map { ($0, open.section(of: $0) ?? "") })
        let object = try open.load()
        let found = try object.run("swguard_find_locks")
        guard found == 0 else {
            throw KernelError(operation: "find the kernel's locks of mounts and names", code: -found)
        }
        let tables = try MappedMap(mapping: try object.map("tables"))
        let counters = try MappedMap(mapping: try object.map("counters"))
        var arena = Arena(tables: tables, counters: counters, guards: try GuardMaps(of: object))
        let events = try RingBuffer(reading: try object.map("events"))
        let layers = try object.map("layers")
        let scratches = try object.map("scratches")
        // Programs always find a generation.
        Self.placeNothing(in: &arena)
        var links = LinkSet()
        let attachable = object.programs.filter { program in
            let section = sections[program] ?? ""
            return !section.hasPrefix("iter/") && section != "syscall"
        }
        for program in attachable where !Self.entries.contains(program) {
            try links.attach(program, of: object)
        }
        try begin(&arena)
        for program in attachable where Self.entries.contains(program) {
            try links.attach(program, of: object)
        }
        let running = try KernelIterator("swguard_running_tasks", of: object)
        let listing = try KernelIterator("swguard_list_tasks", of: object)
        self.number = number
        self.links = links
        self.running = running
        self.listing = listing
        self.events = events
        self.arena = arena
        self.layers = layers
        self.scratches = scratches
        self.object = object
        self.missing = missing
        self.hasBusyStorage = hasBusyStorage
        self.isCaching = isCaching
    }

    /// The number of the mount namespace of process 1, in which launchers are; 0: it cannot be found out.
    private static var hostMounts: UInt32 {
        var status = stat()
        guard unsafe stat("/proc/1/ns/mnt", &status) == 0 else { return 0 }
        return UInt32(truncatingIfNeeded: status.st_ino)
    }

    /// A generation without policies, number 0. It always fits: it is a few hundred words.
    private static func placeNothing(in arena: inout Arena) {
        guard let nothing = try? KernelTables.compile([Policy]()) else { return }
        try? arena.place(nothing, number: 0)
    }

    /// Puts `tables` into force.
    mutating func enforce(_ tables: KernelTables, _ held: HeldObjects) throws(ArenaError) {
        try arena.place(tables, number: number + 1, held: held)
        number += 1
    }

    /// The number of the last generation with policies.
    var generation: UInt32 { number }

    /// Puts nothing into force: at once for every task.
    mutating func release() { Self.placeNothing(in: &arena) }

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

    /// The tasks that are under policies, threads apart.
    func confinedTasks() throws(KernelError) -> [ConfinedTask] {
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

    /// How many events are taken at once: in a storm there would be no end, and memory has one.
    private static let drainedAtOnce = 4096

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
        do throws(ArenaError) { try arena.place(tables, number: Self.probe) } catch { return false }
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
        Self.placeNothing(in: &arena)
        return isSeen
    }
}
