extension Automaton {
    /// The shortest input on which the two automata say different things; nil if there is none.
    ///
    /// Verdict numbers are compared as they are: both must have been made with the same ones.
    public static func difference(_ left: Self, _ right: Self) -> [UInt8]? {
        witness(left, right) { $0 != $1 }
    }

    /// The shortest input on which `isWanted` holds for what the two automata say; nil if there is none.
    ///
    /// Inclusion is a search for an input where the right side does not grant what the left does.
    ///
    /// - Parameter beginning: what the input begins with; `/` where only absolute paths are meant.
    public static func witness(
        _ left: Self, _ right: Self, beginning: [UInt8] = [], where isWanted: (UInt32, UInt32) -> Bool
    ) -> [UInt8]? {
        var pairs = [Pair(left: left.run(beginning), right: right.run(beginning), byte: 0, previous: 0)]
        var known: Set<UInt64> = [pairs[0].key]
        let bytes = representatives(left.classes, right.classes)
        var next = 0
        while next < pairs.count {
            let pair = pairs[next]
            if isWanted(left.verdict(pair.left), right.verdict(pair.right)) {
                return beginning + path(to: next, pairs)
            }
            for byte in bytes {
                let reached = Pair(
                    left: left.step(pair.left, byte), right: right.step(pair.right, byte), byte: byte,
                    previous: next)
                if known.insert(reached.key).inserted { pairs.append(reached) }
            }
            next += 1
        }
        return nil
    }

    /// A pair of states that one input leads to, and how.
    private struct Pair {
        var left, right: UInt32
        var byte: UInt8
        var previous: Int
        var key: UInt64 { UInt64(left) << 32 | UInt64(right) }
    }

    private static func path(to index: Int, _ pairs: [Pair]) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = index
        while index > 0 {
            bytes.append(pairs[index].byte)
            index = pairs[index].previous
        }
        return bytes.reversed()
    }

    /// One byte of each class that the two sides together tell apart; one that people can read, where there
    /// is one.
    private static func representatives(_ left: ByteClasses, _ right: ByteClasses) -> [UInt8] {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let printable = UInt8(ascii: "!")...UInt8(ascii: "~")
        var known: Set<UInt16> = []
        return (Array(letters) + Array(printable) + Array(0...255)).filter {
            known.insert(UInt16(left[$0]) << 8 | UInt16(right[$0])).inserted
        }
    }
}
