/// Bytes of a stream on their way to becoming messages, each ended by a NUL.
struct MessageBuffer {
    /// The longest message, its NUL not counted.
    let limit: Int
    private var bytes: [UInt8] = []
    /// How much of `bytes` is known to hold no NUL.
    private var searched = 0

    init(limit: Int) { self.limit = limit }

    /// Whether the message that is coming is too long already.
    var isOverlong: Bool { searched > limit }

    /// How many bytes may still come without one message being too long.
    var room: Int { max(0, limit + 1 - bytes.count) }

    /// Whether a whole message is there.
    var hasMessage: Bool { searched < bytes.count }

    var isEmpty: Bool { bytes.isEmpty }

    mutating func append(_ more: some Collection<UInt8>) {
        bytes += more
        search()
    }

    /// Takes the next message out, without its NUL.
    mutating func next() -> [UInt8]? {
        guard hasMessage else { return nil }
        let message = Array(bytes[..<searched])
        bytes.removeSubrange(...searched)
        searched = 0
        search()
        return message
    }

    /// Goes to the next NUL, or to the end.
    private mutating func search() {
        searched = bytes[searched...].firstIndex(of: 0) ?? bytes.count
    }
}
