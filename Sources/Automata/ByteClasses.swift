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
        refine { byte, number in single.contains(byte) ? 256 + Int(byte) : Int(number) }
        // The result does not depend on the order: classes are numbered anew by each refinement.
        for mask in masks where mask != .all {
            refine { byte, number in (mask.contains(byte) ? 256 : 0) + Int(number) }
        }
    }

    /// Makes a class of the bytes that have the same `key`, which is less than 512, by the class that they are in.
    private mutating func refine(by key: (_ byte: UInt8, _ number: UInt8) -> Int) {
        var known = Array(repeating: UInt8?.none, count: 512)
        count = 0
        for byte in UInt8.min...UInt8.max {
            let key = key(byte, numbers[Int(byte)])
            if known[key] == nil {
                known[key] = UInt8(count)
                count += 1
            }
            numbers[Int(byte)] = known[key] ?? 0
        }
    }

    /// The class of `byte`.
    public subscript(byte: UInt8) -> UInt8 { numbers[Int(byte)] }

    /// The classes that a set of bytes has members in.
    func classes(of mask: ByteMask) -> ByteMask {
        ByteMask((UInt8.min...UInt8.max).lazy.filter { mask.contains($0) }.map { numbers[Int($0)] })
    }
}
