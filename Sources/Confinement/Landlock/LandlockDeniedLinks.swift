import Compiler
import Glibc
import Landlock
import Policy

/// Files with several names (hard links) of which a deny covers one, with what it withholds.
///
/// A rule of Landlock is about the object: granted by another of its names, the file would be granted by the denied one.
/// Found by walking wherever a deny reaches, so it is asked for only where a file with several names is to be granted by
/// itself.
struct DeniedLinks {
    /// Deeper directories count as not looked at.
    private static let maximumDepth = 256

    private var withheld: [GrantLedger.Object: FileRights] = [:]
    /// What is withheld in places that could not be looked at to the end.
    private var unknown: FileRights = []
    private var entryCount = 0

    init(_ denies: some Sequence<LandlockRecipe.WalkPattern>) {
        // One that can match at any depth and runs all the same (`--allow-partial`) is known not to hold.
        for deny in denies where !deny.isAnyDepth {
            let root = deny.pattern.walkRoot
            do throws(LandlockError) {
                visit(
                    try PathDescriptor(path: root), PatternCursor(deny.pattern, at: root), deny.rights,
                    depth: 0)
            } catch {
                notOpened(error, deny.rights)
            }
        }
    }

    /// What must not be granted on a file with several names.
    func rights(on object: borrowing PathDescriptor) -> FileRights {
        // Fail closed: it may be any of them.
        guard let identity = try? object.identity() else {
            return withheld.values.reduce(unknown) { $0.union($1) }
        }
        return unknown.union(withheld[identity] ?? [])
    }

    private mutating func visit(
        _ object: borrowing PathDescriptor, _ cursor: PatternCursor, _ rights: FileRights, depth: Int
    ) {
        switch try? object.kind() {
        case .regular(let links):
            if links > 1, cursor.isMatch, let identity = try? object.identity() {
                withheld[identity, default: []].formUnion(rights)
            }
        case .directory:
            // These have no hard links, and more entries than anybody wants to look at.
            if cursor.reachesBeneath, !object.isOfKernel {
                visitEntries(of: object, cursor, rights, depth: depth)
            }
        case .symbolicLink, .other: break
        // Fail closed: it cannot be looked at.
        case nil: unknown.formUnion(rights)
        }
    }

    private mutating func visitEntries(
        of directory: borrowing PathDescriptor, _ cursor: PatternCursor, _ rights: FileRights, depth: Int
    ) {
        guard depth < Self.maximumDepth,
            let entries = try? directory.entries(limit: LandlockRecipe.maximumEntries - entryCount)
        else {
            // Fail closed: what is in it is not known.
            unknown.formUnion(rights)
            return
        }
        entryCount += entries.count
        for entry in entries {
            var child = cursor
            child.advance([UInt8(ascii: "/")])
            child.advance(entry.name)
            guard child.isMatch || child.reachesBeneath, entry.type != DT_LNK else { continue }
            do throws(LandlockError) {
                visit(try directory.child(entry.name), child, rights, depth: depth + 1)
            } catch {
                notOpened(error, rights)
            }
        }
    }

    private mutating func notOpened(_ error: LandlockError, _ rights: FileRights) {
        switch error.code {
        // Gone, or for the command no more than for this process; what is behind a link has another path.
        case ENOENT, ENOTDIR, EACCES, ELOOP: break
        // Fail closed: no descriptor left, for one, says nothing of the file.
        default: unknown.formUnion(rights)
        }
    }
}
