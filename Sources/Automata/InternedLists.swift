/// Lists of numbers, each kept once and known by its own number.
///
/// One buffer for all, and a table of open addressing over it: a million short lists as separate arrays would
/// cost an allocation each. Hashing is unseeded, so that nothing depends on the run; the lists come from a
/// policy's own author.
struct InternedLists {
    private var elements: [UInt32] = []
    private var starts: [UInt32] = [0]
    /// One more than the number of a list; 0 is free. The size is a power of two.
    private var slots: [UInt32] = Array(repeating: 0, count: 64)

    var count: Int { starts.count - 1 }
    /// The elements of all lists together.
    var elementCount: Int { elements.count }

    /// Where the elements of list `number` are in the buffer.
    @inline(__always)
    private func range(of number: UInt32) -> Range<Int> {
        Int(starts[Int(number)])..<Int(starts[Int(number) + 1])
    }

    /// The list with this number.
    subscript(number: UInt32) -> ArraySlice<UInt32> { elements[range(of: number)] }

    /// The number of `list`, which is new if no list before was equal.
    mutating func intern(_ list: [UInt32]) -> UInt32 {
        if (count + 1) * 2 > slots.count { grow() }
        var slot = Int(truncatingIfNeeded: Self.hash(list[...])) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = slots[slot] - 1
            if isEqual(number, list) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        elements.append(contentsOf: list)
        starts.append(UInt32(elements.count))
        slots[slot] = UInt32(count)
        return UInt32(count - 1)
    }

    private func isEqual(_ number: UInt32, _ list: [UInt32]) -> Bool {
        let range = range(of: number)
        guard range.count == list.count else { return false }
        for index in 0..<list.count where elements[range.lowerBound + index] != list[index] { return false }
        return true
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for number in 0..<UInt32(count) {
            var slot = Int(truncatingIfNeeded: Self.hash(self[number])) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = number + 1
        }
    }

    private static func hash(_ list: ArraySlice<UInt32>) -> UInt64 {
        var hash: UInt64 = 0x9e37_79b9_7f4a_7c15
        for element in list {
            hash = (hash ^ UInt64(element)) &* 0xff51_afd7_ed55_8ccd
            hash ^= hash >> 32
        }
        return hash
    }
}
