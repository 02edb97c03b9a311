import Compiler
import Policy

// The other names of what a pattern with wildcards can stand for.
extension MountTable {
    /// What mounts make of a pattern that is neither a literal nor `P/**`.
    struct GlobNames: Hashable {
        /// The pattern where its literal directory has other names.
        var aliases: [PathPattern] = []
        /// Other names of something beneath that directory which the pattern can still match: no pattern stands for
        /// what is denied there.
        var elsewhere: [[UInt8]] = []
    }

    /// The other names of what `pattern` matches, as far as its literal directory goes; nil where the table does not
    /// show that directory's mount.
    func globNames(of pattern: PathPattern) -> GlobNames? {
        let slash = UInt8(ascii: "/")
        let literal = pattern.literalBytes
        guard let end = literal.lastIndex(of: slash) else { return nil }
        let directory = end == 0 ? literal[...0] : literal[..<end]
        guard let home = home(of: directory),
            let rest = Self.rest(of: directory, beneath: mounts[home].point)
        else { return nil }
        let inside = Self.join(mounts[home].root, rest)
        var names = GlobNames()
        for mount in mounts where mount.fileSystem == mounts[home].fileSystem {
            if let rest = Self.rest(of: inside, beneath: mount.root) {
                let other = Self.join(mount.point, rest)
                if other == directory { continue }
                let beginning = Self.isRoot(other) ? [] : other.map { PathPattern.Token.byte($0) }
                let alias = PathPattern(tokens: beginning + pattern.tokens[end...])
                if !names.aliases.contains(alias) { names.aliases.append(alias) }
            } else if let rest = Self.rest(of: mount.root, beneath: inside) {
                // A directory beneath, mounted somewhere.
                let name = Self.join(directory, rest)
                if name != mount.point, Self.reaches(pattern, name) { names.add(mount.point) }
            }
        }
        for mount in mounts {
            guard let rest = Self.rest(of: mount.point, beneath: directory), !rest.isEmpty,
                Self.reaches(pattern, mount.point)
            else { continue }
            for name in otherNames(of: mount) { names.add(name) }
        }
        return names
    }

    /// Where other mounts show what `mount` shows, or part of it.
    private func otherNames(of mount: Mount) -> [ArraySlice<UInt8>] {
        mounts.compactMap { other in
            guard other.fileSystem == mount.fileSystem else { return nil }
            if let rest = Self.rest(of: mount.root, beneath: other.root) {
                let name = Self.join(other.point, rest)
                return name == mount.point ? nil : name
            }
            guard let rest = Self.rest(of: other.root, beneath: mount.root) else { return nil }
            return other.point == Self.join(mount.point, rest) ? nil : other.point
        }
    }

    /// Whether the pattern can match what is at `path` or beneath it.
    private static func reaches(_ pattern: PathPattern, _ path: ArraySlice<UInt8>) -> Bool {
        let cursor = PatternCursor(pattern, at: Array(path))
        return cursor.isMatch || cursor.reachesBeneath
    }
}

extension MountTable.GlobNames {
    fileprivate mutating func add(_ name: ArraySlice<UInt8>) {
        if !elsewhere.contains(Array(name)) { elsewhere.append(Array(name)) }
    }
}
