/// What the filter does with what it denies.
public enum FilterFlavor: Hashable, Sendable {
    /// The error is given in the kernel, and nobody is told: `--exec-only`, and a run inside a run. Layers in
    /// complain mode do nothing.
    case errno
    /// Denied calls wait for the supervisor, which reports them and gives the error. Answered at once are kills,
    /// ENOSYS for what is hidden from the caller, denials that are not to be reported, and the calls of
    /// `NeverNotified`. In complain mode, and where a rule's grants are to be reported (`log: true`), the
    /// supervisor lets the call go on.
    ///
    /// `observing` names calls that always go to the supervisor, denied or not, for `--explain` and
    /// `--complain`.
    case notify(observing: Set<String> = [])

    /// Those of `names` that can be observed: the others would hang programs when they are taken back.
    public static func observable(_ names: some Sequence<String>) -> Set<String> {
        Set(names).filter { !NeverNotified.names.contains($0) || NeverNotified.observable.contains($0) }
    }

    /// The calls that always go to the supervisor.
    var observed: Set<String> {
        switch self {
        case .errno: []
        case .notify(let names): names
        }
    }
}

/// Why there is no filter.
public enum FilterError: Error, Hashable, CustomStringConvertible {
    /// The kernel takes 4,096 instructions (`BPF_MAXINSNS`); `blame` says what needs most of them.
    case tooLong(blame: String)
    /// A call that hangs programs when it is taken back by a signal is asked to be observed.
    case cannotObserve(String)
    /// No policy to make a filter from.
    case empty
    /// The ABI that the command is started by is not allowed by every policy.
    case noABI

    public var description: String {
        switch self {
        case .tooLong(let blame):
            "cannot make the filter: the kernel takes 4096 instructions, and more are needed; most by \(blame)"
        case .cannotObserve(let name):
            "cannot observe '\(name)': a program whose call is taken back would hang"
        case .empty: "cannot make the filter: no policy"
        case .noABI:
            "cannot make the filter: not every policy allows the native ABI, by which the command is started"
        }
    }
}
