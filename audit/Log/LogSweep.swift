private import Glibc

/// What is done to files that the log was before, with all the time it takes: they are compressed, and the oldest go
/// where only so many are to be kept.
struct LogSweep {
    let place: LogPlace
    /// How many rotated files are kept; nil: all.
    let keep: Int?

    /// The end of a name whose file is not whole.
    private static let unfinished = ".gz.part"

    /// Goes through the directory once. What one file refuses does not keep the others from being swept.
    /// - Returns: The errors.
    func run() -> [LogError] {
        // The log's first file makes the directory.
        if unsafe access(place.directory, F_OK) != 0, errno == ENOENT { return [] }
        var errors: [LogError] = []
        do throws(LogError) {
            for name in try place.names() where isUnfinished(name) {
                _ = unsafe unlink(place.path(of: name))
            }
            var files = try place.rotated()
            if let keep, files.count > keep {
                for file in files.dropLast(keep) {
                    if let error = remove(file) { errors.append(error) }
                }
                files = Array(files.suffix(keep))
            }
            for file in files where !file.isCompressed {
                do throws(LogError) { try compress(file) } catch { errors.append(error) }
            }
        } catch { errors.append(error) }
        return errors
    }

    private func isUnfinished(_ name: String) -> Bool {
        guard name.hasSuffix(Self.unfinished) else { return false }
        return place.rotated(String(name.dropLast(Self.unfinished.count))) != nil
    }

    private func remove(_ file: LogPlace.Rotated) -> LogError? {
        let path = place.path(of: file.name)
        if unsafe unlink(path) == 0 || errno == ENOENT { return nil }
        return LogError("remove '\(path)'", code: errno)
    }

    /// One of the two files is whole at every moment.
    private func compress(_ file: LogPlace.Rotated) throws(LogError) {
        let path = place.path(of: file.name)
        let unfinished = path + Self.unfinished
        let source = try LogDescriptor(path, O_RDONLY | O_NOFOLLOW)
        let target = try LogDescriptor(
            unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: source.status().st_mode & 0o640)
        do throws(LogError) {
            let gzip = try GzipFile(target)
            var offset: UInt64 = 0
            while true {
                let bytes = try source.read(Self.piece, at: offset)
                if bytes.isEmpty { break }
                try gzip.write(bytes)
                offset += UInt64(bytes.count)
            }
            try gzip.finish()
            guard fsync(target.number) == 0 else { throw LogError("sync '\(unfinished)'", code: errno) }
            guard unsafe rename(unfinished, path + ".gz") == 0 else {
                throw LogError("rename '\(unfinished)'", code: errno)
            }
        } catch {
            _ = unsafe unlink(unfinished)
            throw error
        }
        _ = unsafe unlink(path)
    }

    private static let piece = 256 << 10
}
