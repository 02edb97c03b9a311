internal import Clibbpf
internal import Glibc

/// The reading end of a ring buffer map. One reader a ring: readers would take records from each other.
///
/// Its end unmaps the ring; records not read stay for the next reader.
///
/// ## Minimum kernel version
/// 5.8 (BPF_MAP_TYPE_RINGBUF).
@safe
public struct RingBuffer: ~Copyable {
    private let pointer: OpaquePointer
    /// Where libbpf's callback finds who is reading, who says whether to go on; nil but during `consume`.
    private let reader: UnsafeMutablePointer<((RawSpan) -> Bool)?>

    deinit {
        unsafe ring_buffer__free(pointer)
        unsafe reader.deinitialize(count: 1)
        unsafe reader.deallocate()
    }

    /// Maps the ring of `map`.
    public init(reading map: borrowing Map) throws(KernelError) {
        let descriptor = map.descriptor
        let reader = UnsafeMutablePointer<((RawSpan) -> Bool)?>.allocate(capacity: 1)
        unsafe reader.initialize(to: nil)
        do throws(KernelError) {
            let pointer = unsafe try LibraryMessages.create("read the BPF ring buffer '\(map.name)'") {
                unsafe ring_buffer__new(descriptor, Self.deliver, reader, nil)
            }
            unsafe self.pointer = pointer
            unsafe self.reader = reader
        } catch {
            unsafe reader.deallocate()
            throw error
        }
    }

    /// libbpf calls this for each record.
    private static let deliver: ring_buffer_sample_fn = { context, record, size in
        guard let context = unsafe context else { return 0 }
        let reader = unsafe context.assumingMemoryBound(to: ((RawSpan) -> Bool)?.self)
        let bytes = unsafe UnsafeRawBufferPointer(start: record, count: size)
        // libbpf takes the record as read, and ends with what it is given.
        return unsafe reader.pointee?(bytes.bytes) ?? true ? 0 : -ECANCELED
    }

    /// Becomes readable when a record was submitted with a wake-up: for the caller's own epoll(7) or poll(2), and his
    /// to leave open.
    public var pollDescriptor: CInt { unsafe ring_buffer__epoll_fd(pointer) }

    /// Hands each record that is there to `body`, oldest first, and returns their number. Does not wait.
    ///
    /// Records submitted without a wake-up are among them. The span ends with the call of `body`.
    ///
    /// - Parameter limit: how many are handed over at most: in a storm there are always more.
    @discardableResult
    public mutating func consume(
        atMost limit: Int = .max, _ body: (RawSpan) -> Void
    ) throws(KernelError) -> Int {
        var count = 0
        let result = withoutActuallyEscaping(body) { body in
            unsafe reader.pointee = { record in
                body(record)
                count += 1
                return count < limit
            }
            defer { unsafe reader.pointee = nil }
            return unsafe ring_buffer__consume(pointer)
        }
        guard result >= 0 || result == -ECANCELED else {
            throw KernelError(operation: "read a BPF ring buffer", code: -result)
        }
        return count
    }

    /// Waits until a record was submitted with a wake-up, at most `milliseconds`; then as `consume`.
    @discardableResult
    public mutating func wait(
        milliseconds: CInt, _ body: (RawSpan) -> Void
    ) throws(KernelError) -> Int {
        var poll = pollfd(fd: pollDescriptor, events: Int16(POLLIN), revents: 0)
        // Interrupted is as good as a time-out: the ring is looked at anyway.
        _ = unsafe Glibc.poll(&poll, 1, milliseconds)
        return try consume(body)
    }
}
