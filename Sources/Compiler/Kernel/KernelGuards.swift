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

/// A name in a directory, whatever stands for it.
public struct KernelName: Hashable, Sendable {
    public var directory: KernelObject
    /// 1 to 255 bytes.
    public var name: [UInt8]

    public init(directory: KernelObject, name: [UInt8]) {
        self.directory = directory
        self.name = name
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

        /// The first rule of the document that denies an access decides.
        mutating func deny(_ accesses: FileAccessSet, rule: UInt32) {
            for access in accesses.subtracting(denied).members { rules[Int(access.rawValue)] = rule }
            denied.formUnion(accesses)
        }

        var words: [UInt32] { [slot, UInt32(denied.rawValue), isSubtree ? 1 : 0] + rules }
    }

    private typealias List = [Guard]

    private var lists: [KernelObject: List] = [:]
    private var nameLists: [KernelName: List] = [:]
    /// In the order in which they were found.
    private(set) var objects: [KernelObject] = []
    /// What any of them denies.
    private(set) var denied: FileAccessSet = []
    /// The same; `path` leads to the name.
    private(set) var names: [(path: [UInt8], name: KernelName)] = []

    /// NAME_MAX (include/uapi/linux/limits.h): what is longer can be nothing's name.
    private static let nameLimit = 255

    /// Adds what a policy denies so.
    ///
    /// - Parameters:
    ///   - identify: the object at a path, on the host that is to be guarded; nil: there is none.
    ///   - number: what the policy's rule is called, by its place in the section.
    mutating func add(
        _ section: FilesSection?, slot: Int, identify: ([UInt8]) -> KernelObject?, number: (UInt32) -> UInt32
    ) {
        for (place, rule) in (section?.rules ?? []).enumerated() where rule.header.verdict == .deny {
            for pattern in rule.patterns {
                let subtree = pattern.value.literalSubtree
                guard let path = subtree ?? (pattern.value.isLiteral ? pattern.value.literalBytes : nil),
                    !Self.isOwnProcess(path)
                else { continue }
                denied.formUnion(rule.decidedAccesses)
                func add(to list: inout List) {
                    let index =
                        list.firstIndex { $0.slot == slot && $0.isSubtree == (subtree != nil) } ?? list.count
                    if index == list.count {
                        list.append(Guard(slot: UInt32(slot), isSubtree: subtree != nil))
                    }
                    list[index].deny(rule.decidedAccesses, rule: number(UInt32(place)))
                }
                if let object = identify(path) {
                    if lists[object] == nil { objects.append(object) }
                    add(to: &lists[object, default: []])
                }
                if let name = Self.name(of: path, identify: identify) {
                    if nameLists[name] == nil { names.append((path, name)) }
                    add(to: &nameLists[name, default: []])
                }
            }
        }
    }

    /// The last component of `path`, in the directory that the others lead to; nil: there is none.
    private static func name(of path: [UInt8], identify: ([UInt8]) -> KernelObject?) -> KernelName? {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        let name = path[(slash + 1)...]
        guard !name.isEmpty, name.count <= nameLimit,
            let directory = identify(slash == 0 ? [UInt8(ascii: "/")] : Array(path[..<slash]))
        else { return nil }
        return KernelName(directory: directory, name: Array(name))
    }

    /// The reader's own directory of procfs is another object for each.
    private static func isOwnProcess(_ path: [UInt8]) -> Bool {
        path.starts(with: "/proc/self/".utf8) || path == Array("/proc/self".utf8)
    }

    /// The list of one object: its count, then the guards.
    func words(of object: KernelObject) -> [UInt32] { Self.words(of: lists[object] ?? []) }

    /// The list that is for whatever comes under a name.
    func words(of name: KernelName) -> [UInt32] { Self.words(of: nameLists[name] ?? []) }

    private static func words(of list: List) -> [UInt32] { [UInt32(list.count)] + list.flatMap(\.words) }
}
