internal import Clibseccomp
internal import Glibc
public import Policy

/// The system calls that are known: names, numbers for each ABI, groups and widths.
public enum SyscallTable {
    /// One call of an ABI.
    public struct Call: Hashable, Sendable {
        public var number: UInt32
        public var name: String
    }

    /// What a policy can name.
    public static let vocabulary = SyscallVocabulary(
        isPlainlyKnown: { number(of: $0, abi: .native) != nil },
        isPlainlyGroup: { name in SyscallGroups.all.contains { $0.name == name } }, contents: { contents })

    private static let contents = SyscallVocabulary.Contents(
        names: names, groups: groups, alwaysAllowed: Set(alwaysAllowed), narrowArguments: narrowArguments)

    /// The release of Linux up to which every call is known, and where the groups come from: for `plan`.
    public static let source = "\(NewerSyscalls.release), groups of \(SyscallGroups.source)"

    /// The number of the call `name`; nil where `abi` does not have it.
    public static func number(of name: String, abi: SyscallABI) -> UInt32? {
        guard let table = tables[abi], let place = table.places[name] else { return nil }
        return table.calls[place].number
    }

    /// Where each name stands in `calls(of: abi)`.
    static func places(of abi: SyscallABI) -> [String: Int] { tables[abi]?.places ?? [:] }

    /// The name of call `number` of `abi` (x32's with its bit); nil where it is not known.
    public static func name(of number: UInt32, abi: SyscallABI) -> String? {
        guard let calls = tables[abi]?.calls else { return nil }
        // The first that is not below.
        var (low, high) = (0, calls.count)
        while low < high {
            let middle = (low + high) / 2
            if calls[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < calls.count && calls[low].number == number ? calls[low].name : nil
    }

    /// Every known call of `abi`, by number.
    public static func calls(of abi: SyscallABI) -> [Call] { tables[abi]?.calls ?? [] }

    /// The names that a policy always allows, sorted, for `plan`.
    public static let alwaysAllowed: [String] =
        (memberList(of: "default") + StartingSyscalls.table.map(\.name)).sorted().uniqued()

    /// The names in a group, nested groups included, sorted; empty for a group that there is not.
    public static func members(of group: String) -> [String] {
        memberList(of: group).sorted().uniqued()
    }

    /// The names in a group, nested groups included, in the order of the table; a name may come again.
    static func memberList(of group: String) -> [String] {
        if group == "known" { return Array(names) }
        var members: [String] = []
        var visited: [String] = []
        collect(group, into: &members, visited: &visited)
        return members
    }

    // MARK: - Numbers

    private struct Table: Sendable {
        /// By ascending number.
        var calls: [Call]
        /// The place of each name in `calls`.
        var places: [String: Int]
    }

    // Each is made when it is first asked for: most policies need the native one only.
    private static let native = makeTable(.native)
    private static let i386 = makeTable(.i386)
    private static let x32 = makeTable(.x32)

    private enum Tables {
        subscript(abi: SyscallABI) -> Table? {
            switch abi {
            case .native: SyscallTable.native
            case .i386: SyscallTable.i386
            case .x32: SyscallTable.x32
            default: nil
            }
        }
        case all
    }
    private static let tables = Tables.all

    private static func makeTable(_ abi: SyscallABI) -> Table {
        let bit = abi == .x32 ? SyscallABI.x32Bit : 0
        let newer = NewerSyscalls.common + (abi == .x86_64 || abi == .x32 ? NewerSyscalls.x86_64 : [])
        // x32 has calls of its own from 512 to 547 (syscall_64.tbl).
        let ranges = [0...NewerSyscalls.last] + (abi == .x32 ? [512...547] : [])
        var table = Table(calls: [], places: [:])
        table.calls.reserveCapacity(512)
        table.places.reserveCapacity(512)
        for number in ranges.joined() {
            let name: String
            if let call = newer.last(where: { $0.number == number }) {
                name = call.name
            } else if let text = unsafe seccomp_syscall_resolve_num_arch(
                abi.libseccompToken, CInt(bitPattern: number | bit))
            {
                name = unsafe String(cString: text)
                unsafe free(text)
            } else {
                continue
            }
            table.places[name] = table.calls.count
            table.calls.append(Call(number: number | bit, name: name))
        }
        return table
    }

    // MARK: - Names

    private static let names: Set<String> = {
        var names = Set<String>(minimumCapacity: 1024)
        names.formUnion(words(ForeignSyscalls.names))
        names.formUnion(words(SyscallWidths.wide))
        for signature in SyscallWidths.signatures { names.formUnion(words(signature.calls)) }
        names.formUnion(calls(of: .native).map(\.name))
        for call in NewerSyscalls.common + NewerSyscalls.x86_64 { names.insert(call.name) }
        for group in SyscallGroups.all {
            for member in words(group.members) where !member.hasPrefix("@") { names.insert(member) }
        }
        return names
    }()

    private static let groups: [String: Set<String>] = {
        var groups: [String: Set<String>] = ["known": names]
        for group in SyscallGroups.all { groups[group.name] = Set(memberList(of: group.name)) }
        return groups
    }()

    /// Each group once: a cycle would have no end.
    private static func collect(_ name: String, into members: inout [String], visited: inout [String]) {
        guard !visited.contains(name), let group = SyscallGroups.all.first(where: { $0.name == name }) else {
            return
        }
        visited.append(name)
        for member in words(group.members) {
            if member.hasPrefix("@") {
                collect(String(member.dropFirst()), into: &members, visited: &visited)
            } else {
                members.append(member)
            }
        }
    }

    // MARK: - Widths

    /// For each call, the arguments that are read as 32 bits, as a bit mask.
    static let narrowArguments: [String: UInt8] = {
        var result: [String: UInt8] = [:]
        for signature in SyscallWidths.signatures {
            var mask: UInt8 = 0
            for (index, letter) in signature.pattern.utf8.enumerated() where letter == UInt8(ascii: "i") {
                mask |= 1 << UInt8(index)
            }
            for name in words(signature.calls) { result[name] = mask }
        }
        return result
    }()

    /// Whether the widths of the call `name` are known; those of others are taken as 64 bits.
    public static func isInWidthTable(_ name: String) -> Bool {
        narrowArguments[name] != nil || words(SyscallWidths.wide).contains(name)
    }

    /// Whether `abi` reads argument `index` of the call `name` as 32 bits.
    static func isNarrow(argument index: Int, of name: String, abi: SyscallABI) -> Bool {
        if abi.isNarrow { return true }
        let mask = (narrowArguments[name] ?? 0) | (abi == .x32 ? SyscallWidths.narrowerInX32[name] ?? 0 : 0)
        return mask & (1 << UInt8(truncatingIfNeeded: index)) != 0
    }

    static func words(_ text: String) -> [String] {
        text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { String($0) ?? "" }
    }
}

extension Array where Element: Hashable {
    /// The elements without repetitions, in the order of their first appearance.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
