internal import BPF
internal import CSwguardBPF
internal import Compiler
private import Glibc

/// What makes one load of the programs another than the next: their bytes, and what they are told of this kernel.
struct ProgramBuild {
    /// Whether tasks' storage can be busy here, so that some requests are denied without need.
    let hasBusyStorage: Bool
    /// The number of the mount namespace of process 1, in which launchers are; 0: it cannot be found out.
    let hostMounts: UInt32
    /// Whether the programs keep what they found of directories.
    let isCaching: Bool
    /// Whether what they decide can be sealed: that takes more hooks.
    let isSealed: Bool
    /// Whether the kernel loads modules without looking for a signature.
    let hasUnsignedModules: Bool
    /// Sixteen hexadecimal digits.
    let digest: String

    init(isCaching: Bool, isSealed: Bool) throws(KernelError) {
        self.isCaching = isCaching
        self.isSealed = isSealed
        // There with CONFIG_MODULE_SIG (kernel/module/signing.c).
        hasUnsignedModules = unsafe access("/sys/module/module/parameters/sig_enforce", F_OK) != 0
        hasBusyStorage = try Preemption.makesStorageBusy()
        var status = stat()
        hostMounts =
            unsafe stat("/proc/1/ns/mnt", &status) == 0 ? UInt32(truncatingIfNeeded: status.st_ino) : 0
        let told = "\(hasBusyStorage) \(hostMounts) \(isCaching) \(isSealed) \(hasUnsignedModules)"
        let hash = unsafe SHA256.hash(Array(Self.object), Array(told.utf8))
        digest = String(decoding: SHA256.hexadecimal(hash[..<8]), as: UTF8.self)
    }

    /// The object, which is linked into the program.
    @unsafe static var object: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: swguard_bpf_object_address(), count: swguard_bpf_object_size)
    }
}

/// The programs in the kernel, verified, with their maps pinned; nothing runs until they are attached.
struct LoadedPrograms: ~Copyable {
    /// The maps that another process needs.
    private static let maps =
        [
            "tables", "counters", "guarded", "watched", "guarded_names", "unbound", "events", "scratches",
        ] + AgentMaps.maps

    /// Programs that only a sealed agent needs.
    private static let sealing: Set<String> = [
        "swguard_inode_create", "swguard_inode_mkdir", "swguard_inode_mknod", "swguard_inode_symlink",
        "swguard_inode_unlink", "swguard_inode_rmdir", "swguard_inode_link", "swguard_inode_rename",
        "swguard_locked_down",
    ]

    /// Programs by which tasks come under policies: attached when all the others are.
    private static let entries: Set<String> = [
        "swguard_bprm_creds_for_exec", "swguard_bprm_creds_from_file", "swguard_bprm_committed_creds",
        "swguard_task_fix_setuid", "swguard_task_prctl",
    ]

    private let object: Object
    private let programs: [String]
    let set: PinnedSet

    /// Has them verified, which takes its time. Tasks' policies are those of the map that is pinned, if there is one.
    ///
    /// - Throws: where the map's form is another, too: those policies are not to be lost.
    init(
        _ build: ProgramBuild, _ sizes: Enforcement.Sizes, in pins: PinDirectory, as set: PinnedSet
    ) throws(KernelError) {
        var open = unsafe try OpenObject(reading: ProgramBuild.object, named: "swguard")
        try open.setCapacity(UInt32(sizes.elements), map: "tables")
        try open.setCapacity(UInt32(sizes.counters), map: "counters")
        try open.setCapacity(UInt32(sizes.events), map: "events")
        try sizes.guards.apply(to: &open)
        if build.hasBusyStorage { try open.setConstant(UInt32(1), "has_busy_storage") }
        try open.setConstant(build.hostMounts, "host_mounts")
        if build.isSealed {
            try open.setConstant(UInt32(1), "is_sealable")
            if build.hasUnsignedModules { try open.setConstant(UInt32(1), "refuses_modules") }
        } else {
            for program in Self.sealing { try open.setLoaded(false, program: program) }
        }
        if !build.isCaching { try open.setConstant(UInt32(0), "has_cache") }
        _ = try open.leaveOutMissing(of: OptionalPrograms.names)
        let sections = Dictionary(
            uniqueKeysWithValues: open.programs.map { ($0, open.section(of: $0) ?? "") })
        let hasLayers = unsafe access(pins.layers, F_OK) == 0
        if hasLayers {
            let layers = try Map(pinnedAt: pins.layers, named: "layers")
            do throws(KernelError) {
                try open.reuse(layers)
            } catch {
                guard error.code == EINVAL else { throw error }
                throw KernelError(
                    operation:
                        "use the policies that tasks are under ('\(pins.layers)'), which another version of swguard "
                        + "gave them; 'swguard agent --teardown' takes them out", code: EINVAL)
            }
        }
        let object = try open.load()
        let found = try object.run("swguard_find_locks")
        guard found == 0 else {
            throw KernelError(operation: "find the kernel's locks of mounts and names", code: -found)
        }
        if !hasLayers { try object.map("layers").pin(at: pins.layers) }
        for map in Self.maps { try object.map(map).pin(at: set.map(map)) }
        // Who the agent is only programs say.
        try object.map("agent").freeze()
        for program in [GuardMaps.program, AgentMaps.program] {
            try object.syscall(program).pin(at: set.map(program))
        }
        for iterator in Enforcement.iterators {
            try KernelIterator(iterator, of: object).pin(at: set.link(iterator))
        }
        let attachable = object.programs.filter { program in
            let section = sections[program] ?? ""
            return !section.hasPrefix("iter/") && section != "syscall" && !section.hasPrefix("part/")
        }
        programs = attachable.filter { !Self.entries.contains($0) } + attachable.filter(Self.entries.contains)
        self.object = object
        self.set = set
    }

    /// Attaches them: each runs from then on, until its pin is removed.
    func attach() throws(KernelError) {
        let links = try object.map("links")
        // Before the first: a hook that has a stub still denies.
        for placement in try object.placements() {
            let number = try object.place(placement, pinnedAt: set.part(placement.name))
            try AgentMaps.note("parts/" + placement.name, number, in: links)
        }
        for program in programs {
            try AgentMaps.note(program, try object.attach(program, pinnedAt: set.link(program)), in: links)
        }
    }
}
