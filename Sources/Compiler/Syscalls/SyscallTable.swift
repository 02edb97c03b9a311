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
    public static func number(of name: String, abi: SyscallABI) -> UInt32? { tables[abi]?.numbers[name] }

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
        (members(of: "default") + StartingSyscalls.table.map(\.name)).sorted().uniqued()

    /// The names in a group, nested groups included, sorted; empty for a group that there is not.
    public static func members(of group: String) -> [String] {
        if group == "known" { return names.sorted() }
        var known: [String: Set<String>] = [:]
        return members(of: group, known: &known).sorted()
    }

    // MARK: - Numbers

    private struct Table: Sendable {
        var calls: [Call]
        var numbers: [String: UInt32]
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
        var byNumber: [UInt32: String] = [:]
        let bit = abi == .x32 ? SyscallABI.x32Bit : 0
        // x32 has calls of its own from 512 to 547 (syscall_64.tbl).
        let numbers = Array(0...NewerSyscalls.last) + (abi == .x32 ? Array(512...547) : [])
        for number in numbers.map({ $0 | bit }) {
            guard
                let text = unsafe seccomp_syscall_resolve_num_arch(
                    abi.libseccompToken, CInt(bitPattern: number))
            else { continue }
            byNumber[number] = unsafe String(cString: text)
            unsafe free(text)
        }
        for call in NewerSyscalls.common { byNumber[call.number | bit] = call.name }
        if abi == .x86_64 || abi == .x32 {
            for call in NewerSyscalls.x86_64 { byNumber[call.number | bit] = call.name }
        }
        let calls = byNumber.map { Call(number: $0.key, name: $0.value) }.sorted { $0.number < $1.number }
        var numbersByName: [String: UInt32] = [:]
        for call in calls { numbersByName[call.name] = call.number }
        return Table(calls: calls, numbers: numbersByName)
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
        for group in SyscallGroups.all { _ = members(of: group.name, known: &groups) }
        return groups
    }()

    /// The members of a group and of the groups in it; what was asked before is in `known`, and empty while it
    /// is being asked: a cycle would have no end.
    private static func members(of name: String, known: inout [String: Set<String>]) -> Set<String> {
        if let members = known[name] { return members }
        guard let group = SyscallGroups.all.first(where: { $0.name == name }) else { return [] }
        known[name] = []
        var result: Set<String> = []
        for member in words(group.members) {
            if member.hasPrefix("@") {
                result.formUnion(members(of: String(member.dropFirst()), known: &known))
            } else {
                result.insert(member)
            }
        }
        known[name] = result
        return result
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
