internal import Synchronization

/// Includes that were decoded and of which nothing was to be said: ten policies that include one file read it once.
///
/// What a file says depends on its path, its bytes and whether it may use variables, and on nothing else of a loader.
final class DecodedIncludes: Sendable {
    struct Key: Hashable {
        var path: String
        var bytes: [UInt8]
        var mayUseVariables: Bool
    }

    struct Decoded {
        var policy: Policy
        /// How many results its patterns were expanded to.
        var expansions: Int
    }

    private let known = Mutex<[Key: Decoded]>([:])

    subscript(key: Key) -> Decoded? {
        get { known.withLock { $0[key] } }
        set { known.withLock { $0[key] = newValue } }
    }
}
