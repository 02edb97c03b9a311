internal import Clibbpf
internal import Glibc
internal import Synchronization

/// The values of an array map in this process's memory: what is stored here, programs read at once.
///
/// Its end unmaps; the map and its values stay.
///
/// ## Minimum kernel version
/// 5.5 (BPF_F_MMAPABLE).
@safe
public struct MappedMap: ~Copyable, @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    private let mappedSize: Int
    /// Bytes that are values.
    public let size: Int

    deinit { _ = unsafe munmap(base, mappedSize) }

    /// Maps the values of `map`, an array with BPF_F_MMAPABLE, to be read and, unless `isReadOnly`, written.
    public init(mapping map: borrowing Map, isReadOnly: Bool = false) throws(KernelError) {
        // kernel/bpf/arraymap.c: values lie at multiples of eight bytes, the whole ends at a page.
        let size = (map.valueSize + 7) / 8 * 8 * map.capacity
        let page = max(4096, sysconf(CInt(_SC_PAGESIZE)))
        let mappedSize = (size + page - 1) / page * page
        let access = isReadOnly ? PROT_READ : PROT_READ | PROT_WRITE
        let address = unsafe mmap(nil, mappedSize, access, MAP_SHARED, map.descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw KernelError(operation: "map the BPF map '\(map.name)' into memory", code: errno)
        }
        unsafe base = address
        self.mappedSize = mappedSize
        self.size = size
    }

    /// Memory of so many bytes, all 0, that no program sees: tests look at what keeps its numbers in a map.
    init(ofNoMap size: Int) throws(KernelError) {
        let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw KernelError(operation: "map memory", code: errno)
        }
        unsafe base = address
        mappedSize = size
        self.size = size
    }

    /// Stores `words` one after the other, the first at the word number `first`.
    ///
    /// Out of bounds is an error of the caller, and traps.
    public func store(_ words: [UInt32], at first: Int) {
        precondition(
            first >= 0 && words.count <= size / 4 && first <= size / 4 - words.count, "out of bounds")
        unsafe words.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            // In bounds, see above; no program is led to these words yet.
            unsafe (base + 4 * first).copyMemory(from: source, byteCount: bytes.count)
        }
    }

    /// Stores one word after everything that was stored before, for programs too.
    public func publish(_ word: UInt32, at number: Int) {
        precondition(number >= 0 && number < size / 4, "out of bounds")
        // In bounds, aligned, and as long as a UInt32, which is all that an atomic one is.
        unsafe (base + 4 * number).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
            .store(word, ordering: .releasing)
    }

    /// The word at `number`, as programs read it.
    public func word(_ number: Int) -> UInt32 {
        precondition(number >= 0 && number < size / 4, "out of bounds")
        // As in `publish`.
        return unsafe (base + 4 * number).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
            .load(ordering: .acquiring)
    }

    /// Adds to the number of 64 bits at `offset` bytes, a multiple of eight; other threads may, too.
    public func addCounter(_ value: UInt64, at offset: Int) {
        precondition(offset >= 0 && offset % 8 == 0 && offset <= size - 8, "out of bounds")
        // In bounds and aligned.
        _ = unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .wrappingAdd(value, ordering: .relaxed)
    }

    /// Stores a number of 64 bits at `offset` bytes, a multiple of eight, that no program changes, after everything that was
    /// stored before.
    public func setCounter(_ value: UInt64, at offset: Int) {
        precondition(offset >= 0 && offset % 8 == 0 && offset <= size - 8, "out of bounds")
        // In bounds and aligned.
        unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .store(value, ordering: .releasing)
    }

    /// The number of 64 bits at `offset` bytes, a multiple of eight; programs may be changing it.
    public func counter(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset % 8 == 0 && offset <= size - 8, "out of bounds")
        return unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .load(ordering: .relaxed)
    }

    /// Sets `count` bytes from `offset` on to zero.
    public func clear(_ count: Int, at offset: Int) {
        precondition(offset >= 0 && count >= 0 && count <= size && offset <= size - count, "out of bounds")
        unsafe (base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }
}
