internal import Compiler
private import Glibc

/// Compiled policies, kept between runs, so that a warm start parses no YAML.
///
/// `<identity>.index` lists what the plan for one command line was made from, `<key>.plan` is the plan; the key covers
/// the contents of every input, which are read and hashed at each run. The directory must be the caller's own and
/// closed to everybody else, or there is no cache. Whatever does not fit is a miss, never an error.
struct PlanCache: ~Copyable {
    /// The directory, held open: what was found of it holds for every file in it.
    private let directory: CInt

    /// The cache in the directory `path`, made where it is missing; nil where it cannot be trusted.
    init?(_ path: String?) {
        guard let path else { return nil }
        var descriptor = Self.open(path)
        if descriptor < 0, errno == ENOENT {
            Self.makeDirectories(path)
            descriptor = Self.open(path)
        }
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & 0o777 == 0o700,
            status.st_uid == geteuid()
        else {
            close(descriptor)
            return nil
        }
        directory = descriptor
    }

    deinit { close(directory) }

    private static func open(_ path: String) -> CInt {
        unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }

    private static func makeDirectories(_ path: String) {
        var end = path.startIndex
        while let slash = path[end...].dropFirst().firstIndex(of: "/") {
            unsafe mkdir(String(path[..<slash]), 0o700)
            end = slash
        }
        unsafe mkdir(path, 0o700)
    }

    /// The plan for a command line that `identity` stands for, if nothing it was made from has changed.
    func plan(for identity: [UInt8]) -> Plan? {
        guard let index = read(name(identity, ".index")), let inputs = PlanInputs(decoding: index),
            let contents = contents(of: inputs),
            let file = read(name(Self.key(identity, contents), ".plan"))
        else { return nil }
        return try? PlanFile.decode(file)
    }

    /// Keeps `plan`. That it cannot be kept is no failure.
    func store(_ plan: Plan, for identity: [UInt8], madeFrom inputs: PlanInputs) {
        guard let contents = contents(of: inputs) else { return }
        var inputs = inputs
        let indexName = name(identity, ".index")
        inputs.planName = name(Self.key(identity, contents), ".plan")
        if let old = read(indexName).flatMap({ PlanInputs(decoding: $0) }), old.planName != inputs.planName,
            !old.planName.contains("/")
        {
            unsafe unlinkat(directory, old.planName, 0)
        }
        if write(PlanFile.encode(plan), as: inputs.planName) { _ = write(inputs.encoded(), as: indexName) }
    }

    private static func key(_ identity: [UInt8], _ contents: [UInt8]) -> [UInt8] {
        SHA256.hash(identity, contents)
    }

    /// 192 bits of the hash, and at once: for a string with room for 64 bytes the library makes ready for what only
    /// UTF-16 needs, which takes 1 % of a warm start.
    private func name(_ hash: [UInt8], _ ending: String) -> String {
        String(decoding: SHA256.hexadecimal(hash.prefix(24)) + ending.utf8, as: UTF8.self)
    }

    /// The hashes of all input files; nil where one of them, or a link, is not as it was.
    private func contents(of inputs: PlanInputs) -> [UInt8]? {
        var hashes: [UInt8] = []
        for path in inputs.files {
            guard let bytes = FileContents.read(path) else { return nil }
            hashes += SHA256.hash(bytes)
        }
        for path in inputs.missing where unsafe access(path, F_OK) == 0 { return nil }
        for link in inputs.links where LinkedPolicy.target(of: link.path) != link.target { return nil }
        return hashes
    }

    /// A file of the cache, if it is ours alone.
    private func read(_ name: String) -> [UInt8]? { FileContents.read(name, in: directory, onlyOwn: true) }

    /// Writes beside and renames, so that nobody reads half a file.
    private func write(_ bytes: [UInt8], as name: String) -> Bool {
        let temporary = ".\(getpid()).new"
        return FileContents.write(bytes, to: temporary, in: directory)
            && FileContents.move(temporary, to: name, in: directory)
    }
}
