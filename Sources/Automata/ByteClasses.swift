/// The bytes, sorted into classes whose members no pattern tells apart.
///
/// Classes are numbered by their smallest byte, so that the numbers ascend as the bytes of literals do.
public struct ByteClasses: Hashable, Sendable {
    /// The class of each byte; 256 entries.
    public private(set) var numbers: [UInt8]
    /// How many classes there are, 1 to 256.
    public private(set) var count: Int

    /// All bytes in one class.
    init() {
        numbers = Array(repeating: 0, count: 256)
        count = 1
    }

    /// The coarsest classes that tell apart what `patterns` do.
    init(of patterns: [Pattern]) {
        var single = ByteMask()
        var masks: Set<ByteMask> = []
        for pattern in patterns {
            for byte in pattern.beginning { single.insert(byte) }
            for step in pattern.rest {
                switch step {
                case .byte(let byte): single.insert(byte)
                case .oneOf(let mask), .run(let mask): masks.insert(mask)
                case .subtree: single.insert(UInt8(ascii: "/"))
                }
            }
        }
        self.init()
        refine { byte in single.contains(byte) ? Int(byte) + 1 : 0 }
        // The result does not depend on the order: classes are numbered anew by each refinement.
        for mask in masks where mask != .all { refine { byte in mask.contains(byte) ? 1 : 0 } }
    }

    /// Splits the classes so that the members of one have the same `mark`.
    mutating func refine(by mark: (UInt8) -> Int) {
        var known: [Int: UInt8] = [:]
        var refined: [UInt8] = []
        refined.reserveCapacity(256)
        for byte in UInt8.min...UInt8.max {
            let key = mark(byte) << 8 | Int(numbers[Int(byte)])
            let number = known[key] ?? UInt8(known.count)
            known[key] = number
            refined.append(number)
        }
        numbers = refined
        count = known.count
    }

    /// The class of `byte`.
    public subscript(byte: UInt8) -> UInt8 { numbers[Int(byte)] }

    /// The classes that a set of bytes has members in.
    func classes(of mask: ByteMask) -> ByteMask {
        ByteMask((UInt8.min...UInt8.max).lazy.filter { mask.contains($0) }.map { numbers[Int($0)] })
    }
}
