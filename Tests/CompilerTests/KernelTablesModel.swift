import CSwguardBPF
import Compiler
import Policy

/// What the kernel's programs do with the words (bpf/programs/tables.bpf.h, decide.bpf.h, network.bpf.h), in Swift.
///
/// Written from the header `swguard_abi.h` alone: it shares nothing with what makes the words.
struct KernelTablesModel {
    /// The array, with what stands before the generation.
    let words: [UInt32]
    private let generation: Int

    static let noRule = UInt32.max

    init(_ tables: KernelTables, at base: UInt32 = 1000, number: UInt32 = 7, counter: UInt32 = 50) {
        words =
            [base] + Array(repeating: 0xdead_beef, count: Int(base) - 1)
            + tables.words(at: base, number: number, countingFrom: counter)
        generation = Int(words[0])
    }

    func word(_ number: some BinaryInteger) -> UInt32 {
        let index = Int(number)
        return words.indices.contains(index) ? words[index] : 0xbad0_bad0
    }

    var number: UInt32 { word(generation) }

    /// The word of a policy; nil: none is in that slot.
    func policy(_ slot: Int) -> Int? {
        guard slot < word(generation + 1) else { return nil }
        let place = word(Int(word(generation + 2)) + slot)
        return place == 0 ? nil : Int(place)
    }

    func layer(_ slot: Int) -> UInt32? { policy(slot).map { word($0 + 22) } }
    func owner(_ slot: Int) -> UInt32? { policy(slot).map { word($0 + 23) } }
    /// The word of what grants nothing; nil: there is none.
    var closed: Int? { word(generation + 15) == 0 ? nil : Int(word(generation + 15)) }

    /// What an automaton leads to: the word that the verdict stands at.
    func run(_ automaton: Int, _ bytes: some Sequence<UInt8>) -> Int {
        let (classes, cells) = (Int(word(automaton)), Int(word(automaton + 1)))
        var state = Int(word(automaton + 3))
        for byte in bytes {
            let number = Int(word(classes + Int(byte) / 4) >> (UInt32(byte) % 4 * 8) & 0xff)
            var cell = cells + 2 * (state + 1 + number)
            if word(cell) != UInt32(state) { cell = cells + 2 * state }
            state = Int(word(cell + 1))
            if state == 0 { break }
        }
        let head = word(cells + 2 * state) & 0x3fff_ffff
        return Int(word(Int(word(automaton + 2)) + Int(head)))
    }

    struct Verdict: Equatable {
        var granted: UInt32
        var marks: UInt32
        var rules: [UInt32]
        var reported: UInt32
    }

    func verdict(at place: Int) -> Verdict {
        Verdict(
            granted: word(place), marks: word(place + 1), rules: (0..<9).map { word(place + 2 + $0) },
            reported: word(place + 11))
    }

    func files(_ slot: Int, _ path: [UInt8]) -> Verdict? {
        policy(slot).map { verdict(at: run($0 + 14, path)) }
    }

    func socketName(_ slot: Int, _ name: [UInt8]) -> Verdict? {
        policy(slot).map { verdict(at: run($0 + 18, name)) }
    }

    func flags(_ slot: Int) -> UInt32 { policy(slot).map { word($0 + 5) } ?? 0 }
    func firstRule(_ slot: Int) -> UInt32 { policy(slot).map { word($0 + 6) } ?? 0 }

    func grants(capability: UInt8, _ slot: Int) -> (Bool, rule: UInt32)? {
        guard let policy = policy(slot) else { return nil }
        let mask = UInt64(word(policy)) | UInt64(word(policy + 1)) << 32
        return (mask >> UInt64(capability) & 1 != 0, word(Int(word(policy + 8)) + Int(capability)))
    }

    func grants(operation: Int, _ slot: Int) -> (Bool, rule: UInt32)? {
        guard let policy = policy(slot) else { return nil }
        return (word(policy + 4) >> UInt32(operation) & 1 != 0, word(Int(word(policy + 7)) + operation))
    }

    func grants(family: UInt32, protocolNumber: UInt32, _ slot: Int) -> Bool {
        guard let policy = policy(slot), flags(slot) & 1 << 2 != 0 else { return true }
        let mask = UInt64(word(policy + 2)) | UInt64(word(policy + 3)) << 32
        if family < 64, mask >> UInt64(family) & 1 != 0 { return true }
        return family == 16 && protocolNumber < 32 && word(policy + 10) >> protocolNumber & 1 != 0
    }

    /// Whether an address is granted, and the rule that decided.
    func grants(
        address: [UInt32], port: UInt16, transport: UInt32, access: UInt32, _ slot: Int
    ) -> (Bool, rule: UInt32)? {
        guard let policy = policy(slot) else { return nil }
        let first = Int(word(policy + 11))
        for index in 0..<Int(word(policy + 12)) {
            let endpoint = first + 10 * index
            let prefix = Int(word(endpoint + 4))
            let matches = (0..<4).allSatisfy { part in
                let bits = max(0, min(32, prefix - 32 * part))
                let mask: UInt32 = bits == 0 ? 0 : ~0 << UInt32(32 - bits)
                return (word(endpoint + part) ^ address[part]) & mask == 0
            }
            let ports = word(endpoint + 5)
            guard matches, UInt32(port) >= ports & 0xffff, UInt32(port) <= ports >> 16,
                word(endpoint + 6) & access != 0, word(endpoint + 7) & transport != 0
            else { continue }
            return (word(endpoint + 8) != 0, word(endpoint + 9))
        }
        return (flags(slot) & 1 << 4 != 0, Self.noRule)
    }

    /// The slots that begin at an exec of `path`.
    func slots(_ path: [UInt8]) -> [UInt32] { list(generation + 6, path[...]) }

    /// The slots that begin at an exec in a cgroup: those of it and of the cgroups above it, from the root on.
    func slots(inCgroup path: [UInt8]) -> [UInt32] {
        let ends = path.indices.dropFirst().filter { path[$0] == UInt8(ascii: "/") } + [path.endIndex]
        var slots: [UInt32] = []
        for end in ends {
            for slot in list(generation + 10, path[..<end]) {
                let isNotBeneath = slot & SWGUARD_NOT_BENEATH != 0
                if isNotBeneath, end != path.endIndex { continue }
                let slot = slot & ~UInt32(SWGUARD_NOT_BENEATH)
                if !slots.contains(slot) { slots.append(slot) }
            }
        }
        return slots
    }

    private func list(_ automaton: Int, _ path: ArraySlice<UInt8>) -> [UInt32] {
        // An automaton that begins in the dead state is not run.
        if word(automaton + 3) == 0 { return [] }
        let list = run(automaton, path)
        if list == 0 { return [] }
        return (0..<Int(word(list))).map { word(list + 1 + $0) }
    }

    var guardCount: UInt32 { word(generation + 5) }
    var guardedAccesses: UInt32 { word(generation + 14) }

    /// The guards of the list at a word: slot, denied, is subtree, rules.
    func guards(at list: UInt32) -> [[UInt32]] {
        (0..<Int(word(list))).map { index in (0..<12).map { word(Int(list) + 1 + 12 * index + $0) } }
    }

    /// User and slot.
    var users: [[UInt32]] {
        let first = Int(word(generation + 3))
        return (0..<Int(word(generation + 4))).map { [word(first + 2 * $0), word(first + 2 * $0 + 1)] }
    }
}
