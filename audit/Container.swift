/// The container that a process is in, as far as its cgroup tells.
///
/// The outermost counts: what stands beneath it is what the container itself calls its groups, and can be anything.
public enum Container {
    /// How runtimes begin the name of a container's scope (systemd's cgroup driver); its id follows, of 64 hexadecimal digits.
    private static let scopes = [
        "docker-", "libpod-", "cri-containerd-", "crio-", "nerdctl-", "libpod-payload-",
    ]
    /// The directories that have names of containers beneath them.
    private static let parents = ["lxc", "lxc.payload"]

    private static let idSize = 64

    /// The id that its runtime gave it, or the name of a machine (systemd-nspawn, LXC); nil: the cgroup is none of a
    /// container's.
    ///
    /// - Parameter cgroup: An absolute path in the unified hierarchy.
    public static func id(ofCgroup cgroup: [UInt8]) -> [UInt8]? {
        var parent: ArraySlice<UInt8> = []
        for name in cgroup.split(separator: UInt8(ascii: "/")) {
            if let id = id(of: name, beneath: parent) { return Array(id) }
            parent = name
        }
        return nil
    }

    private static func id(of name: ArraySlice<UInt8>, beneath parent: ArraySlice<UInt8>) -> [UInt8]? {
        // By cgroupfs: /docker/ID, /kubepods/burstable/podUID/ID; with the driver of the wrong kind, SLICE:docker:ID.
        let last = name.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last ?? name
        if isID(last) { return Array(last) }
        let unit = stem(of: name, ".scope")
        for prefix in scopes {
            if let id = rest(of: unit ?? name, prefix), isID(id) { return Array(id) }
        }
        if let unit, let machine = rest(of: unit, "machine-") { return unescaped(machine) }
        if let unit = stem(of: name, ".service"), let machine = rest(of: unit, "systemd-nspawn@") {
            return unescaped(machine)
        }
        if let machine = rest(of: name, "lxc.payload.") { return Array(machine) }
        return parents.contains { parent.elementsEqual($0.utf8) } ? Array(name) : nil
    }

    private static func isID(_ text: ArraySlice<UInt8>) -> Bool {
        text.count == idSize && text.allSatisfy { digit($0) != nil }
    }

    /// The value of a digit as ids have them: lower case.
    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// What is in front of `suffix`; nil: nothing is, or something else ends the name.
    private static func stem(of name: ArraySlice<UInt8>, _ suffix: String) -> ArraySlice<UInt8>? {
        let count = suffix.utf8.count
        return name.count > count && name.suffix(count).elementsEqual(suffix.utf8)
            ? name.dropLast(count) : nil
    }

    /// What is behind `prefix`; nil: nothing is, or something else begins the name.
    private static func rest(of name: ArraySlice<UInt8>, _ prefix: String) -> ArraySlice<UInt8>? {
        name.count > prefix.utf8.count && name.starts(with: prefix.utf8)
            ? name.dropFirst(prefix.utf8.count) : nil
    }

    /// A name that is part of a unit's: `\x2d` stands for `-` (systemd.unit(5)).
    private static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = name
        while let byte = rest.popFirst() {
            let digits = rest.dropFirst().prefix(2).compactMap { digit($0) }
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"), digits.count == 2 {
                bytes.append(digits[0] << 4 | digits[1])
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}

extension ProcessIdentity {
    /// The container that it is in; nil: its cgroup tells of none.
    public var container: [UInt8]? { cgroup.flatMap { Container.id(ofCgroup: $0) } }
}
