internal import CSwguardBPF

/// One record of the ring buffer.
struct KernelEvent {
    var record: EventRecord
    /// The path of a file; empty where it could not be found out.
    var path: [UInt8]

    /// nil: it is shorter than it says, which the programs never write.
    init?(_ span: RawSpan) {
        let size = MemoryLayout<EventRecord>.size
        guard span.byteCount >= size else { return nil }
        // Any bytes are a record: it is a structure of integers. The size was compared.
        record = unsafe span.unsafeLoadUnaligned(as: EventRecord.self)
        let length = Int(record.path_size)
        guard span.byteCount >= size + length else { return nil }
        path = unsafe span.withUnsafeBytes { unsafe Array($0[size..<(size + length)]) }
    }

    /// The name of the thread.
    var command: [UInt8] {
        var name = record.command
        return unsafe withUnsafeBytes(of: &name) { unsafe Array($0.prefix { $0 != 0 }) }
    }
}
