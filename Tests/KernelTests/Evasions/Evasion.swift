import Testing

/// One way round a policy: what it tries, and what must stop it.
struct Evasion: Sendable, CustomTestStringConvertible {
    let name: String
    /// What it goes round, in a few words.
    let tries: String
    /// A script for sh that prepares as root and ends with `exec $attack …`: the attempt, confined or not.
    ///
    /// It runs in `EvasionStage.root`, whose `w` directories and `elsewhere` are made anew for it.
    let script: String
    /// The action of the first event, as the audit log calls it.
    let action: String
    /// The rule that the event names.
    let rule: String
    /// What the attempt ends with.
    let errno: StoppedBy

    /// The errno that stops an attempt: of most denials one of the first three.
    enum StoppedBy: Int32, Sendable {
        case permission = 1  // EPERM
        case access = 13  // EACCES
        case otherDevice = 18  // EXDEV
        case loader = 127  // what the loader ends with
        case noMessage = 42  // ENOMSG: a descriptor that did not come
    }

    init(
        _ name: String, _ tries: String, _ script: String, _ action: String, _ rule: String,
        _ errno: StoppedBy = .access
    ) {
        self.name = name
        self.tries = tries
        self.script = script
        self.action = action
        self.rule = rule
        self.errno = errno
    }

    /// Whether the script mounts: then it runs in a mount namespace of its own.
    var mounts: Bool { script.contains("mount ") }

    var testDescription: String { name }

    static let all = names + otherNames + detours + code + processes + sockets
}
