internal import CSwguardBPF

/// A thread that is under policies, as the kernel lists it.
struct ConfinedTask: Hashable {
    /// What makes it another thread than any other, ever.
    struct Number: Hashable {
        var thread: UInt32
        var start: UInt64
    }

    /// The process, as the initial PID namespace numbers it.
    var process: UInt32
    var thread: UInt32
    /// When the process began, in nanoseconds from boot.
    var start: UInt64
    /// The effective user.
    var user: UInt32
    var command: [UInt8]
    /// Oldest first: slots, and words of policies that `swguard run` brought.
    var layers: [UInt32]
    /// Slots of policies in force that have no room on it, the first of them.
    var refused: [Int]

    var number: Number { Number(thread: thread, start: start) }

    /// The records that the iterator wrote, which are whole.
    static func all(in bytes: [UInt8]) -> [Self] {
        let size = MemoryLayout<ListedTaskRecord>.size
        return stride(from: 0, to: bytes.count - bytes.count % size, by: size).map { offset in
            // Any bytes are a record: it is a structure of integers, and as many are there.
            let record = unsafe bytes.withUnsafeBytes { bytes in
                unsafe bytes.loadUnaligned(fromByteOffset: offset, as: ListedTaskRecord.self)
            }
            return Self(record)
        }
    }

    private init(_ record: ListedTaskRecord) {
        var record = record
        process = record.process
        thread = record.thread
        start = record.start_ns
        user = record.user
        command = unsafe withUnsafeBytes(of: &record.command) { unsafe Array($0.prefix { $0 != 0 }) }
        let count = Int(min(record.count, UInt32(SWGUARD_LAYERS_MAX)))
        layers = unsafe withUnsafeBytes(of: &record.policies) { bytes in
            (0..<count).map { unsafe bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
        }
        let refusedCount = Int(min(record.refused_count, UInt32(SWGUARD_LISTED_REFUSED)))
        refused = unsafe withUnsafeBytes(of: &record.refused) { bytes in
            (0..<refusedCount).map {
                unsafe Int(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
            }
        }
    }
}
