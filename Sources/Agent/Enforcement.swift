internal import BPF
internal import CLinux
internal import CSwguardBPF
internal import Compiler
private import Glibc
internal import Policy

/// The programs in the kernel, attached, with their maps. Its end detaches them.
struct Enforcement: ~Copyable {
    // In the order in which they end: nothing runs when the maps go.
    private let links: LinkSet
    private var events: RingBuffer
    private(set) var arena: Arena
    private let layers: Map
    private let scratches: Map
    private let object: Object
    /// The hooks that this kernel does not have, of those that may be missing.
    let missing: [String]

    /// How much the kernel can be given.
    struct Sizes {
        /// Words of the tables, a power of two. Two generations must fit, and on 6.1 a value of an array ends at
        /// KMALLOC_MAX_SIZE, 4 MiB (kernel/bpf/arraymap.c, array_map_alloc_check).
        var words = 1 << 20
        var counters = 1 << 17
        /// Bytes, a power of two.
        var events = 1 << 20
    }

    /// Programs that a kernel may lack the hook of; what they do is done by others there, or is a gap in the coverage.
    private static let optional: Set<String> = [
        // 6.6; before, file_ioctl sees calls of the 32-bit ABI too.
        "swguard_file_ioctl_compat"
    ]

    /// Programs by which tasks come under policies: attached when all the others are.
    private static let entries: Set<String> = [
        "swguard_bprm_creds_for_exec", "swguard_bprm_creds_from_file", "swguard_bprm_committed_creds",
        "swguard_task_fix_setuid",
    ]

    /// Loads and attaches everything. Nothing is confined until a generation with policies is placed.
    init(_ sizes: Sizes = Sizes()) throws(KernelError) {
        // The object is linked into the program.
        let bytes = unsafe UnsafeRawBufferPointer(
            start: swguard_bpf_object_address(), count: swguard_bpf_object_size)
        var open = unsafe try OpenObject(reading: bytes, named: "swguard")
        try open.setValueSize(UInt32(sizes.words * 4), map: "tables")
        try open.setConstant(UInt32(sizes.words - 1), "tables_mask")
        try open.setCapacity(UInt32(sizes.counters), map: "counters")
        try open.setCapacity(UInt32(sizes.events), map: "events")
        var missing: [String] = []
        let types = try KernelTypes()
        for program in open.programs where Self.optional.contains(program) {
            guard let section = open.section(of: program), !types.has(hookOf: section) else { continue }
            try open.setLoaded(false, program: program)
            missing.append(section)
        }
        let sections = Dictionary(
            uniqueKeysWithValues: open.programs.map { ($0, open.section(of: $0) ?? "") })
        let object = try open.load()
        let tables = try MappedMap(mapping: try object.map("tables"))
        let counters = try MappedMap(mapping: try object.map("counters"))
        var arena = Arena(tables: tables, counters: counters)
        let events = try RingBuffer(reading: try object.map("events"))
        let layers = try object.map("layers")
        let scratches = try object.map("scratches")
        // Programs always find a generation.
        Self.placeNothing(in: &arena)
        var links = LinkSet()
        let attachable = object.programs.filter { !(sections[$0] ?? "").hasPrefix("iter/") }
        for program in attachable where !Self.entries.contains(program) {
            try links.attach(program, of: object)
        }
        for program in attachable where Self.entries.contains(program) {
            try links.attach(program, of: object)
        }
        self.links = links
        self.events = events
        self.arena = arena
        self.layers = layers
        self.scratches = scratches
        self.object = object
        self.missing = missing
    }

    /// A generation without policies. It always fits: it is a few hundred words.
    private static func placeNothing(in arena: inout Arena) {
        guard let nothing = try? KernelTables.compile([Policy]()) else { return }
        try? arena.place(nothing)
    }

    /// Puts `tables` into force.
    mutating func enforce(_ tables: KernelTables) throws(ArenaError) { try arena.place(tables) }

    /// Becomes readable when there are events.
    var eventDescriptor: CInt { events.pollDescriptor }

    /// Hands each event that is there to `body`.
    mutating func drain(_ body: (KernelEvent) -> Void) throws(KernelError) {
        try events.consume { record in
            if let event = KernelEvent(record) { body(event) }
        }
    }

    /// Whether the programs run: the kernel loads and attaches them also where `bpf` is not among its security modules.
    ///
    /// A policy that denies every file and only complains is put on this process, which opens a file; then there is
    /// an event.
    mutating func probe() throws(KernelError) -> Bool {
        var policy = Policy(name: "probe", file: "probe")
        policy.mode = .complain
        policy.files = FilesSection(location: SourceLocation(file: "probe", line: 1))
        guard let tables = try? KernelTables.compile([policy]) else { return false }
        do throws(ArenaError) { try arena.place(tables) } catch { return false }
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
