internal import AuditLog
internal import Compiler
private import Glibc
internal import Policy

/// `/var/lib/swguard`: what the numbers of the generations in the kernel stand for, for the agent that comes next.
///
/// A generation's file is there, whole and on the disk, before the generation is in force: `generation-7.new`, and then
/// `generation-7`. One that is given up goes before its place in the kernel does.
struct StateDirectory {
    static let path = "/var/lib/swguard"

    /// The boot that this is, which what is kept is about.
    let boot: String

    init() {
        boot = String(
            decoding: (ProcessFile.read("/proc/sys/kernel/random/boot_id") ?? []).prefix { $0 != 10 },
            as: UTF8.self)
    }

    /// The records of generations that were in force in the map with that number.
    ///
    /// What is damaged, of another version or another boot is none. `inForce` is the number of the generation in force, whose
    /// file may not have its name yet.
    func records(inMap map: UInt32, inForce: UInt32) -> [GenerationRecord] {
        var records: [GenerationRecord] = []
        for entry in (try? Directory.entries(of: Self.path, isOptional: true)) ?? [] {
            guard let (number, isNew) = Self.number(of: entry), !isNew || number == inForce,
                let bytes = Self.content("\(Self.path)/\(entry)"),
                let record = GenerationRecord(decoding: bytes), record.number == number,
                record.place == GenerationRecord.Place(boot: boot, map: map),
                !records.contains(where: { $0.number == number })
            else { continue }
            records.append(record)
        }
        return records
    }

    /// The highest number that a file is named by: none that is new may have it.
    var highestNumber: UInt32 {
        ((try? Directory.entries(of: Self.path, isOptional: true)) ?? [])
            .compactMap { Self.number(of: $0)?.number }.max() ?? 0
    }

    /// Far more than the largest generation needs, in bytes.
    private static let limit = 1 << 28

    private static func content(_ path: String) -> [UInt8]? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit
        else { return nil }
        return ProcessFile.read(path, limit: max(1, Int(status.st_size)))
    }

    private static func number(of file: String) -> (number: UInt32, isNew: Bool)? {
        guard file.hasPrefix("generation-") else { return nil }
        let isNew = file.hasSuffix(".new")
        let digits = file.dropFirst("generation-".count).dropLast(isNew ? ".new".count : 0)
        guard let number = UInt32(digits), String(number) == digits else { return nil }
        return (number, isNew)
    }

    private static func file(_ number: UInt32) -> String { "\(path)/generation-\(number)" }

    /// Keeps a record of a generation that comes into force next.
    func write(_ record: GenerationRecord) throws(PinError) {
        if unsafe mkdir(Self.path, 0o700) != 0, errno != EEXIST {
            throw PinError("make '\(Self.path)'", errno)
        }
        // A directory that was made by a package: what is in it is root's all the same.
        try Self.checkDirectory()
        try Self.write(record.encoded, to: Self.file(record.number) + ".new")
    }

    private static func checkDirectory() throws(PinError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw PinError("look at '\(path)'", errno) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o022 == 0
        else {
            throw PinError("others may write '\(path)'")
        }
    }

    private static func write(
        _ bytes: [UInt8], to path: String, isLasting: Bool = true
    ) throws(PinError) {
        let temporary = path + "~"
        _ = unsafe unlink(temporary)
        let descriptor = unsafe open(
            temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw PinError("make '\(temporary)'", errno) }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                let code = count == 0 ? EIO : errno
                _ = unsafe unlink(temporary)
                throw PinError("write '\(temporary)'", code)
            }
            rest = rest.dropFirst(count)
        }
        guard !isLasting || fsync(descriptor) == 0, unsafe rename(temporary, path) == 0 else {
            throw PinError("write '\(path)'", errno)
        }
        if isLasting { synchronize() }
    }

    /// Says that a generation is in force.
    func confirm(_ number: UInt32) {
        if unsafe rename(Self.file(number) + ".new", Self.file(number)) == 0 { Self.synchronize() }
    }

    /// Says that a generation is given up, before its place in the kernel becomes another's: from here on its record is
    /// only about events that nobody has read yet.
    func giveUp(_ number: UInt32) {
        _ = unsafe rename(Self.file(number), Self.past(number))
        _ = unsafe unlink(Self.file(number) + ".new")
        Self.synchronize()
    }

    private static func past(_ number: UInt32) -> String { "\(path)/past-\(number)" }

    /// The records of generations that were given up in the map with that number, oldest first.
    func pastRecords(inMap map: UInt32) -> [GenerationRecord] {
        ((try? Directory.entries(of: Self.path, isOptional: true)) ?? [])
            .filter { $0.hasPrefix("past-") }
            .compactMap { Self.content("\(Self.path)/\($0)").flatMap(GenerationRecord.init(decoding:)) }
            .filter { $0.place == GenerationRecord.Place(boot: boot, map: map) }
            .sorted { $0.number < $1.number }
    }

    /// Forgets a generation that was given up.
    func forget(_ number: UInt32) { _ = unsafe unlink(Self.past(number)) }

    /// Forgets all but these, and those that were given up.
    func keep(only numbers: [UInt32], past: [UInt32]) {
        for entry in (try? Directory.entries(of: Self.path, isOptional: true)) ?? [] {
            guard entry.hasPrefix("generation-") || entry.hasPrefix("past-") else { continue }
            if let (number, isNew) = Self.number(of: entry), !isNew, numbers.contains(number) { continue }
            if past.contains(where: { entry == "past-\($0)" }) { continue }
            _ = unsafe unlink("\(Self.path)/\(entry)")
        }
    }

    // MARK: Policies of commands

    private static func file(run layer: UInt32) -> String { "\(path)/run-\(String(layer, radix: 16))" }

    /// Keeps what a layer was made from. Not on the disk: no task outlives the boot.
    func keep(_ record: RunRecord) {
        var record = record
        record.boot = boot
        if (try? Self.checkDirectory()) == nil { return }
        try? Self.write(Array(record.json.text.utf8), to: Self.file(run: record.layer), isLasting: false)
    }

    func forget(run layer: UInt32) { _ = unsafe unlink(Self.file(run: layer)) }

    /// What the layers of this boot were made from; what is of another boot, or damaged, goes.
    func runs() -> [RunRecord] {
        var records: [RunRecord] = []
        for entry in (try? Directory.entries(of: Self.path, isOptional: true)) ?? []
        where entry.hasPrefix("run-") {
            let path = "\(Self.path)/\(entry)"
            let json = Self.content(path).flatMap {
                try? JSON(parsing: $0, limits: JSON.Limits(values: 1 << 20))
            }
            if let record = json.flatMap(RunRecord.init), record.boot == boot,
                Self.file(run: record.layer) == path
            {
                records.append(record)
            } else {
                _ = unsafe unlink(path)
            }
        }
        return records
    }

    private static func synchronize() {
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        _ = fsync(directory)
        close(directory)
    }
}
