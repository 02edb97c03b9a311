public import Policy

/// As the interface's file says them, both ways: a test holds them against it.
///
/// Reading gives nil where a member is missing or is of another type.

extension AgentStatus {
    public var json: JSON {
        [
            "version": .string(version), "pid": .int(pid), "since": .string(since),
            "generation": .int(generation), "changed": .string(changed), "extent": .string(extent.rawValue),
            "policies": .int(policies), "refused": .int(refused), "unwritten": .int(unwritten),
            "counts": counts.json, "kernel": .string(kernel), "facts": .array(facts.map(\.json)),
        ]
    }

    init?(_ json: JSON) {
        guard let version = json["version"]?.stringValue, let pid = json["pid"]?.intValue,
            let since = json["since"]?.stringValue, let generation = json["generation"]?.intValue,
            let changed = json["changed"]?.stringValue,
            let extent = json["extent"]?.stringValue.flatMap(EnforcedExtent.init(rawValue:)),
            let policies = json["policies"]?.intValue, let refused = json["refused"]?.intValue,
            let unwritten = json["unwritten"]?.intValue,
            let counts = json["counts"].flatMap(EventCounts.init),
            let kernel = json["kernel"]?.stringValue, let facts = json["facts"]?.all(KernelFact.init)
        else { return nil }
        self.init(
            version: version, pid: pid, since: since, generation: generation, changed: changed,
            extent: extent, policies: policies, refused: refused, unwritten: unwritten, counts: counts,
            kernel: kernel, facts: facts)
    }
}

extension EventCounts {
    public var json: JSON {
        .object(
            Self.fields.map { ($0, .int(self[keyPath: $1])) }
                + [("dropped", .object(Self.causes.map { ($0, .int(self[keyPath: $1])) }))])
    }

    init?(_ json: JSON) {
        self.init()
        for (name, field) in Self.fields {
            guard let value = json[name]?.intValue else { return nil }
            self[keyPath: field] = value
        }
        for (name, cause) in Self.causes {
            guard let value = json["dropped"]?[name]?.intValue else { return nil }
            self[keyPath: cause] = value
        }
    }
}

extension KernelFact {
    var json: JSON { ["name": .string(name), "text": .string(text)] }

    init?(_ json: JSON) {
        guard let name = json["name"]?.stringValue, let text = json["text"]?.stringValue else { return nil }
        self.init(name: name, text: text)
    }
}

extension PolicyStatus.Section {
    var json: JSON {
        [
            "name": .string(name), "extent": .string(extent.rawValue),
            "gaps": .array(gaps.map { .string($0) }),
        ]
    }

    init?(_ json: JSON) {
        guard let name = json["name"]?.stringValue,
            let extent = json["extent"]?.stringValue.flatMap(EnforcedExtent.init(rawValue:)),
            let gaps = json["gaps"]?.all(\.stringValue)
        else { return nil }
        self.init(name: name, extent: extent, gaps: gaps)
    }
}

extension PolicyStatus {
    public var json: JSON {
        .object(
            [
                ("name", .string(name)), ("file", .string(file)),
                ("mode", .string(complains ? "complain" : "enforce")), ("digest", .string(digest)),
            ] + (owner.map { [("owner", .int($0))] } ?? []) + [
                ("extent", .string(extent.rawValue)), ("sections", .array(sections.map(\.json))),
                ("counts", counts.json),
            ])
    }

    init?(_ json: JSON) {
        guard let name = json["name"]?.stringValue, let file = json["file"]?.stringValue,
            let mode = json["mode"]?.stringValue, let digest = json["digest"]?.stringValue,
            let sections = json["sections"]?.all(Section.init),
            let counts = json["counts"].flatMap(EventCounts.init)
        else { return nil }
        self.init(
            name: name, file: file, complains: mode == "complain", digest: digest,
            owner: json["owner"]?.intValue, sections: sections, counts: counts)
    }
}

extension ConfinedProcess {
    public var json: JSON {
        [
            "pid": .int(pid), "start": .int(start), "threads": .int(threads), "comm": .string(comm),
            "exe": JSON(exe), "uid": .int(uid), "user": JSON(user), "cgroup": JSON(cgroup),
            "container": JSON(container), "policies": .array(policies.map { .string($0) }),
        ]
    }

    init?(_ json: JSON) {
        guard let pid = json["pid"]?.intValue, let start = json["start"]?.intValue,
            let threads = json["threads"]?.intValue, let comm = json["comm"]?.stringValue,
            let uid = json["uid"]?.intValue, let policies = json["policies"]?.all(\.stringValue)
        else { return nil }
        self.init(
            pid: pid, start: start, threads: threads, comm: comm, exe: json["exe"]?.stringValue, uid: uid,
            user: json["user"]?.stringValue, cgroup: json["cgroup"]?.stringValue,
            container: json["container"]?.stringValue, policies: policies)
    }
}

extension JSON {
    /// Every item of a list; nil: it is none, or one of them is not what it should be.
    func all<Value>(_ read: (JSON) -> Value?) -> [Value]? {
        guard let items else { return nil }
        let values = items.compactMap(read)
        return values.count == items.count ? values : nil
    }
}
