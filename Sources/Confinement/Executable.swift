private import AuditLog
private import Glibc

/// What executing a file takes: the file, and the interpreters that the kernel starts for it.
enum Executable {
    /// How many interpreters of interpreters the kernel goes through (fs/exec.c, exec_binprm).
    private static let depth = 5
    /// How much of a file the kernel looks at for `#!` (BINPRM_BUF_SIZE).
    private static let lineLimit = 256

    /// The files that executing `path` asks to execute, in order. Files that cannot be read end it.
    static func chain(from path: [UInt8], resolver: PathResolver, base: [UInt8]) -> [[UInt8]] {
        var files = [path]
        var current = path
        for _ in 0..<depth {
            guard let head = head(of: current) else { break }
            let isScript = head.starts(with: Array("#!".utf8))
            guard let name = isScript ? scriptInterpreter(head) : elfInterpreter(head),
                case .existing(let interpreter) = resolver.resolve(name, from: base, followsLast: true)
            else { break }
            files.append(interpreter)
            if !isScript { break }
            current = interpreter
        }
        return files
    }

    /// The beginning of a regular file; nil of anything else.
    ///
    /// The path is the caller's choice: a FIFO would keep the supervisor waiting, and opening a device can do
    /// something. O_PATH opens nothing; what it holds cannot be exchanged before it is opened through procfs.
    private static func head(of path: [UInt8]) -> [UInt8]? {
        let pathOnly: CInt = 0o10000000  // O_PATH, behind _GNU_SOURCE
        let held = unsafe (path + [0]).withUnsafeBytes { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text -> CInt in
                guard let base = text.baseAddress else { return -1 }
                return unsafe open(base, pathOnly | O_CLOEXEC)
            }
        }
        guard held >= 0 else { return nil }
        defer { close(held) }
        var status = stat()
        guard unsafe fstat(held, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return ProcessFile.read("/proc/self/fd/\(held)", limit: 4096)
    }

    /// The program in the first line of a script.
    static func scriptInterpreter(_ head: [UInt8]) -> [UInt8]? {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let line = head.prefix(lineLimit).dropFirst(2).prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }
        let name = line.drop(while: isBlank).prefix { !isBlank($0) }
        return name.isEmpty ? nil : Array(name)
    }

    /// The program in PT_INTERP of a 64-bit little-endian ELF file, if the beginning holds it.
    static func elfInterpreter(_ head: [UInt8]) -> [UInt8]? {
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset <= head.count - size else { return nil }
            let value = head[offset..<offset + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Int(exactly: value)
        }
        guard head.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
            let table = number(32, 8), let size = number(54, 2), let count = number(56, 2),
            table <= head.count
        else { return nil }
        for index in 0..<count {
            let entry = table + index * size
            if entry > head.count { return nil }
            guard number(entry, 4) == 3 else { continue }  // PT_INTERP
            guard let offset = number(entry + 8, 8), let length = number(entry + 32, 8), length > 0,
                offset <= head.count, length <= head.count - offset
            else { return nil }
            return Array(head[offset..<offset + length].prefix { $0 != 0 })
        }
        return nil
    }
}
