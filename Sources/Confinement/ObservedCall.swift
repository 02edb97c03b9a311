private import Glibc
internal import Policy

/// A system call that waits, whose request is read from the caller's memory.
///
/// What cannot be read, or what the kernel refuses by itself before it asks for anything (no such directory, an
/// address that is too short), gives no request.
struct ObservedCall {
    let call: SystemCall
    let name: String
    let target: TargetProcess

    init(_ call: SystemCall, name: String) {
        self.call = call
        self.name = name
        target = TargetProcess(thread: call.thread)
    }

    /// What the call asks for, in the order in which the kernel asks.
    func requests() -> [Request] {
        guard let shape = ObservedCalls.shapes[name] else { return [] }
        return switch shape {
        case .open(let directory, let path, let flags):
            open(directory: directory, path: path, flags: int(flags), root: nil)
        case .openHow(let directory, let path, let how): open(directory: directory, path: path, how: how)
        case .creat(let path):
            open(directory: nil, path: path, flags: O_CREAT | O_WRONLY | O_TRUNC, root: nil)
        case .make(let directory, let path): make(.create, directory, path)
        case .makeNode(let directory, let path, let mode):
            switch mode_t(truncatingIfNeeded: call.arguments[mode]) & S_IFMT {
            case S_IFCHR, S_IFBLK: make(.device, directory, path)
            default: make(.create, directory, path)
            }
        case .remove(let directory, let path):
            existing(resolve(directory, path, follows: false)).map { [.file(path: $0, .remove)] } ?? []
        case .rename(let fromDirectory, let from, let toDirectory, let to, let flags):
            rename(
                resolve(fromDirectory, from, follows: false), resolve(toDirectory, to, follows: false),
                flags: flags.map(int) ?? 0)
        case .link(let fromDirectory, let from, let toDirectory, let to, let flags):
            link(
                resolve(
                    fromDirectory, from, follows: flags.map { int($0) & Flag.follow != 0 } ?? false,
                    flags: flags.map(int) ?? 0),
                resolve(toDirectory, to, follows: false))
        case .path(let access, let directory, let path, let flags, let follows):
            pathRequest(access, directory, path, flags: flags.map(int) ?? 0, follows: follows)
        case .descriptor(let access, let argument):
            target.path(ofDescriptor: int(argument)).map { [file($0, FileAccessSet(access))] } ?? []
        case .execute(let directory, let path, let flags):
            execute(
                resolve(
                    directory, path, follows: flags.map { int($0) & Flag.noFollow == 0 } ?? true,
                    flags: flags.map(int) ?? 0))
        case .map: map()
        case .mark: pathRequest(.read, 3, 4, flags: 0, follows: true)
        case .address(let access, let address, let length):
            sockets(access, address: call.arguments[address], length: call.arguments[length])
        case .listen: listen()
        case .message: message(at: call.arguments[1])
        case .messages: messages()
        }
    }

    /// A name that becomes another, or gets a second one.
    struct Move {
        var old: [UInt8]
        var new: [UInt8]
        var isExchange: Bool
    }

    /// What a call that asks for `requests` moves; nil: nothing.
    func move(asking requests: [Request]) -> Move? {
        switch ObservedCalls.shapes[name] {
        case .rename, .link: break
        default: return nil
        }
        guard requests.count == 2, case .file(let old, let asked) = requests[0],
            case .file(let new, _) = requests[1]
        else { return nil }
        return Move(old: old, new: new, isExchange: asked == [.remove, .create])
    }

    /// Flags of the calls that work in a directory (`include/uapi/linux/fcntl.h`).
    enum Flag {
        static let noFollow: CInt = 0x100
        static let follow: CInt = 0x400
        static let emptyPath: CInt = 0x1000
    }

    /// An argument that the kernel reads as an int.
    func int(_ argument: Int) -> CInt { CInt(truncatingIfNeeded: call.arguments[argument]) }

    // MARK: Paths

    private var directoryOfNone: CInt { AT_FDCWD }

    private func base(_ directory: Int?) -> [UInt8]? {
        let descriptor = directory.map(int) ?? directoryOfNone
        return descriptor == AT_FDCWD ? target.workingDirectory : target.path(ofDescriptor: descriptor)
    }

    /// Where the path in argument `path` leads.
    func resolve(
        _ directory: Int?, _ path: Int, follows: Bool, flags: CInt = 0, root: [UInt8]? = nil
    ) -> PathResolver.Resolution {
        // utimensat(2) and others take a null pointer for the descriptor itself.
        let text = call.arguments[path] == 0 ? [] : target.string(at: call.arguments[path])
        guard let text else { return .nowhere }
        if text.isEmpty {
            guard call.arguments[path] == 0 || flags & Flag.emptyPath != 0, let base = base(directory) else {
                return .nowhere
            }
            return .existing(base)
        }
        var resolver = target.resolver
        if let root { resolver.root = root }
        // An absolute path needs no directory, not even a valid one.
        guard let base = text[0] == UInt8(ascii: "/") ? resolver.root : base(directory) else {
            return .nowhere
        }
        return resolver.resolve(text, from: base, followsLast: follows)
    }

    private func existing(_ resolution: PathResolver.Resolution) -> [UInt8]? {
        if case .existing(let path) = resolution { path } else { nil }
    }

    private func missing(_ resolution: PathResolver.Resolution) -> [UInt8]? {
        if case .missing(let path) = resolution { path } else { nil }
    }

    func file(_ path: [UInt8], _ accesses: FileAccessSet) -> Request { .file(path: path, accesses) }

    private func open(directory: Int, path: Int, how: Int) -> [Request] {
        guard let flags = target.number(at: call.arguments[how], as: UInt64.self),
            let resolve = target.number(at: call.arguments[how] &+ 16, as: UInt64.self)
        else { return [] }
        let inRoot: UInt64 = 0x10  // RESOLVE_IN_ROOT
        return open(
            directory: directory, path: path, flags: CInt(truncatingIfNeeded: flags),
            root: resolve & inRoot != 0 ? base(directory) : nil)
    }

    private func open(directory: Int?, path: Int, flags: CInt, root: [UInt8]?) -> [Request] {
        let pathOnly: CInt = 0o10000000  // O_PATH
        if flags & pathOnly != 0 { return [] }
        var asked: FileAccessSet =
            switch flags & O_ACCMODE {
            case O_RDONLY: .read
            case O_WRONLY: .write
            default: [.read, .write]
            }
        if flags & O_TRUNC != 0 { asked.insert(.write) }
        let temporary: CInt = 0o20000000  // __O_TMPFILE
        if flags & temporary != 0 {
            let resolution = resolve(directory, path, follows: flags & O_NOFOLLOW == 0, root: root)
            return existing(resolution).map { [file($0 + Array("/#".utf8), asked)] } ?? []
        }
        let isExclusive = flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL
        let resolution = resolve(
            directory, path, follows: flags & O_NOFOLLOW == 0 && !isExclusive, root: root)
        if let path = existing(resolution) { return isExclusive ? [] : [file(path, asked)] }
        guard flags & O_CREAT != 0, let path = missing(resolution) else { return [] }
        return [file(path, asked.union(.create))]
    }

    private func make(_ access: FileAccess, _ directory: Int?, _ path: Int) -> [Request] {
        missing(resolve(directory, path, follows: false)).map { [file($0, FileAccessSet(access))] } ?? []
    }

    private func rename(
        _ from: PathResolver.Resolution, _ to: PathResolver.Resolution, flags: CInt
    ) -> [Request] {
        let noReplace: CInt = 1
        let exchange: CInt = 2
        guard let old = existing(from) else { return [] }
        if let new = existing(to) {
            if flags & noReplace != 0 { return [] }
            if flags & exchange != 0 {
                return [file(old, [.remove, .create]), file(new, [.remove, .create])]
            }
            return [file(old, .remove), file(new, [.create, .remove])]
        }
        guard let new = missing(to), flags & exchange == 0 else { return [] }
        return [file(old, .remove), file(new, .create)]
    }

    private func link(_ from: PathResolver.Resolution, _ to: PathResolver.Resolution) -> [Request] {
        guard let old = existing(from), let new = missing(to) else { return [] }
        return [file(old, .link), file(new, .create)]
    }

    private func pathRequest(
        _ access: FileAccess, _ directory: Int?, _ path: Int, flags: CInt, follows: Bool
    ) -> [Request] {
        let resolution = resolve(
            directory, path, follows: follows && flags & Flag.noFollow == 0, flags: flags)
        return existing(resolution).map { [file($0, FileAccessSet(access))] } ?? []
    }

    private func execute(_ resolution: PathResolver.Resolution) -> [Request] {
        guard let path = existing(resolution) else { return [] }
        return Executable.chain(from: path, resolver: target.resolver, base: target.workingDirectory ?? [])
            .map { file($0, .execute) }
    }

    private func map() -> [Request] {
        let anonymous: CInt = 0x20  // MAP_ANONYMOUS
        guard int(2) & PROT_EXEC != 0, int(3) & anonymous == 0, let path = target.path(ofDescriptor: int(4))
        else { return [] }
        return [file(path, .map)]
    }
}

extension Request {
    /// The error that a denial of it gives: the language page, "Errno".
    var usualError: CInt {
        switch self {
        case .file, .network, .socket: EACCES
        case .capability, .operation, .syscall: EPERM
        }
    }
}
