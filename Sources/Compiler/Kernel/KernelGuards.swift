internal import Policy

/// An object of a file system, by what it is and not by what it is called.
public struct KernelObject: Hashable, Sendable {
    public var inode: UInt64
    /// As the kernel has it: major number << 20 | minor number.
    public var device: UInt32

    public init(inode: UInt64, device: UInt32) {
        self.inode = inode
        self.device = device
    }
}

/// What literal deny rules, and those of `P/**` with P literal, stand for: denied under any other name, too.
struct KernelGuards {
    /// One `struct swguard_guard`.
    private struct Guard {
        var slot: UInt32
        var isSubtree: Bool
        var denied: FileAccessSet = []
        var rules = Array(repeating: KernelRecords.noRule, count: FileAccess.allCases.count)

        var words: [UInt32] { [slot, UInt32(denied.rawValue), isSubtree ? 1 : 0] + rules }
    }

    private var guards: [KernelObject: [Guard]] = [:]
    /// In the order in which they were found.
    private(set) var objects: [KernelObject] = []

    /// Adds what a policy denies so.
    ///
    /// - Parameter identify: the object at a path, on the host that is to be guarded; nil: there is none.
    mutating func add(_ policy: Policy, slot: Int, identify: ([UInt8]) -> KernelObject?) {
        for (number, rule) in (policy.files?.rules ?? []).enumerated() where rule.header.verdict == .deny {
            for pattern in rule.patterns {
                let subtree = pattern.value.literalSubtree
                guard let path = subtree ?? (pattern.value.isLiteral ? pattern.value.literalBytes : nil),
                    !Self.isOwnProcess(path), let object = identify(path)
                else { continue }
                add(
                    object, UInt32(slot), isSubtree: subtree != nil, rule.decidedAccesses,
                    rule: UInt32(number))
            }
        }
    }

    /// The reader's own directory of procfs is another object for each.
    private static func isOwnProcess(_ path: [UInt8]) -> Bool {
        path.starts(with: "/proc/self/".utf8) || path == Array("/proc/self".utf8)
    }

    private mutating func add(
        _ object: KernelObject, _ slot: UInt32, isSubtree: Bool, _ accesses: FileAccessSet, rule: UInt32
    ) {
        if guards[object] == nil { objects.append(object) }
        var list = guards[object] ?? []
        let index =
            list.firstIndex { $0.slot == slot && $0.isSubtree == isSubtree } ?? list.count
        if index == list.count { list.append(Guard(slot: slot, isSubtree: isSubtree)) }
        // The first rule of the document decides.
        for access in accesses.subtracting(list[index].denied).members {
            list[index].rules[Int(access.rawValue)] = rule
        }
        list[index].denied.formUnion(accesses)
        guards[object] = list
    }

    /// The list of one object: its count, then the guards.
    func words(of object: KernelObject) -> [UInt32] {
        let list = guards[object] ?? []
        return [UInt32(list.count)] + list.flatMap(\.words)
    }
}
