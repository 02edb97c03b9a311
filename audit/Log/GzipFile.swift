internal import Clibz
private import Glibc

/// A file of the log that is read, compressed or not. Its end closes it.
@safe struct LogSource: ~Copyable {
    private let handle: gzFile
    private let path: String

    /// The file at `path`; zlib sees by its first bytes whether it is compressed.
    init(_ path: String) throws(LogError) {
        let descriptor = try LogDescriptor(path, O_RDONLY)
        guard !descriptor.status().isDirectory else {
            throw LogError("read '\(path)'", code: EISDIR)
        }
        let copy = descriptor.duplicate()
        guard copy >= 0, let opened = unsafe gzdopen(copy, "rb") else {
            if copy >= 0 { close(copy) }
            throw LogError("read '\(path)'", code: ENOMEM)
        }
        unsafe handle = opened
        self.path = path
    }

    deinit { unsafe gzclose_r(handle) }

    /// Up to `count` bytes; none at the end.
    /// - Throws: Where the system or the compressed data does not let it read on.
    func read(_ count: Int) throws(LogError) -> [UInt8] {
        var got: CInt = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, size in
            got = unsafe gzread(handle, buffer.baseAddress, CUnsignedInt(count))
            size = max(0, Int(got))
        }
        if got == 0 {
            // A compressed file that ends too early is an error only here.
            var code: CInt = 0
            _ = unsafe gzerror(handle, &code)
            if code != Z_OK, code != Z_STREAM_END { throw failure(code) }
        }
        if got < 0 {
            var code: CInt = 0
            _ = unsafe gzerror(handle, &code)
            throw failure(code)
        }
        return bytes
    }

    private func failure(_ code: CInt) -> LogError {
        if code == Z_ERRNO { return LogError("read '\(path)'", code: errno) }
        return LogError("read '\(path)'", "it is damaged: the compressed data cannot be read to the end")
    }
}

/// A file that is compressed into. Its end closes it without finishing: what is there then is not whole.
@safe struct GzipFile: ~Copyable {
    private let handle: gzFile

    /// Compresses into `descriptor`, which stays open.
    init(_ descriptor: borrowing LogDescriptor) throws(LogError) {
        let copy = descriptor.duplicate()
        guard copy >= 0, let opened = unsafe gzdopen(copy, "wb") else {
            if copy >= 0 { close(copy) }
            throw LogError("compress the audit log", code: ENOMEM)
        }
        unsafe handle = opened
    }

    func write(_ bytes: [UInt8]) throws(LogError) {
        guard !bytes.isEmpty else { return }
        guard unsafe gzwrite(handle, bytes, CUnsignedInt(bytes.count)) == CInt(bytes.count) else {
            throw LogError("compress the audit log", code: errno)
        }
    }

    /// Writes the end.
    consuming func finish() throws(LogError) {
        let result = unsafe gzclose_w(handle)
        discard self
        if result != Z_OK { throw LogError("compress the audit log", code: errno) }
    }

    deinit { unsafe gzclose_w(handle) }
}
