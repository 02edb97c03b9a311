internal import BPF
internal import CSwguardBPF
internal import Compiler

/// The maps by which programs know what is denied by what it is: objects, and names whose objects are, of every generation
/// that is there.
///
/// Programs add objects, as they come under guarded names, and take out those that are gone.
struct GuardMaps: ~Copyable {
    private let objects: Map
    private let directories: Map
    private let names: Map
    private let unbound: Map
    private let identify: SyscallProgram

    /// The program that says what the others call an object.
    static let program = "swguard_identify"

    /// How many entries each has room for, with `tables` and twice as much beside them.
    struct Sizes {
        var objects: Int
        var names: Int

        init(for tables: KernelTables) {
            objects = max(1 << 16, 3 * tables.guardCount)
            names = max(1 << 14, 3 * tables.guardedNameCount)
        }

        func apply(to object: inout OpenObject) throws(KernelError) {
            try object.setCapacity(UInt32(objects), map: "guarded")
            try object.setCapacity(UInt32(names), map: "watched")
            try object.setCapacity(UInt32(names), map: "guarded_names")
        }
    }

    init(of set: PinnedSet) throws(KernelError) {
        let objects = try set.open("guarded")
        let directories = try set.open("watched")
        let names = try set.open("guarded_names")
        let unbound = try set.open("unbound")
        let identify = try SyscallProgram(Self.program, pinnedAt: set.map(Self.program))
        self.objects = objects
        self.directories = directories
        self.names = names
        self.unbound = unbound
        self.identify = identify
    }

    /// Makes the programs find what a generation guards; where it fails, a part of it.
    func add(_ tables: KernelTables, _ placed: PlacedGeneration) throws(KernelError) {
        let base = UInt32(placed.words.lowerBound)
        for (object, word) in tables.guards(at: base) {
            try objects.update(try key(object, placed.number, placed.held), Self.binding(to: word))
        }
        for guarded in placed.record.guardedNames {
            let directory = try key(guarded.name.directory, placed.number, placed.held)
            try names.update(Self.key(guarded.name.name, in: directory), guarded.word)
            try directories.update(directory, UInt32(1))
        }
    }

    /// Binds what came under a generation's names after they were looked up and before it was put into force.
    func bindPresent(_ placed: PlacedGeneration) {
        // Kept open for as long as it takes, where nobody keeps the generation's objects any more.
        let held = placed.held ?? HeldObjects()
        for guarded in placed.record.guardedNames {
            let word = guarded.word
            guard let object = held.presentObject(at: guarded.path),
                let key = try? key(object, placed.number, held)
            else { continue }
            var binding = (try? objects.lookup(key, as: swguard_binding.self)) ?? swguard_binding()
            var lists = [binding.lists.0, binding.lists.1, binding.lists.2, binding.lists.3]
            // All that was there when the policies were compiled is in one list.
            guard !lists.contains(word), let free = lists.firstIndex(of: 0) else { continue }
            lists[free] = word
            binding.lists = (lists[0], lists[1], lists[2], lists[3])
            binding.is_held = 1
            _ = try? objects.update(key, binding)
        }
    }

    /// Takes out what is of no generation that is there: an agent was killed while it added one.
    func removeAll(but numbers: [UInt32]) {
        var others: Set<UInt32> = []
        for key in (try? objects.keys(as: swguard_object.self)) ?? [] { others.insert(key.generation) }
        for key in (try? directories.keys(as: swguard_object.self)) ?? [] { others.insert(key.generation) }
        for number in others.subtracting(numbers) { remove(number) }
    }

    /// Takes out everything of a generation, what programs added too. What stays is of a number that no generation has again.
    func remove(_ number: UInt32) {
        for key in (try? objects.keys(as: swguard_object.self)) ?? [] where key.generation == number {
            _ = try? objects.remove(key)
        }
        for key in (try? directories.keys(as: swguard_object.self)) ?? [] where key.generation == number {
            _ = try? directories.remove(key)
        }
        for key in (try? names.keys(as: swguard_guarded_name.self)) ?? []
        where key.directory.generation == number {
            _ = try? names.remove(key)
        }
    }

    /// How many objects came under guarded names and could not be bound, since the programs were loaded.
    var unboundObjects: UInt64 { (try? unbound.lookup(UInt32(0), as: UInt64.self)) ?? 0 }

    /// What the programs call an object that is kept open: stat(2) may call it otherwise.
    private func key(
        _ object: KernelObject, _ number: UInt32, _ held: HeldObjects?
    ) throws(KernelError) -> swguard_object {
        guard let descriptor = held?.descriptor(of: object) else {
            return swguard_object(inode: object.inode, device: object.device, generation: number)
        }
        var identity = IdentityRecord(inode: 0, device: 0, descriptor: UInt32(descriptor))
        let result = try identify.run(&identity)
        guard result == 0 else {
            throw KernelError(operation: "find out what the kernel calls an object", code: -result)
        }
        return swguard_object(inode: identity.inode, device: identity.device, generation: number)
    }

    private static func key(_ name: [UInt8], in directory: swguard_object) -> swguard_guarded_name {
        var key = swguard_guarded_name()
        key.directory = directory
        unsafe withUnsafeMutableBytes(of: &key.name) { unsafe $0.copyBytes(from: name) }
        return key
    }

    private static func binding(to word: UInt32) -> swguard_binding {
        var binding = swguard_binding()
        binding.lists.0 = word
        binding.is_held = 1
        return binding
    }
}
